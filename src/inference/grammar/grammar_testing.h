/* grammar_testing.h - what the tests of this folder share: random numbers that are the same on
 * every run, and random grammars over few letters, so that chance texts often fit. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_TESTING_H
#define LIMINAL_INFERENCE_GRAMMAR_TESTING_H

#include "inference/grammar/grammar.h"

/* xorshift64* */
static inline uint32_t testing_random(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545F4914F6CDD1Du) >> 32) % below;
}

enum { TESTING_PARTS = 14, TESTING_RULES = 3 };

static inline grammar_part testing_leaf(struct grammar *g, uint64_t *seed)
{
    static const char *const WORDS[] = {"a", "b", "ab", "ba", "aab", "c", "\xC3\xA9"};
    static const char *const MARKS[] = {"a", "ab", "aba", "bb"};
    uint32_t first = 'a' + testing_random(seed, 3);
    uint32_t ranges[4] = {first, first + testing_random(seed, 2), 0xE0, 0xEF};
    switch (testing_random(seed, 6)) {
    case 0: return grammar_class(g, ranges, 1 + testing_random(seed, 2), false);
    case 1: return grammar_class(g, ranges, 1, testing_random(seed, 3) == 0);
    case 2:
        if (testing_random(seed, 3) == 0)
            return grammar_text_without(g, text_of(MARKS[testing_random(seed, 4)]));
        /* fall through */
    default: return grammar_literal(g, text_of(WORDS[testing_random(seed, 7)]));
    }
}

static inline grammar_part testing_part(struct grammar *g, const grammar_part *known,
                                        uint32_t count, uint64_t *seed)
{
    grammar_part some[3];
    uint32_t least = testing_random(seed, 3), more = testing_random(seed, 5);
    for (int i = 0; i < 3; i++) some[i] = known[testing_random(seed, count)];
    switch (testing_random(seed, 8)) {
    case 0:
    case 1:
    case 2: return grammar_sequence(g, some, 2 + testing_random(seed, 2));
    case 3:
    case 4: return grammar_choice(g, some, 2 + testing_random(seed, 2));
    case 5: return grammar_repeat(g, some[0], least, GRAMMAR_UNBOUNDED);
    case 6: return grammar_repeat(g, some[0], least, least + more * more * more);
    default: return testing_random(seed, 6) ? testing_leaf(g, seed) : grammar_empty(g);
    }
}

/* The root is set; the caller finishes it. About one in five has no text or too much recursion. */
static inline void testing_build(struct grammar *g, uint64_t *seed)
{
    grammar_part known[TESTING_PARTS + TESTING_RULES];
    uint32_t count = 0;
    for (; count < TESTING_RULES; count++) known[count] = grammar_rule(g);
    for (; count < TESTING_RULES + 4; count++) known[count] = testing_leaf(g, seed);
    for (; count < TESTING_RULES + TESTING_PARTS; count++)
        known[count] = testing_part(g, known, count, seed);
    for (uint32_t i = 0; i < TESTING_RULES; i++)
        grammar_rule_set(g, known[i], known[TESTING_RULES + testing_random(seed, TESTING_PARTS)]);
    grammar_set_root(g, known[count - 1 - testing_random(seed, 3)]);
}

/* Letters of the grammars above. Returns the length, at most `most`. */
static inline size_t testing_text(char *out, size_t most, uint64_t *seed)
{
    static const char *const LETTERS[] = {"a", "b", "a", "b", "c", "\xC3\xA9", "d"};
    size_t wanted = testing_random(seed, (uint32_t)most + 1), length = 0;
    while (length < wanted) {
        struct text letter = text_of(LETTERS[testing_random(seed, 7)]);
        if (length + letter.length > most) break;
        memcpy(out + length, letter.data, letter.length);
        length += letter.length;
    }
    return length;
}

#endif
