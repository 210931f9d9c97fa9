/* sql.h - the contract for databases: values, statements, transactions.
 *
 * Statements are written once, for SQLite and PostgreSQL alike: parameters are $1, $2, ...; what
 * the two spell differently (full-text search, vectors) comes as a text for each (sql_dialect). All
 * that happens in one transaction is a function:
 *
 *     static enum status rename_it(struct transaction *t, void *argument, struct fault *fault)
 *     {
 *         const struct renaming *r = argument;
 *         uint64_t changed;
 *         TRY(SQL_EXECUTE(t, &changed, fault,
 *                         "UPDATE conversation SET title = $3 WHERE id = $1 AND user_id = $2",
 *                         sql_uuid(r->id), sql_uuid(r->user), sql_text(r->title)));
 *         return changed ? OK : fault_set(fault, STATUS_NOT_FOUND, "...");
 *     }
 *     TRY(database_write(db, sql_actor_user(user), rename_it, &renaming, fault));
 *
 * OK commits, durably: when database_write returns OK, no crash and no power loss undoes it. All
 * else rolls back. A function may be run again from its beginning when the database asks for it (a
 * deadlock, a connection lost before the commit), so it must not leave marks outside the
 * transaction that a second run would mind; what it wrote to `argument` counts only after OK. It
 * runs on a thread of the database's choosing while the caller waits, and must not begin another
 * transaction. What it reads only for itself lies in the transaction's own arena (sql_job).
 *
 * Isolation is that of READ COMMITTED: what is decided upon is taken by an UPDATE first, which
 * locks its rows in both databases.
 *
 * Every transaction says for whom it acts. On PostgreSQL row-level security holds it to that
 * (a second wall; every query names its user all the same). Must not know tables. */
#ifndef LIMINAL_STORAGE_SQL_H
#define LIMINAL_STORAGE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "base/uuid.h"

struct database;
struct transaction;

/* ---- values ---- */

enum sql_type {
    SQL_NULL, /* of no particular type */
    SQL_BOOL,
    SQL_INTEGER,
    SQL_REAL,
    SQL_TEXT, /* UTF-8 without NUL */
    SQL_BLOB,
    SQL_UUID,
    SQL_TIME, /* microseconds since 1970, UTC */
    SQL_JSON, /* its text */
};

struct sql_value {
    enum sql_type type;
    bool is_null;
    union {
        bool boolean;
        int64_t integer; /* SQL_INTEGER, SQL_TIME */
        double real;
        struct text text; /* SQL_TEXT, SQL_BLOB, SQL_JSON; borrowed */
        struct uuid uuid;
    };
};

static inline struct sql_value sql_null(enum sql_type type)
{
    return (struct sql_value){.type = type, .is_null = true};
}
static inline struct sql_value sql_bool(bool boolean)
{
    return (struct sql_value){.type = SQL_BOOL, .boolean = boolean};
}
static inline struct sql_value sql_integer(int64_t integer)
{
    return (struct sql_value){.type = SQL_INTEGER, .integer = integer};
}
static inline struct sql_value sql_real(double real)
{
    return (struct sql_value){.type = SQL_REAL, .real = real};
}
static inline struct sql_value sql_text(struct text text)
{
    return (struct sql_value){.type = SQL_TEXT, .text = text};
}
static inline struct sql_value sql_blob(struct text bytes)
{
    return (struct sql_value){.type = SQL_BLOB, .text = bytes};
}
static inline struct sql_value sql_uuid(struct uuid id)
{
    return (struct sql_value){.type = SQL_UUID, .uuid = id};
}
static inline struct sql_value sql_time(int64_t unix_us)
{
    return (struct sql_value){.type = SQL_TIME, .integer = unix_us};
}
static inline struct sql_value sql_json(struct text json)
{
    return (struct sql_value){.type = SQL_JSON, .text = json};
}

/* ---- transactions ---- */

/* For whom a transaction acts: one user, or the system itself (signing in, sweeping up). */
struct sql_actor {
    bool is_system;
    struct uuid user;
};
static inline struct sql_actor sql_actor_user(struct uuid user)
{
    return (struct sql_actor){.user = user};
}
static inline struct sql_actor sql_actor_system(void)
{
    return (struct sql_actor){.is_system = true};
}

typedef enum status sql_work(struct transaction *transaction, void *argument, struct fault *fault);

/* Sees one state of the database; changes are refused (STATUS_INTERNAL). */
enum status database_read(struct database *database, struct sql_actor actor, sql_work *work,
                          void *argument, struct fault *fault) MUST_USE;
/* Besides what `work` returns: STATUS_BUSY when no connection came free in time, STATUS_UNAVAILABLE
 * when the database can't be reached, or went away during the commit so that nobody knows its
 * outcome (the fault says so), STATUS_IO when it can't write (disk full). */
enum status database_write(struct database *database, struct sql_actor actor, sql_work *work,
                           void *argument, struct fault *fault) MUST_USE;
/* Is it there, and does it answer? */
enum status database_check(struct database *database, struct fault *fault) MUST_USE;
void database_close(struct database *database);

/* ---- statements ---- */

enum sql_dialect { SQL_SQLITE, SQL_POSTGRES, SQL_DIALECTS };
enum sql_dialect sql_dialect(const struct transaction *transaction);

/* Memory until this run of the function ends. */
struct arena *sql_job(struct transaction *transaction);

/* The answer of a query, whole, in an arena. Values of columns of tables have their
 * declared types. */
struct sql_rows {
    size_t count, columns;
    struct sql_value *values; /* row after row */
};
static inline const struct sql_value *sql_at(const struct sql_rows *rows, size_t row, size_t column)
{
    return &rows->values[row * rows->columns + column];
}

/* `sql` must live as long as the database (a literal): it is prepared once per connection.
 * STATUS_CONFLICT for a value that must be unique and is there already, or a reference to what is
 * not there (or still needed): fault.param has the constraint's name. STATUS_INVALID when a CHECK
 * refuses it. STATUS_TOO_LARGE when the arena's budget can't hold the rows. */
enum status sql_query(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                      const char *sql, const struct sql_value *values, size_t count,
                      struct fault *fault) MUST_USE;
/* `changed` (may be NULL): rows inserted, updated or deleted. */
enum status sql_execute(struct transaction *transaction, uint64_t *changed, const char *sql,
                        const struct sql_value *values, size_t count, struct fault *fault) MUST_USE;
/* The same statement for `rows` times `columns` values, in one exchange with the server: for
 * filling tables. Stops at the first fault. A few hundred rows at a time. */
enum status sql_execute_rows(struct transaction *transaction, const char *sql,
                             const struct sql_value *values, size_t columns, size_t rows,
                             struct fault *fault) MUST_USE;
/* Several statements without parameters: migrations. */
enum status sql_script(struct transaction *transaction, const char *sql,
                       struct fault *fault) MUST_USE;

#define SQL_VALUES(...) ((const struct sql_value[]){__VA_ARGS__})
#define SQL_COUNT(...)  (sizeof SQL_VALUES(__VA_ARGS__) / sizeof(struct sql_value))
/* With at least one value; else sql_query(..., NULL, 0, fault). */
#define SQL_QUERY(transaction, job, rows, fault, sql, ...) \
    sql_query(transaction, job, rows, sql, SQL_VALUES(__VA_ARGS__), SQL_COUNT(__VA_ARGS__), fault)
#define SQL_EXECUTE(transaction, changed, fault, sql, ...) \
    sql_execute(transaction, changed, sql, SQL_VALUES(__VA_ARGS__), SQL_COUNT(__VA_ARGS__), fault)

#endif
