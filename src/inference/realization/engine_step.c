/* engine_step.c - one step of all running sequences: give out rows and pages, compute, choose.
 *
 * Decoding sequences take one row each; the prefill rows are shared among the prompts that are
 * still being read. Pages are given out oldest first. When none are left, the youngest sequence is
 * parked: its pages go to an older one, and later it computes its tokens again, which gives the
 * same keys and values bit for bit (compute.h), so its text continues as if nothing had been. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inference/realization/engine_state.h"
#include "inference/scheduler.h"
#include "platform/platform.h"

enum status step_plan_init(struct step_plan *plan, uint32_t row_limit, uint32_t sequence_limit,
                           uint32_t vocabulary, struct fault *fault)
{
    plan->tokens = calloc(row_limit, sizeof *plan->tokens);
    plan->positions = calloc(row_limit, sizeof *plan->positions);
    plan->pages = calloc(row_limit, sizeof *plan->pages);
    plan->wants_logits = calloc(row_limit, sizeof *plan->wants_logits);
    plan->askers = calloc(sequence_limit, sizeof *plan->askers);
    plan->needs = calloc(sequence_limit, sizeof *plan->needs);
    plan->grants = calloc(sequence_limit, sizeof *plan->grants);
    size_t logits_limit = sequence_limit + DRAFT_ROWS_LIMIT;
    plan->choices = calloc(logits_limit, sizeof *plan->choices);
    plan->offers = calloc(sequence_limit, sizeof *plan->offers);
    plan->logits = calloc(logits_limit * vocabulary, sizeof *plan->logits);
    if (!plan->tokens || !plan->positions || !plan->pages || !plan->wants_logits || !plan->askers ||
        !plan->needs || !plan->grants || !plan->choices || !plan->offers || !plan->logits)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for steps of %u rows", row_limit);
    plan->batch = (struct model_batch){
        .tokens = plan->tokens,
        .positions = plan->positions,
        .pages = plan->pages,
        .wants_logits = plan->wants_logits,
    };
    return OK;
}

void step_plan_deinit(struct step_plan *plan)
{
    free(plan->tokens);
    free(plan->positions);
    free(plan->pages);
    free(plan->wants_logits);
    free(plan->askers);
    free(plan->needs);
    free(plan->grants);
    free(plan->choices);
    free(plan->offers);
    free(plan->logits);
}

void engine_retire(struct engine *engine, uint32_t index, enum generation_end end,
                   const struct fault *fault)
{
    struct generation *generation = engine->running[index];
    memmove(engine->running + index, engine->running + index + 1,
            (engine->running_count - index - 1) * sizeof *engine->running);
    engine->running_count--;
    atomic_fetch_sub(&engine->places_taken, 1);
    generation_park(generation, engine->cache);
    generation_finish(generation, end, fault, clock_monotonic_ns());
    generation_release(generation);
}

/* Pages for the next `rows` tokens of the running sequence at `index`. False when that meant
 * parking the sequence itself. */
static bool make_room(struct engine *engine, uint32_t index, uint32_t rows)
{
    struct generation *generation = engine->running[index];
    while (!generation_reserve(generation, engine->cache, generation->computed + rows)) {
        bool is_youngest = index == engine->running_count - 1;
        if (is_youngest && index == 0) {
            /* Alone, any sequence fits: engine_open saw to it. What is missing is being read. */
            assert(engine_spill_is_bringing(engine));
            return false;
        }
        engine_park_youngest(engine);
        if (is_youngest) return false;
    }
    return true;
}

/* `rows` tokens, and behind them as many of the guess as were granted. Those count as computed only
 * when they are confirmed: until then nobody else may see what the pages hold of them. */
static void add_rows(struct engine *engine, struct generation *generation, uint32_t rows)
{
    struct step_plan *plan = &engine->plan;
    plan->cached_tokens += generation_note_rows(generation, rows);
    uint32_t drafts = generation->drafting.granted;
    for (uint32_t i = 0; i < rows + drafts; i++) {
        size_t row = plan->batch.count++;
        assert(row < engine->row_limit);
        uint32_t position = generation->computed + i;
        plan->tokens[row] = generation->tokens[position];
        plan->positions[row] = (int32_t)position;
        plan->pages[row] = generation->pages;
        plan->wants_logits[row] = position + 1 >= generation->count;
    }
    generation->computed += rows;
    generation->drafting.drafted += drafts;
    if (generation->computed < generation->count) return;
    plan->askers[plan->asker_count++] =
        (struct asker){.generation = generation, .first_row = plan->logits_rows, .drafts = drafts};
    plan->logits_rows += 1 + drafts;
}

/* Does one before it compute the same page? */
static bool follows(const struct engine *engine, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct generation *ahead = engine->running[i];
        if (!ahead->waits && generation_is_reading(ahead) &&
            generation_follows(engine->running[index], ahead))
            return true;
    }
    return false;
}

/* Rows that the sequence at `index` could use to read its prompt; it waits while the disk brings
 * the next page, or one before it computes it. What others computed meanwhile it takes over first.
 */
static uint32_t rows_to_read(struct engine *engine, uint32_t index)
{
    struct generation *generation = engine->running[index];
    bool has_followed = generation->follows;
    uint32_t before = generation->computed;
    generation_adopt(generation, engine->cache);
    generation->follows = follows(engine, index);
    generation->waits = generation->follows || engine_spill_brings(engine, generation);
    if (!generation->waits) generation_adopt_part(generation, engine->cache);
    if (has_followed) engine->plan.shared_tokens += generation->computed - before;
    return generation->waits ? 0 : generation->count - generation->computed;
}

/* What was looked up is surer than what the draft model would say. */
static bool trusts_lookup(const struct drafting *drafting)
{
    return drafting->guessed > 0 && draft_credit_of(&drafting->credit, drafting->matched) >=
                                        draft_credit_of(&drafting->credit, DRAFT_BY_MODEL);
}

/* The draft model guesses where it is surer, as far ahead as that pays. When it does not, it is
 * asked from time to time whether it would now. */
static void draft_by_model(struct engine *engine)
{
    enum { ASK_AGAIN = 64 };
    uint32_t count = 0, running = engine->running_count;
    float credit = 0;
    for (uint32_t i = 0; i < running; i++) {
        const struct drafting *drafting = &engine->running[i]->drafting;
        if (trusts_lookup(drafting)) continue;
        credit += draft_credit_of(&drafting->credit, DRAFT_BY_MODEL);
        count++;
    }
    if (count == 0) return;
    uint64_t pass_ns = drafter_pass_ns(engine->drafter);
    if (++engine->undrafted % ASK_AGAIN == 0) pass_ns = 0;
    uint32_t depth =
        engine->speculation == SPECULATION_ALWAYS
            ? speculation_depth_always(running)
            : speculation_depth(&engine->costs, running, pass_ns, credit / (float)count);
    if (depth == 0) return;
    engine->undrafted = 0;
    for (uint32_t i = 0; i < running; i++) {
        struct drafting *drafting = &engine->running[i]->drafting;
        if (!trusts_lookup(drafting)) drafting->guessed = 0;
    }
    drafter_guess(engine->drafter, engine->running, running, depth);
}

/* How many drafts to verify in a step that reads no prompts: those steps are bound by arithmetic,
 * where each row costs. */
static void plan_drafts(struct engine *engine)
{
    struct step_plan *plan = &engine->plan;
    for (uint32_t i = 0; i < engine->running_count; i++) generation_guess(engine->running[i]);
    if (engine->drafter) draft_by_model(engine);
    for (uint32_t i = 0; i < engine->running_count; i++)
        plan->offers[i] = drafting_offer(&engine->running[i]->drafting);
    if (engine->speculation == SPECULATION_ALWAYS)
        speculation_share_all(plan->offers, engine->running_count, plan->grants);
    else
        speculation_share(&engine->costs, plan->offers, engine->running_count, plan->grants);
    for (uint32_t i = 0; i < engine->running_count; i++)
        engine->running[i]->drafting.granted = plan->grants[i];
}

/* Nobody is parked for the sake of drafts. */
static void make_room_for_drafts(struct engine *engine, struct generation *generation)
{
    uint32_t *granted = &generation->drafting.granted;
    if (*granted > 0 &&
        !generation_reserve(generation, engine->cache, generation->count + *granted))
        *granted = 0;
}

/* How many rows the prompts share. */
static uint32_t rows_for_prompts(struct engine *engine, uint32_t writing)
{
    const uint32_t *needs = engine->plan.needs;
    uint32_t shortest = 0;
    for (uint32_t i = 0; i < engine->running_count; i++)
        if (needs[i] > 0 && (shortest == 0 || needs[i] < shortest)) shortest = needs[i];
    const struct demand demand = {
        .writing = writing,
        .reading = engine->running_count - writing,
        .shortest = shortest,
        .limit = engine->prefill_chunk,
    };
    return pace_rows(&engine->pace, &engine->costs, &demand);
}

/* A sequence that writes gets a row, always. Those that read share what the pace allows. */
static void plan_step(struct engine *engine)
{
    struct step_plan *plan = &engine->plan;
    plan->batch.count = plan->asker_count = plan->logits_rows = plan->read_rows = 0;
    plan->cached_tokens = plan->shared_tokens = 0;
    uint32_t writing = 0;
    for (uint32_t i = 0; i < engine->running_count; i++) {
        bool reads = generation_is_reading(engine->running[i]);
        plan->needs[i] = reads ? rows_to_read(engine, i) : 0;
        engine->running[i]->drafting.granted = 0;
        writing += !reads;
    }
    if (engine->drafter) drafter_follow(engine->drafter, engine->running, engine->running_count);
    uint32_t budget = rows_for_prompts(engine, writing);
    if (writing == engine->running_count && engine->speculation != SPECULATION_OFF)
        plan_drafts(engine);
    scheduler_share(plan->needs, engine->running_count, budget, plan->grants);
    for (uint32_t i = 0; i < engine->running_count; i++) {
        struct generation *generation = engine->running[i];
        bool reads = generation_is_reading(generation);
        uint32_t rows = reads ? plan->grants[i] : 1;
        if (rows == 0 || !make_room(engine, i, rows)) continue;
        make_room_for_drafts(engine, generation);
        add_rows(engine, generation, rows);
        if (reads) plan->read_rows += rows;
    }
}

/* The step failed: of what lies in the pages, only what earlier steps shared is sure. */
static void retire_all(struct engine *engine, const struct fault *fault)
{
    while (engine->running_count > 0) {
        struct generation *generation = engine->running[engine->running_count - 1];
        generation->computed = generation->known_pages * KV_PAGE_TOKENS;
        engine_retire(engine, engine->running_count - 1, END_ERROR, fault);
    }
}

static void learn_costs(struct engine *engine, uint64_t step_ns)
{
    size_t read = engine->plan.read_rows, written = engine->plan.batch.count - read;
    if (read == 0) step_costs_learn(&engine->costs, written, step_ns);
    pace_learn(&engine->pace, &engine->costs, written, read, step_ns);
}

/* Others may go on from what this step computed. Returns the tokens of prompts that it completed.
 */
static uint64_t share_pages(struct engine *engine)
{
    uint64_t prompts = 0;
    for (uint32_t i = 0; i < engine->running_count; i++) {
        struct generation *generation = engine->running[i];
        if (generation->computed == generation->prompt_count &&
            generation->count == generation->prompt_count) {
            prompts += generation->prompt_count;
            generation_share_part(generation, engine->cache);
        } else {
            generation_share(generation, engine->cache);
        }
    }
    return prompts;
}

bool engine_step(struct engine *engine)
{
    struct step_plan *plan = &engine->plan;
    uint32_t running = engine->running_count;
    plan_step(engine);
    if (plan->batch.count == 0) return engine->running_count < running; /* who is left goes on */
    struct fault fault;
    uint64_t start_ns = clock_monotonic_ns();
    enum status status = model_forward(engine->model, &plan->batch, plan->logits, &fault);
    if (status != OK) {
        retire_all(engine, &fault);
        return true;
    }
    uint64_t prompts = share_pages(engine);
    size_t generated = engine_choose(engine);
    size_t in_vain = plan->logits_rows - generated; /* drafts that were wrong */
    learn_costs(engine, clock_monotonic_ns() - start_ns);

    engine->counters.steps++;
    engine->counters.rows += plan->batch.count - in_vain;
    engine->counters.prompt_tokens += prompts;
    engine->counters.cached_tokens += plan->cached_tokens;
    engine->counters.shared_tokens += plan->shared_tokens;
    engine->counters.generated_tokens += generated;
    engine->counters.batch_rows = (uint32_t)plan->batch.count;
    engine->counters.last_step_ns = clock_monotonic_ns();
    return true;
}
