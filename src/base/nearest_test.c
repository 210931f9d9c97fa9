/* nearest_test.c - which misspellings are understood. */
#include "base/nearest.h"

#include "base/test_support.h"

static const char *suggest(const char *wanted)
{
    static const char *const WORDS[] = {"a",    "serve",    "run",     "pull",
                                        "list", "quantize", "tokenize"};
    struct nearest nearest;
    nearest_init(&nearest, wanted);
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) nearest_offer(&nearest, WORDS[i]);
    return nearest.best;
}

static void test_slips_are_understood(void **state)
{
    (void)state;
    assert_string_equal(suggest("sevre"), "serve");  /* swapped */
    assert_string_equal(suggest("srve"), "serve");   /* left out */
    assert_string_equal(suggest("serrve"), "serve"); /* doubled */
    assert_string_equal(suggest("lost"), "list");    /* other letter */
    assert_string_equal(suggest("quantise"), "quantize");
    assert_string_equal(suggest("tokenise"), "tokenize");
    assert_string_equal(suggest("rnu"), "run");
    assert_string_equal(suggest("QUANTISE"), "quantize"); /* capitals do not count */
}

static void test_strangers_are_not(void **state)
{
    (void)state;
    assert_null(suggest("xylophone"));
    assert_null(suggest("frobnicate-everything-that-there-is-in-the-world"));
    assert_null(suggest("zz"));
    assert_null(suggest("x"));
    assert_null(suggest(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slips_are_understood),
        cmocka_unit_test(test_strangers_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
