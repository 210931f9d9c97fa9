/* engine_line.c - those who wait for the engine: how they arrive, who comes in next, and who has to
 * go out again when pages run out. */
#include <assert.h>

#include "inference/realization/engine_state.h"
#include "platform/platform.h"

_Static_assert(offsetof(struct generation, in_line) == 0 &&
                   offsetof(struct embed_job, in_line) == 0,
               "what lies in an inbox begins with its item");

static struct generation *generation_of(struct inbox_item *item)
{
    return (struct generation *)item;
}

/* ---- lines ---- */

static void append_all(struct inbox_item ***end, struct inbox_item *items)
{
    **end = items;
    while (**end) *end = &(**end)->next;
}

void engine_line_init(struct engine *engine)
{
    engine->line_end = &engine->line;
    engine->embed_line_end = &engine->embed_line;
    doorbell_init(&engine->bell);
}

void engine_turn_away(struct engine *engine, struct generation *generation,
                      const struct fault *fault)
{
    atomic_fetch_sub(&engine->waiting, 1);
    atomic_fetch_sub(&engine->places_taken, 1);
    generation_finish(generation, fault ? END_ERROR : END_CANCELLED, fault, clock_monotonic_ns());
    generation_release(generation);
}

static void drop_cancelled(struct engine *engine)
{
    struct inbox_item **at = &engine->line;
    while (*at) {
        struct generation *generation = generation_of(*at);
        if (!atomic_load(&generation->cancelled)) {
            at = &(*at)->next;
            continue;
        }
        *at = (*at)->next;
        engine->counters.cancelled++;
        engine_turn_away(engine, generation, NULL);
    }
    engine->line_end = at;
}

void engine_line_refresh(struct engine *engine)
{
    append_all(&engine->line_end, inbox_take(&engine->generations));
    append_all(&engine->embed_line_end, inbox_take(&engine->embeds));
    drop_cancelled(engine);
}

struct embed_job *engine_next_embed(struct engine *engine)
{
    struct inbox_item *first = engine->embed_line;
    if (!first) return NULL;
    engine->embed_line = first->next;
    if (!engine->embed_line) engine->embed_line_end = &engine->embed_line;
    atomic_fetch_sub(&engine->embeds_waiting, 1);
    return (struct embed_job *)first;
}

void embed_job_finish(struct embed_job *job, enum status status)
{
    job->status = status;
    sem_post(&job->done); /* from here on it is its caller's again */
}

void engine_line_close(struct engine *engine, const struct fault *stopping)
{
    append_all(&engine->line_end, inbox_close(&engine->generations));
    append_all(&engine->embed_line_end, inbox_close(&engine->embeds));
    while (engine->line) {
        struct generation *generation = generation_of(engine->line);
        engine->line = engine->line->next;
        engine_turn_away(engine, generation, stopping);
    }
    for (struct embed_job *job; (job = engine_next_embed(engine));) {
        fault_set(job->fault, stopping->status, "%s", stopping->message);
        embed_job_finish(job, stopping->status);
    }
}

/* ---- in and out ---- */

/* Pages that running sequences will still take to read what they have to read. */
static uint32_t promised_pages(const struct engine *engine)
{
    uint32_t promised = 0;
    for (uint32_t i = 0; i < engine->running_count; i++) {
        const struct generation *generation = engine->running[i];
        uint32_t needed = generation_pages_for(generation->count);
        if (needed > generation->page_count) promised += needed - generation->page_count;
    }
    return promised;
}

/* If there are pages for all that it has to read. */
static bool admit_oldest(struct engine *engine)
{
    struct generation *oldest = generation_of(engine->line);
    generation_adopt(oldest, engine->cache);
    uint32_t needed = generation_pages_for(oldest->count) - oldest->page_count;
    if (needed + promised_pages(engine) > prefix_cache_available(engine->cache)) {
        generation_park(oldest, engine->cache);
        return false;
    }
    engine->line = oldest->in_line.next;
    if (!engine->line) engine->line_end = &engine->line;
    atomic_fetch_sub(&engine->waiting, 1);
    if (!oldest->admitted_ns) oldest->admitted_ns = clock_monotonic_ns();
    engine->running[engine->running_count++] = oldest;
    return true;
}

void engine_admit(struct engine *engine)
{
    while (engine->line && engine->running_count < engine->sequence_limit)
        if (!admit_oldest(engine)) return;
}

void engine_park_youngest(struct engine *engine)
{
    struct generation *youngest = engine->running[--engine->running_count];
    generation_park(youngest, engine->cache);
    youngest->in_line.next = engine->line;
    if (!engine->line) engine->line_end = &youngest->in_line.next;
    engine->line = &youngest->in_line;
    atomic_fetch_add(&engine->waiting, 1);
    engine->counters.preempted++;
}
