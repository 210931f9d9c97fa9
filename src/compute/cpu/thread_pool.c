/* thread_pool.c - spin-then-park hand-over of jobs, and the barrier inside a job. */
#include "compute/cpu/thread_pool.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SPIN_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define SPIN_PAUSE() __asm__ volatile("yield")
#else
#define SPIN_PAUSE() ((void)0)
#endif

enum { CACHE_LINE_BYTES = 64, SPINS_PER_CLOCK_LOOK = 200 };

/* A number that some threads watch and others change. */
struct signal_word {
    _Atomic uint32_t value;
    _Atomic uint32_t parked; /* threads that wait in the kernel */
};

/* What changes hands together lies on one cache line: moving a line from core to core is most of
 * what a hand-over costs. */
struct thread_pool {
    _Alignas(CACHE_LINE_BYTES) struct signal_word job; /* grows by one with each job */
    void (*work)(void *, unsigned, unsigned);          /* NULL: end */
    void *argument;
    _Alignas(CACHE_LINE_BYTES) struct signal_word finished; /* grows by one with each worker's */
    _Alignas(CACHE_LINE_BYTES) struct signal_word phase;    /* barriers passed */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t at_barrier;
    _Alignas(CACHE_LINE_BYTES) unsigned threads;
    struct worker {
        struct thread_pool *pool;
        unsigned index;
        int creator_cpu;
        pthread_t thread;
    } * workers; /* threads - 1 */
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Return once the word differs from `old`. */
static void signal_wait(struct signal_word *word, uint32_t old)
{
    uint64_t give_up_ns = 0;
    for (;;) {
        for (int spin = 0; spin < SPINS_PER_CLOCK_LOOK; spin++) {
            if (atomic_load_explicit(&word->value, memory_order_acquire) != old) return;
            SPIN_PAUSE();
        }
        uint64_t now_ns = monotonic_ns();
        if (!give_up_ns) give_up_ns = now_ns + THREAD_POOL_SPIN_NS;
        if (now_ns >= give_up_ns) break;
        sched_yield(); /* where cores are short, the one waited for may need this one */
    }
    /* The count goes up before the kernel looks at the value, and signal_raise changes the value
     * before it reads the count: one of the two sees the other. */
    atomic_fetch_add(&word->parked, 1);
    while (atomic_load(&word->value) == old)
        syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&word->parked, 1);
}

static void signal_raise(struct signal_word *word)
{
    atomic_fetch_add(&word->value, 1);
    if (atomic_load(&word->parked))
        syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Go to a core of one's own, once: where others are busy the kernel starts threads on one core, and
 * threads that spin give it no reason to part them later. They stay free to be moved. */
static void start_apart(int creator_cpu, unsigned index)
{
    cpu_set_t allowed, one;
    if (creator_cpu < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    int cpu = creator_cpu;
    for (unsigned steps = index % (unsigned)CPU_COUNT(&allowed); steps;) {
        cpu = (cpu + 1) % CPU_SETSIZE;
        if (CPU_ISSET(cpu, &allowed)) steps--;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0)
        (void)sched_setaffinity(0, sizeof allowed, &allowed);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    struct thread_pool *pool = self->pool;
    start_apart(self->creator_cpu, self->index);
    for (uint32_t job = 0;; job++) {
        signal_wait(&pool->job, job);
        if (!pool->work) return NULL;
        pool->work(pool->argument, self->index, pool->threads);
        signal_raise(&pool->finished);
    }
}

void thread_pool_run(struct thread_pool *pool, void (*work)(void *, unsigned, unsigned),
                     void *argument)
{
    assert(work);
    if (pool->threads == 1) {
        work(argument, 0, 1);
        return;
    }
    /* No worker is at work now, so that this is not a race. */
    uint32_t all =
        atomic_load_explicit(&pool->finished.value, memory_order_relaxed) + (pool->threads - 1);
    pool->work = work;
    pool->argument = argument;
    signal_raise(&pool->job);
    work(argument, 0, pool->threads);
    for (uint32_t seen;
         (seen = atomic_load_explicit(&pool->finished.value, memory_order_acquire)) != all;)
        signal_wait(&pool->finished, seen);
}

void thread_pool_barrier(struct thread_pool *pool)
{
    if (pool->threads == 1) return;
    uint32_t phase = atomic_load_explicit(&pool->phase.value, memory_order_relaxed);
    if (atomic_fetch_add(&pool->at_barrier, 1) + 1 == pool->threads) {
        atomic_store_explicit(&pool->at_barrier, 0, memory_order_relaxed);
        signal_raise(&pool->phase);
    } else {
        signal_wait(&pool->phase, phase);
    }
}

unsigned thread_pool_threads(const struct thread_pool *pool)
{
    return pool->threads;
}

/* Send the workers home; `started` of them run. */
static void stop_workers(struct thread_pool *pool, unsigned started)
{
    pool->work = NULL;
    signal_raise(&pool->job);
    for (unsigned i = 0; i < started; i++) pthread_join(pool->workers[i].thread, NULL);
}

enum status thread_pool_new(struct thread_pool **out, unsigned threads, struct fault *fault)
{
    assert(threads >= 1 && threads <= THREAD_POOL_MAX);
    struct thread_pool *pool = aligned_alloc(CACHE_LINE_BYTES, sizeof *pool);
    if (!pool) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the compute threads");
    memset(pool, 0, sizeof *pool);
    pool->threads = threads;
    pool->workers = calloc(threads, sizeof *pool->workers);
    if (!pool->workers) {
        free(pool);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the compute threads");
    }
    for (unsigned i = 0; i + 1 < threads; i++) {
        pool->workers[i] =
            (struct worker){.pool = pool, .index = i + 1, .creator_cpu = sched_getcpu()};
        int error = pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]);
        if (error) {
            stop_workers(pool, i);
            free(pool->workers);
            free(pool);
            return fault_set(fault, STATUS_UNAVAILABLE,
                             "could not start compute thread %u of %u (%s): use fewer threads",
                             i + 1, threads, strerror(error));
        }
    }
    *out = pool;
    return OK;
}

void thread_pool_free(struct thread_pool *pool)
{
    if (!pool) return;
    stop_workers(pool, pool->threads - 1);
    free(pool->workers);
    free(pool);
}
