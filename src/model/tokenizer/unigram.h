/* unigram.h - SentencePiece's unigram model: of all ways to cut a word into tokens the one with the
 * greatest sum of scores (Kudo 2018), found by dynamic programming. */
#ifndef LIMINAL_MODEL_TOKENIZER_UNIGRAM_H
#define LIMINAL_MODEL_TOKENIZER_UNIGRAM_H

#include "model/tokenizer/vocabulary.h"

struct token_list;

struct unigram {
    const float *scores; /* per token, in the tokenizer's memory */
    size_t longest_bytes;
    float unknown_score; /* of a character in no token */
    int32_t unknown;
    bool byte_fallback;
    int32_t byte_ids[256]; /* -1: none */
};

/* The best way to the end of each prefix of a word. */
struct unigram_step {
    float score;
    uint32_t length; /* of the last token; 0: not reached */
    int32_t id;
};

struct unigram_work {
    struct unigram_step *steps;
    size_t capacity;
};
void unigram_work_deinit(struct unigram_work *work);

/* STATUS_CORRUPT when a score is no number. */
enum status unigram_init(struct unigram *unigram, const struct vocabulary *vocabulary,
                         const float *scores, int32_t unknown, bool byte_fallback,
                         struct fault *fault) MUST_USE;
/* Neighbouring unknown characters give one unknown token. */
enum status unigram_encode(const struct unigram *unigram, const struct vocabulary *vocabulary,
                           struct text word, struct unigram_work *work, struct token_list *out,
                           struct fault *fault) MUST_USE;

#endif
