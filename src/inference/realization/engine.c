/* engine.c - the engine's thread and the lines in front of it. The step itself is in
 * engine_step.c. */
#include <assert.h>
#include <stdlib.h>

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

static enum status choose_sizes(struct engine *engine, const struct engine_options *options,
                                struct fault *fault)
{
    engine->sequence_limit = options->sequences ? options->sequences : DEFAULT_SEQUENCES;
    engine->queue_limit = options->queue_limit ? options->queue_limit : DEFAULT_QUEUE_LIMIT;
    engine->prefill_chunk = options->prefill_chunk ? options->prefill_chunk : DEFAULT_PREFILL_CHUNK;
    if (engine->info->is_embedding) {
        engine->context_length = engine->info->context_length;
        return OK;
    }
    size_t batch_limit = model_batch_limit(engine->model);
    assert(batch_limit >= 2);
    if (engine->sequence_limit > batch_limit / 2)
        engine->sequence_limit = (uint32_t)(batch_limit / 2);
    if (engine->prefill_chunk > batch_limit - engine->sequence_limit)
        engine->prefill_chunk = (uint32_t)batch_limit - engine->sequence_limit;
    engine->row_limit = engine->sequence_limit + engine->prefill_chunk;

    uint64_t budget = options->kv_budget_bytes ? options->kv_budget_bytes : default_budget(engine);
    struct kv_pages *pages;
    TRY(kv_pages_open(&pages, engine->info->kv_page_bytes, budget, fault));
    struct hash_key key; /* a new one each time: nobody can learn it */
    entropy_fill(&key, sizeof key);
    TRY(prefix_cache_new(&engine->cache, pages, &key, fault));
    engine->counters.kv_pages = prefix_cache_pages(engine->cache);
    TRY(choose_context(engine, options->context_length, fault));
    engine->running = calloc(engine->sequence_limit, sizeof *engine->running);
    if (!engine->running) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engine");
    TRY(engine_choose_init(engine, fault));
    return step_plan_init(&engine->plan, engine->row_limit, engine->sequence_limit,
                          engine->info->vocabulary, fault);
}

/* ---- the engine's thread ---- */

/* Take the cancelled out of the waiting line; the caller tells them, without the lock. */
static struct generation *unlink_cancelled(struct engine *engine)
{
    struct generation *cancelled = NULL;
    struct generation **at = &engine->waiting;
    while (*at) {
        struct generation *generation = *at;
        if (!atomic_load(&generation->cancelled) && !engine->stopping) {
            at = &generation->next;
            continue;
        }
        *at = generation->next;
        generation->next = cancelled;
        cancelled = generation;
        engine->counters.waiting--;
    }
    engine->waiting_end = at;
    return cancelled;
}

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

/* Let the oldest in, if there are pages for all that it has to read. */
static bool admit_oldest(struct engine *engine)
{
    struct generation *oldest = engine->waiting;
    generation_adopt(oldest, engine->cache);
    uint32_t needed = generation_pages_for(oldest->count) - oldest->page_count;
    if (needed + promised_pages(engine) > prefix_cache_available(engine->cache)) {
        generation_park(oldest, engine->cache);
        return false;
    }
    engine->waiting = oldest->next;
    if (!engine->waiting) engine->waiting_end = &engine->waiting;
    engine->counters.waiting--;
    if (!oldest->admitted_ns) oldest->admitted_ns = clock_monotonic_ns();
    engine->running[engine->running_count++] = oldest;
    return true;
}

static void admit(struct engine *engine)
{
    while (engine->waiting && engine->running_count < engine->sequence_limit)
        if (!admit_oldest(engine)) return;
}

/* Cancelled, or ended by the fault that stops all. */
static void finish_unadmitted(struct generation *list, const struct fault *stopping)
{
    while (list) {
        struct generation *generation = list;
        list = generation->next;
        generation_finish(generation, stopping ? END_ERROR : END_CANCELLED, stopping,
                          clock_monotonic_ns());
        generation_release(generation);
    }
}

static uint32_t retire_cancelled(struct engine *engine)
{
    uint32_t count = 0;
    for (uint32_t i = engine->running_count; i-- > 0;) {
        if (!atomic_load(&engine->running[i]->cancelled)) continue;
        engine_retire(engine, i, END_CANCELLED, NULL);
        count++;
    }
    return count;
}

static void finish_embed(struct engine *engine, struct embed_job *job, enum status status)
{
    pthread_mutex_lock(&engine->mutex);
    job->status = status;
    job->done = true;
    pthread_cond_broadcast(&engine->embedded);
    pthread_mutex_unlock(&engine->mutex);
}

static struct embed_job *next_embed(struct engine *engine)
{
    struct embed_job *job = engine->embeds;
    if (!job) return NULL;
    engine->embeds = job->next;
    if (!engine->embeds) engine->embeds_end = &engine->embeds;
    engine->embed_count--;
    return job;
}

static void stop_all(struct engine *engine, struct generation *waiting, struct embed_job *embeds)
{
    struct fault fault;
    fault_set(&fault, STATUS_STOPPING, "the server is stopping");
    finish_unadmitted(waiting, &fault);
    while (engine->running_count > 0)
        engine_retire(engine, engine->running_count - 1, END_ERROR, &fault);
    while (embeds) {
        struct embed_job *job = embeds;
        embeds = job->next; /* the job is its caller's again once it is done */
        fault_set(job->fault, STATUS_STOPPING, "the server is stopping");
        finish_embed(engine, job, STATUS_STOPPING);
    }
}

static void publish(struct engine *engine, uint32_t cancelled)
{
    pthread_mutex_lock(&engine->mutex);
    engine->counters.cancelled += cancelled;
    engine->counters.running = engine->running_count;
    if (engine->cache) {
        engine->counters.kv_pages_used = prefix_cache_held(engine->cache);
        engine->counters.kv_pages_kept = prefix_cache_kept(engine->cache);
    }
    if (engine->running_count == 0) engine->counters.batch_rows = 0;
    pthread_mutex_unlock(&engine->mutex);
}

/* What the engine's thread found in front of it. */
struct work {
    struct generation *unadmitted; /* cancelled while they waited, or, when stopping, all */
    uint32_t cancelled;
    struct embed_job *embeds; /* one, or, when stopping, all */
    bool stopping;
};

/* Sleeps while there is nothing to do. */
static struct work await_work(struct engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    while (!engine->waiting && !engine->embeds && !engine->stopping && engine->running_count == 0)
        pthread_cond_wait(&engine->work, &engine->mutex);
    uint32_t waiting = engine->counters.waiting;
    struct work work = {.stopping = engine->stopping, .unadmitted = unlink_cancelled(engine)};
    work.cancelled = waiting - engine->counters.waiting;
    work.embeds = engine->stopping ? engine->embeds : next_embed(engine);
    pthread_mutex_unlock(&engine->mutex);
    return work;
}

static void embed(struct engine *engine, struct embed_job *job)
{
    enum status status =
        model_embed(engine->model, job->tokens, job->count, job->vector, job->fault);
    finish_embed(engine, job, status);
}

static void *run(void *argument)
{
    struct engine *engine = argument;
    struct work work = await_work(engine);
    for (; !work.stopping; work = await_work(engine)) {
        finish_unadmitted(work.unadmitted, NULL);
        uint32_t cancelled = work.cancelled + retire_cancelled(engine);
        pthread_mutex_lock(&engine->mutex);
        admit(engine);
        pthread_mutex_unlock(&engine->mutex);
        publish(engine, cancelled);
        if (engine->running_count > 0) engine_step(engine);
        if (work.embeds) embed(engine, work.embeds);
        publish(engine, 0);
    }
    stop_all(engine, work.unadmitted, work.embeds);
    publish(engine, 0);
    return NULL;
}

/* ---- the face ---- */

static void engine_free(struct engine *engine)
{
    step_plan_deinit(&engine->plan);
    engine_choose_deinit(engine);
    free(engine->running);
    prefix_cache_free(engine->cache);
    model_close(engine->model);
    pthread_cond_destroy(&engine->embedded);
    pthread_cond_destroy(&engine->work);
    pthread_mutex_destroy(&engine->mutex);
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
    engine->waiting_end = &engine->waiting;
    engine->embeds_end = &engine->embeds;
    pthread_mutex_init(&engine->mutex, NULL);
    pthread_cond_init(&engine->work, NULL);
    pthread_cond_init(&engine->embedded, NULL);

    enum status status = choose_sizes(engine, options, fault);
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
    pthread_mutex_lock(&engine->mutex);
    engine->stopping = true;
    pthread_cond_signal(&engine->work);
    pthread_mutex_unlock(&engine->mutex);
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

/* Put it at the end of the waiting line, unless that is full. */
static enum status enqueue(struct engine *engine, struct generation *generation,
                           struct fault *fault)
{
    enum status status = OK;
    pthread_mutex_lock(&engine->mutex);
    if (engine->stopping) {
        status = fault_set(fault, STATUS_STOPPING, "the server is stopping");
    } else if (engine->counters.waiting >= engine->queue_limit) {
        engine->counters.refused++;
        status = fault_set(fault, STATUS_BUSY,
                           "all %u places are taken and %u requests wait: try again later",
                           engine->sequence_limit, engine->counters.waiting);
    } else {
        *engine->waiting_end = generation;
        engine->waiting_end = &generation->next;
        engine->counters.waiting++;
        engine->counters.requests++;
        pthread_cond_signal(&engine->work);
    }
    pthread_mutex_unlock(&engine->mutex);
    return status;
}

enum status engine_submit(struct engine *engine, const struct generation_request *request,
                          struct generation **out, struct fault *fault)
{
    TRY(check_request(engine, request, fault));
    uint32_t prompt_count = (uint32_t)request->prompt_count;
    uint32_t room = engine->context_length - prompt_count;
    uint32_t limit = prompt_count + (request->max_tokens < room ? request->max_tokens : room);
    struct generation *generation;
    TRY(generation_new(&generation, request, limit, engine->tokenizer, fault));
    generation->submitted_ns = clock_monotonic_ns();
    *out = generation; /* before the first event can come */
    enum status status = enqueue(engine, generation, fault);
    if (status != OK) {
        *out = NULL;
        generation_release(generation);
        generation_release(generation);
    }
    return status;
}

void engine_cancel(struct engine *engine, struct generation *generation)
{
    atomic_store(&generation->cancelled, true);
    pthread_mutex_lock(&engine->mutex);
    pthread_cond_signal(&engine->work);
    pthread_mutex_unlock(&engine->mutex);
}

enum status engine_embed(struct engine *engine, const int32_t *tokens, size_t count, float *vector,
                         struct fault *fault)
{
    struct embed_job job = {.tokens = tokens, .count = count, .vector = vector, .fault = fault};
    pthread_mutex_lock(&engine->mutex);
    if (engine->stopping || engine->embed_count >= engine->queue_limit) {
        bool stopping = engine->stopping;
        if (!stopping) engine->counters.refused++;
        pthread_mutex_unlock(&engine->mutex);
        return stopping
                   ? fault_set(fault, STATUS_STOPPING, "the server is stopping")
                   : fault_set(fault, STATUS_BUSY, "%u texts wait to be embedded: try again later",
                               engine->queue_limit);
    }
    *engine->embeds_end = &job;
    engine->embeds_end = &job.next;
    engine->embed_count++;
    pthread_cond_signal(&engine->work);
    while (!job.done) pthread_cond_wait(&engine->embedded, &engine->mutex);
    pthread_mutex_unlock(&engine->mutex);
    return job.status;
}

void engine_counters(const struct engine *engine, struct engine_counters *counters)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)&engine->mutex;
    pthread_mutex_lock(mutex);
    *counters = engine->counters;
    pthread_mutex_unlock(mutex);
}
