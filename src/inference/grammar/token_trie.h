/* token_trie.h - the inside of a token_trie, for the files of this folder. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_TOKEN_TRIE_H
#define LIMINAL_INFERENCE_GRAMMAR_TOKEN_TRIE_H

#include "base/text.h"
#include "inference/grammar/constraint.h"

enum { NO_TOKEN = -1 };

/* Nodes lie in depth-first order: those below node i are i + 1 .. end - 1. */
struct trie_node {
    uint32_t end;
    int32_t token; /* that ends here, or NO_TOKEN; others with the same bytes: next_same */
    uint16_t depth;
    unsigned char byte;
    bool has_same;
};

struct token_trie {
    struct trie_node *nodes; /* [0] is the root */
    uint32_t node_count;
    uint32_t below_root[256]; /* of each byte: its node below the root, or 0 */
    uint32_t vocabulary;      /* how many tokens, those without text included */
    uint32_t longest_bytes;
    uint32_t text_count; /* tokens that have text */
    int32_t *next_same;
    uint32_t *text_from; /* of each token, in bytes; one more at the end */
    unsigned char *bytes;
    bool *is_end;
    int32_t *ends; /* the tokens that end an answer */
    uint32_t end_count;
    bool has_byte[256]; /* in some token */
};

/* From the bytes of each token (empty: no text) and whether it ends an answer; for tests too. */
enum status token_trie_make(struct token_trie **out, const struct text *texts, const bool *is_end,
                            uint32_t count, struct fault *fault) MUST_USE;

static inline struct text token_trie_text(const struct token_trie *trie, int32_t token)
{
    uint32_t from = trie->text_from[token];
    return (struct text){(const char *)trie->bytes + from, trie->text_from[token + 1] - from};
}

#endif
