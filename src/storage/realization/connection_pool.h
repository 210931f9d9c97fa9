/* connection_pool.h - a bounded number of connections to one server, shared by threads.
 *
 * Opened when first needed; broken ones are closed when they come back. After a server could not be
 * reached nobody tries again during a pause that doubles up to 5 s: all are told at once, so that a
 * flood of requests does not wait for timeouts in turn.
 *
 * Why it could not be reached names hosts, users and sockets. Whoever starts the program is told
 * all of it; once the server has been reached, that goes to the log, for faults then go to clients.
 */
#ifndef LIMINAL_STORAGE_CONNECTION_POOL_H
#define LIMINAL_STORAGE_CONNECTION_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct connection_kind {
    const char *server; /* for faults: "PostgreSQL" */
    enum status (*open)(void *owner, void **connection, struct fault *fault);
    void (*close)(void *connection);
    bool (*is_broken)(const void *connection);
};

struct connection_pool {
    const struct connection_kind *kind;
    void *owner; /* what kind->open is given */
    uint32_t wait_ms;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    struct pooled {
        void *connection; /* NULL: not open */
        bool in_use;
    } * places;
    unsigned count;
    bool was_reached;
    uint64_t pause_ms, pause_until_ns;
    struct fault pause_fault;
};

enum status connection_pool_init(struct connection_pool *pool, const struct connection_kind *kind,
                                 void *owner, unsigned count, uint32_t wait_ms,
                                 struct fault *fault) MUST_USE;
/* After all have been returned. */
void connection_pool_deinit(struct connection_pool *pool);

/* STATUS_BUSY when none came free in time; else what kind->open says, or less. */
enum status connection_pool_borrow(struct connection_pool *pool, void **connection,
                                   struct fault *fault) MUST_USE;
void connection_pool_return(struct connection_pool *pool, void *connection);

#endif
