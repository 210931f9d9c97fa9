/* model_keeper.c - the keeper: the thread that does what residency.h says, one step after the
 * other, and tells those who wait what came of it. */
#include <assert.h>
#include <stdio.h>

#include "inference/realization/lease_open.h"
#include "inference/realization/model_host_state.h"
#include "model/model.h"
#include "platform/platform.h"

enum { RETRY_MOST_S = 60, PROGRESS_EVERY_MS = 5000 };

static double megabytes(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

/* ---- those who wait ---- */

static void tell_later(struct model_host *host, struct model_ticket *ticket)
{
    ticket->next = NULL;
    *host->told_end = ticket;
    host->told_end = &ticket->next;
}

/* Without the lock: a ticket is its owner's again the moment it is told. */
static void tell_all(struct model_ticket *told)
{
    while (told) {
        struct model_ticket *ticket = told;
        told = ticket->next;
        ticket->told(ticket);
    }
}

static void fail_ticket(struct model_host *host, struct model_ticket *ticket,
                        const struct fault *fault)
{
    ticket->fault = *fault;
    tell_later(host, ticket);
}

static void fail_tickets(struct model_host *host, size_t model, const struct fault *fault)
{
    struct model_ticket *ticket;
    while ((ticket = host_pop_ticket(host, model))) fail_ticket(host, ticket, fault);
    residency_stop_wanting(&host->residency, model);
}

/* Those whose owners have gone are told at once, so that nothing is loaded for nobody. */
static void drop_void_tickets(struct model_host *host)
{
    struct fault fault;
    fault_set(&fault, STATUS_CANCELLED, "nobody waits for the model any more");
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) {
        const struct slot *slot = &host->slots[i];
        if (slot->ticket_count == 0) continue;
        for (uint32_t left = slot->ticket_count; left > 0; left--) {
            struct model_ticket *ticket = host_pop_ticket(host, i);
            if (ticket->is_void && ticket->is_void(ticket))
                fail_ticket(host, ticket, &fault);
            else
                host_push_ticket(host, i, ticket);
        }
        if (slot->ticket_count == 0) residency_stop_wanting(&host->residency, i);
    }
}

static void serve_tickets(struct model_host *host, size_t model)
{
    struct model_ticket *ticket;
    while ((ticket = host_pop_ticket(host, model))) {
        struct fault fault;
        if (host_check_use(host, model, ticket->use, &fault) != OK) {
            fail_ticket(host, ticket, &fault);
            continue;
        }
        bool taken = residency_take(&host->residency, model, ticket->keep_ms, host_now_ms());
        assert(taken);
        ticket->lease = host_lease(host, model);
        tell_later(host, ticket);
    }
    residency_stop_wanting(&host->residency, model);
}

/* It would not fit even if all that is not pinned went: by its bytes, or by their number. */
static void refuse_tickets(struct model_host *host, size_t model)
{
    struct fault fault;
    const struct residency *residency = &host->residency;
    const char *name = host->slots[model].name;
    uint64_t bytes = residency->models[model].bytes, pinned = residency_pinned_bytes(residency);
    if (bytes > residency->budget_bytes || pinned > residency->budget_bytes - bytes)
        fault_set_param(
            &fault, STATUS_NO_MEMORY, "model",
            "the model %s takes about %.0f MB, and of the %.0f MB for models "
            "(--model-memory-mb) only %.0f MB are not held by those that always stay",
            name, megabytes(bytes), megabytes(residency->budget_bytes),
            pinned > residency->budget_bytes ? 0 : megabytes(residency->budget_bytes - pinned));
    else
        fault_set_param(&fault, STATUS_NO_MEMORY, "model",
                        "the model %s finds no place: at most %u may be in memory (--models-max), "
                        "and those that are there always stay",
                        name, residency->places);
    fail_tickets(host, model, &fault);
}

/* ---- loading ---- */

static void log_model(enum log_level level, const char *name, const char *more, const char *what)
{
    struct buffer fields;
    buffer_init(&fields);
    buffer_append_string(&fields, "\"model\":");
    buffer_append_json_string(&fields, text_of(name));
    buffer_append_string(&fields, more);
    log_write("inference", level, fields.failed ? NULL : fields.data, "%s", what);
    buffer_deinit(&fields);
}

void model_keeper_load_ended(void *argument)
{
    struct model_host *host = argument;
    pthread_mutex_lock(&host->lock);
    host->load_ended = true;
    pthread_cond_signal(&host->news);
    pthread_mutex_unlock(&host->lock);
}

static void log_loaded(const struct model_lease *lease, double seconds)
{
    char more[128];
    snprintf(more, sizeof more, ",\"seconds\":%.3f,\"memory_mb\":%.1f", seconds,
             megabytes(engine_model(lease->engine)->memory_bytes));
    log_model(LOG_INFO, lease->name, more, "model loaded");
}

static const char *load_problem(enum status status)
{
    switch (status) {
    case STATUS_CORRUPT: return "its file is damaged, or is not a model";
    case STATUS_UNSUPPORTED:
        return "its file has an architecture, a type or a version that is not supported";
    case STATUS_NOT_FOUND: return "its file is missing";
    case STATUS_NO_MEMORY: return "there is not enough memory";
    default: return "its file cannot be read";
    }
}

/* With whoever asked for the model nothing is wrong. They hear what kind of thing is; the log has
 * the whole sentence, which may name files of this machine. */
static void load_failed(struct model_host *host, size_t model, enum status status)
{
    struct fault fault;
    fault_set(&fault, STATUS_UNAVAILABLE,
              "the model %s cannot be loaded: %s (the server's log says more)",
              host->slots[model].name, load_problem(status));
    host->loading = RESIDENCY_NOBODY;
    host->counters.load_failures++;
    residency_load_failed(&host->residency, model);
    fail_tickets(host, model, &fault);
}

static void load_succeeded(struct model_host *host, size_t model, const struct model_lease *lease,
                           double seconds)
{
    host->loading = RESIDENCY_NOBODY;
    host->retry_after_s = seconds < RETRY_MOST_S ? 1 + (uint32_t)seconds : RETRY_MOST_S;
    host_note_loaded(host, model, lease, seconds);
    residency_loaded(&host->residency, model, engine_model(lease->engine)->memory_bytes,
                     host_now_ms());
}

/* Releases the lock to write the log, like the following. */
static void begin_load(struct model_host *host, size_t model)
{
    struct fault fault;
    host->loading = model;
    host->load_ended = false;
    host->load_began_ns = clock_monotonic_ns();
    host->progress_due_ms = host_now_ms() + PROGRESS_EVERY_MS;
    host->load.path = host->slots[model].path;
    enum status status = model_load_start(&host->load, &fault);
    if (status != OK) load_failed(host, model, status);
    pthread_mutex_unlock(&host->lock);
    log_model(status == OK ? LOG_INFO : LOG_ERROR, host->slots[model].name, "",
              status == OK ? "loading model" : fault.message);
    pthread_mutex_lock(&host->lock);
}

/* The model is there, or not. */
static void finish_load(struct model_host *host)
{
    struct model_lease lease;
    struct fault fault;
    size_t model = host->loading;
    const char *name = host->slots[model].name;
    pthread_mutex_unlock(&host->lock);
    model_load_join(&host->load);
    enum status status = lease_open_loaded(&lease, name, &host->load, host->options.compute,
                                           &host->options.engine, &fault);
    double seconds = (double)(clock_monotonic_ns() - host->load_began_ns) / 1e9;
    if (status == OK)
        log_loaded(&lease, seconds);
    else
        log_model(LOG_ERROR, name, "", fault.message);
    pthread_mutex_lock(&host->lock);
    if (status == OK)
        load_succeeded(host, model, &lease, seconds);
    else
        load_failed(host, model, status);
}

/* The model's last use is over, and its file's memory is given back. Releases the lock meanwhile.
 */
static void unload(struct model_host *host, size_t model)
{
    struct slot *slot = &host->slots[model];
    pthread_mutex_unlock(&host->lock);
    lease_close(&slot->lease);
    log_model(LOG_INFO, slot->name, "", "model unloaded");
    pthread_mutex_lock(&host->lock);
    slot->loaded_unix = 0;
    host->counters.unloads++;
    residency_closed(&host->residency, model, host_now_ms());
}

/* ---- the keeper ---- */

static void measure(struct model_host *host)
{
    struct engine_counters counters;
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) {
        if (!host_is_ready(host, i)) continue;
        engine_counters(host_lease(host, i)->engine, &counters);
        residency_resize(&host->residency, i, counters.memory_bytes);
    }
}

/* Models that are neither there nor waited for leave the table; they are found again by name. */
static void forget_absent(struct model_host *host)
{
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (host->slots[i].name && host->residency.models[i].state == RESIDENT_ABSENT)
            host_free_slot(host, i);
}

/* A load that takes long says now and then how far it is. Releases the lock meanwhile. */
static void log_progress(struct model_host *host)
{
    if (host->loading == RESIDENCY_NOBODY || host_now_ms() < host->progress_due_ms) return;
    const char *name = host->slots[host->loading].name;
    char more[48];
    snprintf(more, sizeof more, ",\"progress\":%.2f", atomic_load(&host->load.progress));
    host->progress_due_ms = host_now_ms() + PROGRESS_EVERY_MS;
    pthread_mutex_unlock(&host->lock);
    log_model(LOG_INFO, name, more, "loading model");
    pthread_mutex_lock(&host->lock);
}

static void sleep_until(struct model_host *host, int64_t until_ms)
{
    if (host->loading != RESIDENCY_NOBODY && host->progress_due_ms < until_ms)
        until_ms = host->progress_due_ms;
    if (until_ms == RESIDENCY_NEVER) {
        pthread_cond_wait(&host->news, &host->lock);
        return;
    }
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&host->news, &host->lock, &until);
}

/* One thing after the other; returns when there is nothing to do but wait. */
static void take_steps(struct model_host *host, struct residency_step *step)
{
    *step = (struct residency_step){.act = RESIDENCY_WAIT, .until_ms = RESIDENCY_NEVER};
    while (!host->stopping) {
        log_progress(host);
        drop_void_tickets(host);
        if (host->load_ended && host->loading != RESIDENCY_NOBODY) finish_load(host);
        measure(host);
        *step = residency_next(&host->residency, host_now_ms());
        switch (step->act) {
        case RESIDENCY_WAIT: return;
        case RESIDENCY_SERVE: serve_tickets(host, step->model); break;
        case RESIDENCY_LOAD: begin_load(host, step->model); break;
        case RESIDENCY_UNLOAD: unload(host, step->model); break;
        case RESIDENCY_REFUSE: refuse_tickets(host, step->model); break;
        }
        if (host->told) return; /* nobody should wait for the next step */
    }
}

static void fail_everybody(struct model_host *host)
{
    struct fault fault;
    fault_set(&fault, STATUS_STOPPING, "the server is stopping");
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (host->slots[i].tickets) fail_tickets(host, i, &fault);
}

/* With the lock held, as everything of the keeper's; it is released to tell tickets. */
static bool tell_told(struct model_host *host)
{
    struct model_ticket *told = host->told;
    if (!told) return false;
    host->told = NULL;
    host->told_end = &host->told;
    pthread_mutex_unlock(&host->lock);
    tell_all(told);
    pthread_mutex_lock(&host->lock);
    return true;
}

void *model_keeper_main(void *argument)
{
    struct model_host *host = argument;
    pthread_mutex_lock(&host->lock);
    while (!host->stopping) {
        struct residency_step step;
        take_steps(host, &step);
        if (tell_told(host)) continue;
        forget_absent(host);
        if (!host->stopping) sleep_until(host, step.until_ms);
    }
    fail_everybody(host);
    if (host->loading != RESIDENCY_NOBODY) finish_load(host);
    tell_told(host);
    pthread_mutex_unlock(&host->lock);
    return NULL;
}
