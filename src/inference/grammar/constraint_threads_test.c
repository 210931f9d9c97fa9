/* constraint_threads_test.c - one constraint, many threads: all find the same masks as one alone.
 * Meant for ThreadSanitizer. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"

#include "inference/grammar/grammar_testing.h"
#include "inference/grammar/token_trie.h"

enum { TOKENS = 400, THREADS = 4, ANSWERS = 12, ANSWER_TOKENS = 60 };

static const char SOURCE[] =
    "root ::= \"{\" (pair (\",\" pair)*)? \"}\"\n"
    "pair ::= \"\\\"\" [a-f]{1,40} \"\\\":\" value\n"
    "value ::= root | \"[\" (value (\",\" value)*)? \"]\" | "
    "\"\\\"\" ([a-f]{0,90} | value{2,70}) \"\\\"\" | [0-9]+\n";

struct shared {
    struct token_trie *trie;
    struct constraint *constraint;
};

/* The texts of the tokens: bytes, then chance ones of what the grammar is made of. */
static struct token_trie *make_trie(void)
{
    static char bytes[TOKENS][8];
    static const char LETTERS[] = "abcdef\"{}[],:0123";
    struct text texts[TOKENS] = {{NULL, 0}};
    bool is_end[TOKENS] = {[256] = true};
    uint64_t seed = 3;
    struct token_trie *trie;
    struct fault fault = {0};
    for (uint32_t i = 0; i < TOKENS; i++) {
        size_t length = i < 256 ? 1 : 2 + testing_random(&seed, 6);
        for (size_t j = 0; j < length; j++)
            bytes[i][j] = i < 256 ? (char)i : LETTERS[testing_random(&seed, sizeof LETTERS - 1)];
        if (i != 256) texts[i] = (struct text){bytes[i], length};
    }
    assert_ok(token_trie_make(&trie, texts, is_end, TOKENS, &fault), &fault);
    return trie;
}

static struct constraint *make_constraint(struct token_trie *trie)
{
    struct grammar *g;
    struct constraint *constraint;
    struct fault fault = {0};
    grammar_part root;
    assert_ok(grammar_new(&g, &fault), &fault);
    assert_ok(grammar_add_gbnf(g, text_of(SOURCE), &root, &fault), &fault);
    grammar_set_root(g, root);
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_ok(constraint_new(&constraint, g, trie, &fault), &fault);
    return constraint;
}

/* A chance answer; returns a hash of all its masks, 0 when something failed. */
static uint64_t write_answer(struct constraint *constraint, uint64_t seed)
{
    struct matcher *matcher;
    uint64_t mask[(TOKENS + 63) / 64], hash = 14695981039346656037u;
    if (matcher_new(&matcher, constraint, NULL) != OK) return 0;
    for (int i = 0; i < ANSWER_TOKENS; i++) {
        if (matcher_mask(matcher, mask, NULL) != OK) hash = 0;
        for (size_t j = 0; j < ARRAY_COUNT(mask); j++) hash = (hash ^ mask[j]) * 1099511628211u;
        int32_t token = (int32_t)testing_random(&seed, TOKENS);
        while (!token_mask_allows(mask, token)) token = (token + 1) % TOKENS;
        if (!matcher_accept(matcher, token)) hash = 0;
        if (token == 256) break;
    }
    matcher_free(matcher);
    return hash;
}

struct writer {
    struct constraint *constraint;
    uint64_t hashes[ANSWERS];
};

static void *write_answers(void *argument)
{
    struct writer *writer = argument;
    for (unsigned i = 0; i < ANSWERS; i++)
        writer->hashes[i] = write_answer(writer->constraint, 1000 + i);
    constraint_release(writer->constraint);
    return NULL;
}

static void *find_ahead(void *constraint)
{
    constraint_warm(constraint, NULL);
    constraint_release(constraint);
    return NULL;
}

static void test_threads_agree(void **state)
{
    struct token_trie *trie = make_trie();
    struct constraint *alone = make_constraint(trie), *shared = make_constraint(trie);
    struct writer expected = {.constraint = alone}, writers[THREADS];
    pthread_t threads[THREADS], warmer;
    (void)write_answers(&expected);
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.constraint = constraint_share(shared)};
        assert_int_equal(pthread_create(&threads[i], NULL, write_answers, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&warmer, NULL, find_ahead, shared), 0); /* takes it */
    assert_int_equal(pthread_join(warmer, NULL), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < ANSWERS; j++) {
            assert_true(expected.hashes[j] != 0);
            assert_true(writers[i].hashes[j] == expected.hashes[j]);
        }
    token_trie_free(trie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
