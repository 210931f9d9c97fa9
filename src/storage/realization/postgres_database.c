/* postgres_database.c - PostgreSQL as a database of many threads: a bounded pool of connections,
 * and transactions that are run again when the server asks for it.
 *
 * A server that can't be reached is asked again after a pause that doubles up to 5 s; during it all
 * fail at once with the reason, so that a flood of requests does not wait for timeouts in turn. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/platform.h"
#include "storage/realization/databases.h"
#include "storage/realization/postgres_connection.h"

enum {
    DEFAULT_CONNECTIONS = 10,
    CONNECTIONS_MAX = 1000,
    DEFAULT_WAIT_MS = 5000,
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 5000,
    ATTEMPTS = 5, /* of one transaction */
};

struct postgres_slot {
    struct postgres_connection connection;
    bool in_use, is_open;
};

struct postgres_database {
    struct database database; /* first */
    char *url, *role;
    uint32_t wait_ms;
    pthread_mutex_t mutex;
    pthread_cond_t slot_free;
    struct postgres_slot *slots;
    unsigned slot_count;
    uint64_t pause_ms, pause_until_ns; /* after a failed connection; 0: none */
    struct fault pause_fault;
};

/* ---- the pool ---- */

/* An open one where there is one, else one to be opened; NULL when all are in use. */
static struct postgres_slot *free_slot(struct postgres_database *self)
{
    struct postgres_slot *closed = NULL;
    for (unsigned i = 0; i < self->slot_count; i++) {
        struct postgres_slot *slot = &self->slots[i];
        if (slot->in_use) continue;
        if (slot->is_open) return slot;
        if (!closed) closed = slot;
    }
    return closed;
}

static enum status wait_for_slot(struct postgres_database *self, struct postgres_slot **slot,
                                 struct fault *fault)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += self->wait_ms / 1000;
    until.tv_nsec += (long)(self->wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
    for (int error = 0; !(*slot = free_slot(self));) {
        if (error)
            return fault_set(fault, STATUS_BUSY, "all %u connections to the database are in use",
                             self->slot_count);
        error = pthread_cond_timedwait(&self->slot_free, &self->mutex, &until);
    }
    return OK;
}

static void note_reachability(struct postgres_database *self, enum status status,
                              const struct fault *fault)
{
    if (status == OK) {
        self->pause_ms = 0;
        self->pause_until_ns = 0;
        return;
    }
    self->pause_ms = self->pause_ms ? self->pause_ms * 2 : FIRST_PAUSE_MS;
    if (self->pause_ms > LONGEST_PAUSE_MS) self->pause_ms = LONGEST_PAUSE_MS;
    self->pause_until_ns = clock_monotonic_ns() + self->pause_ms * 1000000;
    if (fault) self->pause_fault = *fault;
}

static void return_slot(struct postgres_database *self, struct postgres_slot *slot)
{
    bool broken = slot->is_open && postgres_connection_is_broken(&slot->connection);
    if (broken) postgres_connection_close(&slot->connection);
    pthread_mutex_lock(&self->mutex);
    if (broken) slot->is_open = false;
    slot->in_use = false;
    pthread_cond_signal(&self->slot_free);
    pthread_mutex_unlock(&self->mutex);
}

static const struct database_ops postgres_ops;

static enum status borrow_slot(struct postgres_database *self, struct postgres_slot **out,
                               struct fault *fault)
{
    struct fault local;
    if (!fault) fault = &local;
    struct postgres_slot *slot = NULL;
    pthread_mutex_lock(&self->mutex);
    enum status status = wait_for_slot(self, &slot, fault);
    if (status == OK && !slot->is_open && clock_monotonic_ns() < self->pause_until_ns) {
        *fault = self->pause_fault;
        status = fault->status;
    }
    if (status == OK) slot->in_use = true;
    pthread_mutex_unlock(&self->mutex);
    if (status != OK) return status;
    if (!slot->is_open) {
        status = postgres_connection_open(&slot->connection, self->url, self->role, &postgres_ops,
                                          fault);
        pthread_mutex_lock(&self->mutex);
        slot->is_open = status == OK;
        note_reachability(self, status, fault);
        pthread_mutex_unlock(&self->mutex);
    }
    if (status != OK) {
        return_slot(self, slot);
        return status;
    }
    *out = slot;
    return OK;
}

/* ---- transactions ---- */

struct wanted {
    struct sql_actor actor;
    bool may_write;
    sql_work *work;
    void *argument;
};

/* One attempt. *again: nothing came of it, and another may succeed. */
static enum status attempt(struct postgres_database *self, const struct wanted *wanted, bool *again,
                           struct fault *fault)
{
    struct postgres_slot *slot;
    *again = false;
    TRY(borrow_slot(self, &slot, fault));
    struct postgres_connection *connection = &slot->connection;
    enum status status = postgres_begin(connection, wanted->actor, wanted->may_write, fault);
    if (status == OK) status = wanted->work(&connection->transaction, wanted->argument, fault);
    if (status == OK) {
        status = postgres_commit(connection, fault);
        *again = status != OK && connection->wants_retry;
    } else {
        bool lost = PQstatus(connection->pg) != CONNECTION_OK;
        *again = lost || connection->wants_retry;
        if (!lost) postgres_rollback(connection);
    }
    return_slot(self, slot);
    return status;
}

/* A little longer each time, and never in step with others. */
static void pause_before(unsigned attempts)
{
    unsigned char random;
    entropy_fill(&random, sizeof random);
    const struct timespec pause = {.tv_nsec = (long)attempts * (1000000 + random * 20000l)};
    nanosleep(&pause, NULL);
}

static enum status transact(struct database *database, const struct wanted *wanted,
                            struct fault *fault)
{
    struct postgres_database *self = (struct postgres_database *)database;
    bool again;
    enum status status = attempt(self, wanted, &again, fault);
    for (unsigned attempts = 1; again && attempts < ATTEMPTS; attempts++) {
        pause_before(attempts);
        status = attempt(self, wanted, &again, fault);
    }
    return status;
}

static enum status read_database(struct database *database, struct sql_actor actor, sql_work *work,
                                 void *argument, struct fault *fault)
{
    return transact(database, &(struct wanted){actor, false, work, argument}, fault);
}

static enum status write_database(struct database *database, struct sql_actor actor, sql_work *work,
                                  void *argument, struct fault *fault)
{
    return transact(database, &(struct wanted){actor, true, work, argument}, fault);
}

/* ---- life ---- */

static enum status ask_something(struct transaction *transaction, void *argument,
                                 struct fault *fault)
{
    return sql_execute(transaction, NULL, "SELECT 1", NULL, 0, fault);
}

static enum status check_database(struct database *database, struct fault *fault)
{
    return read_database(database, sql_actor_system(), ask_something, NULL, fault);
}

static void close_database(struct database *database)
{
    struct postgres_database *self = (struct postgres_database *)database;
    for (unsigned i = 0; self->slots && i < self->slot_count; i++)
        if (self->slots[i].is_open) postgres_connection_close(&self->slots[i].connection);
    free(self->slots);
    free(self->url);
    free(self->role);
    pthread_cond_destroy(&self->slot_free);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

static const struct database_ops postgres_ops = {
    .dialect = SQL_POSTGRES,
    .read = read_database,
    .write = write_database,
    .check = check_database,
    .close = close_database,
    .run = postgres_run,
    .script = postgres_script,
};

static enum status check_url(const char *url, struct fault *fault)
{
    char *error = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &error);
    enum status status = OK;
    if (!options) /* libpq's sentence may quote the URL, and with it the password */
        status = fault_set_param(fault, STATUS_INVALID, "database_url",
                                 "the database's URL can't be read: it should look like "
                                 "postgresql://user:password@host:5432/name");
    PQconninfoFree(options);
    PQfreemem(error);
    return status;
}

enum status postgres_open(struct database **out, const struct postgres_options *options,
                          struct fault *fault)
{
    TRY(check_url(options->url, fault));
    struct postgres_database *self = calloc(1, sizeof *self);
    if (!self) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the database");
    self->database.ops = &postgres_ops;
    self->wait_ms = options->wait_ms ? options->wait_ms : DEFAULT_WAIT_MS;
    self->slot_count = options->connections ? options->connections : DEFAULT_CONNECTIONS;
    if (self->slot_count > CONNECTIONS_MAX) self->slot_count = CONNECTIONS_MAX;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->slot_free, NULL);
    self->slots = calloc(self->slot_count, sizeof *self->slots);
    self->url = strdup(options->url);
    self->role = options->role ? strdup(options->role) : NULL;
    if (!self->slots || !self->url || (options->role && !self->role)) {
        close_database(&self->database);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the database's connections");
    }
    *out = &self->database;
    return OK;
}
