/* sqlite_connection.c - see sqlite_connection.h. */
#include "storage/realization/sqlite_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BUSY_TIMEOUT_MS = 5000 };

/* ---- errors ---- */

/* "UNIQUE constraint failed: app_user.email" names table and columns behind the colon. */
static enum status constraint_fault(int code, const char *message, struct fault *fault)
{
    const char *colon = strstr(message, "failed: ");
    const char *name = colon ? colon + strlen("failed: ") : "";
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return fault_set_param(fault, STATUS_CONFLICT, name, "%s is taken already", name);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return fault_set(fault, STATUS_CONFLICT,
                         "what this refers to is not there, or something still refers to it");
    default:
        return fault_set_param(fault, STATUS_INVALID, name, "the database refuses a value: %s",
                               message);
    }
}

/* What the operating system said; SQLite itself forgets it where a COMMIT fails. */
static int system_error(sqlite3 *db)
{
    int error = sqlite3_system_errno(db);
    sqlite3_file *wal = NULL;
    if (!error) sqlite3_file_control(db, NULL, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (!error) sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods) wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

/* SQLite only knows ENOSPC; quotas and limits on the size of files are no different. */
static bool is_full(int code, int error)
{
    return code == SQLITE_FULL ||
           (code == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT || error == EFBIG));
}

static enum status sqlite_fault(const struct sqlite_connection *connection, struct fault *fault)
{
    int code = sqlite3_extended_errcode(connection->db);
    const char *message = sqlite3_errmsg(connection->db);
    if (is_full(code & 0xff, system_error(connection->db)))
        return fault_set(fault, STATUS_IO,
                         "the disk that holds the database is full: make room on it");
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return constraint_fault(code, message, fault);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return fault_set(fault, STATUS_IO, "the database's file can't be used: %s (%s)", message,
                         strerror(system_error(connection->db)));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return fault_set(fault, STATUS_CORRUPT,
                         "the database's file is damaged (%s): restore a backup of it", message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fault_set(fault, STATUS_BUSY, "another program holds the database: try again");
    case SQLITE_NOMEM: return fault_set(fault, STATUS_NO_MEMORY, "no memory for the database");
    case SQLITE_TOOBIG:
        return fault_set(fault, STATUS_TOO_LARGE, "a value too large for the database");
    default: return fault_set(fault, STATUS_INTERNAL, "SQLite: %s (%d)", message, code);
    }
}

/* ---- life ---- */

enum status sqlite_control(struct sqlite_connection *connection, const char *sql,
                           struct fault *fault)
{
    return sqlite3_exec(connection->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? OK
               : sqlite_fault(connection, fault);
}

static enum status configure(struct sqlite_connection *connection, bool may_write,
                             struct fault *fault)
{
    sqlite3_extended_result_codes(connection->db, 1);
    sqlite3_busy_timeout(connection->db, BUSY_TIMEOUT_MS);
    /* Nobody writes to the schema or the search's shadow tables behind SQLite's back. The schema
     * must stay trusted, or the triggers that keep the search index could not reach it. */
    sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(sqlite_control(connection,
                       "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                       "PRAGMA cell_size_check = ON",
                       fault));
    /* 16 MB of WAL: a page that many commits change goes back into the file once for all of them.
     */
    return sqlite_control(connection,
                          may_write ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                                      "PRAGMA wal_autocheckpoint = 4000"
                                    : "PRAGMA query_only = ON",
                          fault);
}

enum status sqlite_connection_open(struct sqlite_connection *connection, const char *path,
                                   bool may_write, const struct database_ops *ops,
                                   struct fault *fault)
{
    *connection = (struct sqlite_connection){.transaction.ops = ops};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (may_write) flags |= SQLITE_OPEN_CREATE;
    enum status status = OK;
    if (sqlite3_open_v2(path, &connection->db, flags, NULL) != SQLITE_OK)
        status = connection->db ? sqlite_fault(connection, fault)
                                : fault_set(fault, STATUS_NO_MEMORY, "no memory for the database");
    if (status == OK) status = configure(connection, may_write, fault);
    if (status == OK) return OK;
    fault_prefix(fault, "%s", path);
    sqlite_connection_close(connection);
    return status;
}

static void forget_statements(struct sqlite_connection *connection)
{
    for (unsigned i = 0; i < SQLITE_STATEMENTS; i++) {
        sqlite3_finalize(connection->statements[i].statement);
        connection->statements[i] = (struct sqlite_statement){0};
    }
    connection->statement_count = 0;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    forget_statements(connection);
    sqlite3_close(connection->db);
    connection->db = NULL;
}

bool sqlite_in_transaction(const struct sqlite_connection *connection)
{
    return !sqlite3_get_autocommit(connection->db);
}

/* ---- statements ---- */

static enum status prepare(struct sqlite_connection *connection, const char *sql,
                           sqlite3_stmt **statement, struct fault *fault)
{
    if (connection->statement_count > SQLITE_STATEMENTS / 2) forget_statements(connection);
    unsigned slot = (unsigned)((uintptr_t)sql >> 3) % SQLITE_STATEMENTS;
    while (connection->statements[slot].sql && connection->statements[slot].sql != sql)
        slot = (slot + 1) % SQLITE_STATEMENTS;
    struct sqlite_statement *kept = &connection->statements[slot];
    if (!kept->sql) {
        sqlite3_stmt *made;
        if (sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL) !=
            SQLITE_OK)
            return sqlite_fault(connection, fault);
        *kept = (struct sqlite_statement){sql, made};
        connection->statement_count++;
    }
    *statement = kept->statement;
    return OK;
}

static int bind_value(sqlite3_stmt *statement, int at, const struct sql_value *value)
{
    if (value->is_null) return sqlite3_bind_null(statement, at);
    const char *bytes = value->text.data ? value->text.data : "";
    switch (value->type) {
    case SQL_NULL: return sqlite3_bind_null(statement, at);
    case SQL_BOOL: return sqlite3_bind_int(statement, at, value->boolean);
    case SQL_INTEGER:
    case SQL_TIME: return sqlite3_bind_int64(statement, at, value->integer);
    case SQL_REAL: return sqlite3_bind_double(statement, at, value->real);
    case SQL_TEXT:
    case SQL_JSON:
        return sqlite3_bind_text64(statement, at, bytes, value->text.length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case SQL_BLOB:
        return sqlite3_bind_blob64(statement, at, bytes, value->text.length, SQLITE_STATIC);
    case SQL_UUID:
        return sqlite3_bind_blob(statement, at, value->uuid.bytes, sizeof value->uuid.bytes,
                                 SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* Parameters are numbered by their first appearance in the text; their names are "$1", "$2", ... */
static enum status bind_values(struct sqlite_connection *connection, sqlite3_stmt *statement,
                               const struct sql_value *values, size_t count, struct fault *fault)
{
    for (int at = 1; at <= sqlite3_bind_parameter_count(statement); at++) {
        const char *name = sqlite3_bind_parameter_name(statement, at);
        size_t number = name && name[0] == '$' ? strtoul(name + 1, NULL, 10) : 0;
        if (number < 1 || number > count)
            return fault_set(fault, STATUS_INTERNAL, "the statement's parameter %s has no value",
                             name ? name : "?");
        if (bind_value(statement, at, &values[number - 1]) != SQLITE_OK)
            return sqlite_fault(connection, fault);
    }
    return OK;
}

/* ---- answers ---- */

static bool starts_with(const char *string, const char *prefix)
{
    return string && strncasecmp(string, prefix, strlen(prefix)) == 0;
}

/* What a column holds, by its declaration; SQL_NULL: what each value says of itself. */
static enum sql_type declared_type(sqlite3_stmt *statement, int column)
{
    const char *declared = sqlite3_column_decltype(statement, column);
    if (starts_with(declared, "UUID")) return SQL_UUID;
    if (starts_with(declared, "TIMESTAMP")) return SQL_TIME;
    if (starts_with(declared, "BOOL")) return SQL_BOOL;
    if (starts_with(declared, "JSON")) return SQL_JSON;
    return SQL_NULL;
}

static bool copy_bytes(sqlite3_stmt *statement, int column, struct arena *job, struct text *text)
{
    const void *bytes = sqlite3_column_type(statement, column) == SQLITE_BLOB
                            ? sqlite3_column_blob(statement, column)
                            : (const void *)sqlite3_column_text(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    char *copy = arena_copy(job, bytes ? bytes : "", length);
    *text = (struct text){copy, length};
    return copy != NULL;
}

static bool read_value(sqlite3_stmt *statement, int column, struct arena *job,
                       struct sql_value *value)
{
    enum sql_type declared = declared_type(statement, column);
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: *value = sql_null(declared); return true;
    case SQLITE_INTEGER:
        *value = sql_integer(sqlite3_column_int64(statement, column));
        if (declared == SQL_TIME) value->type = SQL_TIME;
        if (declared == SQL_BOOL) *value = sql_bool(value->integer != 0);
        return true;
    case SQLITE_FLOAT: *value = sql_real(sqlite3_column_double(statement, column)); return true;
    case SQLITE_TEXT:
        value->type = declared == SQL_JSON ? SQL_JSON : SQL_TEXT;
        return copy_bytes(statement, column, job, &value->text);
    default:
        if (declared == SQL_UUID && sqlite3_column_bytes(statement, column) == 16) {
            value->type = SQL_UUID;
            memcpy(value->uuid.bytes, sqlite3_column_blob(statement, column), 16);
            return true;
        }
        value->type = SQL_BLOB;
        return copy_bytes(statement, column, job, &value->text);
    }
}

/* Rows come one by one and their number is not known before: the array doubles. */
static bool grow(struct sql_rows *rows, struct arena *job, size_t *capacity)
{
    if (rows->count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    struct sql_value *values =
        arena_alloc_array(job, wanted * (rows->columns ? rows->columns : 1), sizeof *values);
    if (!values) return false;
    if (rows->count) memcpy(values, rows->values, rows->count * rows->columns * sizeof *values);
    rows->values = values;
    *capacity = wanted;
    return true;
}

static enum status read_rows(struct sqlite_connection *connection, sqlite3_stmt *statement,
                             struct arena *job, struct sql_rows *rows, struct fault *fault)
{
    *rows = (struct sql_rows){.columns = (size_t)sqlite3_column_count(statement)};
    size_t capacity = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        bool fits = grow(rows, job, &capacity);
        struct sql_value *row = rows->values + rows->count * rows->columns;
        for (size_t column = 0; fits && column < rows->columns; column++)
            fits = read_value(statement, (int)column, job, &row[column]);
        if (!fits)
            return fault_set(fault, STATUS_TOO_LARGE,
                             "the database's answer does not fit into the memory for it");
        rows->count++;
    }
    return code == SQLITE_DONE ? OK : sqlite_fault(connection, fault);
}

static enum status step_to_end(struct sqlite_connection *connection, sqlite3_stmt *statement,
                               struct fault *fault)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) continue;
    return code == SQLITE_DONE ? OK : sqlite_fault(connection, fault);
}

enum status sqlite_run(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                       uint64_t *changed, const char *sql, const struct sql_value *values,
                       size_t count, struct fault *fault)
{
    struct sqlite_connection *connection = (struct sqlite_connection *)transaction;
    sqlite3_stmt *statement = NULL;
    TRY(prepare(connection, sql, &statement, fault));
    enum status status = bind_values(connection, statement, values, count, fault);
    if (status == OK)
        status = rows ? read_rows(connection, statement, job, rows, fault)
                      : step_to_end(connection, statement, fault);
    if (status == OK && changed) *changed = (uint64_t)sqlite3_changes64(connection->db);
    sqlite3_reset(statement); /* repeats the error that was told already */
    sqlite3_clear_bindings(statement);
    return status;
}

enum status sqlite_run_rows(struct transaction *transaction, const char *sql,
                            const struct sql_value *values, size_t columns, size_t rows,
                            struct fault *fault)
{
    for (size_t row = 0; row < rows; row++)
        TRY(sqlite_run(transaction, NULL, NULL, NULL, sql, values + row * columns, columns, fault));
    return OK;
}

enum status sqlite_script(struct transaction *transaction, const char *sql, struct fault *fault)
{
    return sqlite_control((struct sqlite_connection *)transaction, sql, fault);
}
