/* json_body_test.c - bodies that are strict, and integers beyond 63 bits. */
#include "http/json_body.h"

#include "base/test_support.h"

static void large_integers_are_reals(void **state)
{
    struct fault fault;
    json_t *body;
    double real = 0;
    const char *kept;
    json_int_t integer = 0;
    const char *json =
        "{\"a\": [9223372036854776000], \"b\": -7, \"c\": 9223372036854775807,"
        " \"9223372036854776000\": \"\\\"9223372036854776000\", \"d\": 1.5e3,"
        " \"e\": -123456789012345678901234567890,"
        " \"f\": -9223372036854775808}";
    assert_ok(json_body_parse(text_of(json), &body, &fault), &fault);
    assert_int_equal(json_unpack(body, "{s:[F], s:I, s:s}", "a", &real, "b", &integer,
                                 "9223372036854776000", &kept),
                     0);
    assert_true(real == 9223372036854776000.0);
    assert_int_equal(integer, -7);
    assert_string_equal(kept, "\"9223372036854776000");
    assert_true(json_real_value(json_object_get(body, "e")) == -123456789012345678901234567890.0);
    assert_true(json_real_value(json_object_get(body, "d")) == 1500.0);
    assert_int_equal(json_integer_value(json_object_get(body, "c")), INT64_MAX);
    assert_int_equal(json_integer_value(json_object_get(body, "f")), INT64_MIN);
    json_decref(body);
}

static void what_is_no_json_stays_none(void **state)
{
    static const char *const BROKEN[] = {
        "{\"a\": 9223372036854776000",    "{\"a\": 92233720368547760000x}", "{\"a\": 1e999}",
        "{\"a\": 09223372036854776000}",  "{\"a\": \"9223372036854776000}", "[9223372036854776000]",
        "{\"a\": --9223372036854776000}", "{\"a\": 9223372036854776000}\\",
    };
    for (size_t i = 0; i < ARRAY_COUNT(BROKEN); i++) {
        struct fault fault;
        json_t *body;
        assert_int_equal(json_body_parse(text_of(BROKEN[i]), &body, &fault), STATUS_INVALID);
    }
}

/* JSON allows it: the fault says that we do not. */
static void a_nul_is_refused_by_its_name(void **state)
{
    static const char *const WITH_NUL[] = {"{\"a\": \"x\\u0000y\"}", "{\"\\u0000\": 1}"};
    for (size_t i = 0; i < ARRAY_COUNT(WITH_NUL); i++) {
        struct fault fault;
        json_t *body;
        assert_status(json_body_parse(text_of(WITH_NUL[i]), &body, &fault), STATUS_INVALID);
        assert_contains(fault.message, "line 1 column");
        assert_contains(fault.message, "NUL (\\u0000)");
        assert_null(strstr(fault.message, "not valid JSON"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_integers_are_reals),
        cmocka_unit_test(what_is_no_json_stays_none),
        cmocka_unit_test(a_nul_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
