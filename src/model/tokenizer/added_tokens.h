/* added_tokens.h - the tokens that are found in the text before anything else is done to it:
 * control tokens ("<|im_end|>") and those a model's maker added. A trie over bytes; the match that
 * starts first wins, the longest among those. */
#ifndef LIMINAL_MODEL_TOKENIZER_ADDED_TOKENS_H
#define LIMINAL_MODEL_TOKENIZER_ADDED_TOKENS_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

struct added_token {
    int32_t id;
    bool is_special;  /* matches only where special tokens are asked for */
    bool strip_left;  /* takes the white space before it along */
    bool strip_right; /* and that behind it */
};

struct added_tokens {
    struct added_node *nodes; /* [0] stands for none */
    uint32_t node_count, node_capacity;
    struct added_token *tokens;
    uint32_t token_count, token_capacity;
    uint32_t roots[256]; /* node of the first byte */
};

struct added_match {
    size_t start, end; /* of the text that the token takes, white space included */
    int32_t id;
};

/* Room for `count` tokens of `total_bytes` together. */
enum status added_tokens_init(struct added_tokens *added, uint32_t count, size_t total_bytes,
                              struct arena *memory, struct fault *fault) MUST_USE;
/* An empty text is ignored; of two tokens with one text the last wins. */
void added_tokens_add(struct added_tokens *added, struct text t, struct added_token token);
/* The next match at or after `from`; false when there is none. */
bool added_tokens_find(const struct added_tokens *added, struct text t, size_t from,
                       bool parse_special, struct added_match *match);

#endif
