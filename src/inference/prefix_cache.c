/* prefix_cache.c - see prefix_cache.h.
 *
 * One entry per page of the pool, by the page's number. An entry that is known hangs in a hash
 * chain; one that only the cache holds also hangs in the line of those that may be given up.
 *
 * Whoever holds a page holds all pages before it, and a page is released after those that follow
 * it. So in the line a page always stands behind (is given up after) the pages that follow it, and
 * a known page's predecessor is known too. */
#include "inference/prefix_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compute/compute.h"

enum { NONE = UINT32_MAX };

struct entry {
    int32_t tokens[KV_PAGE_TOKENS];
    uint32_t before;       /* the page before it, NONE: it begins a sequence */
    uint32_t next_in_hash; /* NONE: last */
    uint32_t older, newer; /* in the line */
    bool known, kept;
};

struct prefix_cache {
    struct kv_pages *pages;
    struct entry *entries;
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint32_t oldest, newest;
    uint32_t kept_count;
};

enum status prefix_cache_new(struct prefix_cache **out, struct kv_pages *pages, struct fault *fault)
{
    struct prefix_cache *cache = calloc(1, sizeof *cache);
    if (!cache) {
        kv_pages_close(pages);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the prefix cache");
    }
    uint32_t count = kv_pages_count(pages), buckets = 1;
    while (buckets < count) buckets *= 2;
    cache->pages = pages;
    cache->bucket_mask = buckets - 1;
    cache->oldest = cache->newest = NONE;
    cache->entries = calloc(count, sizeof *cache->entries);
    cache->buckets = malloc(buckets * sizeof *cache->buckets);
    if (!cache->entries || !cache->buckets) {
        prefix_cache_free(cache);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the prefix cache of %u pages",
                         count);
    }
    memset(cache->buckets, 0xFF, buckets * sizeof *cache->buckets); /* all NONE */
    *out = cache;
    return OK;
}

void prefix_cache_free(struct prefix_cache *cache)
{
    if (!cache) return;
    free(cache->entries);
    free(cache->buckets);
    kv_pages_close(cache->pages);
    free(cache);
}

/* ---- the line of pages that only the cache holds ---- */

static void line_remove(struct prefix_cache *cache, uint32_t number)
{
    struct entry *entry = &cache->entries[number];
    assert(entry->kept);
    *(entry->older == NONE ? &cache->oldest : &cache->entries[entry->older].newer) = entry->newer;
    *(entry->newer == NONE ? &cache->newest : &cache->entries[entry->newer].older) = entry->older;
    entry->kept = false;
    cache->kept_count--;
}

static void line_append(struct prefix_cache *cache, uint32_t number)
{
    struct entry *entry = &cache->entries[number];
    assert(entry->known && !entry->kept);
    entry->older = cache->newest;
    entry->newer = NONE;
    *(cache->newest == NONE ? &cache->oldest : &cache->entries[cache->newest].newer) = number;
    cache->newest = number;
    entry->kept = true;
    cache->kept_count++;
}

/* ---- the hash ---- */

/* FNV-1a over whole tokens, with a final mix. */
static uint32_t *bucket_of(const struct prefix_cache *cache, uint32_t before, const int32_t *tokens)
{
    uint64_t hash = 0xCBF29CE484222325u ^ before;
    for (int i = 0; i < KV_PAGE_TOKENS; i++) hash = (hash ^ (uint32_t)tokens[i]) * 0x100000001B3u;
    hash ^= hash >> 29;
    return &cache->buckets[hash & cache->bucket_mask];
}

static uint32_t lookup(const struct prefix_cache *cache, uint32_t before, const int32_t *tokens)
{
    uint32_t number = *bucket_of(cache, before, tokens);
    for (; number != NONE; number = cache->entries[number].next_in_hash) {
        const struct entry *entry = &cache->entries[number];
        if (entry->before == before && memcmp(entry->tokens, tokens, sizeof entry->tokens) == 0)
            break;
    }
    return number;
}

static void remember(struct prefix_cache *cache, uint32_t number, uint32_t before,
                     const int32_t *tokens)
{
    struct entry *entry = &cache->entries[number];
    uint32_t *bucket = bucket_of(cache, before, tokens);
    memcpy(entry->tokens, tokens, sizeof entry->tokens);
    entry->before = before;
    entry->next_in_hash = *bucket;
    entry->known = true;
    *bucket = number;
}

static void forget(struct prefix_cache *cache, uint32_t number)
{
    struct entry *entry = &cache->entries[number];
    uint32_t *link = bucket_of(cache, entry->before, entry->tokens);
    while (*link != number) link = &cache->entries[*link].next_in_hash;
    *link = entry->next_in_hash;
    entry->known = false;
}

/* ---- pages ---- */

/* One more holder of a known page. */
static void *hold(struct prefix_cache *cache, uint32_t number)
{
    void *page = kv_page_at(cache->pages, number);
    if (cache->entries[number].kept) line_remove(cache, number);
    kv_page_share(cache->pages, page);
    return page;
}

void *prefix_cache_take(struct prefix_cache *cache)
{
    if (kv_pages_free(cache->pages) == 0 && cache->oldest != NONE) {
        uint32_t number = cache->oldest;
        line_remove(cache, number);
        forget(cache, number);
        kv_page_release(cache->pages, kv_page_at(cache->pages, number));
    }
    return kv_page_new(cache->pages);
}

void prefix_cache_release(struct prefix_cache *cache, void *page)
{
    uint32_t number = kv_page_number(cache->pages, page);
    kv_page_release(cache->pages, page);
    if (cache->entries[number].known && kv_page_references(cache->pages, page) == 1)
        line_append(cache, number);
}

uint32_t prefix_cache_find(struct prefix_cache *cache, const int32_t *tokens, uint32_t count,
                           void **pages)
{
    uint32_t found = 0, before = NONE;
    for (; (found + 1) * KV_PAGE_TOKENS <= count; found++) {
        uint32_t number = lookup(cache, before, tokens + found * KV_PAGE_TOKENS);
        if (number == NONE) break;
        pages[found] = hold(cache, number);
        before = number;
    }
    return found;
}

void prefix_cache_add(struct prefix_cache *cache, const int32_t *tokens, void **pages,
                      uint32_t page_count)
{
    uint32_t before = NONE;
    for (uint32_t i = 0; i < page_count; i++, tokens += KV_PAGE_TOKENS) {
        uint32_t number = kv_page_number(cache->pages, pages[i]);
        if (!cache->entries[number].known) {
            uint32_t twin = lookup(cache, before, tokens);
            if (twin == NONE) {
                remember(cache, number, before, tokens);
                kv_page_share(cache->pages, pages[i]);
            } else {
                void *own = pages[i];
                pages[i] = hold(cache, twin);
                kv_page_release(cache->pages, own);
                number = twin;
            }
        }
        before = number;
    }
}

uint32_t prefix_cache_pages(const struct prefix_cache *cache)
{
    return kv_pages_count(cache->pages);
}

uint32_t prefix_cache_held(const struct prefix_cache *cache)
{
    return kv_pages_used(cache->pages) - cache->kept_count;
}

uint32_t prefix_cache_kept(const struct prefix_cache *cache)
{
    return cache->kept_count;
}

uint32_t prefix_cache_available(const struct prefix_cache *cache)
{
    return kv_pages_free(cache->pages) + cache->kept_count;
}
