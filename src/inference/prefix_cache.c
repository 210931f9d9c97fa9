/* prefix_cache.c - see prefix_cache.h.
 *
 * One entry per page of the pool, by the page's number. A known page hangs in the list of those
 * that follow the same page, and a full one also under its name: the keyed hash of the page
 * before's name and its own tokens. One that only the cache holds also stands in the line of those
 * that may be given up.
 *
 * Whoever holds a page holds all pages before it, and a page is released after those that follow
 * it. So in the line a page always stands behind (is given up after) the pages that follow it, and
 * a known page's predecessor is known too. A partly filled page has no followers. */
#include "inference/prefix_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX, FOLLOWERS_LOOKED_AT = 64 };

struct entry {
    int32_t tokens[KV_PAGE_TOKENS];
    struct prefix_scope scope;
    struct hash128 name;           /* of a full page */
    uint32_t before;               /* the page before it, NONE: it begins a sequence */
    uint32_t filled;               /* tokens; 0: unknown */
    uint32_t next_named;           /* NONE: last */
    uint32_t follower, *following; /* the next one, and what points here, in its list */
    uint32_t older, newer;         /* in the line */
    bool kept;                     /* stands in the line */
    bool is_news;                  /* is in the list of those newly kept */
};

struct prefix_cache {
    struct kv_pages *pages;
    struct hash_key key;
    struct entry *entries;
    uint32_t *named;     /* by name */
    uint32_t *followers; /* by the name of the page before: newest first */
    uint32_t bucket_mask;
    uint32_t oldest, newest;
    uint32_t kept_count;
    uint32_t *news; /* numbers of pages newly kept; the beginning of a conversation on top */
    uint32_t news_count;
    uint64_t evictions;
};

enum status prefix_cache_new(struct prefix_cache **out, struct kv_pages *pages,
                             const struct hash_key *key, struct fault *fault)
{
    struct prefix_cache *cache = calloc(1, sizeof *cache);
    if (!cache) {
        kv_pages_close(pages);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the prefix cache");
    }
    uint32_t count = kv_pages_count(pages), buckets = 1;
    while (buckets < count) buckets *= 2;
    cache->pages = pages;
    cache->key = *key;
    cache->bucket_mask = buckets - 1;
    cache->oldest = cache->newest = NONE;
    cache->entries = calloc(count, sizeof *cache->entries);
    cache->named = malloc(buckets * sizeof *cache->named);
    cache->followers = malloc(buckets * sizeof *cache->followers);
    cache->news = calloc(count, sizeof *cache->news);
    if (!cache->entries || !cache->named || !cache->followers || !cache->news) {
        prefix_cache_free(cache);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the prefix cache of %u pages",
                         count);
    }
    memset(cache->named, 0xFF, buckets * sizeof *cache->named); /* all NONE */
    memset(cache->followers, 0xFF, buckets * sizeof *cache->followers);
    *out = cache;
    return OK;
}

void prefix_cache_free(struct prefix_cache *cache)
{
    if (!cache) return;
    free(cache->entries);
    free(cache->named);
    free(cache->followers);
    free(cache->news);
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
    assert(entry->filled && !entry->kept);
    entry->older = cache->newest;
    entry->newer = NONE;
    *(cache->newest == NONE ? &cache->oldest : &cache->entries[cache->newest].newer) = number;
    cache->newest = number;
    entry->kept = true;
    cache->kept_count++;
    if (entry->is_news || entry->filled < KV_PAGE_TOKENS) return;
    entry->is_news = true;
    cache->news[cache->news_count++] = number;
}

/* ---- names ---- */

/* A place after a page of a scope, where others may follow. */
struct place {
    struct prefix_scope scope;
    uint32_t before;     /* NONE: the beginning */
    struct hash128 name; /* of the page before; of the beginning, the scope's */
};

static struct hash128 scope_name(const struct prefix_cache *cache, struct prefix_scope scope)
{
    return keyed_hash(&cache->key, &scope, sizeof scope);
}

static struct place place_after(const struct prefix_cache *cache, const struct prefix *prefix)
{
    struct place place = {.scope = prefix->scope, .before = NONE};
    if (prefix->known == 0) {
        place.name = scope_name(cache, prefix->scope);
        return place;
    }
    place.before = kv_page_number(cache->pages, prefix->pages[prefix->known - 1]);
    assert(cache->entries[place.before].filled == KV_PAGE_TOKENS);
    place.name = cache->entries[place.before].name;
    return place;
}

static bool is_at(const struct entry *entry, const struct place *place)
{
    return entry->before == place->before && prefix_scope_equal(entry->scope, place->scope);
}

static struct hash128 name_of(const struct prefix_cache *cache, const struct place *place,
                              const int32_t *tokens)
{
    const struct page_label before = {.name = place->name};
    return prefix_cache_label_after(cache, &before, tokens).name;
}

static uint32_t *bucket(const struct prefix_cache *cache, uint32_t *table, struct hash128 name)
{
    return &table[name.words[0] & cache->bucket_mask];
}

/* The full page of these tokens at this place. */
static uint32_t lookup(const struct prefix_cache *cache, const struct place *place,
                       struct hash128 name, const int32_t *tokens)
{
    uint32_t number = *bucket(cache, cache->named, name);
    for (; number != NONE; number = cache->entries[number].next_named) {
        const struct entry *entry = &cache->entries[number];
        if (is_at(entry, place) && memcmp(entry->tokens, tokens, sizeof entry->tokens) == 0) break;
    }
    return number;
}

/* `name` counts for a full page only. The cache holds what it knows. */
static void remember(struct prefix_cache *cache, uint32_t number, const struct place *place,
                     struct hash128 name, const int32_t *tokens, uint32_t filled)
{
    struct entry *entry = &cache->entries[number];
    memcpy(entry->tokens, tokens, filled * sizeof *tokens);
    entry->scope = place->scope;
    entry->before = place->before;
    entry->filled = filled;
    entry->following = bucket(cache, cache->followers, place->name);
    entry->follower = *entry->following;
    if (entry->follower != NONE) cache->entries[entry->follower].following = &entry->follower;
    *entry->following = number;
    if (filled == KV_PAGE_TOKENS) {
        uint32_t *first = bucket(cache, cache->named, name);
        entry->name = name;
        entry->next_named = *first;
        *first = number;
    }
    kv_page_share(cache->pages, kv_page_at(cache->pages, number));
}

static void forget(struct prefix_cache *cache, uint32_t number)
{
    struct entry *entry = &cache->entries[number];
    *entry->following = entry->follower;
    if (entry->follower != NONE) cache->entries[entry->follower].following = entry->following;
    if (entry->filled == KV_PAGE_TOKENS) {
        uint32_t *link = bucket(cache, cache->named, entry->name);
        while (*link != number) link = &cache->entries[*link].next_named;
        *link = entry->next_named;
    }
    entry->filled = 0;
    kv_page_release(cache->pages, kv_page_at(cache->pages, number));
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
        cache->evictions++;
    }
    return kv_page_new(cache->pages);
}

void prefix_cache_share(struct prefix_cache *cache, void *page)
{
    kv_page_share(cache->pages, page);
}

void prefix_cache_release(struct prefix_cache *cache, void *page)
{
    uint32_t number = kv_page_number(cache->pages, page);
    kv_page_release(cache->pages, page);
    if (cache->entries[number].filled && kv_page_references(cache->pages, page) == 1)
        line_append(cache, number);
}

void prefix_cache_find(struct prefix_cache *cache, struct prefix *prefix)
{
    while ((prefix->known + 1) * KV_PAGE_TOKENS <= prefix->count) {
        const int32_t *tokens = prefix->tokens + prefix->known * KV_PAGE_TOKENS;
        struct place place = place_after(cache, prefix);
        uint32_t number = lookup(cache, &place, name_of(cache, &place, tokens), tokens);
        if (number == NONE) return;
        prefix->pages[prefix->known++] = hold(cache, number);
    }
}

static uint32_t common_tokens(const int32_t *a, const int32_t *b, uint32_t limit)
{
    uint32_t count = 0;
    while (count < limit && a[count] == b[count]) count++;
    return count;
}

/* Of the pages at a place, the one that begins with most of the `count` tokens. */
static uint32_t most_alike(const struct prefix_cache *cache, const struct place *place,
                           const int32_t *tokens, uint32_t count, uint32_t *common)
{
    uint32_t best = NONE, number = *bucket(cache, cache->followers, place->name);
    *common = 0;
    for (int i = 0; number != NONE && i < FOLLOWERS_LOOKED_AT; i++) {
        const struct entry *entry = &cache->entries[number];
        uint32_t limit = entry->filled < count ? entry->filled : count;
        uint32_t alike = is_at(entry, place) ? common_tokens(entry->tokens, tokens, limit) : 0;
        if (alike > *common) {
            *common = alike;
            best = number;
        }
        number = entry->follower;
    }
    return best;
}

uint32_t prefix_cache_find_part(struct prefix_cache *cache, const struct prefix *prefix)
{
    uint32_t from = prefix->known * KV_PAGE_TOKENS, common;
    uint32_t count = prefix->count - from < KV_PAGE_TOKENS ? prefix->count - from : KV_PAGE_TOKENS;
    struct place place = place_after(cache, prefix);
    uint32_t best = most_alike(cache, &place, prefix->tokens + from, count, &common);
    if (best == NONE) return 0;
    void *source = hold(cache, best), *page;
    const struct entry *entry = &cache->entries[best];
    if (common == entry->filled && common < KV_PAGE_TOKENS &&
        kv_page_references(cache->pages, source) == 2) { /* the cache's and ours */
        forget(cache, best);
        page = source;
    } else {
        page = prefix_cache_take(cache);
        if (page) memcpy(page, source, kv_page_bytes(cache->pages));
        prefix_cache_release(cache, source);
    }
    prefix->pages[prefix->known] = page;
    return page ? common : 0;
}

/* The page at the place becomes the known one of these tokens: itself, or its twin. */
static void add_full(struct prefix_cache *cache, const struct place *place, const int32_t *tokens,
                     void **page)
{
    uint32_t number = kv_page_number(cache->pages, *page);
    if (cache->entries[number].filled) forget(cache, number); /* as the part it was */
    struct hash128 name = name_of(cache, place, tokens);
    uint32_t twin = lookup(cache, place, name, tokens);
    if (twin == NONE) {
        remember(cache, number, place, name, tokens, KV_PAGE_TOKENS);
        return;
    }
    kv_page_release(cache->pages, *page);
    *page = hold(cache, twin);
}

/* Unless another page has as much. */
static void add_part(struct prefix_cache *cache, const struct place *place, const int32_t *tokens,
                     uint32_t filled, void *page)
{
    uint32_t number = kv_page_number(cache->pages, page), common;
    if (cache->entries[number].filled == filled) return;
    if (cache->entries[number].filled) forget(cache, number);
    most_alike(cache, place, tokens, filled, &common);
    if (common < filled) remember(cache, number, place, (struct hash128){{0}}, tokens, filled);
}

void prefix_cache_add(struct prefix_cache *cache, struct prefix *prefix)
{
    for (; (prefix->known + 1) * KV_PAGE_TOKENS <= prefix->count; prefix->known++) {
        struct place place = place_after(cache, prefix);
        add_full(cache, &place, prefix->tokens + prefix->known * KV_PAGE_TOKENS,
                 &prefix->pages[prefix->known]);
    }
    uint32_t from = prefix->known * KV_PAGE_TOKENS;
    if (prefix->count == from) return;
    struct place place = place_after(cache, prefix);
    add_part(cache, &place, prefix->tokens + from, prefix->count - from,
             prefix->pages[prefix->known]);
}

/* ---- labels ---- */

struct page_label prefix_cache_label_after(const struct prefix_cache *cache,
                                           const struct page_label *before, const int32_t *tokens)
{
    struct page_label label = {.before = before->name};
    memcpy(label.tokens, tokens, sizeof label.tokens);
    label.name = keyed_hash(&cache->key, &label, offsetof(struct page_label, name));
    return label;
}

struct page_label prefix_cache_label(const struct prefix_cache *cache, const struct prefix *prefix)
{
    const struct page_label before = {.name = place_after(cache, prefix).name};
    return prefix_cache_label_after(cache, &before,
                                    prefix->tokens + prefix->known * KV_PAGE_TOKENS);
}

const void *prefix_cache_next_kept(struct prefix_cache *cache, struct page_label *label)
{
    while (cache->news_count > 0) {
        uint32_t number = cache->news[--cache->news_count];
        struct entry *entry = &cache->entries[number];
        entry->is_news = false;
        if (!entry->kept || entry->filled < KV_PAGE_TOKENS) continue; /* held again, or given up */
        label->name = entry->name;
        label->before = entry->before == NONE ? scope_name(cache, entry->scope)
                                              : cache->entries[entry->before].name;
        memcpy(label->tokens, entry->tokens, sizeof label->tokens);
        return kv_page_at(cache->pages, number);
    }
    return NULL;
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

uint64_t prefix_cache_touched_bytes(const struct prefix_cache *cache)
{
    return (uint64_t)kv_pages_touched(cache->pages) * kv_page_bytes(cache->pages);
}

uint64_t prefix_cache_evictions(const struct prefix_cache *cache)
{
    return cache->evictions;
}

uint32_t prefix_cache_number(const struct prefix_cache *cache, const void *page)
{
    return kv_page_number(cache->pages, page);
}

/* ---- the audit ---- */

static void audit_entry(const struct prefix_cache *cache, uint32_t number, uint32_t holders)
{
    const struct entry *entry = &cache->entries[number];
    const void *page = kv_page_at(cache->pages, number);
    uint32_t references = kv_page_references(cache->pages, page);
    assert(entry->filled <= KV_PAGE_TOKENS);
    assert(references == holders + (entry->filled > 0));
    assert(entry->kept == (entry->filled > 0 && holders == 0));
    if (!entry->filled) return;
    assert(*entry->following == number);
    if (entry->filled == KV_PAGE_TOKENS) {
        uint32_t found = *bucket(cache, cache->named, entry->name);
        while (found != number && found != NONE) found = cache->entries[found].next_named;
        assert(found == number);
    } else {
        assert(holders <= 1); /* a part is one sequence's to write on */
    }
    if (entry->before == NONE) return;
    const struct entry *before = &cache->entries[entry->before];
    assert(before->filled == KV_PAGE_TOKENS && prefix_scope_equal(before->scope, entry->scope));
    assert(!before->kept || entry->kept); /* who holds a page holds all before it */
}

/* In the line nobody stands before one that follows it. */
static void audit_line(const struct prefix_cache *cache)
{
    uint32_t count = 0, last = NONE;
    for (uint32_t number = cache->oldest; number != NONE; number = cache->entries[number].newer) {
        assert(cache->entries[number].kept && cache->entries[number].older == last);
        uint32_t next = cache->entries[number].newer;
        for (; next != NONE; next = cache->entries[next].newer)
            assert(cache->entries[next].before != number);
        last = number;
        count++;
    }
    assert(cache->newest == last && cache->kept_count == count);
}

void prefix_cache_audit(const struct prefix_cache *cache, const uint32_t *holders)
{
    for (uint32_t i = 0; i < kv_pages_count(cache->pages); i++) audit_entry(cache, i, holders[i]);
    audit_line(cache);
}
