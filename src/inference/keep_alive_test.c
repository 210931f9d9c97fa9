/* keep_alive_test.c - times as people write them. */
#include "inference/keep_alive.h"

#include "base/test_support.h"

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } ROWS[] = {
        {"5m", 300000},
        {"300", 300000},
        {"0", 0},
        {"-1", KEEP_ALIVE_FOREVER_MS},
        {"-5m", KEEP_ALIVE_FOREVER_MS},
        {"-0", 0},
        {"0s", 0},
        {"1h30m", 5400000},
        {"1.5h", 5400000},
        {"250ms", 250},
        {"2d", 172800000},
        {" 10s ", 10000},
        {".5s", 500},
        {"1m30", -2}, /* a number without its unit */
        {"99999999999999999999h", KEEP_ALIVE_FOREVER_MS},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        int64_t ms = -3;
        struct fault fault = {0};
        enum status status = keep_alive_parse(text_of(ROWS[i].text), &ms, &fault);
        if (ROWS[i].ms == -2) {
            assert_status(status, STATUS_INVALID);
            continue;
        }
        assert_ok(status, &fault);
        assert_int_equal(ms, ROWS[i].ms);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const WORDS[] = {"",    "m",    "5 m",  "five", "5x", "--1", "1..5s", "-",
                                        "1h-", "0x10", "1e3s", ".",    "s5", "5m5", "nan"};
    for (size_t i = 0; i < ARRAY_COUNT(WORDS); i++) {
        int64_t ms;
        struct fault fault = {0};
        assert_status(keep_alive_parse(text_of(WORDS[i]), &ms, &fault), STATUS_INVALID);
        assert_string_equal(fault.param, "keep_alive");
    }
}

static void seconds_are_bounded(void **state)
{
    assert_int_equal(keep_alive_of_seconds(0), 0);
    assert_int_equal(keep_alive_of_seconds(0.25), 250);
    assert_int_equal(keep_alive_of_seconds(-0.5), KEEP_ALIVE_FOREVER_MS);
    assert_int_equal(keep_alive_of_seconds(1e300), KEEP_ALIVE_FOREVER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(seconds_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
