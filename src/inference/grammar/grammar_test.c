/* grammar_test.c - building grammars and what they match. */
#include "base/test_support.h"

#include "inference/grammar/grammar.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice_of_literals),
        cmocka_unit_test(test_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
