/* hot_state.h - the contract for what must be quick, is the same for all servers, and may be
 * forgotten some day: limits, one-time tokens, deny lists, cached sessions, records of requests in
 * flight.
 *
 * Everything has a key and a time to live. Each operation is atomic among all who share the state:
 * of many that take or claim one key at once, exactly one gets it. Two realizations: in the
 * process, for one server; Redis, for several. When it can't be reached, that is a fault and never
 * an answer: whoever asks decides what is safe then. Must not know what the keys mean. */
#ifndef LIMINAL_STORAGE_HOT_STATE_H
#define LIMINAL_STORAGE_HOT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

struct hot_state;

enum { HOT_KEY_BYTES = 256, HOT_VALUE_BYTES = 1 << 20 }; /* at most; more is STATUS_TOO_LARGE */

/* Replaces what was there. */
enum status hot_put(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                    struct fault *fault) MUST_USE;
/* A copy in the arena; STATUS_NOT_FOUND. */
enum status hot_get(struct hot_state *state, struct text key, struct arena *job, struct text *value,
                    struct fault *fault) MUST_USE;
/* The same, and it is gone: for what may be used once. */
enum status hot_take(struct hot_state *state, struct text key, struct arena *job,
                     struct text *value, struct fault *fault) MUST_USE;
/* OK also when there was nothing. */
enum status hot_delete(struct hot_state *state, struct text key, struct fault *fault) MUST_USE;

/* Put it unless something is there: then *mine is false and *existing is that, in the arena. */
enum status hot_claim(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                      struct arena *job, bool *mine, struct text *existing,
                      struct fault *fault) MUST_USE;

/* One more; *count is how many there were since the first, at whose time the life began. */
enum status hot_count(struct hot_state *state, struct text key, uint64_t ttl_ms, uint64_t *count,
                      struct fault *fault) MUST_USE;

/* A token bucket: holds `burst` at most, and fills at `per_second`. */
struct hot_bucket {
    double per_second, burst;
};
struct hot_allowance {
    bool allowed;     /* then the cost was taken */
    double left;      /* in the bucket now */
    uint64_t wait_ms; /* until the cost could be paid; 0 when allowed, UINT64_MAX: never */
};
enum status hot_spend(struct hot_state *state, struct text key, const struct hot_bucket *bucket,
                      double cost, struct hot_allowance *allowance, struct fault *fault) MUST_USE;

/* Is it there, and does it answer? */
enum status hot_check(struct hot_state *state, struct fault *fault) MUST_USE;
void hot_close(struct hot_state *state);

/* ---- for realizations ---- */

struct hot_ops {
    enum status (*put)(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                       struct fault *fault);
    /* `take`: and delete */
    enum status (*get)(struct hot_state *state, struct text key, bool take, struct arena *job,
                       struct text *value, struct fault *fault);
    enum status (*delete)(struct hot_state *state, struct text key, struct fault *fault);
    enum status (*claim)(struct hot_state *state, struct text key, struct text value,
                         uint64_t ttl_ms, struct arena *job, bool *mine, struct text *existing,
                         struct fault *fault);
    enum status (*count)(struct hot_state *state, struct text key, uint64_t ttl_ms, uint64_t *count,
                         struct fault *fault);
    enum status (*spend)(struct hot_state *state, struct text key, const struct hot_bucket *bucket,
                         double cost, struct hot_allowance *allowance, struct fault *fault);
    enum status (*check)(struct hot_state *state, struct fault *fault);
    void (*close)(struct hot_state *state);
};
struct hot_state { /* the first member of every realization's own structure */
    const struct hot_ops *ops;
};

/* What a bucket holds `elapsed_ms` later, and whether it pays `cost`. Pure; *left is in and out. */
struct hot_allowance hot_bucket_spend(const struct hot_bucket *bucket, double *left,
                                      uint64_t elapsed_ms, double cost);

#endif
