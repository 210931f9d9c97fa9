/* engine_choose.c - from the logits of a step to what its sequences say next.
 *
 * Sequences are independent of each other, so they choose in parallel on the compute threads, each
 * with the sampler of its thread. What was chosen is then told one after the other, on the engine's
 * thread. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "inference/grammar/constraint.h"
#include "inference/realization/engine_state.h"
#include "platform/platform.h"

/* ---- memory ---- */

/* The vocabulary of the tokenizer may be larger than that of the logits, or smaller: then what it
 * lacks is never allowed. */
static uint64_t *new_mask(const struct engine *engine)
{
    uint32_t vocabulary = engine->info->vocabulary, known = tokenizer_size(engine->tokenizer);
    return calloc(token_mask_words(vocabulary > known ? vocabulary : known), sizeof(uint64_t));
}

enum status engine_choose_init(struct engine *engine, struct fault *fault)
{
    struct compute *compute = model_compute(engine->model);
    engine->chooser_count = compute_threads(compute);
    engine->choosers = calloc(engine->chooser_count, sizeof *engine->choosers);
    if (!engine->choosers) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the samplers");
    for (uint32_t i = 0; i < engine->chooser_count; i++) {
        struct chooser *chooser = &engine->choosers[i];
        TRY(sampler_new(&chooser->sampler, compute, engine->info->vocabulary, fault));
        chooser->allowed = new_mask(engine);
        if (!chooser->allowed)
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for a mask of tokens");
    }
    return OK;
}

void engine_choose_deinit(struct engine *engine)
{
    for (uint32_t i = 0; engine->choosers && i < engine->chooser_count; i++) {
        sampler_free(engine->choosers[i].sampler);
        free(engine->choosers[i].allowed);
    }
    free(engine->choosers);
    token_trie_free(engine->trie);
}

struct token_trie *engine_token_trie(struct engine *engine)
{
    pthread_mutex_lock(&engine->trie_lock);
    if (!engine->trie && token_trie_new(&engine->trie, engine->tokenizer, NULL) != OK)
        engine->trie = NULL;
    struct token_trie *trie = engine->trie;
    pthread_mutex_unlock(&engine->trie_lock);
    return trie;
}

/* ---- one sequence, on any thread ---- */

/* Where the model has no number for any token that may come next. */
static enum status refuse_logits(bool is_constrained, struct fault *fault)
{
    if (is_constrained)
        return fault_set(fault, STATUS_INTERNAL,
                         "the model computed no number for any token that the format of the answer "
                         "allows here");
    return fault_set(fault, STATUS_INTERNAL,
                     "the model computed no number for any token; its file may be damaged");
}

/* The token behind `row` drafts, which were all right. */
static enum status choose_one(const struct engine *engine, const struct asker *asker, uint32_t row,
                              struct chooser *chooser, struct fault *fault)
{
    const struct generation *generation = asker->generation;
    struct matcher *matcher = generation->matcher;
    size_t index = asker->first_row + row;
    const struct sampler_input input = {
        .logits = engine->plan.logits + index * engine->info->vocabulary,
        .sampling = &generation->sampling,
        .allowed = matcher ? chooser->allowed : NULL,
        .tokens = generation->tokens,
        .token_count = generation->count + row,
        .prompt_count = generation->prompt_count,
        .index = generation->count + row - generation->prompt_count,
        .top_logprobs = generation->top_logprobs,
    };
    struct sampler_choice *choice = &engine->plan.choices[index];
    if (matcher) TRY(matcher_mask(matcher, chooser->allowed, fault));
    if (!sampler_choose(chooser->sampler, &input, choice)) return refuse_logits(matcher, fault);
    if (matcher && !matcher_accept(matcher, choice->token))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to follow the format of the answer");
    return OK;
}

/* Each token is drawn as if there were no drafts; a draft only says whether the logits for the next
 * one are at hand already. So drafts change neither a text nor the distribution of texts. */
static void choose_for(const struct engine *engine, struct asker *asker, struct chooser *chooser)
{
    const struct generation *generation = asker->generation;
    for (uint32_t row = 0; row <= asker->drafts; row++) {
        asker->status = choose_one(engine, asker, row, chooser, &asker->fault);
        if (asker->status != OK) return;
        asker->chosen++;
        asker->is_complete = generation->matcher && matcher_is_complete(generation->matcher);
        int32_t token = engine->plan.choices[asker->first_row + row].token;
        bool is_end = !generation->ignore_end && tokenizer_is_end(engine->tokenizer, token);
        if (is_end || asker->is_complete || row == asker->drafts ||
            token != generation->tokens[generation->count + row])
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
    bool is_all = told == asker->chosen && (*end == END_NONE || *end == END_LENGTH);
    if (is_all && asker->is_complete) *end = END_STOP;
    if (*end == END_NONE && asker->status != OK) *end = END_ERROR;
    return told;
}

static uint32_t tell_choices(struct engine *engine, struct asker *asker)
{
    struct generation *generation = asker->generation;
    uint32_t accepted = generation->drafting.accepted;
    enum generation_end end;
    uint32_t told = accept_choices(engine, asker, &end);
    engine->counters.drafted_tokens += asker->drafts;
    engine->counters.accepted_tokens += generation->drafting.accepted - accepted;
    if (told > 0) generation->computed = generation->count - 1; /* the drafts that were right too */
    if (end == END_ERROR && asker->status == OK)
        fault_set(&asker->fault, STATUS_NO_MEMORY, "no memory for the answer");
    if (end != END_NONE)
        engine_retire(engine, index_of(engine, generation), end,
                      end == END_ERROR ? &asker->fault : NULL);
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
