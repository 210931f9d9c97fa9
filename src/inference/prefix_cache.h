/* prefix_cache.h - pages of keys and values that live on after their sequence, for the next one
 * that begins with the same tokens, of the same tenant, under the same adapters.
 *
 * A full page is known by its own KV_PAGE_TOKENS tokens and the page before it, compared token by
 * token: the hash only finds the place, and is keyed, so that nobody can choose tokens that all
 * fall into one. The last page of a sequence may be known while only partly filled. Since a row's
 * keys and values are the same bits whoever computes them (compute.h), a sequence that begins on
 * found pages continues exactly as if it had computed them itself.
 *
 * Full pages are shared. A page that agrees only in its first tokens is copied, and the copy is
 * written on (copy on write), unless nobody else wants it: then it is simply taken over. Pages that
 * no sequence holds are given up, longest unused first and from the end of a conversation to its
 * beginning, when others need the room.
 *
 * Stands in front of the pool: sequences take and release their pages here. Owned by the engine's
 * thread. Must not know requests or models. */
#ifndef LIMINAL_INFERENCE_PREFIX_CACHE_H
#define LIMINAL_INFERENCE_PREFIX_CACHE_H

#include "base/status.h"
#include "compute/compute.h"
#include "inference/keyed_hash.h"
#include "inference/kv_pages.h"

struct prefix_cache;

/* Only within one scope are pages shared, so that neither an answer nor its timing tells a tenant
 * of another's prompts, and no adapter's keys meet another's. */
struct prefix_scope {
    uint64_t tenant;   /* 0: the common one */
    uint64_t adapters; /* stands for ids, versions and gates; 0: none */
};

static inline bool prefix_scope_equal(struct prefix_scope a, struct prefix_scope b)
{
    return a.tenant == b.tenant && a.adapters == b.adapters;
}

/* The beginning of a sequence, as far as its pages are concerned. */
struct prefix {
    struct prefix_scope scope;
    const int32_t *tokens;
    uint32_t count; /* tokens: that may be found, or that are computed */
    void **pages;   /* the sequence's, with room for `count` tokens */
    uint32_t known; /* of them, the first ones that the cache knows as full pages */
};

/* What a full page is known by outside of this cache, also after a restart with the same key: the
 * names are keyed hashes of all that came before. */
struct page_label {
    struct hash128 before; /* the name of the page before it, or, at the beginning, the scope's */
    int32_t tokens[KV_PAGE_TOKENS];
    struct hash128 name; /* of the two */
};

/* Takes the pool, also when it fails. The key is a secret. */
enum status prefix_cache_new(struct prefix_cache **out, struct kv_pages *pages,
                             const struct hash_key *key, struct fault *fault) MUST_USE;
void prefix_cache_free(struct prefix_cache *cache);

/* A page to write to, if need be at the cost of the longest unused one; NULL when sequences hold
 * all. */
void *prefix_cache_take(struct prefix_cache *cache) MUST_USE;
/* One more sequence holds a page that one holds. */
void prefix_cache_share(struct prefix_cache *cache, void *page);
/* A sequence gives a page back. From its last page to its first. */
void prefix_cache_release(struct prefix_cache *cache, void *page);

/* Add to pages[known] and on the pages that are known to follow, whole pages of the `count` tokens
 * only; each is the caller's to release. */
void prefix_cache_find(struct prefix_cache *cache, struct prefix *prefix);
/* After prefix_cache_find: a page whose first tokens are the next ones becomes pages[known], the
 * caller's to write on and to release. Returns for how many tokens, at most up to `count`; 0: none,
 * and no page. */
uint32_t prefix_cache_find_part(struct prefix_cache *cache, const struct prefix *prefix);
/* The first `count` tokens are computed: know their pages. Full ones will not be written any more;
 * where another sequence computed the same page before, pages[i] becomes that one. The part of a
 * last page that is filled will not change. */
void prefix_cache_add(struct prefix_cache *cache, struct prefix *prefix);

/* A full page that since the last calls became one that only the cache holds; NULL: no more. It may
 * be read until the cache is used again. */
const void *prefix_cache_next_kept(struct prefix_cache *cache, struct page_label *label);
/* The label of pages[known], which is not there but whose tokens are; and of the page of these
 * tokens after a labelled one. */
struct page_label prefix_cache_label(const struct prefix_cache *cache, const struct prefix *prefix);
struct page_label prefix_cache_label_after(const struct prefix_cache *cache,
                                           const struct page_label *before, const int32_t *tokens);

uint32_t prefix_cache_pages(const struct prefix_cache *cache); /* in all */
uint32_t prefix_cache_held(const struct prefix_cache *cache);  /* by sequences */
uint32_t prefix_cache_kept(const struct prefix_cache *cache);  /* by nobody else */
/* What prefix_cache_take could still give. */
uint32_t prefix_cache_available(const struct prefix_cache *cache);
/* Memory that pages ever handed out take; others were never written. */
uint64_t prefix_cache_touched_bytes(const struct prefix_cache *cache);
uint64_t prefix_cache_evictions(const struct prefix_cache *cache); /* since it was made */

/* 0 .. prefix_cache_pages - 1. */
uint32_t prefix_cache_number(const struct prefix_cache *cache, const void *page);
/* Check every invariant of the books, given how many sequences hold each page (by page number);
 * asserts. Slow: for tests. */
void prefix_cache_audit(const struct prefix_cache *cache, const uint32_t *holders);

#endif
