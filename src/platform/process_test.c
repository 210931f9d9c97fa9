/* process_test.c - real programs that succeed, fail, hang and do not exist. */
#include "platform/process.h"

#include <signal.h>

#include "base/test_support.h"
#include "platform/platform.h"

static void exit_codes_and_signals_are_told_apart(void **state)
{
    struct fault fault;
    int code = -1;
    assert_ok(process_run((const char *[]){"true", NULL}, 5000, &code, &fault), &fault);
    assert_int_equal(code, 0);
    assert_ok(process_run((const char *[]){"sh", "-c", "exit 7", NULL}, 5000, &code, &fault),
              &fault);
    assert_int_equal(code, 7);
    assert_ok(process_run((const char *[]){"sh", "-c", "kill -TERM $$", NULL}, 5000, &code, &fault),
              &fault);
    assert_int_equal(code, 128 + SIGTERM);
}

static void a_program_that_hangs_is_killed(void **state)
{
    struct fault fault;
    int code;
    uint64_t start = clock_monotonic_ns();
    assert_status(process_run((const char *[]){"sleep", "60", NULL}, 50, &code, &fault),
                  STATUS_TIMEOUT);
    assert_true(clock_monotonic_ns() - start < 20000000000u);
    assert_contains(fault.message, "sleep");
}

static void a_program_that_is_not_there_is_named(void **state)
{
    struct fault fault;
    int code;
    assert_status(
        process_run((const char *[]){"no-such-program-anywhere", NULL}, 50, &code, &fault),
        STATUS_NOT_FOUND);
    assert_contains(fault.message, "no-such-program-anywhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_and_signals_are_told_apart),
        cmocka_unit_test(a_program_that_hangs_is_killed),
        cmocka_unit_test(a_program_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
