/* constraint_cache.c - see constraint_cache.h. */
#include "inference/constraint_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "inference/engine.h"
#include "inference/grammar/constraint.h"
#include "platform/platform.h"

enum { KEPT_MAX = 256, KEPT_BYTES_MAX = 128 << 20, KEY_BYTES = 32, COLD_MAX = 16 };

struct kept {
    unsigned char key[KEY_BYTES]; /* SHA-256 */
    struct constraint *constraint;
    uint64_t used_at;
};

struct constraint_cache {
    struct engine *engine;
    pthread_mutex_t lock; /* of all below; never held while something is built */
    struct kept kept[KEPT_MAX];
    uint32_t count;
    uint64_t clock; /* counts uses */
    uint64_t hits, misses;
    pthread_t warmer; /* finds masks ahead, of one constraint after the other */
    pthread_cond_t has_cold;
    struct constraint *cold[COLD_MAX]; /* references; the newest goes first */
    uint32_t cold_count;
    _Atomic bool stop;
};

/* ---- finding masks ahead ---- */

static void *warm(void *argument)
{
    struct constraint_cache *cache = argument;
    pthread_mutex_lock(&cache->lock);
    while (!atomic_load(&cache->stop)) {
        if (cache->cold_count == 0) {
            pthread_cond_wait(&cache->has_cold, &cache->lock);
            continue;
        }
        struct constraint *constraint = cache->cold[--cache->cold_count];
        pthread_mutex_unlock(&cache->lock);
        constraint_warm(constraint, &cache->stop);
        constraint_release(constraint);
        pthread_mutex_lock(&cache->lock);
    }
    pthread_mutex_unlock(&cache->lock);
    return NULL;
}

/* Under the lock. Beyond COLD_MAX that wait, answers find their masks themselves. */
static void warm_soon(struct constraint_cache *cache, struct constraint *constraint)
{
    if (cache->cold_count == COLD_MAX) return;
    cache->cold[cache->cold_count++] = constraint_share(constraint);
    pthread_cond_signal(&cache->has_cold);
}

/* ---- opening and closing ---- */

static void free_cache(struct constraint_cache *cache)
{
    pthread_cond_destroy(&cache->has_cold);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

enum status constraint_cache_open(struct constraint_cache **out, struct engine *engine,
                                  struct fault *fault)
{
    struct constraint_cache *cache = calloc(1, sizeof *cache);
    if (!cache) return fault_set(fault, STATUS_NO_MEMORY, "no memory for constraints");
    cache->engine = engine;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->has_cold, NULL);
    int error = pthread_create(&cache->warmer, NULL, warm, cache);
    if (error) {
        free_cache(cache);
        return fault_set(fault, STATUS_NO_MEMORY, "cannot start a thread for masks: %s",
                         strerror(error));
    }
    *out = cache;
    return OK;
}

void constraint_cache_close(struct constraint_cache *cache)
{
    if (!cache) return;
    pthread_mutex_lock(&cache->lock);
    atomic_store(&cache->stop, true);
    pthread_cond_signal(&cache->has_cold);
    pthread_mutex_unlock(&cache->lock);
    pthread_join(cache->warmer, NULL);
    for (uint32_t i = 0; i < cache->cold_count; i++) constraint_release(cache->cold[i]);
    for (uint32_t i = 0; i < cache->count; i++) constraint_release(cache->kept[i].constraint);
    free_cache(cache);
}

static bool digest_key(struct text key, unsigned char digest[KEY_BYTES])
{
    struct sha256 *sha = sha256_new();
    if (!sha) return false;
    sha256_update(sha, key.data, key.length);
    sha256_final_free(sha, digest);
    return true;
}

/* ---- under the lock ---- */

static struct constraint *find(struct constraint_cache *cache, const unsigned char *key)
{
    for (uint32_t i = 0; i < cache->count; i++) {
        if (memcmp(cache->kept[i].key, key, KEY_BYTES) != 0) continue;
        cache->kept[i].used_at = ++cache->clock;
        return constraint_share(cache->kept[i].constraint);
    }
    return NULL;
}

static void let_go_of_oldest(struct constraint_cache *cache)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < cache->count; i++)
        if (cache->kept[i].used_at < cache->kept[oldest].used_at) oldest = i;
    constraint_release(cache->kept[oldest].constraint);
    cache->kept[oldest] = cache->kept[--cache->count];
}

/* They grow while they are used, so they are added up anew. The newest always stays. */
static size_t sum_bytes(const struct constraint_cache *cache)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < cache->count; i++) sum += constraint_bytes(cache->kept[i].constraint);
    return sum;
}

static void keep(struct constraint_cache *cache, const unsigned char *key,
                 struct constraint *constraint)
{
    if (cache->count == KEPT_MAX) let_go_of_oldest(cache);
    struct kept *kept = &cache->kept[cache->count++];
    memcpy(kept->key, key, KEY_BYTES);
    kept->constraint = constraint_share(constraint);
    kept->used_at = ++cache->clock;
    while (cache->count > 1 && sum_bytes(cache) > KEPT_BYTES_MAX) let_go_of_oldest(cache);
}

/* ---- asking ---- */

static enum status build_constraint(struct constraint_cache *cache, constraint_builder *build,
                                    const void *argument, struct constraint **out,
                                    struct fault *fault)
{
    struct grammar *grammar;
    struct token_trie *trie = engine_token_trie(cache->engine);
    if (!trie) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the tree of tokens");
    TRY(grammar_new(&grammar, fault));
    grammar_part root;
    enum status status = build(grammar, &root, argument, fault);
    if (status == OK) {
        grammar_set_root(grammar, root);
        status = grammar_finish(grammar, fault);
    }
    if (status == OK) return constraint_new(out, grammar, trie, fault); /* takes the grammar */
    grammar_free(grammar);
    return status;
}

enum status constraint_cache_get(struct constraint_cache *cache, struct text key,
                                 constraint_builder *build, const void *argument,
                                 struct constraint **out, struct fault *fault)
{
    unsigned char digest[KEY_BYTES];
    if (!digest_key(key, digest))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a constraint");
    pthread_mutex_lock(&cache->lock);
    *out = find(cache, digest);
    ++*(*out ? &cache->hits : &cache->misses);
    pthread_mutex_unlock(&cache->lock);
    if (*out) return OK;

    struct constraint *made;
    TRY(build_constraint(cache, build, argument, &made, fault));
    pthread_mutex_lock(&cache->lock);
    *out = find(cache, digest); /* somebody else may have been faster: theirs has learnt more */
    if (!*out) {
        keep(cache, digest, made);
        warm_soon(cache, made);
        *out = constraint_share(made);
    }
    pthread_mutex_unlock(&cache->lock);
    constraint_release(made);
    return OK;
}

void constraint_cache_counters(struct constraint_cache *cache,
                               struct constraint_cache_counters *counters)
{
    pthread_mutex_lock(&cache->lock);
    *counters = (struct constraint_cache_counters){cache->hits, cache->misses, cache->count};
    pthread_mutex_unlock(&cache->lock);
}
