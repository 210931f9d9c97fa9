/* counted.h - the tokens that fit in a counted automaton, for all bounds at once.
 *
 * How many rounds are left changes with every token, so masks by count would be walked for again
 * and again. Instead, one walk notes for each token how many rounds it begins: with so many left it
 * fits. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_COUNTED_H
#define LIMINAL_INFERENCE_GRAMMAR_COUNTED_H

#include "inference/grammar/mask_walk.h"

struct counted_tokens {
    uint64_t *bits;      /* of all tokens that fit when nothing is bounded */
    uint32_t *tokens;    /* the same, those that begin the fewest rounds first */
    uint32_t *up_to;     /* [n]: how many of them begin at most n rounds, n up to most_begun */
    uint32_t most_begun; /* by any token or exit; one round more can be over than begun */
    struct mask_exits *exits;
};

/* From `state`, which belongs to a counted automaton. NULL when memory is out. */
struct counted_tokens *counted_tokens_new(const struct automaton *automaton,
                                          const struct token_trie *trie, uint32_t state);
void counted_tokens_free(struct counted_tokens *counted);
size_t counted_tokens_bytes(const struct counted_tokens *counted, const struct token_trie *trie);

/* How many fit when at most `left` rounds may be begun; their bits, into a zeroed mask. */
uint32_t counted_tokens_fitting(const struct counted_tokens *counted, uint32_t left);
void counted_tokens_bits(const struct counted_tokens *counted, const struct token_trie *trie,
                         uint32_t left, uint64_t *bits);

#endif
