/* test_failing_malloc.h - malloc and its kin, replaced by versions that fail when a test says so:
 * each allocation in turn (after curl's torture tests). Include it in one file of a test program.
 *
 * They fail only for calls from our own code, since libraries may abort by design, and only in the
 * threads that the test is about. Sanitizers own the allocator: with them nothing ever fails. */
#ifndef LIMINAL_BASE_TEST_FAILING_MALLOC_H
#define LIMINAL_BASE_TEST_FAILING_MALLOC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/test_support.h"

enum tortured { TORTURE_TEST_THREAD, TORTURE_OTHER_THREADS };

static struct {
    atomic_int count;    /* allocations in the tortured threads since malloc_torture */
    atomic_int fails_at; /* this one fails; -1: none */
    atomic_bool goes_on; /* and so do all after it */
    _Atomic enum tortured who;
} torture = {.fails_at = -1};
static __thread bool is_test_thread; /* set by malloc_torture, which the test's thread calls */

#ifndef SANITIZED
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t bytes);

static bool malloc_fails(const void *caller)
{
    extern const char __executable_start, etext;
    if (is_test_thread != (atomic_load(&torture.who) == TORTURE_TEST_THREAD)) return false;
    if ((const char *)caller < &__executable_start || (const char *)caller >= &etext) return false;
    int index = atomic_fetch_add(&torture.count, 1), at = atomic_load(&torture.fails_at);
    return at >= 0 && (index == at || (index > at && atomic_load(&torture.goes_on)));
}

void *malloc(size_t size)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    return malloc_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(ptr, size);
}
#endif

/* Count from 0 again; let the allocation of this index fail (-1: none, only count), and, if it
 * goes on, all that follow until malloc_relent. */
static inline void malloc_torture(enum tortured who, int index, bool goes_on)
{
    is_test_thread = true;
    atomic_store(&torture.fails_at, -1);
    atomic_store(&torture.who, who);
    atomic_store(&torture.goes_on, goes_on);
    atomic_store(&torture.count, 0);
    atomic_store(&torture.fails_at, index);
}

/* Nothing fails any more. Returns how many allocations there were. */
static inline int malloc_relent(void)
{
    atomic_store(&torture.fails_at, -1);
    return atomic_load(&torture.count);
}

#endif
