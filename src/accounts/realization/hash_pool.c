/* hash_pool.c - see hash_pool.h. */
#include "accounts/realization/hash_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "platform/platform.h"

enum { DEFAULT_QUEUE = 8, THREADS_MOST = 64, NICENESS = 10 };

struct hash_job { /* its caller's, who waits */
    struct hash_job *next;
    struct text password;
    const char *known; /* to be matched; NULL: to be hashed into `made` */
    char *made;
    bool matches, done;
    enum status status;
    struct fault *fault;
};

struct hash_pool {
    pthread_mutex_t mutex;
    pthread_cond_t job_waits, jobs_done;
    struct hash_job *jobs, **jobs_end; /* oldest first */
    unsigned waiting, queue;
    pthread_t threads[THREADS_MOST];
    unsigned thread_count;
    bool closing;
};

/* ---- the threads ---- */

static void run(struct hash_job *job)
{
    if (!job->known) {
        job->status = password_hash(job->password, job->made, job->fault);
        return;
    }
    job->matches = password_matches(job->password, job->known);
    job->status = OK;
}

static struct hash_job *take_job(struct hash_pool *pool)
{
    while (!pool->jobs && !pool->closing) pthread_cond_wait(&pool->job_waits, &pool->mutex);
    struct hash_job *job = pool->jobs;
    if (!job) return NULL;
    pool->jobs = job->next;
    if (!pool->jobs) pool->jobs_end = &pool->jobs;
    pool->waiting--;
    return job;
}

static void *hash_loop(void *argument)
{
    struct hash_pool *pool = argument;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS); /* Linux: of this thread */
    pthread_mutex_lock(&pool->mutex);
    for (struct hash_job *job; (job = take_job(pool));) {
        pthread_mutex_unlock(&pool->mutex);
        run(job);
        pthread_mutex_lock(&pool->mutex);
        job->done = true;
        pthread_cond_broadcast(&pool->jobs_done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* ---- callers ---- */

static enum status too_many(struct fault *fault)
{
    return fault_set(fault, STATUS_BUSY,
                     "too many people sign in right now: try again in a moment");
}

enum status hash_pool_check(struct hash_pool *pool, struct fault *fault)
{
    pthread_mutex_lock(&pool->mutex);
    bool has_room = pool->waiting < pool->queue;
    pthread_mutex_unlock(&pool->mutex);
    return has_room ? OK : too_many(fault);
}

static enum status hash_and_wait(struct hash_pool *pool, struct hash_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->waiting == pool->queue) {
        pthread_mutex_unlock(&pool->mutex);
        return too_many(job->fault);
    }
    pool->waiting++;
    *pool->jobs_end = job;
    pool->jobs_end = &job->next;
    pthread_cond_signal(&pool->job_waits);
    while (!job->done) pthread_cond_wait(&pool->jobs_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return job->status;
}

enum status hash_pool_hash(struct hash_pool *pool, struct text password,
                           char hash[PASSWORD_HASH_BYTES], struct fault *fault)
{
    struct hash_job job = {.password = password, .made = hash, .fault = fault};
    return hash_and_wait(pool, &job);
}

enum status hash_pool_matches(struct hash_pool *pool, struct text password, const char *hash,
                              bool *matches, struct fault *fault)
{
    struct hash_job job = {.password = password, .known = hash, .fault = fault};
    TRY(hash_and_wait(pool, &job));
    *matches = job.matches;
    return OK;
}

/* ---- life ---- */

enum status hash_pool_open(struct hash_pool **out, unsigned threads, unsigned queue,
                           struct fault *fault)
{
    struct hash_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return fault_set(fault, STATUS_NO_MEMORY, "no memory for hashing passwords");
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->job_waits, NULL);
    pthread_cond_init(&pool->jobs_done, NULL);
    pool->jobs_end = &pool->jobs;
    pool->queue = queue ? queue : DEFAULT_QUEUE;
    if (!threads) threads = (machine_cores() + 1) / 2;
    if (threads > THREADS_MOST) threads = THREADS_MOST;
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, hash_loop, pool) == 0)
        pool->thread_count++;
    if (pool->thread_count == 0) {
        hash_pool_close(pool);
        return fault_set(fault, STATUS_NO_MEMORY, "cannot start a thread for hashing passwords");
    }
    *out = pool;
    return OK;
}

void hash_pool_close(struct hash_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->job_waits);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->jobs_done);
    pthread_cond_destroy(&pool->job_waits);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
