/* model_host.c - the table of models: what a name means, leases, tickets, and the models that stay.
 */
#include "inference/model_host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compute/compute.h"
#include "inference/realization/lease_open.h"
#include "inference/realization/model_host_state.h"
#include "inference/turns.h"
#include "model/model.h"
#include "platform/platform.h"

enum { DRAIN_PATIENCE_MS = 1000 };

int64_t host_now_ms(void)
{
    return (int64_t)(clock_monotonic_ns() / 1000000);
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the table of models");
}

static enum status stopping(struct fault *fault)
{
    return fault_set(fault, STATUS_STOPPING, "the server is stopping");
}

/* ---- slots ---- */

static size_t find_slot(const struct model_host *host, struct text name)
{
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (host->slots[i].name && text_equal(name, text_of(host->slots[i].name))) return i;
    return RESIDENCY_NOBODY;
}

void host_free_slot(struct model_host *host, size_t model)
{
    struct slot *slot = &host->slots[model];
    residency_remove(&host->residency, model);
    free(slot->name);
    free(slot->path);
    *slot = (struct slot){.name = NULL};
}

/* A slot for a model that has none. */
static enum status add_slot(struct model_host *host, const char *name, const char *path,
                            uint64_t bytes, size_t *model, struct fault *fault)
{
    *model = residency_add(&host->residency, bytes);
    if (*model == RESIDENCY_NOBODY)
        return fault_set(fault, STATUS_UNAVAILABLE, "too many models are wanted at once");
    struct slot *slot = &host->slots[*model];
    *slot = (struct slot){.name = strdup(name), .path = strdup(path)};
    slot->tickets_end = &slot->tickets;
    if (slot->name && slot->path) return OK;
    host_free_slot(host, *model);
    return no_memory(fault);
}

bool host_is_ready(const struct model_host *host, size_t model)
{
    return host->residency.models[model].exists &&
           host->residency.models[model].state == RESIDENT_READY;
}

struct model_lease *host_lease(struct model_host *host, size_t model)
{
    return &host->slots[model].lease;
}

static bool only_embeds(struct model_host *host, size_t model)
{
    return engine_model(host_lease(host, model)->engine)->is_embedding;
}

/* ---- names ---- */

static size_t main_for(const struct model_host *host, enum model_use use)
{
    size_t first = host->mains[use == USE_EMBEDDING], second = host->mains[use != USE_EMBEDDING];
    return first != RESIDENCY_NOBODY ? first : second;
}

static bool is_alias(struct text name)
{
    return text_equal(name, TEXT("local-llm"));
}

/* What the table knows; the main models also by what they call themselves. */
static size_t find_known(struct model_host *host, const struct model_wish *wish)
{
    if (is_alias(wish->name)) return main_for(host, wish->use);
    size_t model = find_slot(host, wish->name);
    for (size_t i = 0; model == RESIDENCY_NOBODY && i < ARRAY_COUNT(host->mains); i++)
        if (host->mains[i] != RESIDENCY_NOBODY &&
            text_equal(wish->name,
                       text_of(engine_model(host_lease(host, host->mains[i])->engine)->name)))
            model = host->mains[i];
    return model;
}

/* "Model not loaded" is what clients of old look for (R15). */
static enum status unknown_model(struct model_host *host, struct text name, struct arena *arena,
                                 struct fault *fault)
{
    struct stored_model *models;
    size_t count;
    TRY(model_host_stored(host, arena, &models, &count, fault));
    if (count == 0)
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "Model not loaded: fetch one with `liminal pull org/repo:file.gguf`");
    struct buffer names;
    buffer_init(&names);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&names, "%s\"%s\"", i ? ", " : "", models[i].name);
    fault_set_param(fault, STATUS_NOT_FOUND, "model",
                    "the model \"%.*s\" is not here; there %s %.*s, and \"local-llm\" names the "
                    "main one",
                    (int)(name.length < 200 ? name.length : 200), name.data,
                    count == 1 ? "is" : "are", (int)(names.length < 600 ? names.length : 600),
                    names.failed ? "" : names.data);
    buffer_deinit(&names);
    return STATUS_NOT_FOUND;
}

/* Without the lock. */
static enum status find_stored(struct model_host *host, struct text name, struct arena *arena,
                               struct stored_model *found, struct fault *fault)
{
    const struct model_store *store = &host->options.store;
    struct fault cause;
    enum status status = store->find(store->context, name, arena, found, &cause);
    if (status == STATUS_NOT_FOUND) return unknown_model(host, name, arena, fault);
    return status == OK ? OK : host_store_failed(&cause, fault);
}

/* The slot of a wish, made if the store knows the name. Takes the lock, and keeps it on OK. */
static enum status lock_slot(struct model_host *host, const struct model_wish *wish, size_t *model,
                             struct fault *fault)
{
    pthread_mutex_lock(&host->lock);
    *model = find_known(host, wish);
    if (*model != RESIDENCY_NOBODY) return OK;
    pthread_mutex_unlock(&host->lock);

    struct arena arena;
    struct stored_model found = {.name = NULL};
    arena_init(&arena, 0);
    enum status status = find_stored(host, wish->name, &arena, &found, fault);
    if (status == OK) {
        pthread_mutex_lock(&host->lock);
        *model = find_slot(host, text_of(found.name)); /* another may have been as quick */
        if (*model == RESIDENCY_NOBODY)
            status = add_slot(host, found.name, found.path, found.bytes, model, fault);
        if (status != OK) pthread_mutex_unlock(&host->lock);
    }
    arena_deinit(&arena);
    return status;
}

/* ---- leases ---- */

struct model_lease *model_lease_share(struct model_lease *lease)
{
    struct model_host *host = lease->host;
    pthread_mutex_lock(&host->lock);
    residency_share(&host->residency, lease->model);
    pthread_mutex_unlock(&host->lock);
    return lease;
}

void model_lease_release(struct model_lease *lease)
{
    if (!lease) return;
    struct model_host *host = lease->host;
    pthread_mutex_lock(&host->lock);
    residency_give_back(&host->residency, lease->model, host_now_ms());
    if (host->residency.models[lease->model].leases == 0) pthread_cond_signal(&host->news);
    pthread_mutex_unlock(&host->lock);
}

enum status host_check_use(struct model_host *host, size_t model, enum model_use use,
                           struct fault *fault)
{
    if (host->stopping) return stopping(fault);
    if (use != USE_GENERATION || !only_embeds(host, model)) return OK;
    return fault_set_param(fault, STATUS_UNSUPPORTED, "model",
                           "%s makes embeddings and cannot generate text", host->slots[model].name);
}

static enum status check_stored(struct model_host *host, struct text name, struct fault *fault)
{
    struct arena arena;
    struct stored_model found;
    arena_init(&arena, 0);
    enum status status = find_stored(host, name, &arena, &found, fault);
    arena_deinit(&arena);
    return status;
}

enum status model_host_take(struct model_host *host, const struct model_wish *wish,
                            struct model_lease **lease, struct fault *fault)
{
    *lease = NULL;
    pthread_mutex_lock(&host->lock);
    size_t model = find_known(host, wish);
    bool ready = model != RESIDENCY_NOBODY && host_is_ready(host, model);
    enum status status = ready ? host_check_use(host, model, wish->use, fault) : OK;
    if (ready && status == OK &&
        residency_take(&host->residency, model, wish->keep_ms, host_now_ms()))
        *lease = host_lease(host, model);
    pthread_mutex_unlock(&host->lock);
    return model == RESIDENCY_NOBODY ? check_stored(host, wish->name, fault) : status;
}

struct model_lease *model_host_main(struct model_host *host, enum model_use use)
{
    struct model_lease *lease = NULL;
    pthread_mutex_lock(&host->lock);
    size_t model = main_for(host, use);
    if (model != RESIDENCY_NOBODY && !host->stopping) {
        struct resident *resident = &host->residency.models[model];
        if (residency_take(&host->residency, model, resident->keep_ms, resident->used_ms))
            lease = host_lease(host, model);
    }
    pthread_mutex_unlock(&host->lock);
    return lease;
}

/* ---- tickets ---- */

struct model_ticket *host_pop_ticket(struct model_host *host, size_t model)
{
    struct slot *slot = &host->slots[model];
    struct model_ticket *ticket = slot->tickets;
    if (!ticket) return NULL;
    slot->tickets = ticket->next;
    if (!slot->tickets) slot->tickets_end = &slot->tickets;
    slot->ticket_count--;
    host->counters.tickets--;
    return ticket;
}

void host_push_ticket(struct model_host *host, size_t model, struct model_ticket *ticket)
{
    struct slot *slot = &host->slots[model];
    ticket->next = NULL;
    *slot->tickets_end = ticket;
    slot->tickets_end = &ticket->next;
    slot->ticket_count++;
    host->counters.tickets++;
}

/* With the lock held: the ticket joins those who wait for the model. */
static enum status line_up(struct model_host *host, size_t model, struct model_ticket *ticket,
                           struct fault *fault)
{
    if (host->stopping) return stopping(fault);
    if (host->counters.tickets >= host->options.ticket_limit) {
        host->counters.refused++;
        ticket->retry_after_s = host->retry_after_s;
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "%u requests wait for models to be loaded: try again later",
                         host->options.ticket_limit);
    }
    host_push_ticket(host, model, ticket);
    residency_want(&host->residency, model, host_now_ms());
    pthread_cond_signal(&host->news);
    return OK;
}

void model_host_await(struct model_host *host, const struct model_wish *wish,
                      struct model_ticket *ticket)
{
    size_t model;
    ticket->lease = NULL;
    ticket->retry_after_s = 0;
    ticket->use = wish->use;
    ticket->keep_ms = wish->keep_ms;
    enum status status = lock_slot(host, wish, &model, &ticket->fault);
    if (status == OK) {
        status = line_up(host, model, ticket, &ticket->fault);
        pthread_mutex_unlock(&host->lock);
    }
    if (status != OK) ticket->told(ticket);
}

/* ---- models that stay ---- */

void host_note_loaded(struct model_host *host, size_t model, const struct model_lease *lease,
                      double seconds)
{
    struct slot *slot = &host->slots[model];
    slot->lease = *lease;
    slot->lease.name = slot->name;
    slot->lease.host = host;
    slot->lease.model = model;
    slot->load_seconds = seconds;
    slot->loaded_unix = clock_wall_ms() / 1000;
    host->counters.loads++;
}

static void note_main(struct model_host *host, size_t model)
{
    size_t *own = &host->mains[only_embeds(host, model)];
    if (*own == RESIDENCY_NOBODY) *own = model;
}

static enum status open_preloaded(struct model_host *host, const struct model_preload *preload,
                                  struct model_lease *lease, struct fault *fault)
{
    const struct model_options options = {
        .context_length = host->options.engine.context_length,
        .progress = preload->progress,
        .progress_argument = preload->progress_argument,
    };
    struct model *model;
    TRY(model_open(&model, host->options.compute, preload->path, &options, fault));
    struct engine_options engine_options = host->options.engine;
    engine_options.draft_model = preload->draft_model;
    enum status status =
        lease_open(lease, preload->name, model, &engine_options, preload->chat_template, fault);
    if (status != OK) fault_prefix(fault, "%s", preload->name); /* model_open's name the path */
    return status;
}

enum status model_host_preload(struct model_host *host, const struct model_preload *preload,
                               struct fault *fault)
{
    struct turn_taker taker;
    struct model_lease lease;
    uint64_t began_ns = clock_monotonic_ns();
    turn_taker_init(&taker);
    turns_take(host->turns, &taker);
    enum status status = open_preloaded(host, preload, &lease, fault);
    turns_leave(host->turns, &taker);
    turn_taker_deinit(&taker);
    if (status != OK) return status;

    size_t model;
    pthread_mutex_lock(&host->lock);
    uint64_t bytes = engine_model(lease.engine)->memory_bytes;
    status = find_slot(host, text_of(preload->name)) == RESIDENCY_NOBODY
                 ? add_slot(host, preload->name, preload->path, bytes, &model, fault)
                 : fault_set_param(fault, STATUS_CONFLICT, "model",
                                   "two models to be served are called %s", preload->name);
    if (status == OK) {
        residency_pin(&host->residency, model, host_now_ms());
        host_note_loaded(host, model, &lease, (double)(clock_monotonic_ns() - began_ns) / 1e9);
        note_main(host, model);
    }
    pthread_mutex_unlock(&host->lock);
    if (status != OK) lease_close(&lease);
    return status;
}

/* ---- life ---- */

static void init_locks(struct model_host *host)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&host->lock, NULL);
    pthread_cond_init(&host->news, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum status model_host_open(struct model_host **out, const struct model_host_options *options,
                            struct fault *fault)
{
    struct model_host *host = calloc(1, sizeof *host);
    if (!host) return no_memory(fault);
    host->options = *options;
    host->loading = host->mains[0] = host->mains[1] = RESIDENCY_NOBODY;
    host->told_end = &host->told;
    host->retry_after_s = 1;
    host->residency = (struct residency){
        .budget_bytes = options->budget_bytes ? options->budget_bytes : UINT64_MAX,
        .places = options->models_max ? options->models_max : RESIDENCY_MODELS,
        .keep_ms = options->keep_ms,
        .patience_ms = DRAIN_PATIENCE_MS,
    };
    host->load = (struct model_load){
        .threads = compute_threads(options->compute),
        .context_length = options->engine.context_length,
        .ended = model_keeper_load_ended,
        .argument = host,
    };
    host->counters.budget_bytes = options->budget_bytes;
    init_locks(host);
    enum status status = turns_open(&host->turns, clock_monotonic_ns, fault);
    if (status == OK) {
        host->load.turns = host->options.engine.turns = host->turns;
        host->keeper_runs = pthread_create(&host->keeper, NULL, model_keeper_main, host) == 0;
        if (!host->keeper_runs)
            status = fault_set(fault, STATUS_NO_MEMORY, "cannot start the keeper of models");
    }
    if (status == OK)
        *out = host;
    else
        model_host_close(host);
    return status;
}

void model_host_stop(struct model_host *host)
{
    pthread_mutex_lock(&host->lock);
    host->stopping = true;
    atomic_store(&host->load.abandoned, true);
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (host_is_ready(host, i)) engine_stop(host_lease(host, i)->engine);
    pthread_cond_signal(&host->news);
    pthread_mutex_unlock(&host->lock);
}

/* Events that were the last of their generations may still be under way. */
static void await_leases(struct model_host *host)
{
    pthread_mutex_lock(&host->lock);
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        while (host->residency.models[i].leases > 0) pthread_cond_wait(&host->news, &host->lock);
    pthread_mutex_unlock(&host->lock);
}

void model_host_close(struct model_host *host)
{
    if (!host) return;
    model_host_stop(host);
    if (host->keeper_runs) pthread_join(host->keeper, NULL);
    await_leases(host);
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) {
        struct slot *slot = &host->slots[i];
        assert(!slot->tickets);
        if (host_is_ready(host, i)) lease_close(&slot->lease);
        free(slot->name);
        free(slot->path);
    }
    turns_close(host->turns);
    pthread_cond_destroy(&host->news);
    pthread_mutex_destroy(&host->lock);
    free(host);
}
