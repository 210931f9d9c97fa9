/* engine_state.h - what the engine's files share: the line in front, the sequences that run, and
 * the memory of one step. Private to the realization.
 *
 * The engine's thread never waits for a lock. Whoever asks puts what he wants into an inbox and
 * rings; figures go the other way over a board. What is not atomic belongs to the engine's thread.
 */
#ifndef LIMINAL_INFERENCE_ENGINE_STATE_H
#define LIMINAL_INFERENCE_ENGINE_STATE_H

#include <pthread.h>

#include "inference/engine.h"
#include "inference/pace.h"
#include "inference/prefix_cache.h"
#include "inference/realization/board.h"
#include "inference/realization/drafter.h"
#include "inference/realization/generation.h"
#include "inference/realization/inbox.h"
#include "inference/realization/kv_store.h"
#include "inference/sampler.h"
#include "inference/turns.h"
#include "model/model.h"

/* Texts to embed; lives on the stack of the caller, who waits. */
struct embed_job {
    struct inbox_item in_line;
    const struct embedding_text *texts;
    size_t count;
    struct fault *fault;
    enum status status;
    sem_t done;
};

/* A sequence whose next token this step computes; and those after it, while its drafts are right.
 * Row i of its logits is for the token behind i drafts. */
struct asker {
    struct generation *generation;
    size_t first_row;   /* of its logits, and of its choices */
    uint32_t drafts;    /* it has one row more */
    uint32_t chosen;    /* tokens */
    bool is_complete;   /* its constraint lets nothing follow them */
    enum status status; /* not OK: no further token could be chosen */
    struct fault fault;
};

/* What one thread needs to choose. */
struct chooser {
    struct sampler *sampler;
    uint64_t *allowed; /* a bit per token */
};

/* The rows of one step and whose they are; sized once for row_limit rows. */
struct step_plan {
    struct model_batch batch;
    int32_t *tokens, *positions;
    void *const **pages;
    uint8_t *wants_logits;
    struct asker *askers;
    size_t asker_count;
    size_t logits_rows;
    size_t read_rows;               /* of prompts */
    struct sampler_choice *choices; /* per row of logits */
    struct draft_offer *offers;     /* per running sequence */
    uint32_t *needs, *grants;       /* prefill, per running sequence */
    uint64_t cached_tokens;         /* of prompts, that others had computed */
    uint64_t shared_tokens;         /* and of those, for which a sequence waited */
    float *logits;                  /* logits_limit x vocabulary */
};

struct engine {
    struct model *model;
    const struct model_info *info;
    const struct tokenizer *tokenizer;
    uint32_t context_length, sequence_limit, queue_limit, prefill_chunk, row_limit;

    struct turns *turns; /* NULL: the compute threads are nobody else's */
    struct turn_taker taker;
    pthread_t thread;
    struct doorbell bell; /* something to do for the engine's thread */
    struct inbox generations, embeds;
    atomic_uint places_taken; /* by generations that run, wait, or are about to be started */
    atomic_uint waiting, embeds_waiting; /* in inbox and line */
    atomic_bool stopping;
    _Atomic uint64_t requests, refused;
    struct board board; /* the counters, as others see them */

    struct inbox_item *line, **line_end; /* of generations, oldest first */
    struct inbox_item *embed_line, **embed_line_end;
    struct engine_counters counters; /* but for those that are atomic above */
    struct prefix_cache *cache;      /* NULL: the model only embeds */
    struct generation **running;     /* oldest first */
    uint32_t running_count;
    struct kv_store *store;    /* NULL: nothing is spilled */
    struct restore *restores;  /* engine_spill.c */
    uint32_t *holders;         /* per page, for the audit; NULL: none */
    pthread_mutex_t trie_lock; /* for those who ask first */
    struct token_trie *trie;
    struct chooser *choosers; /* one per compute thread */
    uint32_t chooser_count;
    struct step_plan plan;
    enum speculation speculation;
    struct step_costs costs; /* of steps that only write */
    struct pace pace;        /* of those that read as well */
    struct drafter *drafter; /* NULL: none */
    uint32_t undrafted;      /* steps since it was asked */
};

/* ---- engine_line.c: who waits, comes in, and has to go out again; engine's thread only ---- */
void engine_line_init(struct engine *engine);
/* Take in what came since, and tell those who left while they waited. */
void engine_line_refresh(struct engine *engine);
/* Let in whom there are places and pages for. */
void engine_admit(struct engine *engine);
/* The youngest running sequence gives its pages back and waits at the head of the line. */
void engine_park_youngest(struct engine *engine);
/* One that waits to be embedded, or NULL. */
struct embed_job *engine_next_embed(struct engine *engine);
void embed_job_finish(struct embed_job *job, enum status status);
/* A generation that waits, or was to wait, is told that it will not run. `fault` only when all are
 * to stop. */
void engine_turn_away(struct engine *engine, struct generation *generation,
                      const struct fault *fault);
/* Nobody comes in any more; all that wait are told. */
void engine_line_close(struct engine *engine, const struct fault *stopping);

/* ---- engine_spill.c: pages on disk ---- */
/* Open the file, if there is to be one; the cache is made after that, with its key. */
enum status engine_spill_open(struct engine *engine, const struct engine_options *options,
                              struct fault *fault) MUST_USE;
/* When the context is known. */
enum status engine_spill_prepare(struct engine *engine, struct fault *fault) MUST_USE;
/* Take in what came from disk, and send what may go there. */
void engine_spill_refresh(struct engine *engine);
/* Is the generation's next page on its way from disk, from now on perhaps? */
bool engine_spill_brings(struct engine *engine, struct generation *generation);
/* Any page at all? */
bool engine_spill_is_bringing(const struct engine *engine);
void engine_spill_count_holders(const struct engine *engine, uint32_t *holders);
void engine_spill_flush(struct engine *engine);
void engine_spill_close(struct engine *engine);

/* ---- engine_step.c ---- */
/* One forward step of all running sequences; false when all of them wait for the disk. Engine's
 * thread only. */
bool engine_step(struct engine *engine);
/* Take a generation that ended out of the running ones, free its pages, tell its caller. */
void engine_retire(struct engine *engine, uint32_t index, enum generation_end end,
                   const struct fault *fault);
/* Choose the next tokens of all askers of the step, and tell; returns how many. Engine's thread
 * only. */
size_t engine_choose(struct engine *engine);
enum status engine_choose_init(struct engine *engine, struct fault *fault) MUST_USE;
void engine_choose_deinit(struct engine *engine);
enum status step_plan_init(struct step_plan *plan, uint32_t row_limit, uint32_t sequence_limit,
                           uint32_t vocabulary, struct fault *fault) MUST_USE;
void step_plan_deinit(struct step_plan *plan);

#endif
