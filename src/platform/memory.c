/* memory.c - large memory from the kernel. */
#include <stdint.h>
#include <sys/mman.h>

#include "platform/platform.h"

enum { HUGE_PAGE_BYTES = 2 << 20 };

static bool whole_pages(size_t bytes, size_t *rounded)
{
    if (bytes == 0 || __builtin_add_overflow(bytes, HUGE_PAGE_BYTES - 1, rounded)) return false;
    *rounded = *rounded / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    return true;
}

void *large_memory_map(size_t bytes)
{
    /* One huge page too many, so that the rest can begin where one does; the ends go back. */
    size_t whole, mapped;
    if (!whole_pages(bytes, &whole) || __builtin_add_overflow(whole, HUGE_PAGE_BYTES, &mapped))
        return NULL;
    char *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return NULL;
    size_t before = -(uintptr_t)base % HUGE_PAGE_BYTES;
    if (before) munmap(base, before);
    munmap(base + before + whole, HUGE_PAGE_BYTES - before);
    /* Advice: where it is refused, small pages do. */
    (void)madvise(base + before, whole, MADV_HUGEPAGE);
    return base + before;
}

void large_memory_unmap(void *memory, size_t bytes)
{
    size_t whole;
    if (memory && whole_pages(bytes, &whole)) munmap(memory, whole);
}
