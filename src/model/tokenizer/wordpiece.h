/* wordpiece.h - BERT's model: a word is the longest token at its start, then the longest one that
 * continues it, and so on; one piece that cannot be found makes the whole word unknown (Schuster
 * and Nakajima 2012; Devlin et al. 2018). */
#ifndef LIMINAL_MODEL_TOKENIZER_WORDPIECE_H
#define LIMINAL_MODEL_TOKENIZER_WORDPIECE_H

#include "model/tokenizer/vocabulary.h"

struct token_list;

struct wordpiece {
    struct text first, next; /* marks of tokens: Hugging Face "" and "##", GGUF "▁" and "" */
    size_t longest_bytes;    /* of all tokens */
    size_t limit_characters; /* longer words are unknown */
    int32_t unknown;
};

/* The texts are borrowed. */
void wordpiece_init(struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                    struct text first, struct text next, size_t limit_characters, int32_t unknown);
enum status wordpiece_encode(const struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                             struct text word, struct token_list *out,
                             struct fault *fault) MUST_USE;

#endif
