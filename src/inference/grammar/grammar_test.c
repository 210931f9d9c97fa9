/* grammar_test.c - building grammars and what they match. */
#include "base/test_support.h"

#include "inference/grammar/grammar_testing.h"
#include "inference/grammar/reference.h"

static void test_choice_of_literals(void **state)
{
    struct grammar *g;
    struct fault fault = {0};
    assert_ok(grammar_new(&g, &fault), &fault);
    grammar_part yes = grammar_literal(g, TEXT("yes")), no = grammar_literal(g, TEXT("no"));
    grammar_set_root(g, grammar_choice(g, (grammar_part[]){yes, no}, 2));
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_true(grammar_matches(g, TEXT("yes")));
    assert_true(grammar_matches(g, TEXT("no")));
    assert_false(grammar_matches(g, TEXT("n")));
    assert_false(grammar_matches(g, TEXT("yesno")));
    grammar_free(g);
}

static void test_recursion(void **state)
{
    struct grammar *g;
    struct fault fault = {0};
    assert_ok(grammar_new(&g, &fault), &fault);
    grammar_part nest = grammar_rule(g);
    grammar_part digit = grammar_class(g, (uint32_t[]){'0', '9'}, 1, false);
    grammar_part inner = grammar_choice(g, (grammar_part[]){nest, digit}, 2);
    grammar_rule_set(g, nest,
                     grammar_sequence(g,
                                      (grammar_part[]){grammar_literal(g, TEXT("[")),
                                                       grammar_repeat(g, inner, 0, 3),
                                                       grammar_literal(g, TEXT("]"))},
                                      3));
    grammar_set_root(g, nest);
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_true(grammar_matches(g, TEXT("[1[2[]]3]")));
    assert_true(grammar_matches(g, TEXT("[]")));
    assert_false(grammar_matches(g, TEXT("[1234]")));
    assert_false(grammar_matches(g, TEXT("[1[2]")));
    grammar_free(g);
}

/* Chance grammars against the reference, on chance texts and all their beginnings. */
static void test_equals_reference(void **state)
{
    uint64_t seed = 20261120;
    unsigned finished = 0, accepted = 0, tried = 0;
    for (unsigned round = 0; round < 4000; round++) {
        struct grammar *g;
        struct fault fault = {0};
        assert_ok(grammar_new(&g, &fault), &fault);
        testing_build(g, &seed);
        enum status status = grammar_finish(g, &fault);
        if (status != OK) {
            if (status != STATUS_INVALID && status != STATUS_UNSUPPORTED &&
                status != STATUS_TOO_LARGE)
                fail_msg("round %u: %s", round, fault.message);
            assert_true(fault.message[0]);
        }
        for (unsigned i = 0; status == OK && i < 12; i++) {
            char bytes[16];
            bool accepts[17];
            struct text text = {bytes, testing_text(bytes, 14, &seed)};
            reference_match(g, text, accepts);
            for (size_t n = 0; n <= text.length; n++) {
                bool matches = grammar_matches(g, text_slice(text, 0, n));
                if (matches != accepts[n])
                    fail_msg("round %u: '%.*s' %s", round, (int)n, bytes,
                             matches ? "matches and should not" : "does not match and should");
                accepted += matches;
                tried++;
            }
        }
        finished += status == OK;
        grammar_free(g);
    }
    print_message("%u grammars, %u of %u texts accepted\n", finished, accepted, tried);
    assert_true(finished > 2000 && accepted > tried / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice_of_literals),
        cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_equals_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
