/* generation.h - one request inside the engine: its tokens, its pages, its way to text.
 *
 * Private to the engine's realization. All memory a generation will ever need is taken when it is
 * made, so that its steps allocate nothing. Except for `cancelled` and `references`, its fields
 * belong to the engine's thread once it is submitted. */
#ifndef LIMINAL_INFERENCE_GENERATION_H
#define LIMINAL_INFERENCE_GENERATION_H

#include <stdatomic.h>

#include "compute/compute.h"
#include "inference/engine.h"
#include "inference/prefix_cache.h"
#include "inference/sampler.h"
#include "inference/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"

struct generation {
    atomic_uint references; /* the engine's and the caller's */
    atomic_bool cancelled;
    struct generation *next; /* in the waiting line */

    /* the request */
    struct sampling sampling;
    struct logit_bias *biases;
    struct text stops[STOP_LIMIT];
    char *stop_bytes;
    bool ignore_end, keep_special;
    int top_logprobs;
    void (*on_event)(void *argument, const struct generation_event *event);
    void *argument;

    /* tokens: prompt, then answer; keys and values of the first `computed` are in the pages */
    int32_t *tokens;
    uint32_t prompt_count, count, limit;
    uint32_t computed, cached; /* cached: computed by an earlier request */
    void **pages;
    uint32_t page_count;

    /* text */
    struct detokenizer detokenizer;
    struct stop_matcher stop_matcher;
    struct buffer piece, shown;
    bool stopped; /* at a stop string: nothing after it is shown */

    /* time, monotonic nanoseconds; 0: not yet */
    uint64_t submitted_ns, admitted_ns, first_token_ns;
};

/* A copy of the request for at most `limit` tokens, prompt included. One reference for the engine,
 * one for the caller. */
enum status generation_new(struct generation **out, const struct generation_request *request,
                           uint32_t limit, const struct tokenizer *tokenizer,
                           struct fault *fault) MUST_USE;

/* Begin on the pages that earlier requests left, if there are any for these tokens. At least one
 * token stays to be computed, for its logits. */
void generation_begin(struct generation *generation, struct prefix_cache *cache);
/* Pages for the first `tokens` tokens; false when there are not enough (what was taken stays). */
bool generation_reserve(struct generation *generation, struct prefix_cache *cache,
                        uint32_t tokens) MUST_USE;
/* Let others begin on what is computed so far. */
void generation_share(struct generation *generation, struct prefix_cache *cache);
/* Give all pages back. What is not found again later must be computed again. */
void generation_park(struct generation *generation, struct prefix_cache *cache);

/* Take the chosen token into the answer and tell the caller. Its end if this was the last token,
 * else END_NONE; END_ERROR when there was no memory for its text. */
enum generation_end generation_accept(struct generation *generation,
                                      const struct sampler_choice *choice,
                                      const struct tokenizer *tokenizer, uint64_t now_ns);
/* The last event. `fault` only with END_ERROR. */
void generation_finish(struct generation *generation, enum generation_end end,
                       const struct fault *fault, uint64_t now_ns);

static inline uint32_t generation_pages_for(uint32_t tokens)
{
    return (tokens + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
}

#endif
