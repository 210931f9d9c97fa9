/* model_host_list.c - what a host has in memory and what it could load, for pages and probes. */
#include <stdio.h>
#include <string.h>

#include "inference/realization/model_host_state.h"
#include "model/model.h"
#include "platform/platform.h"

static bool is_main(const struct model_host *host, size_t model)
{
    return host->mains[0] == model || host->mains[1] == model;
}

static void describe_ready(struct model_host *host, size_t model, struct hosted_model *out)
{
    const struct slot *slot = &host->slots[model];
    const struct engine *engine = host_lease(host, model)->engine;
    const struct model_info *info = engine_model(engine);
    out->is_pinned = host->residency.models[model].pinned;
    out->is_embedding = info->is_embedding;
    out->is_main = is_main(host, model);
    out->loaded_unix = slot->loaded_unix;
    out->load_seconds = slot->load_seconds;
    out->context_length = engine_context_length(engine);
    out->parameters = info->parameters;
    snprintf(out->architecture, sizeof out->architecture, "%s", info->architecture);
    snprintf(out->file_type, sizeof out->file_type, "%s", info->file_type);
    engine_counters(engine, &out->counters);
    if (!info->is_embedding)
        constraint_cache_counters(host_lease(host, model)->constraints, &out->forms);
    out->bytes = out->counters.memory_bytes;
}

static void describe(struct model_host *host, size_t model, struct hosted_model *out)
{
    const struct slot *slot = &host->slots[model];
    const struct resident *resident = &host->residency.models[model];
    *out = (struct hosted_model){
        .state = resident->state,
        .bytes = resident->bytes,
        .leases = resident->leases,
        .tickets = slot->ticket_count,
        .idle_left_ms = RESIDENCY_NEVER,
    };
    snprintf(out->name, sizeof out->name, "%s", slot->name);
    if (resident->state == RESIDENT_LOADING) out->progress = atomic_load(&host->load.progress);
    if (resident->state != RESIDENT_READY) return;
    describe_ready(host, model, out);
    int64_t until_ms = residency_until(resident), now_ms = host_now_ms();
    if (until_ms != RESIDENCY_NEVER) out->idle_left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
}

size_t model_host_list(struct model_host *host, struct hosted_model *models)
{
    size_t count = 0;
    pthread_mutex_lock(&host->lock);
    for (int mains_first = 1; mains_first >= 0; mains_first--)
        for (size_t i = 0; i < RESIDENCY_MODELS; i++)
            if (host->slots[i].name && is_main(host, i) == mains_first &&
                host->residency.models[i].state != RESIDENT_ABSENT)
                describe(host, i, &models[count++]);
    pthread_mutex_unlock(&host->lock);
    return count;
}

void model_host_counters(struct model_host *host, struct model_host_counters *counters)
{
    pthread_mutex_lock(&host->lock);
    *counters = host->counters;
    counters->bytes = residency_bytes(&host->residency);
    pthread_mutex_unlock(&host->lock);
}

/* ---- by name ---- */

static bool is_among(const struct stored_model *models, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i].name, name) == 0) return true;
    return false;
}

/* Models that were named by their path need not be in the store. */
static enum status add_preloaded(struct model_host *host, size_t model, struct arena *arena,
                                 struct stored_model *out, struct fault *fault)
{
    const struct slot *slot = &host->slots[model];
    const struct model_info *info = engine_model(slot->lease.engine);
    *out = (struct stored_model){
        .name = arena_copy(arena, slot->name, strlen(slot->name)),
        .path = arena_copy(arena, slot->path, strlen(slot->path)),
        .bytes = info->file_bytes,
        .type = arena_copy(arena, info->file_type, strlen(info->file_type)),
        .architecture = arena_copy(arena, info->architecture, strlen(info->architecture)),
        .context_length = info->context_length,
        .is_embedding = info->is_embedding,
    };
    return out->name && out->path && out->type && out->architecture
               ? OK
               : fault_set(fault, STATUS_NO_MEMORY, "no memory for the list of models");
}

enum status host_store_failed(const struct fault *cause, struct fault *fault)
{
    log_write("inference", LOG_ERROR, NULL, "cannot look up the models: %s", cause->message);
    return fault_set(fault, STATUS_UNAVAILABLE,
                     "the server cannot look up its models (its log says why)");
}

enum status model_host_stored(struct model_host *host, struct arena *arena,
                              struct stored_model **models, size_t *count, struct fault *fault)
{
    struct stored_model *stored;
    size_t stored_count;
    const struct model_store *store = &host->options.store;
    struct fault cause;
    if (store->list(store->context, arena, &stored, &stored_count, &cause) != OK)
        return host_store_failed(&cause, fault);
    struct stored_model *all =
        arena_alloc_array(arena, stored_count + RESIDENCY_MODELS, sizeof *all);
    if (!all) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the list of models");
    enum status status = OK;
    *count = 0;
    pthread_mutex_lock(&host->lock);
    for (size_t i = 0; status == OK && i < RESIDENCY_MODELS; i++)
        if (host_is_ready(host, i) && host->residency.models[i].pinned &&
            !is_among(stored, stored_count, host->slots[i].name))
            status = add_preloaded(host, i, arena, &all[(*count)++], fault);
    pthread_mutex_unlock(&host->lock);
    for (size_t i = 0; i < stored_count; i++) all[(*count)++] = stored[i];
    *models = all;
    return status;
}
