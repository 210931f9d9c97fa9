/* residency.h - which models are in memory: who is loaded when, and who has to make room.
 *
 * Pure policy over a table of models. It is told what happens (somebody wants a model, a lease was
 * given back, a load has ended) and at what time; it says what to do next. It must not know what a
 * model is, what the time is, or how anything is loaded.
 *
 * The rules:
 * - One model is loaded at a time, the one that has been waited for the longest.
 * - What is in memory takes no more than the budget and no more places than there are. When there
 * is no room, models that nobody uses go, the one used longest ago first. A model in use never
 * goes.
 * - When too much is in use, and requests have waited for room long enough, the models used longest
 *   ago get no new leases: they drain, so that a busy model cannot keep another out for ever.
 * - A model that nobody uses goes when its keep-alive is over. A pinned one always stays.
 * - A model that could not be loaded even if all that is not pinned went is refused. */
#ifndef LIMINAL_INFERENCE_RESIDENCY_H
#define LIMINAL_INFERENCE_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESIDENCY_MODELS = 64 };
#define RESIDENCY_NOBODY SIZE_MAX
#define RESIDENCY_NEVER  INT64_MAX

enum resident_state {
    RESIDENT_ABSENT, /* not in memory, and nobody waits for it */
    RESIDENT_WANTED, /* waits for room, and for its turn to be loaded */
    RESIDENT_LOADING,
    RESIDENT_READY,
    RESIDENT_CLOSING,
};

struct resident {
    bool exists, pinned;
    enum resident_state state;
    uint64_t bytes;             /* in memory, or as far as one can tell before */
    uint32_t leases;            /* nobody's model may go, one in use never */
    bool is_wanted;             /* requests wait for it, also while it drains or closes */
    bool drains;                /* gets no new leases */
    int64_t wanted_ms, used_ms; /* since when, and when last */
    int64_t keep_ms;            /* keep-alive; negative: for ever */
};

struct residency {
    uint64_t budget_bytes;
    uint32_t places;     /* for models in memory */
    int64_t keep_ms;     /* where a request does not say */
    int64_t patience_ms; /* before others drain */
    struct resident models[RESIDENCY_MODELS];
};

/* ---- what happens ---- */

/* A new model, absent; RESIDENCY_NOBODY when the table is full. */
size_t residency_add(struct residency *residency, uint64_t bytes);
/* It is in memory already, and stays. */
void residency_pin(struct residency *residency, size_t model, int64_t now_ms);
/* Forget a model that is absent. */
void residency_remove(struct residency *residency, size_t model);

/* A lease on a model that is ready and does not drain; false: wait for it. `keep_ms` is the
 * request's keep-alive, or KEEP_ALIVE_UNSET_MS. */
bool residency_take(struct residency *residency, size_t model, int64_t keep_ms, int64_t now_ms);
/* One more lease for somebody who has one. */
void residency_share(struct residency *residency, size_t model);
void residency_give_back(struct residency *residency, size_t model, int64_t now_ms);

/* Requests wait for it; or none any more. */
void residency_want(struct residency *residency, size_t model, int64_t now_ms);
void residency_stop_wanting(struct residency *residency, size_t model);

void residency_loaded(struct residency *residency, size_t model, uint64_t bytes, int64_t now_ms);
void residency_load_failed(struct residency *residency, size_t model);
void residency_closed(struct residency *residency, size_t model, int64_t now_ms);
/* Its caches have grown. */
void residency_resize(struct residency *residency, size_t model, uint64_t bytes);

/* ---- what to do ---- */

enum residency_act {
    RESIDENCY_WAIT,   /* nothing, until something happens or it is until_ms */
    RESIDENCY_SERVE,  /* give leases to those who wait; then residency_stop_wanting */
    RESIDENCY_LOAD,   /* the model is now loading */
    RESIDENCY_UNLOAD, /* the model is now closing */
    RESIDENCY_REFUSE, /* it can never fit: tell those who wait; then residency_stop_wanting */
};
struct residency_step {
    enum residency_act act;
    size_t model;
    int64_t until_ms;
};
struct residency_step residency_next(struct residency *residency, int64_t now_ms);

/* ---- what there is ---- */

uint64_t residency_bytes(const struct residency *residency);        /* in memory, or on the way */
uint64_t residency_pinned_bytes(const struct residency *residency); /* of these, never to go */
/* When a model goes if nobody uses it any more; RESIDENCY_NEVER for one in use or pinned. */
int64_t residency_until(const struct resident *resident);

#endif
