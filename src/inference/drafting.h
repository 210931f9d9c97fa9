/* drafting.h - the guesses of one sequence: what might come next, how many of it to verify, and
 * what became of it. Pure; the guess lies in the sequence's own tokens, behind the last one. */
#ifndef LIMINAL_INFERENCE_DRAFTING_H
#define LIMINAL_INFERENCE_DRAFTING_H

#include "inference/speculation.h"

/* A sequence's tokens; there is room for `limit`. */
struct draft_text {
    int32_t *tokens;
    uint32_t prompt_count, count, limit;
};

struct drafting {
    const int32_t *prediction; /* what the answer may repeat; borrowed */
    size_t prediction_count;
    uint32_t guessed; /* tokens behind the last one */
    size_t matched;   /* what speaks for them: tokens before that agree */
    uint32_t granted; /* of those guessed: to verify in this step */
    struct draft_credit credit;
    uint32_t drafted, accepted; /* in all: verified, and right */
};

void drafting_init(struct drafting *drafting, const int32_t *prediction, size_t prediction_count);
/* Look for what followed where the text's end stood before, in the text and in the prediction, and
 * write it behind the last token. */
void drafting_guess(struct drafting *drafting, const struct draft_text *text);
struct draft_offer drafting_offer(const struct drafting *drafting);
/* `token` comes next, where the first of the guess, if there is one, is `guess`. */
void drafting_learn(struct drafting *drafting, int32_t guess, int32_t token);

#endif
