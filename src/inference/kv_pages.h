/* kv_pages.h - the memory of the key/value cache: a fixed number of pages of one size.
 *
 * A page holds KV_PAGE_TOKENS tokens of one sequence in all layers (model_info.kv_page_bytes). The
 * address space for all pages is reserved at open; memory is taken from the kernel when a page is
 * first written, and pages freed last are handed out first, so that a quiet server stays small.
 * Pages are counted references: sequences with the same beginning may share its pages.
 * Owned by the engine's thread. Knows nothing of tokens, sequences or what a page means. */
#ifndef LIMINAL_INFERENCE_KV_PAGES_H
#define LIMINAL_INFERENCE_KV_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct kv_pages;

/* As many pages as fit into the budget; STATUS_NO_MEMORY when not even one does or the address
 * space is refused. */
enum status kv_pages_open(struct kv_pages **out, size_t page_bytes, uint64_t budget_bytes,
                          struct fault *fault) MUST_USE;
void kv_pages_close(struct kv_pages *pages);

/* A page with one reference, its bytes undefined; NULL when all are in use. */
void *kv_page_new(struct kv_pages *pages) MUST_USE;
/* One more owner of the page; it must not be written while it has several. */
void kv_page_share(struct kv_pages *pages, void *page);
/* One owner less; the last one gives the page back. */
void kv_page_release(struct kv_pages *pages, void *page);
uint32_t kv_page_references(const struct kv_pages *pages, const void *page);
/* 0 .. kv_pages_count-1, for tables beside the pool; and back. */
uint32_t kv_page_number(const struct kv_pages *pages, const void *page);
void *kv_page_at(const struct kv_pages *pages, uint32_t number);

uint32_t kv_pages_count(const struct kv_pages *pages); /* in all */
size_t kv_page_bytes(const struct kv_pages *pages);    /* of one, a multiple of 64 */
uint32_t kv_pages_used(const struct kv_pages *pages);
uint32_t kv_pages_touched(const struct kv_pages *pages); /* ever handed out */
static inline uint32_t kv_pages_free(const struct kv_pages *pages)
{
    return kv_pages_count(pages) - kv_pages_used(pages);
}

#endif
