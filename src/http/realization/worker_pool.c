/* worker_pool.c - the threads on which handlers run, and the bounded queue before them. */
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "http/realization/server_parts.h"

static struct http_exchange *pool_take(struct worker_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping) pthread_cond_wait(&pool->wake, &pool->lock);
    struct http_exchange *exchange = pool->first;
    if (exchange) {
        pool->first = exchange->next_waiting;
        if (!pool->first) pool->last = NULL;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return exchange;
}

static void *worker_main(void *argument)
{
    struct http_exchange *exchange;
    while ((exchange = pool_take(argument))) exchange_handle(exchange);
    return NULL;
}

enum status worker_pool_open(struct worker_pool *pool, unsigned threads, unsigned waiting_limit,
                             struct fault *fault)
{
    *pool = (struct worker_pool){.waiting_limit = waiting_limit};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->threads = calloc(threads, sizeof *pool->threads);
    if (!pool->threads) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    for (unsigned i = 0; i < threads; i++) {
        int error = pthread_create(&pool->threads[i], NULL, worker_main, pool);
        if (error)
            return fault_set(fault, STATUS_NO_MEMORY, "can't start worker thread %u of %u: %s",
                             i + 1, threads, strerror(error));
        pool->thread_count++;
    }
    return OK;
}

bool worker_pool_submit(struct worker_pool *pool, struct http_exchange *exchange)
{
    pthread_mutex_lock(&pool->lock);
    bool room = pool->waiting < pool->waiting_limit;
    if (room) {
        exchange->next_waiting = NULL;
        if (pool->last)
            pool->last->next_waiting = exchange;
        else
            pool->first = exchange;
        pool->last = exchange;
        pool->waiting++;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

void worker_pool_resubmit(struct worker_pool *pool, struct http_exchange *exchange)
{
    pthread_mutex_lock(&pool->lock);
    exchange->next_waiting = pool->first;
    pool->first = exchange;
    if (!pool->last) pool->last = exchange;
    pool->waiting++;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

void worker_pool_close(struct worker_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    assert(!pool->first);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    free(pool->threads);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
}
