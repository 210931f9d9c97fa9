/* drafting.c - see drafting.h. */
#include "inference/drafting.h"

#include <string.h>

#include "inference/prompt_lookup.h"

void drafting_init(struct drafting *drafting, const int32_t *prediction, size_t prediction_count)
{
    *drafting = (struct drafting){.prediction = prediction, .prediction_count = prediction_count};
    draft_credit_init(&drafting->credit);
}

/* Where an answer is too short to be looked up: at the prediction's beginning, if it began so. */
static struct lookup look_at_beginning(const struct drafting *drafting,
                                       const struct draft_text *text)
{
    size_t answered = text->count - text->prompt_count;
    const int32_t *answer = text->tokens + text->prompt_count;
    if (answered >= LOOKUP_LEAST || answered >= drafting->prediction_count ||
        memcmp(answer, drafting->prediction, answered * sizeof *answer) != 0)
        return (struct lookup){.matched = 0};
    return (struct lookup){.next = answered, .matched = LOOKUP_MOST};
}

static struct lookup look_at_prediction(const struct drafting *drafting,
                                        const struct draft_text *text)
{
    struct lookup found = look_at_beginning(drafting, text);
    if (found.matched) return found;
    return prompt_lookup(drafting->prediction, drafting->prediction_count, text->tokens,
                         text->count);
}

/* The end of the answer needs no guess: its last token is not computed. */
static uint32_t most_tokens(const struct draft_text *text)
{
    uint32_t room = text->limit - text->count;
    if (room <= 1) return 0;
    return room - 1 < DRAFT_LIMIT ? room - 1 : DRAFT_LIMIT;
}

void drafting_guess(struct drafting *drafting, const struct draft_text *text)
{
    uint32_t most = most_tokens(text);
    drafting->guessed = drafting->granted = 0;
    if (most == 0) return;
    struct lookup own = prompt_lookup(text->tokens, text->count, text->tokens, text->count);
    struct lookup predicted = look_at_prediction(drafting, text);
    int32_t *guess = text->tokens + text->count;
    if (predicted.matched && predicted.matched >= own.matched) {
        size_t rest = drafting->prediction_count - predicted.next;
        drafting->guessed = rest < most ? (uint32_t)rest : most;
        memcpy(guess, drafting->prediction + predicted.next, drafting->guessed * sizeof *guess);
        drafting->matched = predicted.matched;
    } else if (own.matched) {
        /* may run into the guess itself: so a period is repeated */
        for (uint32_t i = 0; i < most; i++) guess[i] = text->tokens[own.next + i];
        drafting->guessed = most;
        drafting->matched = own.matched;
    }
}

struct draft_offer drafting_offer(const struct drafting *drafting)
{
    return (struct draft_offer){drafting->guessed,
                                draft_credit_of(&drafting->credit, drafting->matched)};
}

void drafting_learn(struct drafting *drafting, int32_t guess, int32_t token)
{
    if (drafting->guessed == 0) return;
    bool was_right = guess == token;
    draft_credit_learn(&drafting->credit, drafting->matched, was_right);
    drafting->guessed = was_right ? drafting->guessed - 1 : 0;
    if (drafting->granted == 0) return;
    drafting->accepted += was_right;
    drafting->granted = was_right ? drafting->granted - 1 : 0;
}
