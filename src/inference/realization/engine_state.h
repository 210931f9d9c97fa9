/* engine_state.h - what the engine's files share: the queue in front, the sequences that run, and
 * the memory of one step. Private to the realization.
 *
 * `mutex` guards the waiting line, the embedding line, `stopping` and the counters; all else
 * belongs to the engine's thread. It is never held while the model computes or while a caller is
 * told. */
#ifndef LIMINAL_INFERENCE_ENGINE_STATE_H
#define LIMINAL_INFERENCE_ENGINE_STATE_H

#include <pthread.h>

#include "inference/engine.h"
#include "inference/prefix_cache.h"
#include "inference/realization/generation.h"
#include "inference/sampler.h"
#include "model/model.h"

/* One text to embed; lives on the stack of the caller, who waits. */
struct embed_job {
    struct embed_job *next;
    const int32_t *tokens;
    size_t count;
    float *vector;
    struct fault *fault;
    enum status status;
    bool done;
};

/* A sequence whose next token this step computes. */
struct asker {
    struct generation *generation;
    size_t logits_row;
    bool has_chosen; /* false: no logit was a number */
    struct sampler_choice choice;
};

/* What one thread needs to choose. */
struct chooser {
    struct sampler *sampler;
};

/* The rows of one step and whose they are; sized once for row_limit rows. */
struct step_plan {
    struct model_batch batch;
    int32_t *tokens, *positions;
    void *const **pages;
    uint8_t *wants_logits;
    struct asker *askers;
    size_t asker_count;
    uint32_t *needs, *grants; /* prefill, per running sequence */
    uint64_t cached_tokens;   /* of prompts, that others had computed */
    float *logits;            /* sequence_limit x vocabulary */
};

struct engine {
    struct model *model;
    const struct model_info *info;
    const struct tokenizer *tokenizer;
    uint32_t context_length, sequence_limit, queue_limit, prefill_chunk, row_limit;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;                       /* something to do for the engine's thread */
    pthread_cond_t embedded;                   /* some embed_job is done */
    struct generation *waiting, **waiting_end; /* oldest first */
    struct embed_job *embeds, **embeds_end;
    uint32_t embed_count;
    bool stopping;
    struct engine_counters counters;

    struct prefix_cache *cache;  /* NULL: the model only embeds */
    struct generation **running; /* oldest first */
    uint32_t running_count;
    struct chooser *choosers;    /* one per compute thread */
    uint32_t chooser_count;
    struct step_plan plan;
    uint64_t row_ns; /* of late, in steps with prefill */
};

/* One forward step of all running sequences. Engine's thread only. */
void engine_step(struct engine *engine);
/* Take a generation that ended out of the running ones, free its pages, tell its caller. */
void engine_retire(struct engine *engine, uint32_t index, enum generation_end end,
                   const struct fault *fault);
/* Choose the next token of all askers of the step, and tell. Engine's thread only. */
void engine_choose(struct engine *engine);
enum status engine_choose_init(struct engine *engine, struct fault *fault) MUST_USE;
void engine_choose_deinit(struct engine *engine);
enum status step_plan_init(struct step_plan *plan, uint32_t row_limit, uint32_t sequence_limit,
                           uint32_t vocabulary, struct fault *fault) MUST_USE;
void step_plan_deinit(struct step_plan *plan);

#endif
