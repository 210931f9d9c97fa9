/* kv_pages.c - one reserved mapping cut into pages, a stack of free page numbers, and a reference
 * count per page. */
#include "inference/kv_pages.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE_ALIGNMENT = 64, PAGES_LIMIT = 1 << 24 };

struct kv_pages {
    unsigned char *base;
    size_t page_bytes; /* aligned */
    size_t mapped_bytes;
    uint32_t count;
    uint32_t free_count;
    uint32_t touched;       /* numbers from here on were never handed out */
    uint32_t *free_numbers; /* a stack: the top is handed out next */
    uint32_t *references;   /* per page; 0: free */
};

static enum status reserve(struct kv_pages *pages, struct fault *fault)
{
    pages->mapped_bytes = (size_t)pages->count * pages->page_bytes;
    void *base = mmap(NULL, pages->mapped_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return fault_set(fault, STATUS_NO_MEMORY,
                         "cannot reserve %zu MiB for the key/value cache; lower its budget",
                         pages->mapped_bytes >> 20);
    pages->base = base;
    madvise(base, pages->mapped_bytes, MADV_HUGEPAGE); /* faster reads; refusal is harmless */
    return OK;
}

enum status kv_pages_open(struct kv_pages **out, size_t page_bytes, uint64_t budget_bytes,
                          struct fault *fault)
{
    assert(page_bytes > 0);
    size_t aligned = (page_bytes + PAGE_ALIGNMENT - 1) / PAGE_ALIGNMENT * PAGE_ALIGNMENT;
    uint64_t count = budget_bytes / aligned;
    if (count == 0)
        return fault_set(fault, STATUS_NO_MEMORY,
                         "the key/value cache's budget of %llu bytes does not hold one page of %zu",
                         (unsigned long long)budget_bytes, aligned);
    if (count > PAGES_LIMIT) count = PAGES_LIMIT;

    struct kv_pages *pages = calloc(1, sizeof *pages);
    if (!pages) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the key/value cache");
    pages->page_bytes = aligned;
    pages->count = pages->free_count = (uint32_t)count;
    pages->free_numbers = malloc(count * sizeof *pages->free_numbers);
    pages->references = calloc(count, sizeof *pages->references);
    enum status status = OK;
    if (pages->free_numbers && pages->references)
        status = reserve(pages, fault);
    else
        status = fault_set(fault, STATUS_NO_MEMORY, "no memory for %llu key/value pages",
                           (unsigned long long)count);
    if (status != OK) {
        kv_pages_close(pages);
        return status;
    }
    for (uint32_t i = 0; i < pages->count; i++) pages->free_numbers[i] = pages->count - 1 - i;
    *out = pages;
    return OK;
}

void kv_pages_close(struct kv_pages *pages)
{
    if (!pages) return;
    if (pages->base) munmap(pages->base, pages->mapped_bytes);
    free(pages->free_numbers);
    free(pages->references);
    free(pages);
}

uint32_t kv_page_number(const struct kv_pages *pages, const void *page)
{
    size_t offset = (size_t)((const unsigned char *)page - pages->base);
    assert(offset < pages->mapped_bytes && offset % pages->page_bytes == 0);
    return (uint32_t)(offset / pages->page_bytes);
}

void *kv_page_at(const struct kv_pages *pages, uint32_t number)
{
    assert(number < pages->count);
    return pages->base + (size_t)number * pages->page_bytes;
}

void *kv_page_new(struct kv_pages *pages)
{
    if (pages->free_count == 0) return NULL;
    uint32_t number = pages->free_numbers[--pages->free_count];
    assert(pages->references[number] == 0);
    pages->references[number] = 1;
    if (number >= pages->touched) pages->touched = number + 1;
    return kv_page_at(pages, number);
}

void kv_page_share(struct kv_pages *pages, void *page)
{
    uint32_t *references = &pages->references[kv_page_number(pages, page)];
    assert(*references > 0 && *references < UINT32_MAX);
    ++*references;
}

void kv_page_release(struct kv_pages *pages, void *page)
{
    uint32_t number = kv_page_number(pages, page);
    assert(pages->references[number] > 0);
    if (--pages->references[number] == 0) pages->free_numbers[pages->free_count++] = number;
}

uint32_t kv_page_references(const struct kv_pages *pages, const void *page)
{
    return pages->references[kv_page_number(pages, page)];
}

uint32_t kv_pages_count(const struct kv_pages *pages)
{
    return pages->count;
}

size_t kv_page_bytes(const struct kv_pages *pages)
{
    return pages->page_bytes;
}

uint32_t kv_pages_touched(const struct kv_pages *pages)
{
    return pages->touched;
}

uint32_t kv_pages_used(const struct kv_pages *pages)
{
    return pages->count - pages->free_count;
}
