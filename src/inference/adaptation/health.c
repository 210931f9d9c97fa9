/* health.c - GET /health: can this server really answer?
 *
 * It runs a real generation of five tokens (R15, R23) and remembers the outcome for a few
 * seconds, so that probes cost nothing (X36). When the engine is busy, a step that it completed a
 * moment ago is proof enough, so that probes never kill a busy server (X68). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inference/adaptation/api_private.h"
#include "model/model.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

enum {
    REMEMBERED_MS = 5000,
    RECENT_STEP_MS = 5000,
    POLL_MS = 20,
    PROBE_DEADLINE_MS = 20000,
    PROBE_TOKENS = 5
};

struct health {
    pthread_mutex_t lock; /* one probe at a time; the others get its outcome */
    uint64_t checked_ns;  /* 0: never */
    enum status status;
    struct fault fault;
};

struct health *health_new(void)
{
    struct health *health = calloc(1, sizeof *health);
    if (health) pthread_mutex_init(&health->lock, NULL);
    return health;
}

void health_free(struct health *health)
{
    if (!health) return;
    pthread_mutex_destroy(&health->lock);
    free(health);
}

/* ---- one generation ---- */

/* Shared by the prober and the engine's thread; the last of the two frees it. */
struct probe {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned owners;
    enum generation_end end;
    uint32_t tokens;
    struct fault fault;
};

static struct probe *probe_new(void)
{
    struct probe *probe = calloc(1, sizeof *probe);
    if (!probe) return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&probe->lock, NULL);
    pthread_cond_init(&probe->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    probe->owners = 2;
    return probe;
}

/* With the lock held; releases it. */
static void probe_leave(struct probe *probe)
{
    bool is_last = --probe->owners == 0;
    pthread_mutex_unlock(&probe->lock);
    if (!is_last) return;
    pthread_cond_destroy(&probe->ended);
    pthread_mutex_destroy(&probe->lock);
    free(probe);
}

static void on_event(void *argument, const struct generation_event *event)
{
    if (event->end == END_NONE) return;
    struct probe *probe = argument;
    pthread_mutex_lock(&probe->lock);
    probe->end = event->end;
    probe->tokens = event->completion_tokens;
    if (event->fault) probe->fault = *event->fault;
    pthread_cond_signal(&probe->ended);
    probe_leave(probe);
}

static enum status probe_outcome(const struct probe *probe, struct fault *fault)
{
    if (probe->end == END_NONE)
        return fault_set(fault, STATUS_UNAVAILABLE, "the model did not answer within %d s",
                         PROBE_DEADLINE_MS / 1000);
    if (probe->end == END_ERROR) {
        *fault = probe->fault;
        return fault->status;
    }
    if (probe->tokens == 0) return fault_set(fault, STATUS_UNAVAILABLE, "the model made no token");
    return OK;
}

static enum status wait_for(struct engine *engine, struct probe *probe,
                            struct generation *generation, struct fault *fault)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PROBE_DEADLINE_MS / 1000;
    pthread_mutex_lock(&probe->lock);
    while (probe->end == END_NONE &&
           pthread_cond_timedwait(&probe->ended, &probe->lock, &until) == 0) {
    }
    enum status status = probe_outcome(probe, fault);
    bool is_late = probe->end == END_NONE;
    probe_leave(probe);
    if (is_late) engine_cancel(engine, generation);
    generation_release(generation);
    return status;
}

static enum status generate(struct engine *engine, struct fault *fault)
{
    struct token_list prompt = {.ids = NULL};
    enum status status = tokenizer_encode(engine_tokenizer(engine), TEXT("Hello"),
                                          TOKENIZE_ADD_SPECIAL, &prompt, fault);
    struct probe *probe = status == OK ? probe_new() : NULL;
    if (status == OK && !probe) status = fault_set(fault, STATUS_NO_MEMORY, "no memory to probe");
    if (status != OK) goto done;
    struct generation_request request = {
        .prompt = prompt.ids,
        .prompt_count = prompt.count,
        .max_tokens = PROBE_TOKENS,
        .ignore_end = true,
        .top_logprobs = -1,
        .on_event = on_event,
        .argument = probe,
    };
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    struct generation *generation;
    status = engine_submit(engine, &request, &generation, fault);
    if (status == OK) {
        status = wait_for(engine, probe, generation, fault);
    } else {
        pthread_mutex_lock(&probe->lock);
        probe->owners = 1; /* the engine never saw it */
        probe_leave(probe);
    }
done:
    token_list_deinit(&prompt);
    return status;
}

static enum status embed(struct engine *engine, struct fault *fault)
{
    float *vector = calloc(engine_model(engine)->width, sizeof *vector);
    if (!vector) return fault_set(fault, STATUS_NO_MEMORY, "no memory to probe");
    struct token_list text = {.ids = NULL};
    enum status status = tokenizer_encode(engine_tokenizer(engine), TEXT("Hello"),
                                          TOKENIZE_ADD_SPECIAL, &text, fault);
    const struct embedding_text one = {text.ids, text.count, vector};
    if (status == OK) status = engine_embed(engine, &one, 1, fault);
    token_list_deinit(&text);
    free(vector);
    return status;
}

/* ---- the routes ---- */

static bool is_busy_and_alive(const struct engine *engine)
{
    struct engine_counters counters;
    engine_counters(engine, &counters);
    uint64_t since_ns = clock_monotonic_ns() - counters.last_step_ns;
    return counters.running > 0 && counters.last_step_ns > 0 &&
           since_ns < RECENT_STEP_MS * 1000000ull;
}

/* A full line has no room for a probe, and right after a start or between two answers no step may
 * be recent: a step that ends soon is as good (X68). */
static bool completes_a_step_soon(const struct engine *engine)
{
    struct engine_counters before, now;
    engine_counters(engine, &before);
    for (int waited_ms = 0; waited_ms < RECENT_STEP_MS; waited_ms += POLL_MS) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
        engine_counters(engine, &now);
        if (now.steps != before.steps) return true;
    }
    return false;
}

static enum status probe_chat(struct engine *engine, struct fault *fault)
{
    enum status status = generate(engine, fault);
    return status == STATUS_BUSY && completes_a_step_soon(engine) ? OK : status;
}

static enum status probe(const struct model_lease *lease, struct fault *fault)
{
    if (!lease) return fault_set(fault, STATUS_UNAVAILABLE, "Model not loaded"); /* R15 */
    return engine_model(lease->engine)->is_embedding ? embed(lease->engine, fault)
                                                     : probe_chat(lease->engine, fault);
}

static enum status probe_or_remember(struct health *health, const struct model_lease *lease,
                                     struct fault *fault)
{
    pthread_mutex_lock(&health->lock);
    uint64_t now_ns = clock_monotonic_ns();
    if (!health->checked_ns || now_ns - health->checked_ns > REMEMBERED_MS * 1000000ull) {
        health->status = probe(lease, &health->fault);
        health->checked_ns = clock_monotonic_ns();
    }
    enum status status = health->status;
    if (status != OK) *fault = health->fault;
    pthread_mutex_unlock(&health->lock);
    return status;
}

static enum status check(struct api *api, struct fault *fault)
{
    struct model_lease *lease = model_host_main(api->host, USE_GENERATION);
    enum status status = lease && is_busy_and_alive(lease->engine)
                             ? OK
                             : probe_or_remember(api->health, lease, fault);
    model_lease_release(lease);
    return status;
}

void health_handle(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    struct fault fault;
    enum status status = check(api, &fault);
    struct buffer out;
    buffer_init(&out);
    buffer_printf(&out, "{\"status\":\"%s\",\"backend\":", status == OK ? "healthy" : "unhealthy");
    buffer_append_json_string(&out, text_of(api->backend));
    if (status != OK) {
        buffer_append_string(&out, ",\"error\":");
        buffer_append_json_string(&out, text_of(fault.message));
        buffer_append_string(&out, ",\"detail\":");
        buffer_append_json_string(&out, text_of(fault.message));
    }
    buffer_append_char(&out, '}');
    http_reply_json(exchange, status == OK ? 200 : 503, buffer_text(&out));
    buffer_deinit(&out);
}

enum status health_check_model(void *context, struct fault *fault)
{
    const struct api *api = context;
    struct model_lease *lease = model_host_main(api->host, USE_GENERATION);
    bool is_there = lease;
    model_lease_release(lease);
    return is_there ? OK : fault_set(fault, STATUS_NOT_FOUND, "Model not loaded");
}
