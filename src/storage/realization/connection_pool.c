/* connection_pool.c - see connection_pool.h. */
#include "storage/realization/connection_pool.h"

#include <stdlib.h>
#include <time.h>

#include "platform/platform.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 5000 };

enum status connection_pool_init(struct connection_pool *pool, const struct connection_kind *kind,
                                 void *owner, unsigned count, uint32_t wait_ms, struct fault *fault)
{
    *pool =
        (struct connection_pool){.kind = kind, .owner = owner, .count = count, .wait_ms = wait_ms};
    pool->places = calloc(count, sizeof *pool->places);
    if (!pool->places) return fault_set(fault, STATUS_NO_MEMORY, "no memory for connections");
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->returned, NULL);
    return OK;
}

void connection_pool_deinit(struct connection_pool *pool)
{
    if (!pool->places) return;
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->places[i].connection) pool->kind->close(pool->places[i].connection);
    free(pool->places);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->mutex);
}

/* An open one where there is one, else one to be opened; NULL when all are in use. */
static struct pooled *free_place(struct connection_pool *pool)
{
    struct pooled *closed = NULL;
    for (unsigned i = 0; i < pool->count; i++) {
        struct pooled *place = &pool->places[i];
        if (place->in_use) continue;
        if (place->connection) return place;
        if (!closed) closed = place;
    }
    return closed;
}

static struct timespec after_ms(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) at.tv_nsec -= 1000000000, at.tv_sec++;
    return at;
}

static enum status wait_for_place(struct connection_pool *pool, struct pooled **place,
                                  struct fault *fault)
{
    const struct timespec until = after_ms(pool->wait_ms);
    for (int error = 0; !(*place = free_place(pool));) {
        if (error)
            return fault_set(fault, STATUS_BUSY, "all %u connections to %s are in use", pool->count,
                             pool->kind->server);
        error = pthread_cond_timedwait(&pool->returned, &pool->mutex, &until);
    }
    return OK;
}

static void note_reachability(struct connection_pool *pool, enum status status, struct fault *fault)
{
    if (status == OK) {
        pool->was_reached = true;
        pool->pause_ms = pool->pause_until_ns = 0;
        return;
    }
    if (pool->was_reached && status == STATUS_UNAVAILABLE) {
        log_write("storage", LOG_ERROR, NULL, "%s", fault->message);
        fault_set(fault, status, "%s can't be reached (the server's log says why)",
                  pool->kind->server);
    }
    pool->pause_ms = pool->pause_ms ? pool->pause_ms * 2 : FIRST_PAUSE_MS;
    if (pool->pause_ms > LONGEST_PAUSE_MS) pool->pause_ms = LONGEST_PAUSE_MS;
    pool->pause_until_ns = clock_monotonic_ns() + pool->pause_ms * 1000000;
    pool->pause_fault = *fault;
}

enum status connection_pool_borrow(struct connection_pool *pool, void **connection,
                                   struct fault *fault)
{
    struct pooled *place = NULL;
    struct fault local;
    if (!fault) fault = &local;
    pthread_mutex_lock(&pool->mutex);
    enum status status = wait_for_place(pool, &place, fault);
    if (status == OK && !place->connection && clock_monotonic_ns() < pool->pause_until_ns) {
        *fault = pool->pause_fault;
        status = fault->status;
    }
    if (status == OK) place->in_use = true;
    pthread_mutex_unlock(&pool->mutex);
    if (status != OK) return status;
    if (!place->connection) {
        void *opened = NULL;
        status = pool->kind->open(pool->owner, &opened, fault);
        pthread_mutex_lock(&pool->mutex);
        place->connection = opened;
        place->in_use = status == OK;
        note_reachability(pool, status, fault);
        pthread_cond_signal(&pool->returned);
        pthread_mutex_unlock(&pool->mutex);
    }
    if (status == OK) *connection = place->connection;
    return status;
}

void connection_pool_return(struct connection_pool *pool, void *connection)
{
    bool broken = pool->kind->is_broken(connection);
    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < pool->count; i++) {
        struct pooled *place = &pool->places[i];
        if (place->connection != connection) continue;
        place->in_use = false;
        if (broken) place->connection = NULL;
    }
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->mutex);
    if (broken) pool->kind->close(connection);
}
