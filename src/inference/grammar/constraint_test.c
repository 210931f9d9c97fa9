/* constraint_test.c - masks, matchers and going back, against trying every token byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"

#include "inference/grammar/constraint_private.h"
#include "inference/grammar/grammar_testing.h"
#include "inference/grammar/reference.h"

enum { VOCABULARY = 100, LETTERS = 8, END_TOKENS = 2, TOKEN_BYTES = 8 };

/* The letters' bytes, end tokens, tokens without text, and chance texts, some of them twice. */
static struct token_trie *make_vocabulary(uint64_t *seed, char (*bytes)[TOKEN_BYTES])
{
    static const char SINGLE[LETTERS + 1] = "abcd\xC3\xA9\xE2\x82";
    struct text texts[VOCABULARY];
    bool is_end[VOCABULARY] = {false};
    struct token_trie *trie;
    struct fault fault = {0};
    for (uint32_t i = 0; i < VOCABULARY; i++) {
        texts[i] = (struct text){bytes[i], testing_text(bytes[i], 1 + i % TOKEN_BYTES, seed)};
        if (i < LETTERS) {
            bytes[i][0] = SINGLE[i];
            texts[i].length = 1;
        }
        is_end[i] = i >= LETTERS && i < LETTERS + END_TOKENS;
        if (is_end[i]) texts[i].length = 0;
    }
    assert_ok(token_trie_make(&trie, texts, is_end, VOCABULARY, &fault), &fault);
    return trie;
}

/* Is there a text of the grammar that begins so? And is it one? *let_go: perhaps another reading.
 */
static bool begins(const struct grammar *grammar, struct text text, bool *can_end, bool *let_go)
{
    struct stacks stacks;
    assert_true(stacks_init(&stacks, grammar->automaton));
    struct position at = stacks_start(&stacks, 0);
    for (size_t i = 0; i < text.length && !position_is_dead(at); i++)
        at = stacks_step(&stacks, at, (unsigned char)text.data[i], at.first == 0 ? STACKS_MAX : 0);
    *let_go |= stacks.let_go;
    *can_end = at.can_end;
    stacks_deinit(&stacks);
    return !position_is_dead(at);
}

/* The mask says of every token what trying it says, and so does accepting it. Returns a chance
 * token that fits, or -1: none, or the grammar is so ambiguous that trying says nothing. */
static int32_t check_mask(struct matcher *matcher, struct constraint *constraint,
                          const struct grammar *grammar, const struct buffer *written,
                          uint64_t *seed)
{
    uint64_t mask[(VOCABULARY + 63) / 64];
    struct fault fault = {0};
    bool can_end, ignored, let_go = false;
    int32_t chosen = -1;
    uint32_t fitting = 0, position = matcher_position(matcher);
    enum status status = matcher_mask(matcher, mask, &fault);
    assert_ok(status, &fault); /* every byte has a token: there is no dead end */
    (void)begins(grammar, buffer_text(written), &can_end, &let_go);
    for (int32_t token = 0; token < VOCABULARY; token++) {
        struct text t = token_trie_text(constraint->trie, token);
        struct buffer longer;
        buffer_init(&longer);
        buffer_append_text(&longer, buffer_text(written));
        buffer_append_text(&longer, t);
        bool is_end = constraint->trie->is_end[token];
        bool fits = is_end ? can_end
                           : t.length && begins(constraint->grammar, buffer_text(&longer), &ignored,
                                                &let_go);
        buffer_deinit(&longer);
        if (let_go) return -1;
        if (token_mask_allows(mask, token) != fits)
            fail_msg("token '%.*s' after '%.*s': the mask says %d, not %d", TEXT_FORMAT(t),
                     TEXT_FORMAT(buffer_text(written)), !fits, fits);
        assert_int_equal(matcher_accept(matcher, token), fits);
        assert_int_equal(matcher_position(matcher), position + (fits && !is_end));
        matcher_rewind(matcher, position);
        if (fits && !is_end && testing_random(seed, ++fitting) == 0) chosen = token;
    }
    assert_true(chosen >= 0 || can_end);
    assert_int_equal(matcher_is_complete(matcher), can_end && chosen < 0);
    return chosen;
}

/* A matcher that went back is as one that never was further. */
static void check_rewind(struct matcher *matcher, struct constraint *constraint,
                         const int32_t *tokens, uint64_t *seed)
{
    uint64_t mask[(VOCABULARY + 63) / 64], fresh_mask[(VOCABULARY + 63) / 64];
    struct matcher *fresh;
    struct fault fault = {0};
    uint32_t end = matcher_position(matcher);
    uint32_t back = end < MATCHER_REWIND_MAX ? end : MATCHER_REWIND_MAX;
    uint32_t to = end - testing_random(seed, back + 1);
    assert_ok(matcher_new(&fresh, constraint, &fault), &fault);
    for (uint32_t i = 0; i < to; i++) assert_true(matcher_accept(fresh, tokens[i]));
    matcher_rewind(matcher, to);
    for (uint32_t i = to;; i++) {
        enum status status = matcher_mask(matcher, mask, &fault);
        assert_int_equal(status, matcher_mask(fresh, fresh_mask, &fault));
        if (status == OK) assert_memory_equal(mask, fresh_mask, sizeof mask);
        if (i == end) break;
        assert_true(matcher_accept(matcher, tokens[i]));
        assert_true(matcher_accept(fresh, tokens[i]));
    }
    matcher_free(fresh);
}

/* `grammar` is the same as the constraint's, but does not know which bytes the vocabulary lacks. */
static uint32_t write_answer(struct constraint *constraint, const struct grammar *grammar,
                             uint64_t *seed)
{
    int32_t tokens[24];
    struct matcher *matcher;
    struct buffer written;
    struct fault fault = {0};
    uint32_t count = 0;
    buffer_init(&written);
    assert_ok(matcher_new(&matcher, constraint, &fault), &fault);
    while (count < ARRAY_COUNT(tokens)) {
        int32_t token = check_mask(matcher, constraint, grammar, &written, seed);
        if (token < 0) break;
        assert_true(matcher_accept(matcher, token));
        tokens[count++] = token;
        buffer_append_text(&written, token_trie_text(constraint->trie, token));
        if (testing_random(seed, 8) == 0) check_rewind(matcher, constraint, tokens, seed);
    }
    buffer_deinit(&written);
    matcher_free(matcher);
    return count;
}

/* A chance grammar, finished; NULL when it is refused. */
static struct grammar *make_grammar(uint64_t *seed)
{
    struct grammar *g;
    struct fault fault = {0};
    assert_ok(grammar_new(&g, &fault), &fault);
    testing_build(g, seed);
    if (grammar_finish(g, &fault) == OK) return g;
    grammar_free(g);
    return NULL;
}

static void test_masks_equal_trying(void **state)
{
    uint64_t seed = 7;
    unsigned constraints = 0, unwritable = 0, tokens = 0;
    for (unsigned round = 0; round < 600; round++) {
        char bytes[VOCABULARY][TOKEN_BYTES];
        uint64_t same_seed = seed;
        struct constraint *constraint;
        struct fault fault = {0};
        struct grammar *g = make_grammar(&seed), *same = make_grammar(&same_seed);
        if (!g) continue;
        struct token_trie *trie = make_vocabulary(&seed, bytes);
        enum status status = constraint_new(&constraint, g, trie, &fault);
        if (status == OK) {
            if (seed & 1) constraint_warm(constraint, NULL);
            for (int i = 0; i < 3; i++) tokens += write_answer(constraint, same, &seed);
            constraint_release(constraint);
            constraints++;
        } else {
            assert_int_equal(status, STATUS_UNSUPPORTED);
            unwritable++;
        }
        token_trie_free(trie);
        grammar_free(same);
    }
    print_message("%u constraints, %u tokens; %u cannot be written\n", constraints, tokens,
                  unwritable);
    assert_true(constraints > 300 && tokens > 3000);
}

/* ---- single cases ---- */

struct given {
    struct token_trie *trie;
    struct constraint *constraint;
    struct matcher *matcher;
};

enum { BYTE_TOKENS = 257, PAIR_TOKEN = BYTE_TOKENS };

/* A token for each byte, one that ends the answer, and "1,". */
static struct token_trie *make_bytes(void)
{
    static char bytes[256];
    struct text texts[BYTE_TOKENS + 1] = {[PAIR_TOKEN] = TEXT("1,")};
    bool is_end[BYTE_TOKENS + 1] = {[256] = true};
    struct token_trie *trie;
    struct fault fault = {0};
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
        texts[i] = (struct text){&bytes[i], 1};
    }
    assert_ok(token_trie_make(&trie, texts, is_end, BYTE_TOKENS + 1, &fault), &fault);
    return trie;
}

static struct given open_gbnf(const char *source)
{
    struct given given = {.trie = make_bytes()};
    struct grammar *g;
    struct fault fault = {0};
    grammar_part root;
    assert_ok(grammar_new(&g, &fault), &fault);
    assert_ok(grammar_add_gbnf(g, text_of(source), &root, &fault), &fault);
    grammar_set_root(g, root);
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_ok(constraint_new(&given.constraint, g, given.trie, &fault), &fault);
    assert_ok(matcher_new(&given.matcher, given.constraint, &fault), &fault);
    return given;
}

static void close_given(struct given *given)
{
    matcher_free(given->matcher);
    constraint_release(given->constraint);
    token_trie_free(given->trie);
}

/* The bytes that may come next, and '$' for the end. */
static const char *next_bytes(struct matcher *matcher)
{
    static char found[BYTE_TOKENS + 1];
    uint64_t mask[(BYTE_TOKENS + 63) / 64];
    struct fault fault = {0};
    size_t count = 0;
    assert_ok(matcher_mask(matcher, mask, &fault), &fault);
    for (int32_t token = 0; token < BYTE_TOKENS; token++)
        if (token_mask_allows(mask, token)) found[count++] = token == 256 ? '$' : (char)token;
    found[count] = '\0';
    return found;
}

static void accept_all(struct matcher *matcher, const char *text)
{
    for (; *text; text++) assert_true(matcher_accept(matcher, (unsigned char)*text));
}

/* Counts are exact at both bounds, through frames too. */
static void test_counts(void **state)
{
    struct given given = open_gbnf("root ::= \"<\" ([a-y]){70,200} \">\"");
    accept_all(given.matcher, "<");
    for (int i = 0; i < 200; i++) {
        const char *wanted = i < 70 ? "abcdefghijklmnopqrstuvwxy" : ">abcdefghijklmnopqrstuvwxy";
        assert_string_equal(next_bytes(given.matcher), wanted);
        accept_all(given.matcher, "x");
    }
    assert_string_equal(next_bytes(given.matcher), ">");
    accept_all(given.matcher, ">");
    assert_string_equal(next_bytes(given.matcher), "$");
    assert_true(matcher_is_complete(given.matcher));
    close_given(&given);
    /* A token that ends a round and leaves fits only after the least number of them. */
    given = open_gbnf("root ::= (\"a{1\"){30,40} \",\"");
    for (int i = 1; i <= 40; i++) {
        uint64_t mask[(BYTE_TOKENS + 64) / 64];
        accept_all(given.matcher, "a{");
        assert_int_equal(matcher_mask(given.matcher, mask, NULL), OK);
        assert_int_equal(token_mask_allows(mask, PAIR_TOKEN), i >= 30);
        accept_all(given.matcher, "1");
    }
    close_given(&given);
    given = open_gbnf("root ::= item{2,90}\nitem ::= \"(\" (item | \"x\")* \")\"");
    accept_all(given.matcher, "(x(x))");
    assert_string_equal(next_bytes(given.matcher), "(");
    for (int i = 1; i < 90; i++) accept_all(given.matcher, "()");
    assert_string_equal(next_bytes(given.matcher), "$");
    close_given(&given);
}

/* Frames nobody needs are swept: a long flat text takes no more memory than a short one; a deep one
 * takes what it needs, and comes back out of it. */
static void test_depth(void **state)
{
    struct given given = open_gbnf("root ::= list\nlist ::= \"[\" (list (\",\" list)*)? \"]\"");
    accept_all(given.matcher, "[[]");
    for (int i = 0; i < 20000; i++) accept_all(given.matcher, ",[]");
    assert_string_equal(next_bytes(given.matcher), ",]");
    uint32_t mark = matcher_position(given.matcher);
    accept_all(given.matcher, ",");
    for (int i = 0; i < 50000; i++) accept_all(given.matcher, "[");
    for (int i = 0; i < 50000; i++) accept_all(given.matcher, "]");
    accept_all(given.matcher, "]");
    assert_true(matcher_is_complete(given.matcher));
    assert_false(matcher_accept(given.matcher, ']'));
    assert_int_equal(matcher_position(given.matcher), mark + 100002);
    matcher_rewind(given.matcher, mark + 100002 - MATCHER_REWIND_MAX);
    assert_string_equal(next_bytes(given.matcher), ",]");
    close_given(&given);
}

/* Far more readings than are followed: what the mask allows is taken all the same, and the answer
 * can be ended. */
static void test_too_many_readings(void **state)
{
    uint64_t seed = 11;
    struct given given = open_gbnf(
        "root ::= s\ns ::= \"a\" s \"b\"? | \"a\" s{2,90} \"c\" | \"a\" "
        "(\"a\" s?){3,70} | \"a\"\n");
    for (int i = 0; i < 300; i++) {
        const char *next = next_bytes(given.matcher);
        size_t count = strcspn(next, "$");
        if (count == 0) break;
        assert_true(matcher_accept(given.matcher, next[testing_random(&seed, (uint32_t)count)]));
    }
    close_given(&given);
}

/* Where only longer tokens hold a byte, a text can come to where no token goes on: that is said. */
static void test_dead_end(void **state)
{
    const struct text texts[] = {TEXT("a"), TEXT("bc"), {NULL, 0}};
    const bool is_end[] = {false, false, true};
    struct token_trie *trie;
    struct grammar *g;
    struct constraint *constraint;
    struct matcher *matcher;
    uint64_t mask[1];
    struct fault fault = {0};
    assert_ok(token_trie_make(&trie, texts, is_end, 3, &fault), &fault);
    assert_ok(grammar_new(&g, &fault), &fault);
    grammar_part ways[] = {grammar_literal(g, TEXT("ab")), grammar_literal(g, TEXT("bcd"))};
    grammar_set_root(g, grammar_choice(g, ways, 2));
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_ok(constraint_new(&constraint, g, trie, &fault), &fault);
    assert_ok(matcher_new(&matcher, constraint, &fault), &fault);
    assert_ok(matcher_mask(matcher, mask, &fault), &fault);
    assert_int_equal(mask[0], 1); /* not "bc": no token has a 'd' */
    assert_true(matcher_accept(matcher, 0));
    assert_status(matcher_mask(matcher, mask, &fault), STATUS_UNSUPPORTED);
    assert_contains(fault.message, "no token");
    matcher_free(matcher);
    constraint_release(constraint);
    assert_ok(grammar_new(&g, &fault), &fault);
    grammar_set_root(g, grammar_literal(g, TEXT("xyz")));
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_status(constraint_new(&constraint, g, trie, &fault), STATUS_UNSUPPORTED);
    token_trie_free(trie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_equal_trying),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_too_many_readings),
        cmocka_unit_test(test_dead_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
