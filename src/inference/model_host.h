/* model_host.h - the models that a server has in memory: loaded when somebody names them, kept
 * while they are used, unloaded to make room (residency.h has the rules).
 *
 * Who needs a model asks for a lease (model_lease.h) and gets it at once when the model is at hand;
 * otherwise a ticket waits for it, and no thread does. Models are opened on threads that keep out
 * of the way of those that compute, so that no stream stalls; all engines share one set of compute
 * threads and take turns at it.
 *
 * A file that is replaced while its model is loaded is used at the next load. What may be loaded by
 * name is the store's to say. Every function may be called from any thread. */
#ifndef LIMINAL_INFERENCE_MODEL_HOST_H
#define LIMINAL_INFERENCE_MODEL_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "inference/constraint_cache.h"
#include "inference/engine.h"
#include "inference/keep_alive.h"
#include "inference/model_lease.h"
#include "inference/residency.h"

struct compute;
struct model_host;

/* ---- where models come from: a contract, kept by whoever knows the files ---- */

struct stored_model {
    const char *name, *path;
    uint64_t bytes;
    int64_t modified_s;              /* unix seconds */
    const char *type, *architecture; /* "IQ2_XXS", "llama" */
    uint32_t context_length;         /* trained */
    bool is_embedding, is_default;   /* the default is what "local-llm" would be */
    const char *problem;             /* NULL, or why the file cannot be used */
};

/* Called on any thread, several at once. What is returned lives in the arena. */
struct model_store {
    void *context;
    /* The file that a name means; "local-llm" is the default. Fills name, path and bytes. A name is
     * never taken for a path. STATUS_NOT_FOUND when there is none. */
    enum status (*find)(void *context, struct text name, struct arena *arena,
                        struct stored_model *found, struct fault *fault);
    enum status (*list)(void *context, struct arena *arena, struct stored_model **models,
                        size_t *count, struct fault *fault);
};

/* ---- the host ---- */

struct model_host_options {
    struct compute *compute; /* that all engines share; borrowed */
    struct engine_options engine;
    struct model_store store;
    uint64_t budget_bytes; /* for all models together; 0: no bound */
    uint32_t models_max;   /* in memory at once; 0: RESIDENCY_MODELS */
    uint32_t ticket_limit; /* that wait for models, in all */
    int64_t keep_ms;       /* keep_alive.h */
};

enum status model_host_open(struct model_host **out, const struct model_host_options *options,
                            struct fault *fault) MUST_USE;
/* No more leases, and every engine stops within a step; who waits hears of it. Returns at once. */
void model_host_stop(struct model_host *host);
/* When every lease was given back and every ticket was told. */
void model_host_close(struct model_host *host);

/* What "local-llm", or no name at all, means to who asks. */
enum model_use {
    USE_GENERATION, /* the main model; one that only embeds is refused */
    USE_EMBEDDING,  /* the main embedding model where there is one */
    USE_TOKENIZER,  /* the main model where there is one */
};

/* Load a model now, on the caller's thread and with all compute threads, and never unload it. The
 * first one that can generate becomes the main model, the first that only embeds the main embedding
 * model. */
struct model_preload {
    const char *name, *path;
    const char *draft_model;                       /* a path; NULL: none */
    struct text chat_template;                     /* instead of the model's own; empty: its own */
    void (*progress)(void *argument, double done); /* may be NULL */
    void *progress_argument;
};
enum status model_host_preload(struct model_host *host, const struct model_preload *preload,
                               struct fault *fault) MUST_USE;

struct model_wish {
    struct text name; /* "local-llm", or as the list shows it, or what a main model calls itself */
    enum model_use use;
    int64_t keep_ms; /* KEEP_ALIVE_UNSET_MS: the host's */
};

/* The lease when the model is at hand; NULL when it must be loaded first, which await does.
 * STATUS_NOT_FOUND names what there is. */
enum status model_host_take(struct model_host *host, const struct model_wish *wish,
                            struct model_lease **lease, struct fault *fault) MUST_USE;

/* Waits for a model; its owner's until `told`, then again. */
struct model_ticket {
    /* Called once: with the lease, which is then the owner's, or with a fault. Must not block. */
    void (*told)(struct model_ticket *ticket);
    /* Does nobody need the model any more? May be NULL. Must not block. */
    bool (*is_void)(struct model_ticket *ticket);
    struct model_lease *lease; /* NULL: fault says why */
    struct fault fault;
    uint32_t retry_after_s; /* 0: trying again soon would not help */

    struct model_ticket *next; /* the host's, like the following */
    enum model_use use;
    int64_t keep_ms;
};
/* Always tells the ticket, perhaps before it returns. */
void model_host_await(struct model_host *host, const struct model_wish *wish,
                      struct model_ticket *ticket);

/* A main model, without it counting as use, for probes and pages; NULL: there is none. The caller
 * releases it. */
struct model_lease *model_host_main(struct model_host *host, enum model_use use);

/* ---- what there is ---- */

/* A model that is in memory, or that somebody waits for. */
struct hosted_model {
    char name[160];
    enum resident_state state;
    bool is_pinned, is_embedding, is_main; /* the last three: of models that are ready */
    uint64_t bytes;                        /* in memory, or expected */
    uint32_t leases, tickets;
    double progress;      /* of loading, 0..1 */
    int64_t idle_left_ms; /* until it goes if nobody uses it; RESIDENCY_NEVER */
    int64_t loaded_unix;  /* seconds; 0: not ready */
    double load_seconds;
    uint32_t context_length;
    char architecture[32], file_type[32];
    uint64_t parameters;
    struct engine_counters counters; /* of its engine, since it was loaded */
    struct constraint_cache_counters forms;
};
/* Writes at most RESIDENCY_MODELS of them, main models first. */
size_t model_host_list(struct model_host *host, struct hosted_model *models);
/* Everything that could be asked for by name, also what is not in memory. */
enum status model_host_stored(struct model_host *host, struct arena *arena,
                              struct stored_model **models, size_t *count,
                              struct fault *fault) MUST_USE;

struct model_host_counters {
    uint64_t loads, load_failures, unloads, refused; /* refused: tickets beyond the limit */
    uint64_t bytes, budget_bytes;                    /* budget 0: no bound */
    uint32_t tickets;
};
void model_host_counters(struct model_host *host, struct model_host_counters *counters);

#endif
