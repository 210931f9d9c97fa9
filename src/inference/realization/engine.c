/* engine.c - the engine's thread and its face. The lines in front of it are in engine_line.c, the
 * step itself in engine_step.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inference/realization/engine_state.h"
#include "platform/platform.h"

enum {
    DEFAULT_SEQUENCES = 32,
    DEFAULT_QUEUE_LIMIT = 256,
    DEFAULT_PREFILL_CHUNK = 256,
    STOP_BYTES_LIMIT = 4096,
};

/* ---- sizes ---- */

/* Pages for every sequence at full length would be too many; half of the free memory is left to
 * the rest of the machine. */
static uint64_t default_budget(const struct engine *engine)
{
    uint64_t wanted = (uint64_t)engine->sequence_limit *
                      generation_pages_for(engine->info->context_length) *
                      engine->info->kv_page_bytes;
    uint64_t half = machine_memory_available() / 2;
    return wanted < half ? wanted : half;
}

/* One sequence of the whole context must fit into the pool: then the oldest can always go on. */
static enum status choose_context(struct engine *engine, uint32_t wanted, struct fault *fault)
{
    uint32_t trained = engine->info->context_length;
    uint64_t room = (uint64_t)prefix_cache_pages(engine->cache) * KV_PAGE_TOKENS;
    if (wanted > trained)
        return fault_set_param(fault, STATUS_INVALID, "ctx",
                               "a context of %u tokens is more than the model's %u", wanted,
                               trained);
    if (wanted > room)
        return fault_set_param(fault, STATUS_NO_MEMORY, "ctx",
                               "a context of %u tokens does not fit: there is memory for %llu",
                               wanted, (unsigned long long)room);
    engine->context_length = wanted ? wanted : trained < room ? trained : (uint32_t)room;
    return OK;
}

static void choose_rows(struct engine *engine, const struct engine_options *options)
{
    size_t batch_limit = model_batch_limit(engine->model);
    assert(batch_limit >= 2);
    if (engine->sequence_limit > batch_limit / 2)
        engine->sequence_limit = (uint32_t)(batch_limit / 2);
    if (engine->prefill_chunk > batch_limit - engine->sequence_limit)
        engine->prefill_chunk = (uint32_t)batch_limit - engine->sequence_limit;
    uint32_t more =
        engine->prefill_chunk > DRAFT_ROWS_LIMIT ? engine->prefill_chunk : DRAFT_ROWS_LIMIT;
    engine->row_limit = engine->sequence_limit + more;
    engine->speculation = options->speculation;
}

/* Pages that were stored are found by the key of their store; else nobody ever learns it. */
static enum status open_cache(struct engine *engine, const struct engine_options *options,
                              struct fault *fault)
{
    uint64_t budget = options->kv_budget_bytes ? options->kv_budget_bytes : default_budget(engine);
    struct kv_pages *pages;
    struct hash_key key;
    entropy_fill(&key, sizeof key);
    if (engine->store) key = *kv_store_key(engine->store);
    TRY(kv_pages_open(&pages, engine->info->kv_page_bytes, budget, fault));
    TRY(prefix_cache_new(&engine->cache, pages, &key, fault));
    engine->counters.kv_pages = prefix_cache_pages(engine->cache);
    return choose_context(engine, options->context_length, fault);
}

static enum status prepare(struct engine *engine, const struct engine_options *options,
                           struct fault *fault)
{
    engine->sequence_limit = options->sequences ? options->sequences : DEFAULT_SEQUENCES;
    engine->queue_limit = options->queue_limit ? options->queue_limit : DEFAULT_QUEUE_LIMIT;
    engine->prefill_chunk = options->prefill_chunk ? options->prefill_chunk : DEFAULT_PREFILL_CHUNK;
    if (engine->info->is_embedding) {
        engine->context_length = engine->info->context_length;
        return OK;
    }
    choose_rows(engine, options);
    TRY(step_plan_init(&engine->plan, engine->row_limit, engine->sequence_limit,
                       engine->info->vocabulary, fault));
    TRY(engine_choose_init(engine, fault));
    TRY(engine_spill_open(engine, options, fault));
    TRY(open_cache(engine, options, fault));
    if (options->draft_model && engine->speculation != SPECULATION_OFF)
        TRY(drafter_open(&engine->drafter, options->draft_model, engine->model,
                         engine->sequence_limit, engine->context_length, fault));
    engine->running = calloc(engine->sequence_limit, sizeof *engine->running);
    if (options->audit)
        engine->holders = calloc(prefix_cache_pages(engine->cache), sizeof *engine->holders);
    if (!engine->running || (options->audit && !engine->holders))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engine");
    return engine_spill_prepare(engine, fault);
}

/* ---- the engine's thread ---- */

static void publish(struct engine *engine)
{
    engine->counters.running = engine->running_count;
    engine->counters.memory_bytes = engine->info->memory_bytes;
    if (engine->drafter) engine->counters.memory_bytes += drafter_memory_bytes(engine->drafter);
    if (engine->cache) {
        engine->counters.kv_pages_used = prefix_cache_held(engine->cache);
        engine->counters.kv_pages_kept = prefix_cache_kept(engine->cache);
        engine->counters.memory_bytes += prefix_cache_touched_bytes(engine->cache);
        engine->counters.kv_pages_evicted = prefix_cache_evictions(engine->cache);
    }
    if (engine->running_count == 0) engine->counters.batch_rows = 0;
    board_write(&engine->board, &engine->counters, sizeof engine->counters);
}

static void retire_cancelled(struct engine *engine)
{
    for (uint32_t i = engine->running_count; i-- > 0;) {
        if (!atomic_load(&engine->running[i]->cancelled)) continue;
        engine->counters.cancelled++;
        engine_retire(engine, i, END_CANCELLED, NULL);
    }
}

static void embed(struct engine *engine, struct embed_job *job)
{
    embed_job_finish(job, model_embed_texts(engine->model, job->texts, job->count, job->fault));
}

static void stop_all(struct engine *engine)
{
    struct fault fault;
    fault_set(&fault, STATUS_STOPPING, "the server is stopping");
    while (engine->running_count > 0)
        engine_retire(engine, engine->running_count - 1, END_ERROR, &fault);
    engine_line_close(engine, &fault);
}

/* Every page has as many references as there are sequences that hold it, and one if it is known. */
static void audit(struct engine *engine)
{
    memset(engine->holders, 0, prefix_cache_pages(engine->cache) * sizeof *engine->holders);
    for (uint32_t i = 0; i < engine->running_count; i++) {
        const struct generation *generation = engine->running[i];
        for (uint32_t p = 0; p < generation->page_count; p++)
            engine->holders[prefix_cache_number(engine->cache, generation->pages[p])]++;
    }
    engine_spill_count_holders(engine, engine->holders);
    prefix_cache_audit(engine->cache, engine->holders);
}

static bool has_work(const struct engine *engine)
{
    return engine->running_count > 0 || engine->line || engine->embed_line;
}

/* Everything there is to do for one step's time; the compute threads are this engine's. False when
 * all that runs waits for the disk. */
static bool work(struct engine *engine)
{
    engine_admit(engine);
    publish(engine);
    struct embed_job *job = engine_next_embed(engine);
    bool has_computed = engine->running_count > 0 && engine_step(engine);
    if (job) embed(engine, job);
    return has_computed || job;
}

static bool take_turn_and_work(struct engine *engine)
{
    if (!has_work(engine)) return false;
    if (engine->turns) turns_take(engine->turns, &engine->taker);
    bool has_computed = work(engine);
    if (engine->holders) audit(engine);
    return has_computed;
}

static void *run(void *argument)
{
    struct engine *engine = argument;
    while (!atomic_load(&engine->stopping)) {
        engine_line_refresh(engine);
        engine_spill_refresh(engine);
        retire_cancelled(engine);
        bool has_computed = take_turn_and_work(engine);
        publish(engine);
        if (has_computed) continue;
        if (engine->turns) turns_leave(engine->turns, &engine->taker);
        doorbell_await(&engine->bell);
    }
    if (engine->turns) turns_leave(engine->turns, &engine->taker);
    stop_all(engine);
    engine_spill_flush(engine);
    publish(engine);
    return NULL;
}

/* ---- the face ---- */

static void engine_free(struct engine *engine)
{
    engine_spill_close(engine); /* it rings the bell to the end */
    step_plan_deinit(&engine->plan);
    engine_choose_deinit(engine);
    free(engine->running);
    free(engine->holders);
    drafter_close(engine->drafter);
    prefix_cache_free(engine->cache);
    model_close(engine->model);
    pthread_mutex_destroy(&engine->trie_lock);
    turn_taker_deinit(&engine->taker);
    doorbell_deinit(&engine->bell);
    free(engine);
}

enum status engine_open(struct engine **out, struct model *model,
                        const struct engine_options *options, struct fault *fault)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        model_close(model);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engine");
    }
    engine->model = model;
    engine->info = model_info(model);
    engine->tokenizer = model_tokenizer(model);
    engine_line_init(engine);
    engine->turns = options->turns;
    turn_taker_init(&engine->taker);
    pthread_mutex_init(&engine->trie_lock, NULL);

    enum status status = prepare(engine, options, fault);
    publish(engine); /* before anybody looks */
    if (status == OK && pthread_create(&engine->thread, NULL, run, engine) != 0)
        status = fault_set(fault, STATUS_NO_MEMORY, "cannot start the engine's thread");
    if (status != OK) {
        engine_free(engine);
        return status;
    }
    *out = engine;
    return OK;
}

void engine_stop(struct engine *engine)
{
    atomic_store(&engine->stopping, true);
    doorbell_ring(&engine->bell);
}

void engine_close(struct engine *engine)
{
    if (!engine) return;
    engine_stop(engine);
    pthread_join(engine->thread, NULL);
    engine_free(engine);
}

const struct model_info *engine_model(const struct engine *engine)
{
    return engine->info;
}

const struct tokenizer *engine_tokenizer(const struct engine *engine)
{
    return engine->tokenizer;
}

struct text engine_chat_template(const struct engine *engine)
{
    return model_chat_template(engine->model);
}

uint32_t engine_context_length(const struct engine *engine)
{
    return engine->context_length;
}

static enum status check_request(const struct engine *engine,
                                 const struct generation_request *request, struct fault *fault)
{
    if (engine->info->is_embedding)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "model",
                               "%s makes embeddings and cannot generate text", engine->info->name);
    if (request->prompt_count == 0)
        return fault_set_param(fault, STATUS_INVALID, "prompt", "Prompt cannot be empty"); /* R7 */
    if (request->prompt_count >= engine->context_length)
        return fault_set_param(fault, STATUS_INVALID, "prompt",
                               "the prompt has %zu tokens, and the context holds %u, of which at "
                               "least one must be left for the answer",
                               request->prompt_count, engine->context_length);
    if (request->max_tokens == 0)
        return fault_set_param(fault, STATUS_INVALID, "max_tokens",
                               "Max tokens must be between 1 and 4096"); /* R7, X67 */
    for (size_t i = 0; i < request->prompt_count; i++)
        if (request->prompt[i] < 0 || (uint32_t)request->prompt[i] >= engine->info->vocabulary)
            return fault_set_param(fault, STATUS_INVALID, "prompt",
                                   "token %d is not in the vocabulary (0..%u)", request->prompt[i],
                                   engine->info->vocabulary - 1);
    if (request->stop_count > STOP_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "stop", "at most %d stop strings",
                               STOP_LIMIT);
    for (size_t i = 0; i < request->stop_count; i++)
        if (request->stop[i].length == 0 || request->stop[i].length > STOP_BYTES_LIMIT)
            return fault_set_param(fault, STATUS_INVALID, "stop",
                                   "a stop string must have 1 to %d bytes", STOP_BYTES_LIMIT);
    if (request->top_logprobs > LOGPROBS_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "top_logprobs",
                               "top_logprobs must be between 0 and %d", LOGPROBS_LIMIT);
    return sampling_check(&request->sampling, engine->info->vocabulary, fault);
}

static enum status refuse_stopping(struct fault *fault)
{
    return fault_set(fault, STATUS_STOPPING, "the server is stopping");
}

/* Count so many in, all or none. */
static bool take_places(struct engine *engine, atomic_uint *taken, uint32_t count, uint32_t limit)
{
    unsigned before = atomic_load(taken);
    do {
        if (count > limit - before) {
            engine->refused++;
            return false;
        }
    } while (!atomic_compare_exchange_weak(taken, &before, before + count));
    return true;
}

enum status engine_prepare(struct engine *engine, const struct generation_request *request,
                           struct generation **out, struct fault *fault)
{
    TRY(check_request(engine, request, fault));
    uint32_t prompt_count = (uint32_t)request->prompt_count;
    uint32_t room = engine->context_length - prompt_count;
    uint32_t limit = prompt_count + (request->max_tokens < room ? request->max_tokens : room);
    TRY(generation_new(out, request, limit, engine->tokenizer, fault));
    (*out)->matcher = request->matcher;
    return OK;
}

enum status engine_reserve(struct engine *engine, uint32_t count, struct fault *fault)
{
    uint32_t limit = engine->sequence_limit + engine->queue_limit;
    if (atomic_load(&engine->stopping)) return refuse_stopping(fault);
    if (count > limit)
        return fault_set_param(fault, STATUS_INVALID, "n",
                               "%u answers at once are more than the %u that can be written and "
                               "the %u that may wait: ask for fewer",
                               count, engine->sequence_limit, engine->queue_limit);
    if (take_places(engine, &engine->places_taken, count, limit)) return OK;
    return fault_set(fault, STATUS_BUSY,
                     "too few of the %u places, and of the %u to wait for one, are free: try again "
                     "later",
                     engine->sequence_limit, engine->queue_limit);
}

/* Each before the one it follows, as in an inbox. */
static void chain(struct generation *const *generations, uint32_t count)
{
    uint64_t now_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < count; i++) {
        struct generation *generation = generation_share_handle(generations[i]);
        generation->submitted_ns = now_ns;
        generation->in_line.next = i > 0 ? &generations[i - 1]->in_line : NULL;
    }
}

void engine_start(struct engine *engine, struct generation *const *generations, uint32_t count)
{
    assert(count > 0);
    chain(generations, count);
    engine->requests += count;
    atomic_fetch_add(&engine->waiting, count);
    if (inbox_put_all(&engine->generations, &generations[count - 1]->in_line,
                      &generations[0]->in_line)) {
        doorbell_ring(&engine->bell);
        return;
    }
    struct fault fault;
    refuse_stopping(&fault);
    for (uint32_t i = 0; i < count; i++) engine_turn_away(engine, generations[i], &fault);
}

enum status engine_submit(struct engine *engine, const struct generation_request *request,
                          struct generation **out, struct fault *fault)
{
    struct generation *generation;
    TRY(engine_prepare(engine, request, &generation, fault));
    enum status status = engine_reserve(engine, 1, fault);
    if (status != OK) {
        generation->matcher = NULL; /* still the caller's */
        generation_release(generation);
        return status;
    }
    *out = generation; /* before the first event can come */
    engine_start(engine, &generation, 1);
    return OK;
}

void engine_cancel(struct engine *engine, struct generation *generation)
{
    atomic_store(&generation->cancelled, true);
    doorbell_ring(&engine->bell);
}

enum status engine_embed(struct engine *engine, const struct embedding_text *texts, size_t count,
                         struct fault *fault)
{
    struct embed_job job = {.texts = texts, .count = count, .fault = fault};
    if (atomic_load(&engine->stopping)) return refuse_stopping(fault);
    if (!take_places(engine, &engine->embeds_waiting, 1, engine->queue_limit))
        return fault_set(fault, STATUS_BUSY, "%u texts wait to be embedded: try again later",
                         engine->queue_limit);
    sem_init(&job.done, 0, 0);
    if (inbox_put(&engine->embeds, &job.in_line)) {
        doorbell_ring(&engine->bell);
        while (sem_wait(&job.done) != 0) continue;
    } else {
        atomic_fetch_sub(&engine->embeds_waiting, 1);
        job.status = refuse_stopping(fault);
    }
    sem_destroy(&job.done);
    return job.status;
}

void engine_counters(const struct engine *engine, struct engine_counters *counters)
{
    board_read(&engine->board, counters, sizeof *counters);
    counters->waiting = atomic_load(&engine->waiting);
    counters->requests = engine->requests;
    counters->refused = engine->refused;
}
