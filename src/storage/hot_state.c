/* hot_state.c - the contract's functions: bounds, then whichever realization is behind. */
#include "storage/hot_state.h"

#include <math.h>

static enum status check_size(struct text key, struct text value, struct fault *fault)
{
    if (key.length == 0 || key.length > HOT_KEY_BYTES)
        return fault_set(fault, STATUS_TOO_LARGE, "a key of %zu bytes; 1 to %d are allowed",
                         key.length, HOT_KEY_BYTES);
    if (value.length > HOT_VALUE_BYTES)
        return fault_set(fault, STATUS_TOO_LARGE, "a value of %zu bytes; %d are allowed",
                         value.length, HOT_VALUE_BYTES);
    return OK;
}

enum status hot_put(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                    struct fault *fault)
{
    TRY(check_size(key, value, fault));
    return state->ops->put(state, key, value, ttl_ms, fault);
}

enum status hot_get(struct hot_state *state, struct text key, struct arena *job, struct text *value,
                    struct fault *fault)
{
    TRY(check_size(key, (struct text){0}, fault));
    return state->ops->get(state, key, false, job, value, fault);
}

enum status hot_take(struct hot_state *state, struct text key, struct arena *job,
                     struct text *value, struct fault *fault)
{
    TRY(check_size(key, (struct text){0}, fault));
    return state->ops->get(state, key, true, job, value, fault);
}

enum status hot_delete(struct hot_state *state, struct text key, struct fault *fault)
{
    TRY(check_size(key, (struct text){0}, fault));
    return state->ops->delete (state, key, fault);
}

enum status hot_claim(struct hot_state *state, struct text key, struct text value, uint64_t ttl_ms,
                      struct arena *job, bool *mine, struct text *existing, struct fault *fault)
{
    TRY(check_size(key, value, fault));
    return state->ops->claim(state, key, value, ttl_ms, job, mine, existing, fault);
}

enum status hot_count(struct hot_state *state, struct text key, uint64_t ttl_ms, uint64_t *count,
                      struct fault *fault)
{
    TRY(check_size(key, (struct text){0}, fault));
    return state->ops->count(state, key, ttl_ms, count, fault);
}

enum status hot_spend(struct hot_state *state, struct text key, const struct hot_bucket *bucket,
                      double cost, struct hot_allowance *allowance, struct fault *fault)
{
    TRY(check_size(key, (struct text){0}, fault));
    return state->ops->spend(state, key, bucket, cost, allowance, fault);
}

enum status hot_check(struct hot_state *state, struct fault *fault)
{
    return state->ops->check(state, fault);
}

void hot_close(struct hot_state *state)
{
    if (state) state->ops->close(state);
}

struct hot_allowance hot_bucket_spend(const struct hot_bucket *bucket, double *left,
                                      uint64_t elapsed_ms, double cost)
{
    double now = *left + (double)elapsed_ms / 1000 * bucket->per_second;
    if (now > bucket->burst) now = bucket->burst;
    bool allowed = cost <= now;
    *left = allowed ? now - cost : now;
    uint64_t wait_ms = 0;
    if (!allowed && (cost > bucket->burst || bucket->per_second <= 0))
        wait_ms = UINT64_MAX;
    else if (!allowed)
        wait_ms = (uint64_t)ceil((cost - now) / bucket->per_second * 1000);
    return (struct hot_allowance){allowed, *left, wait_ms};
}
