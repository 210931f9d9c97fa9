/* hot_memory.c - hot state in this process: a hash table behind one lock.
 *
 * Each operation looks at one entry and the few that share its chain; what has expired there goes.
 * Besides, each that adds something sweeps one more chain, so that what nobody asks for again goes
 * too. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "storage/realization/hot_states.h"

enum { CHAINS = 1 << 14 };
#define DEFAULT_BUDGET_BYTES (64ull << 20)

struct entry {
    struct entry *next;
    uint64_t expires_ns;
    uint64_t count;     /* hot_count */
    double left;        /* hot_spend */
    uint64_t filled_ns; /* when `left` was right */
    size_t key_length, value_length;
    char bytes[]; /* key, value */
};

struct hot_memory {
    struct hot_state state; /* first */
    pthread_mutex_t mutex;
    uint64_t budget_bytes, used_bytes;
    uint64_t seed; /* of the hash: nobody outside can choose keys that meet in a chain */
    unsigned sweep;
    struct entry *chains[CHAINS];
};

/* Mixes eight bytes at a time; the constants are those of wyhash's public-domain description. */
static unsigned chain_of(const struct hot_memory *self, struct text key)
{
    uint64_t hash = self->seed ^ key.length;
    for (size_t at = 0; at < key.length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + at, key.length - at < 8 ? key.length - at : 8);
        __uint128_t product = (__uint128_t)(hash ^ word ^ 0xa0761d6478bd642full) *
                              (self->seed | 0xe7037ed1a0b428dbull);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return (unsigned)(hash % CHAINS);
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->key_length + entry->value_length;
}

static void drop(struct hot_memory *self, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    self->used_bytes -= entry_bytes(entry);
    free(entry);
}

static void drop_expired(struct hot_memory *self, unsigned chain, uint64_t now_ns)
{
    for (struct entry **at = &self->chains[chain]; *at;)
        if ((*at)->expires_ns <= now_ns)
            drop(self, at);
        else
            at = &(*at)->next;
}

/* Where the key's living entry hangs; NULL: there is none. */
static struct entry **find(struct hot_memory *self, struct text key, uint64_t now_ns)
{
    unsigned chain = chain_of(self, key);
    drop_expired(self, chain, now_ns);
    for (struct entry **at = &self->chains[chain]; *at; at = &(*at)->next)
        if (text_equal((struct text){(*at)->bytes, (*at)->key_length}, key)) return at;
    return NULL;
}

static uint64_t expiry(uint64_t now_ns, uint64_t ttl_ms)
{
    return ttl_ms < (UINT64_MAX - now_ns) / 1000000 ? now_ns + ttl_ms * 1000000 : UINT64_MAX;
}

static enum status add(struct hot_memory *self, struct text key, struct text value, uint64_t ttl_ms,
                       uint64_t now_ns, struct entry **out, struct fault *fault)
{
    drop_expired(self, self->sweep++ % CHAINS, now_ns);
    size_t bytes = sizeof(struct entry) + key.length + value.length;
    if (self->used_bytes + bytes > self->budget_bytes)
        for (unsigned chain = 0; chain < CHAINS; chain++) drop_expired(self, chain, now_ns);
    struct entry *entry = self->used_bytes + bytes <= self->budget_bytes ? calloc(1, bytes) : NULL;
    if (!entry)
        return fault_set(fault, STATUS_NO_MEMORY,
                         "the server's short-term memory of %llu MB is full: try again later",
                         (unsigned long long)(self->budget_bytes >> 20));
    entry->expires_ns = expiry(now_ns, ttl_ms);
    entry->key_length = key.length;
    entry->value_length = value.length;
    memcpy(entry->bytes, key.data, key.length);
    if (value.length) memcpy(entry->bytes + key.length, value.data, value.length);
    unsigned chain = chain_of(self, key);
    entry->next = self->chains[chain];
    self->chains[chain] = entry;
    self->used_bytes += bytes;
    if (out) *out = entry;
    return OK;
}

static enum status copy_value(const struct entry *entry, struct arena *job, struct text *value,
                              struct fault *fault)
{
    char *copy = arena_copy(job, entry->bytes + entry->key_length, entry->value_length);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a value");
    *value = (struct text){copy, entry->value_length};
    return OK;
}

/* ---- operations ---- */

static struct hot_memory *lock(struct hot_state *state)
{
    struct hot_memory *self = (struct hot_memory *)state;
    pthread_mutex_lock(&self->mutex);
    return self;
}

static enum status unlock(struct hot_memory *self, enum status status)
{
    pthread_mutex_unlock(&self->mutex);
    return status;
}

static enum status memory_put(struct hot_state *state, struct text key, struct text value,
                              uint64_t ttl_ms, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    uint64_t now_ns = clock_monotonic_ns();
    struct entry **old = find(self, key, now_ns);
    if (old) drop(self, old);
    return unlock(self, add(self, key, value, ttl_ms, now_ns, NULL, fault));
}

static enum status memory_get(struct hot_state *state, struct text key, bool take,
                              struct arena *job, struct text *value, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    struct entry **at = find(self, key, clock_monotonic_ns());
    enum status status = at ? copy_value(*at, job, value, fault)
                            : fault_set(fault, STATUS_NOT_FOUND, "there is nothing of this name");
    if (status == OK && take) drop(self, at);
    return unlock(self, status);
}

static enum status memory_delete(struct hot_state *state, struct text key, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    struct entry **at = find(self, key, clock_monotonic_ns());
    if (at) drop(self, at);
    return unlock(self, OK);
}

static enum status memory_claim(struct hot_state *state, struct text key, struct text value,
                                uint64_t ttl_ms, struct arena *job, bool *mine,
                                struct text *existing, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    uint64_t now_ns = clock_monotonic_ns();
    struct entry **at = find(self, key, now_ns);
    *mine = !at;
    return unlock(self, at ? copy_value(*at, job, existing, fault)
                           : add(self, key, value, ttl_ms, now_ns, NULL, fault));
}

static enum status memory_count(struct hot_state *state, struct text key, uint64_t ttl_ms,
                                uint64_t *count, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    uint64_t now_ns = clock_monotonic_ns();
    struct entry **at = find(self, key, now_ns), *entry = at ? *at : NULL;
    if (!entry) {
        enum status status = add(self, key, (struct text){0}, ttl_ms, now_ns, &entry, fault);
        if (status != OK) return unlock(self, status);
    }
    *count = ++entry->count;
    return unlock(self, OK);
}

static enum status memory_spend(struct hot_state *state, struct text key,
                                const struct hot_bucket *bucket, double cost,
                                struct hot_allowance *allowance, struct fault *fault)
{
    struct hot_memory *self = lock(state);
    uint64_t now_ns = clock_monotonic_ns();
    struct entry **at = find(self, key, now_ns), *entry = at ? *at : NULL;
    if (!entry) {
        enum status status = add(self, key, (struct text){0}, 0, now_ns, &entry, fault);
        if (status != OK) return unlock(self, status);
        entry->left = bucket->burst;
        entry->filled_ns = now_ns;
    }
    uint64_t elapsed_ms = (now_ns - entry->filled_ns) / 1000000;
    *allowance = hot_bucket_spend(bucket, &entry->left, elapsed_ms, cost);
    entry->filled_ns += elapsed_ms * 1000000; /* what is less than a millisecond counts later */
    /* A full bucket is as good as none. */
    double fill_s = bucket->per_second > 0 ? bucket->burst / bucket->per_second : 1e9;
    entry->expires_ns = expiry(now_ns, (uint64_t)(fill_s * 1000) + 1000);
    return unlock(self, OK);
}

static enum status memory_check(struct hot_state *state, struct fault *fault)
{
    return OK;
}

static void memory_close(struct hot_state *state)
{
    struct hot_memory *self = (struct hot_memory *)state;
    for (unsigned chain = 0; chain < CHAINS; chain++)
        while (self->chains[chain]) drop(self, &self->chains[chain]);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

static const struct hot_ops memory_ops = {
    .put = memory_put,
    .get = memory_get,
    .delete = memory_delete,
    .claim = memory_claim,
    .count = memory_count,
    .spend = memory_spend,
    .check = memory_check,
    .close = memory_close,
};

enum status hot_memory_open(struct hot_state **out, uint64_t budget_bytes, struct fault *fault)
{
    struct hot_memory *self = calloc(1, sizeof *self);
    if (!self) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the hot state");
    self->state.ops = &memory_ops;
    self->budget_bytes = budget_bytes ? budget_bytes : DEFAULT_BUDGET_BYTES;
    entropy_fill(&self->seed, sizeof self->seed);
    pthread_mutex_init(&self->mutex, NULL);
    *out = &self->state;
    return OK;
}
