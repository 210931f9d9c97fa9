/* postgres_database.c - PostgreSQL as a database of many threads: a pool of connections, and
 * transactions that are run again when the server asks for it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/platform.h"
#include "storage/realization/connection_pool.h"
#include "storage/realization/databases.h"
#include "storage/realization/postgres_connection.h"

enum {
    DEFAULT_CONNECTIONS = 10,
    CONNECTIONS_MAX = 1000,
    DEFAULT_WAIT_MS = 5000,
    ATTEMPTS = 5, /* of one transaction */
};

struct postgres_database {
    struct database database; /* first */
    char *url, *role;
    struct connection_pool pool;
};

static const struct database_ops postgres_ops;

/* ---- the pool ---- */

static enum status open_connection(void *owner, void **out, struct fault *fault)
{
    const struct postgres_database *self = owner;
    struct postgres_connection *connection = malloc(sizeof *connection);
    if (!connection) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a connection");
    enum status status =
        postgres_connection_open(connection, self->url, self->role, &postgres_ops, fault);
    if (status == OK)
        *out = connection;
    else
        free(connection);
    return status;
}

static void close_connection(void *connection)
{
    postgres_connection_close(connection);
    free(connection);
}

static bool is_broken(const void *connection)
{
    return postgres_connection_is_broken(connection);
}

static const struct connection_kind postgres_kind = {
    .server = "PostgreSQL",
    .open = open_connection,
    .close = close_connection,
    .is_broken = is_broken,
};

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
    void *borrowed = NULL;
    *again = false;
    TRY(connection_pool_borrow(&self->pool, &borrowed, fault));
    struct postgres_connection *connection = borrowed;
    enum status status = postgres_begin(connection, wanted->actor, wanted->may_write, fault);
    if (status == OK)
        status = transaction_run(&connection->transaction, wanted->work, wanted->argument, fault);
    if (status == OK) {
        status = postgres_commit(connection, fault);
        *again = status != OK && connection->wants_retry;
    } else {
        bool lost = PQstatus(connection->pg) != CONNECTION_OK;
        *again = lost || connection->wants_retry;
        if (!lost) postgres_rollback(connection);
    }
    connection_pool_return(&self->pool, connection);
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
    connection_pool_deinit(&self->pool);
    free(self->url);
    free(self->role);
    free(self);
}

static const struct database_ops postgres_ops = {
    .dialect = SQL_POSTGRES,
    .read = read_database,
    .write = write_database,
    .check = check_database,
    .close = close_database,
    .run = postgres_run,
    .run_rows = postgres_run_rows,
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
    self->url = strdup(options->url);
    self->role = options->role ? strdup(options->role) : NULL;
    unsigned count = options->connections ? options->connections : DEFAULT_CONNECTIONS;
    enum status status =
        self->url && (self->role || !options->role)
            ? connection_pool_init(&self->pool, &postgres_kind, self,
                                   count < CONNECTIONS_MAX ? count : CONNECTIONS_MAX,
                                   options->wait_ms ? options->wait_ms : DEFAULT_WAIT_MS, fault)
            : fault_set(fault, STATUS_NO_MEMORY, "no memory for the database's connections");
    if (status != OK) {
        close_database(&self->database);
        return status;
    }
    *out = &self->database;
    return OK;
}
