/* mail_retry_test.c - when a letter is tried again, and what replies mean. */
#include "base/test_support.h"
#include "mail/retry.h"

#define MINUTE_US INT64_C(60000000)

static void pauses_grow_and_end(void **state)
{
    int64_t now_us = 1000, last_us = 0, total_us = 0;
    for (int attempts = 1; attempts < MAIL_ATTEMPTS; attempts++) {
        int64_t pause_us = mail_retry_at(MAIL_DEFERRED, attempts, now_us, 0) - now_us;
        assert_true(pause_us > last_us);
        last_us = pause_us;
        total_us += pause_us;
    }
    assert_true(total_us > 15 * 60 * MINUTE_US && total_us < 17 * 60 * MINUTE_US);
    assert_int_equal(mail_retry_at(MAIL_DEFERRED, MAIL_ATTEMPTS, now_us, 0), 0);
    assert_int_equal(mail_retry_at(MAIL_UNREACHABLE, MAIL_ATTEMPTS, now_us, 0), 0);
    assert_int_equal(mail_retry_at(MAIL_DEFERRED, INT64_MAX, now_us, 0), 0);
}

static void what_was_refused_is_not_tried_again(void **state)
{
    assert_int_equal(mail_retry_at(MAIL_REFUSED, 1, 1000, 0), 0);
}

static void who_mends_the_set_up_gets_time(void **state)
{
    assert_int_equal(mail_retry_at(MAIL_MISCONFIGURED, 1, 1000, 0), 1000 + 10 * MINUTE_US);
    assert_int_equal(mail_retry_at(MAIL_MISCONFIGURED, 9, 1000, 0),
                     mail_retry_at(MAIL_DEFERRED, 9, 1000, 0));
}

static void nothing_comes_too_late(void **state)
{
    int64_t next_us = mail_retry_at(MAIL_DEFERRED, 3, 1000, 0);
    assert_int_equal(mail_retry_at(MAIL_DEFERRED, 3, 1000, next_us), 0);
    assert_int_equal(mail_retry_at(MAIL_DEFERRED, 3, 1000, next_us + 1), next_us);
}

static void replies(void **state)
{
    static const struct {
        long code;
        enum mail_outcome outcome;
    } cases[] = {
        {421, MAIL_UNREACHABLE},   {450, MAIL_DEFERRED},      {451, MAIL_DEFERRED},
        {452, MAIL_DEFERRED},      {454, MAIL_UNREACHABLE},   {530, MAIL_MISCONFIGURED},
        {534, MAIL_MISCONFIGURED}, {535, MAIL_MISCONFIGURED}, {538, MAIL_MISCONFIGURED},
        {550, MAIL_REFUSED},       {553, MAIL_REFUSED},       {554, MAIL_REFUSED},
        {0, MAIL_DEFERRED},        {999, MAIL_DEFERRED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(mail_outcome_of_reply(cases[i].code), cases[i].outcome);
}

static void a_server_rests_longer_each_time(void **state)
{
    assert_int_equal(mail_rest_us(0), 0);
    for (unsigned failures = 1; failures < 100; failures++) {
        assert_true(mail_rest_us(failures) >= mail_rest_us(failures - 1));
        assert_true(mail_rest_us(failures) <= MINUTE_US);
    }
    assert_int_equal(mail_rest_us(100), MINUTE_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_and_end),
        cmocka_unit_test(what_was_refused_is_not_tried_again),
        cmocka_unit_test(who_mends_the_set_up_gets_time),
        cmocka_unit_test(nothing_comes_too_late),
        cmocka_unit_test(replies),
        cmocka_unit_test(a_server_rests_longer_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
