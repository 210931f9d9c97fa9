/* thread_pool_test.c - every thread runs every job, barriers hold, idle threads use no time. */
#include "compute/cpu/thread_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
/* after the above */
#include <cmocka.h>

enum { THREADS = 4, JOBS = 2000, PHASES = 50 };

struct tally {
    struct thread_pool *pool;
    unsigned runs[THREADS];
    unsigned phase[THREADS];
    _Atomic unsigned early; /* threads seen in an older phase after a barrier */
};

static void count_run(void *argument, unsigned thread, unsigned threads)
{
    struct tally *tally = argument;
    tally->runs[thread]++; /* a slot per thread: what one job wrote, the next must see */
}

static void each_job_runs_once_on_every_thread(void **state)
{
    struct tally tally = {0};
    assert_int_equal(thread_pool_new(&tally.pool, THREADS, NULL), OK);
    assert_int_equal(thread_pool_threads(tally.pool), THREADS);
    for (unsigned job = 1; job <= JOBS; job++) {
        thread_pool_run(tally.pool, count_run, &tally);
        for (unsigned t = 0; t < THREADS; t++) assert_int_equal(tally.runs[t], job);
    }
    thread_pool_free(tally.pool);
}

static void pass_phases(void *argument, unsigned thread, unsigned threads)
{
    struct tally *tally = argument;
    for (unsigned phase = 1; phase <= PHASES; phase++) {
        tally->phase[thread] = phase;
        thread_pool_barrier(tally->pool);
        for (unsigned t = 0; t < threads; t++)
            if (tally->phase[t] != phase) atomic_fetch_add(&tally->early, 1);
        thread_pool_barrier(tally->pool);
    }
}

static void nobody_passes_a_barrier_early(void **state)
{
    struct tally tally = {0};
    assert_int_equal(thread_pool_new(&tally.pool, THREADS, NULL), OK);
    for (int job = 0; job < 5; job++) thread_pool_run(tally.pool, pass_phases, &tally);
    assert_int_equal(tally.early, 0);
    thread_pool_free(tally.pool);
}

static void jobs_run_after_threads_have_parked(void **state)
{
    struct tally tally = {0};
    assert_int_equal(thread_pool_new(&tally.pool, THREADS, NULL), OK);
    for (unsigned job = 1; job <= 20; job++) {
        usleep(THREAD_POOL_SPIN_NS / 1000 * 3);
        thread_pool_run(tally.pool, count_run, &tally);
        for (unsigned t = 0; t < THREADS; t++) assert_int_equal(tally.runs[t], job);
    }
    thread_pool_free(tally.pool);
}

static void idle_threads_use_no_processor_time(void **state)
{
    struct tally tally = {0};
    assert_int_equal(thread_pool_new(&tally.pool, THREADS, NULL), OK);
    thread_pool_run(tally.pool, count_run, &tally);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(200000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t used_ns =
        (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    assert_true(used_ns < 20000000); /* spinning all along would be 600 ms */
    thread_pool_free(tally.pool);
}

static void one_thread_needs_no_workers(void **state)
{
    struct tally tally = {0};
    assert_int_equal(thread_pool_new(&tally.pool, 1, NULL), OK);
    thread_pool_run(tally.pool, pass_phases, &tally);
    thread_pool_run(tally.pool, count_run, &tally);
    assert_int_equal(tally.runs[0], 1);
    thread_pool_free(tally.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_runs_once_on_every_thread),
        cmocka_unit_test(nobody_passes_a_barrier_early),
        cmocka_unit_test(jobs_run_after_threads_have_parked),
        cmocka_unit_test(idle_threads_use_no_processor_time),
        cmocka_unit_test(one_thread_needs_no_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
