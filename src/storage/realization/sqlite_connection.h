/* sqlite_connection.h - one connection to an SQLite file: statements in, typed values out. Belongs
 * to one thread at a time. */
#ifndef LIMINAL_STORAGE_SQLITE_CONNECTION_H
#define LIMINAL_STORAGE_SQLITE_CONNECTION_H

#include <sqlite3.h>

#include "storage/database.h"

enum { SQLITE_STATEMENTS = 256 /* kept prepared; a power of two */ };

struct sqlite_connection {
    struct transaction transaction; /* first */
    sqlite3 *db;
    struct sqlite_statement {
        const char *sql; /* the key is its address */
        sqlite3_stmt *statement;
    } statements[SQLITE_STATEMENTS];
    unsigned statement_count;
};

enum status sqlite_connection_open(struct sqlite_connection *connection, const char *path,
                                   bool may_write, const struct database_ops *ops,
                                   struct fault *fault) MUST_USE;
void sqlite_connection_close(struct sqlite_connection *connection);

/* database_ops.run, .run_rows and .script */
enum status sqlite_run(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                       uint64_t *changed, const char *sql, const struct sql_value *values,
                       size_t count, struct fault *fault);
enum status sqlite_run_rows(struct transaction *transaction, const char *sql,
                            const struct sql_value *values, size_t columns, size_t rows,
                            struct fault *fault);
enum status sqlite_script(struct transaction *transaction, const char *sql, struct fault *fault);
/* BEGIN, COMMIT and the like: a literal. */
enum status sqlite_control(struct sqlite_connection *connection, const char *sql,
                           struct fault *fault);
/* Is a transaction open? SQLite ends it by itself after the worst errors. */
bool sqlite_in_transaction(const struct sqlite_connection *connection);

#endif
