/* prefix_cache.h - full pages of keys and values that live on after their sequence, for the next
 * one that begins with the same tokens.
 *
 * A page is known by its own KV_PAGE_TOKENS tokens and the page before it, compared token by token:
 * a hash only finds the place. Since a row's keys and values are the same bits whoever computes
 * them (compute.h), a sequence that begins on found pages continues exactly as if it had computed
 * them itself. Pages that no sequence holds are given up, longest unused first and from the end of
 * a conversation to its beginning, when others need the room.
 *
 * Stands in front of the pool: sequences take and release their pages here. Owned by the engine's
 * thread. Must not know requests or models. */
#ifndef LIMINAL_INFERENCE_PREFIX_CACHE_H
#define LIMINAL_INFERENCE_PREFIX_CACHE_H

#include "base/status.h"
#include "inference/kv_pages.h"

struct prefix_cache;

/* Takes the pool, also when it fails. */
enum status prefix_cache_new(struct prefix_cache **out, struct kv_pages *pages,
                             struct fault *fault) MUST_USE;
void prefix_cache_free(struct prefix_cache *cache);

/* A page to write to, if need be at the cost of the longest unused one; NULL when sequences hold
 * all. */
void *prefix_cache_take(struct prefix_cache *cache) MUST_USE;
/* A sequence gives a page back. From its last page to its first. */
void prefix_cache_release(struct prefix_cache *cache, void *page);

/* The pages of the longest known beginning of the tokens, whole pages only; each is the caller's to
 * release. Returns how many. */
uint32_t prefix_cache_find(struct prefix_cache *cache, const int32_t *tokens, uint32_t count,
                           void **pages);
/* The first `page_count` pages of a sequence are full and will not be written any more: remember
 * them. Where another sequence computed the same page before, pages[i] becomes that one. */
void prefix_cache_add(struct prefix_cache *cache, const int32_t *tokens, void **pages,
                      uint32_t page_count);

uint32_t prefix_cache_pages(const struct prefix_cache *cache); /* in all */
uint32_t prefix_cache_held(const struct prefix_cache *cache);  /* by sequences */
uint32_t prefix_cache_kept(const struct prefix_cache *cache);  /* by nobody else */
/* What prefix_cache_take could still give. */
uint32_t prefix_cache_available(const struct prefix_cache *cache);

#endif
