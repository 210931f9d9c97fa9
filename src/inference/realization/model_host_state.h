/* model_host_state.h - what the files of the model host share. Private to them.
 *
 *   model_host.c       names, leases, tickets, life
 *   model_keeper.c     the thread that loads and unloads
 *   model_host_list.c  what there is, for pages and probes
 *
 * `lock` guards everything here. It is not held while a model is opened, closed or looked up on
 * disk, while a ticket is told, or while the log is written. A slot's name and path stay until the
 * slot is free; its lease, while the model is ready or closing. */
#ifndef LIMINAL_INFERENCE_MODEL_HOST_STATE_H
#define LIMINAL_INFERENCE_MODEL_HOST_STATE_H

#include <pthread.h>

#include "inference/model_host.h"
#include "inference/realization/model_load.h"

/* One model that is in memory, on its way, or waited for. */
struct slot {
    char *name, *path; /* NULL: the slot is free */
    struct model_lease lease;
    struct model_ticket *tickets, **tickets_end;
    uint32_t ticket_count;
    int64_t loaded_unix;
    double load_seconds;
};

struct model_host {
    struct model_host_options options;
    struct turns *turns;
    pthread_mutex_t lock;
    pthread_cond_t news; /* for the keeper */
    pthread_t keeper;
    bool keeper_runs, stopping;

    struct residency residency;
    struct slot slots[RESIDENCY_MODELS]; /* same numbers as the residency's models */
    size_t mains[2];                     /* of generation, of embedding; RESIDENCY_NOBODY */

    struct model_load load;
    size_t loading; /* RESIDENCY_NOBODY: none */
    bool load_ended;
    uint64_t load_began_ns;
    int64_t progress_due_ms; /* when the log hears next how far it is */
    uint32_t retry_after_s;  /* about as long as the last load took */

    struct model_ticket *told, **told_end; /* to be told as soon as the lock is free */
    struct model_host_counters counters;   /* bytes are counted when asked for */
};

/* ---- model_host.c ---- all with the lock held */
int64_t host_now_ms(void);
bool host_is_ready(const struct model_host *host, size_t model);
struct model_lease *host_lease(struct model_host *host, size_t model);
/* May a lease on this model, which is ready, be given for this use? */
enum status host_check_use(struct model_host *host, size_t model, enum model_use use,
                           struct fault *fault) MUST_USE;
/* The model that waits no longer, neither there nor wanted, leaves its slot. */
void host_free_slot(struct model_host *host, size_t model);
/* The oldest ticket of a model, out of its line; NULL: none. */
struct model_ticket *host_pop_ticket(struct model_host *host, size_t model);
void host_push_ticket(struct model_host *host, size_t model, struct model_ticket *ticket);
/* The model is there: its lease can be given. */
void host_note_loaded(struct model_host *host, size_t model, const struct model_lease *lease,
                      double seconds);

/* ---- model_host_list.c ---- without the lock */
/* What a store says may name files: it goes to the log, and STATUS_UNAVAILABLE to whoever asked. */
enum status host_store_failed(const struct fault *cause, struct fault *fault) MUST_USE;

/* ---- model_keeper.c ---- */
void *model_keeper_main(void *host);
/* A load's last word, on its thread. */
void model_keeper_load_ended(void *host);

#endif
