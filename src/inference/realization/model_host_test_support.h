/* model_host_test_support.h - what the tests of the model host share: a folder of small random
 * models, a store over it, tickets that can be waited for. Include it in one file of a program. */
#ifndef LIMINAL_INFERENCE_MODEL_HOST_TEST_SUPPORT_H
#define LIMINAL_INFERENCE_MODEL_HOST_TEST_SUPPORT_H

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/test_support.h"
#include "compute/compute.h"
#include "inference/model_host.h"
#include "model/model.h"
#include "model/model_test_support.h"
#include "platform/platform.h"

enum { HOST_PATIENCE_S = 120 };

/* ---- a store of models ---- */

static char folder[] = "/tmp/liminal-model-host-XXXXXX";
static const char *const NAMES[] = {"alpha", "beta", "gamma"};
static const char *const SHAPES[] = {"tiny-llama", "tiny-qwen3", "tiny-phi3"};
static struct compute *compute;

static inline void path_of(char *out, size_t capacity, const char *name)
{
    snprintf(out, capacity, "%s/%s.gguf", folder, name);
}

static inline void make_model(const char *shape, const char *name)
{
    char path[128];
    path_of(path, sizeof path, name);
    test_make_model(shape, "Q8_0", path);
}

static inline void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static inline enum status find_in_folder(void *context, struct text name, struct arena *arena,
                                         struct stored_model *found, struct fault *fault)
{
    if (text_equal(name, TEXT("local-llm"))) name = TEXT("alpha");
    *found = (struct stored_model){
        .name = arena_printf(arena, "%.*s", TEXT_FORMAT(name)),
        .path = arena_printf(arena, "%s/%.*s.gguf", folder, TEXT_FORMAT(name)),
    };
    if (!found->name || !found->path) return fault_set(fault, STATUS_NO_MEMORY, "no memory");
    int64_t bytes = file_size(found->path);
    if (bytes < 0) return fault_set(fault, STATUS_NOT_FOUND, "none of that name");
    found->bytes = (uint64_t)bytes;
    return OK;
}

static inline enum status list_folder(void *context, struct arena *arena,
                                      struct stored_model **models, size_t *count,
                                      struct fault *fault)
{
    *count = 0;
    *models = arena_alloc_array(arena, ARRAY_COUNT(NAMES), sizeof **models);
    if (!*models) return fault_set(fault, STATUS_NO_MEMORY, "no memory");
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++)
        (*models)[(*count)++] = (struct stored_model){.name = NAMES[i], .path = NAMES[i]};
    return OK;
}

static inline int make_folder(void **state)
{
    const struct compute_options options = {.threads = 2};
    struct fault fault;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) make_model(SHAPES[i], NAMES[i]);
    assert_ok(compute_open(&compute, &options, &fault), &fault);
    return 0;
}

static inline int remove_folder(void **state)
{
    compute_close(compute);
    DIR *directory = opendir(folder);
    for (const struct dirent *file; directory && (file = readdir(directory)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
        unlink(path);
    }
    closedir(directory);
    return rmdir(folder);
}

/* ---- the host under test ---- */

static inline enum status open_host_with(struct model_host **host,
                                         struct model_host_options options, struct fault *fault)
{
    options.compute = compute;
    options.engine.sequences = 4;
    options.engine.kv_budget_bytes = 8 << 20;
    options.store = (struct model_store){.find = find_in_folder, .list = list_folder};
    if (!options.ticket_limit) options.ticket_limit = 100;
    return model_host_open(host, &options, fault);
}

static inline struct model_host *open_host(struct model_host_options options)
{
    struct model_host *host = NULL;
    struct fault fault;
    assert_ok(open_host_with(&host, options, &fault), &fault);
    return host;
}

static inline struct model_wish wish_for(const char *name)
{
    return (struct model_wish){
        .name = text_of(name), .use = USE_GENERATION, .keep_ms = KEEP_ALIVE_UNSET_MS};
}

/* ---- tickets ---- */

struct waiter {
    struct model_ticket ticket; /* first */
    sem_t told;
    atomic_bool is_void;
};

static inline void on_told(struct model_ticket *ticket)
{
    sem_post(&((struct waiter *)ticket)->told);
}

static inline bool is_void(struct model_ticket *ticket)
{
    return atomic_load(&((struct waiter *)ticket)->is_void);
}

static inline void await(struct model_host *host, const struct model_wish *wish,
                         struct waiter *waiter)
{
    waiter->ticket = (struct model_ticket){.told = on_told, .is_void = is_void};
    atomic_store(&waiter->is_void, false);
    sem_init(&waiter->told, 0, 0);
    model_host_await(host, wish, &waiter->ticket);
}

static inline struct model_lease *outcome(struct waiter *waiter)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOST_PATIENCE_S;
    while (sem_timedwait(&waiter->told, &until) != 0)
        if (time(NULL) > until.tv_sec) fail_msg("a ticket was not told");
    sem_destroy(&waiter->told);
    return waiter->ticket.lease;
}

/* As a handler does: at once if possible, else through a ticket. NULL with the fault. */
static inline struct model_lease *lease_of(struct model_host *host, const struct model_wish *wish,
                                           struct fault *fault)
{
    struct model_lease *lease;
    if (model_host_take(host, wish, &lease, fault) != OK) return NULL;
    if (lease) return lease;
    struct waiter waiter;
    await(host, wish, &waiter);
    lease = outcome(&waiter);
    if (!lease) *fault = waiter.ticket.fault;
    return lease;
}

static inline struct model_lease *lease_by_name(struct model_host *host, const char *name)
{
    const struct model_wish wish = wish_for(name);
    struct fault fault = {0};
    struct model_lease *lease = lease_of(host, &wish, &fault);
    if (!lease) fail_msg("%s: %s", name, fault.message);
    return lease;
}

/* ---- what there is ---- */

/* RESIDENT_ABSENT also for a model that the host does not know. */
static inline enum resident_state state_of(struct model_host *host, const char *name)
{
    struct hosted_model models[RESIDENCY_MODELS];
    size_t count = model_host_list(host, models);
    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i].name, name) == 0) return models[i].state;
    return RESIDENT_ABSENT;
}

static inline void await_state(struct model_host *host, const char *name, enum resident_state state)
{
    for (int i = 0; i < HOST_PATIENCE_S * 100; i++) {
        if (state_of(host, name) == state) return;
        pause_ms(10);
    }
    fail_msg("%s is still in state %d, not %d", name, (int)state_of(host, name), (int)state);
}

/* ---- a use ---- */

struct told {
    sem_t ended;
    enum generation_end end;
    uint32_t tokens;
    uint64_t digest; /* of all tokens */
};

static inline void on_event(void *argument, const struct generation_event *event)
{
    struct told *told = argument;
    if (event->token >= 0) told->digest = told->digest * 31 + (uint64_t)event->token;
    told->tokens = event->completion_tokens;
    if (event->end == END_NONE) return;
    told->end = event->end;
    sem_post(&told->ended);
}

/* The digest of what the model says to a fixed prompt; 0 when it could not. */
static inline uint64_t speak(const struct model_lease *lease, uint32_t tokens)
{
    static const int32_t PROMPT[] = {3, 4, 5, 6};
    struct told told = {.end = END_NONE};
    struct generation_request request = {
        .prompt = PROMPT,
        .prompt_count = ARRAY_COUNT(PROMPT),
        .max_tokens = tokens,
        .ignore_end = true,
        .top_logprobs = -1,
        .on_event = on_event,
        .argument = &told,
    };
    struct generation *generation;
    struct fault fault;
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    sem_init(&told.ended, 0, 0);
    if (engine_submit(lease->engine, &request, &generation, &fault) != OK) return 0;
    while (sem_wait(&told.ended) != 0) continue;
    generation_release(generation);
    sem_destroy(&told.ended);
    return told.end == END_LENGTH && told.tokens == tokens ? told.digest : 0;
}

#endif
