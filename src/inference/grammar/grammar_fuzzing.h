/* grammar_fuzzing.h - what the fuzz targets of this folder share: whatever was read, write an
 * answer with it, chosen by the input, and hold what constraint.h promises. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_FUZZING_H
#define LIMINAL_INFERENCE_GRAMMAR_FUZZING_H

#include <assert.h>
#include <string.h>

#include "inference/grammar/token_trie.h"

enum { FUZZING_TOKENS = 300, FUZZING_END = 256 };

/* All bytes, an end, and some pairs and triples that answers often hold. */
static inline struct token_trie *fuzzing_vocabulary(void)
{
    static char bytes[256];
    static const char *const MORE[] = {"ab", "abc", "  ", "\",", "{\"", "aa", "aaaa", "1,", "),"};
    struct text texts[FUZZING_TOKENS] = {{NULL, 0}};
    bool is_end[FUZZING_TOKENS] = {[FUZZING_END] = true};
    struct token_trie *trie;
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
        texts[i] = (struct text){&bytes[i], 1};
    }
    for (size_t i = 0; i < ARRAY_COUNT(MORE); i++) texts[FUZZING_END + 1 + i] = text_of(MORE[i]);
    enum status status = token_trie_make(&trie, texts, is_end, FUZZING_TOKENS, NULL);
    assert(status == OK);
    return trie;
}

/* The allowed token that `choice` points to; FUZZING_END when only the end is. */
static inline int32_t fuzzing_choose(const uint64_t *mask, uint8_t choice)
{
    for (uint32_t i = 0; i < FUZZING_TOKENS; i++) {
        int32_t token = (int32_t)((choice + i) % FUZZING_TOKENS);
        if (token != FUZZING_END && token_mask_allows(mask, token)) return token;
    }
    assert(token_mask_allows(mask, FUZZING_END));
    return FUZZING_END;
}

/* Takes the grammar, whose root is set. */
static inline void fuzzing_write(struct grammar *grammar, const uint8_t *choices, size_t count)
{
    struct fault fault = {0};
    struct constraint *constraint;
    struct matcher *matcher;
    uint64_t mask[(FUZZING_TOKENS + 63) / 64];
    if (grammar_finish(grammar, &fault) != OK) {
        assert(fault.message[0]);
        grammar_free(grammar);
        return;
    }
    struct token_trie *trie = fuzzing_vocabulary();
    enum status status = constraint_new(&constraint, grammar, trie, &fault);
    assert(status == OK); /* every byte has a token */
    constraint_warm(constraint, NULL);
    status = matcher_new(&matcher, constraint, &fault);
    assert(status == OK);
    for (size_t i = 0; i < count && i < 64; i++) {
        status = matcher_mask(matcher, mask, &fault);
        assert(status == OK);
        int32_t token = fuzzing_choose(mask, choices[i]);
        bool is_accepted = matcher_accept(matcher, token);
        assert(is_accepted);
        if (token == FUZZING_END) break;
        if (choices[i] % 7 == 0 && i > 2) matcher_rewind(matcher, matcher_position(matcher) - 1);
    }
    matcher_free(matcher);
    constraint_release(constraint);
    token_trie_free(trie);
}

typedef enum status fuzzing_reader(struct grammar *grammar, struct text source, grammar_part *part,
                                   struct fault *fault);

/* Everything up to the first NUL is read: it is refused with a sentence, or an answer can be
 * written with it; what follows chooses tokens. */
static inline void fuzzing_read(fuzzing_reader *read, const uint8_t *data, size_t size)
{
    struct fault fault = {0};
    struct grammar *grammar;
    grammar_part root;
    const uint8_t *nul = memchr(data, 0, size);
    size_t length = nul ? (size_t)(nul - data) : size;
    if (grammar_new(&grammar, &fault) != OK) return;
    struct text source = {(const char *)data, length};
    if (read(grammar, source, &root, &fault) != OK) {
        assert(fault.message[0]);
        grammar_free(grammar);
        return;
    }
    grammar_set_root(grammar, root);
    fuzzing_write(grammar, data + length, size - length);
}

#endif
