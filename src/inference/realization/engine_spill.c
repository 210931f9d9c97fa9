/* engine_spill.c - pages between memory and disk. A page that no sequence holds any more is written
 * when there is nothing better to do; a prompt that needs what only the disk has gets it from there
 * before anybody computes it again. The engine never waits for the disk: whose pages are coming has
 * no rows in the steps until then.
 *
 * A restore holds pages as a sequence does: those before the ones that are read, too, so that they
 * are still known when the others come. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/realization/engine_state.h"
#include "platform/platform.h"

enum { RESTORES = 8, RESTORE_PAGES = 32, FLUSH_MS = 5000, PATH_BYTES = 4096 };

struct restore {
    struct generation *generation; /* whose prompt it is, one reference; NULL: free */
    void **pages;
    uint32_t known, count; /* pages that the cache knows; and with those that are on their way */
    uint32_t arrived;      /* read, though not all of them known if one was damaged */
};

/* ---- whose pages these are ---- */

/* What this program computes for some tokens with this model, bit for bit: whatever there is that
 * changes keys and values (weights, kernels, layout, rotation) changes this. */
static enum status compute_probe(struct engine *engine, void *page, struct fault *fault)
{
    struct step_plan *plan = &engine->plan;
    void *const pages[] = {page};
    uint32_t rows = engine->row_limit < KV_PAGE_TOKENS ? engine->row_limit : KV_PAGE_TOKENS;
    for (uint32_t from = 0; from < KV_PAGE_TOKENS; from += rows) {
        plan->batch.count = KV_PAGE_TOKENS - from < rows ? KV_PAGE_TOKENS - from : rows;
        for (uint32_t i = 0; i < plan->batch.count; i++) {
            plan->positions[i] = (int32_t)(from + i);
            plan->tokens[i] = (int32_t)((from + i) * 37 % engine->info->vocabulary);
            plan->pages[i] = pages;
            plan->wants_logits[i] = false;
        }
        TRY(model_forward(engine->model, &plan->batch, plan->logits, fault));
    }
    return OK;
}

static enum status identify(struct engine *engine, struct kv_store_identity *identity,
                            struct fault *fault)
{
    const struct model_info *info = engine->info;
    void *page = aligned_alloc(64, (info->kv_page_bytes + 63) / 64 * 64);
    struct sha256 *sha = sha256_new();
    enum status status = OK;
    if (!page || !sha)
        status = fault_set(fault, STATUS_NO_MEMORY, "no memory to open the store of pages");
    if (page) memset(page, 0, info->kv_page_bytes);
    if (status == OK) status = compute_probe(engine, page, fault);
    if (sha) {
        uint64_t sizes[] = {info->layers, info->kv_heads, info->head_width, info->vocabulary,
                            info->kv_page_bytes};
        sha256_update(sha, sizes, sizeof sizes);
        if (status == OK) sha256_update(sha, page, info->kv_page_bytes);
        sha256_final_free(sha, identity->digest);
    }
    free(page);
    return status;
}

/* A file for each model; what is in it must be of this one. */
static void store_path(const struct engine *engine, const char *folder, char path[PATH_BYTES])
{
    char name[160];
    snprintf(name, sizeof name, "%s-%s", engine->info->name, engine->info->file_type);
    for (char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c))
            *c = '_';
    snprintf(path, PATH_BYTES, "%s/%s.kv", folder, name);
}

enum status engine_spill_open(struct engine *engine, const struct engine_options *options,
                              struct fault *fault)
{
    if (!options->spill_bytes) return OK;
    char path[PATH_BYTES];
    store_path(engine, options->spill_folder, path);
    struct kv_store_options store_options = {
        .path = path,
        .budget_bytes = options->spill_bytes,
        .page_bytes = engine->info->kv_page_bytes,
        .done = &engine->bell,
    };
    TRY(directory_make(options->spill_folder, fault));
    TRY(identify(engine, &store_options.identity, fault));
    engine->restores = calloc(RESTORES, sizeof *engine->restores);
    if (!engine->restores) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engine");
    return kv_store_open(&engine->store, &store_options, fault);
}

static void count(struct engine *engine)
{
    struct kv_store_counters counters;
    kv_store_counters(engine->store, &counters);
    engine->counters.kv_pages_stored = counters.stored;
    engine->counters.kv_pages_spilled = counters.saved;
    engine->counters.kv_pages_restored = counters.restored;
    engine->counters.kv_spill_failures = counters.failed;
}

enum status engine_spill_prepare(struct engine *engine, struct fault *fault)
{
    uint32_t pages = generation_pages_for(engine->context_length);
    for (int i = 0; engine->store && i < RESTORES; i++) {
        engine->restores[i].pages = calloc(pages, sizeof *engine->restores[i].pages);
        if (!engine->restores[i].pages)
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engine");
    }
    if (engine->store) count(engine);
    return OK;
}

/* ---- from disk ---- */

static struct restore *free_restore(struct engine *engine)
{
    for (int i = 0; i < RESTORES; i++)
        if (!engine->restores[i].generation) return &engine->restores[i];
    return NULL;
}

static void release_pages(struct engine *engine, struct restore *restore)
{
    while (restore->count > 0)
        prefix_cache_release(engine->cache, restore->pages[--restore->count]);
}

/* Ask for one more page; false when there is no room, or the store has enough to do. */
static bool read_next(struct engine *engine, struct restore *restore,
                      const struct page_label *label)
{
    void *page = prefix_cache_take(engine->cache);
    if (!page) return false;
    if (!kv_store_read(engine->store, label, page, restore)) {
        prefix_cache_release(engine->cache, page);
        return false;
    }
    restore->pages[restore->count++] = page;
    return true;
}

/* All that the disk has of the prompt, RESTORE_PAGES at a time. False if that is nothing. */
static bool start(struct engine *engine, struct restore *restore, struct generation *generation,
                  struct page_label label)
{
    struct prefix prefix = generation_prefix(generation);
    for (uint32_t i = 0; i < prefix.known; i++) {
        restore->pages[i] = prefix.pages[i];
        prefix_cache_share(engine->cache, restore->pages[i]);
    }
    restore->known = restore->arrived = restore->count = prefix.known;
    uint32_t most = prefix.count / KV_PAGE_TOKENS;
    if (most > prefix.known + RESTORE_PAGES) most = prefix.known + RESTORE_PAGES;
    while (read_next(engine, restore, &label) && restore->count < most) {
        label = prefix_cache_label_after(engine->cache, &label,
                                         prefix.tokens + restore->count * KV_PAGE_TOKENS);
        if (kv_store_find(engine->store, &label) != KV_STORED) break;
    }
    if (restore->count == restore->known) {
        release_pages(engine, restore);
        return false;
    }
    restore->generation = generation_share_handle(generation);
    return true;
}

bool engine_spill_brings(struct engine *engine, struct generation *generation)
{
    if (!engine->store || generation->computed % KV_PAGE_TOKENS != 0) return false;
    struct prefix prefix = generation_prefix(generation);
    if ((prefix.known + 1) * KV_PAGE_TOKENS > prefix.count) return false;
    struct page_label label = prefix_cache_label(engine->cache, &prefix);
    enum kv_store_state state = kv_store_find(engine->store, &label);
    if (state != KV_STORED) return state == KV_COMING; /* for another one with the same prompt */
    struct restore *restore = free_restore(engine);
    return !restore || start(engine, restore, generation, label);
}

/* Reads are done in the order they were asked for. What came is known from now on, unless what is
 * before it was damaged. */
static void take_in(struct engine *engine, struct restore *restore,
                    const struct kv_store_read *read)
{
    struct generation *generation = restore->generation;
    assert(restore->pages[restore->arrived] == read->page);
    if (read->is_sound && restore->known == restore->arrived) {
        struct prefix prefix = generation_prefix(generation);
        prefix.pages = restore->pages;
        prefix.known = restore->known;
        prefix.count = (restore->known + 1) * KV_PAGE_TOKENS;
        prefix_cache_add(engine->cache, &prefix);
        restore->known = prefix.known;
    }
    if (++restore->arrived < restore->count) return;
    release_pages(engine, restore);
    restore->generation = NULL;
    generation_release(generation);
}

static void collect(struct engine *engine)
{
    struct kv_store_read read;
    while (kv_store_collect(engine->store, &read)) take_in(engine, read.ticket, &read);
}

bool engine_spill_is_bringing(const struct engine *engine)
{
    for (int i = 0; engine->store && i < RESTORES; i++)
        if (engine->restores[i].generation) return true;
    return false;
}

/* ---- to disk ---- */

static void save(struct engine *engine)
{
    struct page_label label;
    const void *page;
    while (kv_store_has_room(engine->store) &&
           (page = prefix_cache_next_kept(engine->cache, &label)))
        if (!kv_store_save(engine->store, &label, page)) return;
}

void engine_spill_refresh(struct engine *engine)
{
    if (!engine->store) return;
    collect(engine);
    save(engine);
    count(engine);
}

void engine_spill_count_holders(const struct engine *engine, uint32_t *holders)
{
    for (int i = 0; engine->store && i < RESTORES; i++) {
        const struct restore *restore = &engine->restores[i];
        for (uint32_t p = 0; p < restore->count; p++)
            holders[prefix_cache_number(engine->cache, restore->pages[p])]++;
    }
}

/* Whatever is on its way, and what is not saved yet as far as that takes no time to speak of. */
void engine_spill_flush(struct engine *engine)
{
    if (!engine->store) return;
    uint64_t end_ns = clock_monotonic_ns() + FLUSH_MS * 1000000ull;
    do {
        collect(engine);
        if (clock_monotonic_ns() < end_ns) save(engine);
        if (kv_store_is_busy(engine->store)) doorbell_await(&engine->bell);
    } while (kv_store_is_busy(engine->store));
}

void engine_spill_close(struct engine *engine)
{
    kv_store_close(engine->store);
    for (int i = 0; engine->restores && i < RESTORES; i++) free(engine->restores[i].pages);
    free(engine->restores);
}
