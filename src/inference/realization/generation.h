/* generation.h - one request inside the engine: its tokens, its pages, its way to text.
 *
 * Private to the engine's realization. All memory a generation will ever need is taken when it is
 * made, so that its steps allocate nothing. Except for `cancelled` and `references`, its fields
 * belong to the engine's thread once it is submitted. */
#ifndef LIMINAL_INFERENCE_GENERATION_H
#define LIMINAL_INFERENCE_GENERATION_H

#include <stdatomic.h>

#include "compute/compute.h"
#include "inference/drafting.h"
#include "inference/engine.h"
#include "inference/prefix_cache.h"
#include "inference/realization/inbox.h"
#include "inference/sampler.h"
#include "inference/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"

struct generation {
    struct inbox_item in_line; /* where it waits */
    atomic_uint references;    /* the caller's, and once it is started the engine's */
    atomic_bool cancelled;

    /* the request */
    struct sampling sampling;
    struct logit_bias *biases;
    struct text stops[STOP_LIMIT];
    char *stop_bytes;
    bool ignore_end, keep_special;
    int32_t marks[MARK_LIMIT];
    size_t mark_count;
    int top_logprobs;
    struct matcher *matcher; /* owned; NULL: no constraint */
    void (*on_event)(void *argument, const struct generation_event *event);
    void *argument;

    /* tokens: prompt, then answer; keys and values of the first `computed` are in the pages */
    int32_t *tokens;
    uint32_t prompt_count, count, limit;
    uint32_t computed;
    uint32_t reached; /* the most that was ever computed here: what follows was never paid for */
    uint32_t cached;  /* of the prompt, computed by other requests */
    struct prefix_scope scope;
    void **pages;
    uint32_t page_count, known_pages; /* known: to the cache, as full pages */
    bool waits;   /* one ahead of it computes, or the disk brings, what it needs next */
    bool follows; /* it waits for one ahead */

    int32_t *prediction;
    struct drafting drafting; /* its guess lies behind the last token */
    uint32_t draft_place;     /* drafter.c's; 0: none */

    /* text */
    struct detokenizer detokenizer;
    struct stop_matcher stop_matcher;
    struct buffer piece, shown;
    bool stopped; /* at a stop string: nothing after it is shown */

    /* time, monotonic nanoseconds; 0: not yet */
    uint64_t submitted_ns, admitted_ns, first_token_ns;
};

/* A copy of the request for at most `limit` tokens, prompt included. Its handle is the caller's;
 * the engine shares it from the start. */
enum status generation_new(struct generation **out, const struct generation_request *request,
                           uint32_t limit, const struct tokenizer *tokenizer,
                           struct fault *fault) MUST_USE;

/* One more owner of the handle. */
struct generation *generation_share_handle(struct generation *generation);
/* Its pages as the cache sees them, as far as they could be adopted. */
struct prefix generation_prefix(const struct generation *generation);
/* Take over the full pages that others left or made meanwhile, if the next token begins a page. At
 * least one token stays to be computed, for its logits. */
void generation_adopt(struct generation *generation, struct prefix_cache *cache);
/* After that: the beginning of the next page, where it is known. */
void generation_adopt_part(struct generation *generation, struct prefix_cache *cache);
/* Does `ahead`, which is being read, compute just now all that this one could adopt of its next
 * page? Then it had better wait. */
bool generation_follows(const struct generation *generation, const struct generation *ahead);
/* Pages for the first `tokens` tokens; false when there are not enough (what was taken stays). */
bool generation_reserve(struct generation *generation, struct prefix_cache *cache,
                        uint32_t tokens) MUST_USE;
/* Let others adopt the full pages computed so far. */
void generation_share(struct generation *generation, struct prefix_cache *cache);
/* And the page that is being filled, as far as it is. */
void generation_share_part(struct generation *generation, struct prefix_cache *cache);
/* Share all and give all pages back. What is not found again later must be computed again. */
void generation_park(struct generation *generation, struct prefix_cache *cache);
/* `rows` tokens are about to be computed. Returns how many of the prompt need not be: others
 * computed what lies between here and where this one ever was. */
uint32_t generation_note_rows(struct generation *generation, uint32_t rows);

/* Guess what comes next. */
void generation_guess(struct generation *generation);
/* Take the chosen token into the answer and tell the caller. Its end if this was the last token,
 * else END_NONE; END_ERROR when there was no memory for its text. */
enum generation_end generation_accept(struct generation *generation,
                                      const struct sampler_choice *choice,
                                      const struct tokenizer *tokenizer, uint64_t now_ns);
/* The last event. `fault` only with END_ERROR. */
void generation_finish(struct generation *generation, enum generation_end end,
                       const struct fault *fault, uint64_t now_ns);

/* More than its newest token lacks keys and values, or its first logits are still to come. */
static inline bool generation_is_reading(const struct generation *generation)
{
    return generation->count - generation->computed > 1 ||
           generation->computed < generation->prompt_count;
}

static inline uint32_t generation_pages_for(uint32_t tokens)
{
    return (tokens + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
}

#endif
