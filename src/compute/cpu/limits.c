/* limits.c - measures what this machine can do, so that a speed can be given as a share of it. */
#include <math.h>

#include "compute/cpu/cpu.h"
#include "platform/platform.h"

enum {
    READ_STEP = 256, /* of limit_read */
    ROUNDS_FIRST = 1 << 12,
    ROUND_NS = 20000000, /* long enough for the clock to settle */
    REPEATS = 5,
    MEETINGS = 1000, /* of the threads */
};

struct limit_job {
    double (*run)(size_t rounds, int32_t seed);
    size_t rounds;
    double operations[THREAD_POOL_MAX];
};

static void operations_work(void *argument, unsigned thread, unsigned threads)
{
    struct limit_job *job = argument;
    job->operations[thread] = job->run(job->rounds, (int32_t)thread + 3);
}

/* Operations per nanosecond on all threads: the best of a few runs. */
static double measure_operations(struct compute *compute, double (*run)(size_t, int32_t))
{
    if (!run) return 0;
    struct limit_job job = {.run = run, .rounds = ROUNDS_FIRST};
    double best = 0;
    for (int repeat = 0; repeat < REPEATS;) {
        uint64_t start_ns = clock_monotonic_ns();
        thread_pool_run(compute->pool, operations_work, &job);
        double took_ns = (double)(clock_monotonic_ns() - start_ns);
        if (took_ns < ROUND_NS) {
            job.rounds *= 2;
            continue;
        }
        double operations = 0;
        for (unsigned t = 0; t < compute_threads(compute); t++) operations += job.operations[t];
        if (operations / took_ns > best) best = operations / took_ns;
        repeat++;
    }
    return best;
}

struct read_job {
    const struct kernels *kernels;
    const uint8_t *memory;
    size_t share; /* bytes of a thread */
};

static void read_work(void *argument, unsigned thread, unsigned threads)
{
    const struct read_job *job = argument;
    job->kernels->limit_read(job->memory + thread * job->share, job->share);
}

double compute_measure_read(struct compute *compute, const void *memory, size_t bytes)
{
    const unsigned threads = compute_threads(compute);
    struct read_job job = {compute->kernels, memory, bytes / threads / READ_STEP * READ_STEP};
    uint64_t start_ns = clock_monotonic_ns();
    thread_pool_run(compute->pool, read_work, &job);
    return (double)job.share * threads / (double)(clock_monotonic_ns() - start_ns);
}

static void meet_once(void *argument, unsigned thread, unsigned threads)
{
}

static void meet_often(void *argument, unsigned thread, unsigned threads)
{
    for (int i = 0; i < MEETINGS; i++) thread_pool_barrier(argument);
}

/* What the threads' coordination costs: the best of a few runs. */
static void measure_meetings(struct thread_pool *pool, struct compute_limits *limits)
{
    double handover_ns = INFINITY, barrier_ns = INFINITY;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t start_ns = clock_monotonic_ns();
        for (int i = 0; i < MEETINGS; i++) thread_pool_run(pool, meet_once, NULL);
        uint64_t middle_ns = clock_monotonic_ns();
        thread_pool_run(pool, meet_often, pool);
        handover_ns = fmin(handover_ns, (double)(middle_ns - start_ns));
        barrier_ns = fmin(barrier_ns, (double)(clock_monotonic_ns() - middle_ns));
    }
    limits->handover_us = handover_ns / MEETINGS * 1e-3;
    limits->barrier_us = barrier_ns / MEETINGS * 1e-3;
}

void compute_measure_limits(struct compute *compute, struct compute_limits *limits)
{
    const struct kernels *k = compute->kernels;
    limits->int8_gops = measure_operations(compute, k->limit_int8);
    limits->fp32_gflops = measure_operations(compute, k->limit_fp32);
    limits->bf16_gflops = measure_operations(compute, kernels_have_bf16() ? k->limit_bf16 : NULL);
    measure_meetings(compute->pool, limits);
}
