/* constraint_memory_test.c - each allocation fails in turn: a fault that says so, and no leak
 * (under AddressSanitizer nothing fails, and leaks show). */
#include <stdlib.h>
#include <string.h>

#include "base/test_failing_malloc.h"

#include "inference/grammar/token_trie.h"

static const char SOURCE[] =
    "root ::= \"{\" item{2,90} \"}\" | text{0,300} \";\"\n"
    "item ::= \"(\" (item | text) \")\" | [0-9]+\n"
    "text ::= [a-f] | \"\\\\\" .\n";
static const char ANSWER[] = "{(a)12(((b)))3}";

enum { TOKENS = 257 };

static enum status make_trie(struct token_trie **trie, struct fault *fault)
{
    static char bytes[256];
    struct text texts[TOKENS] = {{NULL, 0}};
    bool is_end[TOKENS] = {[256] = true};
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
        texts[i] = (struct text){&bytes[i], 1};
    }
    return token_trie_make(trie, texts, is_end, TOKENS, fault);
}

static enum status make_grammar(struct grammar **g, struct fault *fault)
{
    enum status status;
    grammar_part parts[3];
    TRY(grammar_new(g, fault));
    TRY_DONE(grammar_add_gbnf(*g, text_of(SOURCE), &parts[0], fault));
    TRY_DONE(grammar_add_regex(*g, TEXT("x[^y]{3,99}|\\d+"), &parts[1], fault));
    parts[2] = grammar_text_without(*g, TEXT("{"));
    grammar_set_root(*g, grammar_choice(*g, parts, 3));
    TRY_DONE(grammar_finish(*g, fault));
done:
    if (status != OK) grammar_free(*g);
    return status;
}

/* Write the answer; *complete when every token was taken. */
static enum status write_answer(struct constraint *constraint, bool *complete, struct fault *fault)
{
    struct matcher *matcher;
    enum status status;
    uint64_t mask[(TOKENS + 63) / 64];
    TRY(matcher_new(&matcher, constraint, fault));
    for (const char *c = ANSWER; *c; c++) {
        TRY_DONE(matcher_mask(matcher, mask, fault));
        assert_true(token_mask_allows(mask, (unsigned char)*c));
        if (!matcher_accept(matcher, (unsigned char)*c)) goto done; /* no memory; it may say so */
    }
    TRY_DONE(matcher_mask(matcher, mask, fault));
    assert_true(token_mask_allows(mask, 256));
    *complete = true;
done:
    matcher_free(matcher);
    return status;
}

static enum status attempt(bool *complete, struct fault *fault)
{
    struct token_trie *trie;
    struct grammar *g;
    struct constraint *constraint;
    *complete = false;
    TRY(make_trie(&trie, fault));
    enum status status = make_grammar(&g, fault);
    if (status == OK) status = constraint_new(&constraint, g, trie, fault);
    if (status == OK) {
        constraint_warm(constraint, NULL);
        status = write_answer(constraint, complete, fault);
        constraint_release(constraint);
    }
    token_trie_free(trie);
    return status;
}

#ifndef SANITIZED
static void torture_all(bool goes_on)
{
    struct fault fault = {0};
    bool complete;
    malloc_torture(TORTURE_TEST_THREAD, -1, false);
    assert_ok(attempt(&complete, &fault), &fault);
    int allocations = malloc_relent();
    assert_true(complete && allocations > 100);
    for (int i = 0; i < allocations; i++) {
        fault = (struct fault){0};
        malloc_torture(TORTURE_TEST_THREAD, i, goes_on);
        enum status status = attempt(&complete, &fault);
        (void)malloc_relent();
        if (status != OK && status != STATUS_NO_MEMORY)
            fail_msg("allocation %d: %s: %s", i, status_name(status), fault.message);
        if (status == STATUS_NO_MEMORY) assert_contains(fault.message, "memory");
        if (goes_on) assert_false(complete && i < allocations / 2);
    }
}
#endif

static void test_each_allocation_fails(void **state)
{
#ifdef SANITIZED
    struct fault fault = {0};
    bool complete;
    assert_ok(attempt(&complete, &fault), &fault);
    assert_true(complete);
#else
    torture_all(false);
    torture_all(true);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
