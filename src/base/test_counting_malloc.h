/* test_counting_malloc.h - malloc and its kin, and pthread_mutex_lock, replaced by versions that
 * count while a test watches, on every thread but those that opted out. Include it in one file of a
 * test program. Sanitizers own the allocator: with them nothing is counted. */
#ifndef LIMINAL_BASE_TEST_COUNTING_MALLOC_H
#define LIMINAL_BASE_TEST_COUNTING_MALLOC_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/test_support.h"

static atomic_bool watching;
static atomic_int allocations, locks;
static __thread bool is_not_watched; /* this thread is none that the test is about */

#ifndef SANITIZED
static void count_if_watched(atomic_int *what)
{
    if (atomic_load(&watching) && !is_not_watched) atomic_fetch_add(what, 1);
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t size)
{
    count_if_watched(&allocations);
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    count_if_watched(&allocations);
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    count_if_watched(&allocations);
    return __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count_if_watched(&allocations);
    return __libc_memalign(alignment, size);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*_Atomic next)(pthread_mutex_t *);
    if (!next) next = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    count_if_watched(&locks);
    return next(mutex);
}
#endif

static inline void expect_nothing_counted(void)
{
    assert_int_equal(atomic_load(&allocations), 0);
    assert_int_equal(atomic_load(&locks), 0);
}

/* A watch that sees nothing would prove nothing: a test of its own. */
static void what_is_watched_for_is_seen(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    atomic_store(&watching, true);
    void *volatile memory = malloc(1);
    pthread_mutex_lock(&mutex);
    atomic_store(&watching, false);
    pthread_mutex_unlock(&mutex);
    free(memory);
    assert_int_equal(atomic_exchange(&allocations, 0), 1);
    assert_int_equal(atomic_exchange(&locks, 0), 1);
}

#endif
