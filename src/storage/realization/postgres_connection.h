/* postgres_connection.h - one connection to a PostgreSQL server, always in pipeline mode: what
 * opens a transaction travels with its first statement. Belongs to one thread at a time. */
#ifndef LIMINAL_STORAGE_POSTGRES_CONNECTION_H
#define LIMINAL_STORAGE_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "storage/database.h"

enum { POSTGRES_STATEMENTS = 256 /* kept prepared; a power of two */ };

struct postgres_connection {
    struct transaction transaction; /* first */
    PGconn *pg;
    struct postgres_statement {
        const char *sql; /* the key is its address, and the types */
        uint32_t types;
    } statements[POSTGRES_STATEMENTS];
    unsigned statement_count;
    unsigned unread;  /* results of what was sent ahead */
    unsigned read;    /* of the last exchange, before anything failed */
    bool wants_retry; /* the server asked for the transaction to be run again */
};

/* `role` (may be NULL) is taken after signing in; one that row-level security does not bind is
 * refused. */
enum status postgres_connection_open(struct postgres_connection *connection, const char *url,
                                     const char *role, const struct database_ops *ops,
                                     struct fault *fault) MUST_USE;
void postgres_connection_close(struct postgres_connection *connection);
bool postgres_connection_is_broken(const struct postgres_connection *connection);

/* Sent, not waited for. */
enum status postgres_begin(struct postgres_connection *connection, struct sql_actor actor,
                           bool may_write, struct fault *fault);
/* STATUS_UNAVAILABLE when the connection broke and nobody knows what became of it. */
enum status postgres_commit(struct postgres_connection *connection, struct fault *fault);
void postgres_rollback(struct postgres_connection *connection);

/* database_ops.run, .run_rows and .script */
enum status postgres_run(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                         uint64_t *changed, const char *sql, const struct sql_value *values,
                         size_t count, struct fault *fault);
enum status postgres_run_rows(struct transaction *transaction, const char *sql,
                              const struct sql_value *values, size_t columns, size_t rows,
                              struct fault *fault);
enum status postgres_script(struct transaction *transaction, const char *sql, struct fault *fault);

#endif
