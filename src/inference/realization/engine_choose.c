/* engine_choose.c - from the logits of a step to what its sequences say next.
 *
 * Sequences are independent of each other, so they choose in parallel on the compute threads, each
 * with the sampler of its thread. What was chosen is then told one after the other, on the engine's
 * thread. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "inference/realization/engine_state.h"
#include "platform/platform.h"

/* ---- memory ---- */

enum status engine_choose_init(struct engine *engine, struct fault *fault)
{
    struct compute *compute = model_compute(engine->model);
    engine->chooser_count = compute_threads(compute);
    engine->choosers = calloc(engine->chooser_count, sizeof *engine->choosers);
    if (!engine->choosers) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the samplers");
    for (uint32_t i = 0; i < engine->chooser_count; i++)
        TRY(sampler_new(&engine->choosers[i].sampler, compute, engine->info->vocabulary, fault));
    return OK;
}

void engine_choose_deinit(struct engine *engine)
{
    for (uint32_t i = 0; engine->choosers && i < engine->chooser_count; i++)
        sampler_free(engine->choosers[i].sampler);
    free(engine->choosers);
}

/* ---- one sequence, on any thread ---- */

static void choose_for(const struct engine *engine, struct asker *asker, struct chooser *chooser)
{
    const struct generation *generation = asker->generation;
    struct sampler_input input = {
        .logits = engine->plan.logits + (size_t)asker->logits_row * engine->info->vocabulary,
        .sampling = &generation->sampling,
        .tokens = generation->tokens,
        .token_count = generation->count,
        .prompt_count = generation->prompt_count,
        .index = generation->count - generation->prompt_count,
        .top_logprobs = generation->top_logprobs,
    };
    asker->has_chosen = sampler_choose(chooser->sampler, &input, &asker->choice);
}

/* ---- all of them ---- */

struct choosing {
    struct engine *engine;
    atomic_uint next; /* asker that nobody works for yet */
};

static void choose_share(void *argument, unsigned thread, unsigned threads)
{
    struct choosing *choosing = argument;
    struct engine *engine = choosing->engine;
    for (;;) {
        unsigned index = atomic_fetch_add_explicit(&choosing->next, 1, memory_order_relaxed);
        if (index >= engine->plan.asker_count) return;
        choose_for(engine, &engine->plan.askers[index], &engine->choosers[thread]);
    }
}

static uint32_t index_of(const struct engine *engine, const struct generation *generation)
{
    uint32_t i = 0;
    while (engine->running[i] != generation) i++;
    return i;
}

static void tell_choice(struct engine *engine, const struct asker *asker)
{
    struct generation *generation = asker->generation;
    struct fault fault;
    enum generation_end end;
    if (asker->has_chosen) {
        end =
            generation_accept(generation, &asker->choice, engine->tokenizer, clock_monotonic_ns());
        if (end == END_ERROR) fault_set(&fault, STATUS_NO_MEMORY, "no memory for the answer");
    } else {
        end = END_ERROR;
        fault_set(&fault, STATUS_INTERNAL,
                  "the model computed no number for any token; its file may be damaged");
    }
    if (end != END_NONE)
        engine_retire(engine, index_of(engine, generation), end, end == END_ERROR ? &fault : NULL);
}

void engine_choose(struct engine *engine)
{
    struct choosing choosing = {.engine = engine};
    if (engine->plan.asker_count > 1)
        compute_parallel(model_compute(engine->model), choose_share, &choosing);
    else
        choose_share(&choosing, 0, 1);
    for (size_t i = 0; i < engine->plan.asker_count; i++)
        tell_choice(engine, &engine->plan.askers[i]);
}
