/* moment_test.c - text and back over all years, and days that do not exist. */
#include "base/moment.h"

#include "base/test_support.h"

static int64_t parsed(const char *text)
{
    int64_t us;
    if (!moment_parse(text_of(text), &us)) fail_msg("%s was refused", text);
    return us;
}

static void known_moments(void **state)
{
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-20T09:42:40.123456Z"), 1795167760123456);
    assert_int_equal(parsed("2026-11-20T11:42:40.123456789+02:00"), 1795167760123456);
    assert_int_equal(parsed("2026-11-19T23:42:40.1z"), parsed("2026-11-20t09:42:40.1+10:00"));
    assert_int_equal(parsed("1969-12-31T23:59:59.999999Z"), -1);
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    assert_int_equal(parsed("0001-01-01T00:00:00Z"), MOMENT_FIRST_US);
    assert_int_equal(parsed("9999-12-31T23:59:59.999999Z"), MOMENT_LAST_US);
}

static void text_and_back(void **state)
{
    char text[MOMENT_TEXT_BYTES];
    const int64_t step = 86400000000 * 37 + 12345678901;
    for (int64_t us = MOMENT_FIRST_US; us < MOMENT_LAST_US; us += step) {
        moment_format(us, text);
        assert_int_equal(parsed(text), us);
    }
    moment_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    moment_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    moment_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000000Z");
}

static void refuses_what_does_not_exist(void **state)
{
    static const char *const odd[] = {
        "",
        "2026-11-20",
        "2026-11-20T09:42:40",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00Z ",
        "0000-01-01T00:00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.1234567890Z",
    };
    int64_t us;
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++)
        if (moment_parse(text_of(odd[i]), &us)) fail_msg("%s was taken", odd[i]);
    assert_true(parsed("2000-02-29T00:00:00Z") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_moments),
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(refuses_what_does_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
