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

/* The token behind `row` drafts, which were all right. */
static bool choose_one(const struct engine *engine, const struct asker *asker, uint32_t row,
                       struct chooser *chooser)
{
    const struct generation *generation = asker->generation;
    size_t index = asker->first_row + row;
    const struct sampler_input input = {
        .logits = engine->plan.logits + index * engine->info->vocabulary,
        .sampling = &generation->sampling,
        .tokens = generation->tokens,
        .token_count = generation->count + row,
        .prompt_count = generation->prompt_count,
        .index = generation->count + row - generation->prompt_count,
        .top_logprobs = generation->top_logprobs,
    };
    return sampler_choose(chooser->sampler, &input, &engine->plan.choices[index]);
}

/* Each token is drawn as if there were no drafts; a draft only says whether the logits for the next
 * one are at hand already. So drafts change neither a text nor the distribution of texts. */
static void choose_for(const struct engine *engine, struct asker *asker, struct chooser *chooser)
{
    const struct generation *generation = asker->generation;
    for (uint32_t row = 0; row <= asker->drafts; row++) {
        asker->is_nonsense = !choose_one(engine, asker, row, chooser);
        if (asker->is_nonsense) return;
        asker->chosen++;
        int32_t token = engine->plan.choices[asker->first_row + row].token;
        bool is_last = !generation->ignore_end && tokenizer_is_end(engine->tokenizer, token);
        if (is_last || row == asker->drafts || token != generation->tokens[generation->count + row])
            return;
    }
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

/* Until one of the tokens is the last. Returns how many were told. */
static uint32_t accept_choices(struct engine *engine, const struct asker *asker,
                               enum generation_end *end)
{
    const struct sampler_choice *choices = engine->plan.choices + asker->first_row;
    uint32_t told = 0;
    *end = END_NONE;
    while (told < asker->chosen && *end == END_NONE)
        *end = generation_accept(asker->generation, &choices[told++], engine->tokenizer,
                                 clock_monotonic_ns());
    return told;
}

static uint32_t tell_choices(struct engine *engine, const struct asker *asker)
{
    struct generation *generation = asker->generation;
    struct fault fault;
    enum generation_end end;
    uint32_t accepted = generation->drafting.accepted;
    uint32_t told = accept_choices(engine, asker, &end);
    engine->counters.drafted_tokens += asker->drafts;
    engine->counters.accepted_tokens += generation->drafting.accepted - accepted;
    if (told > 0) generation->computed = generation->count - 1; /* the drafts that were right too */
    if (end == END_ERROR) fault_set(&fault, STATUS_NO_MEMORY, "no memory for the answer");
    if (end == END_NONE && asker->is_nonsense) {
        end = END_ERROR;
        fault_set(&fault, STATUS_INTERNAL,
                  "the model computed no number for any token; its file may be damaged");
    }
    if (end != END_NONE)
        engine_retire(engine, index_of(engine, generation), end, end == END_ERROR ? &fault : NULL);
    return told;
}

size_t engine_choose(struct engine *engine)
{
    struct choosing choosing = {.engine = engine};
    if (engine->plan.asker_count > 1)
        compute_parallel(model_compute(engine->model), choose_share, &choosing);
    else
        choose_share(&choosing, 0, 1);
    size_t told = 0;
    for (size_t i = 0; i < engine->plan.asker_count; i++)
        told += tell_choices(engine, &engine->plan.askers[i]);
    return told;
}
