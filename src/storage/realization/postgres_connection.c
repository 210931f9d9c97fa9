/* postgres_connection.c - see postgres_connection.h.
 *
 * A statement is sent together with all that was sent ahead of it and a synchronisation point. The
 * results come in the same order; after one that failed the server skips to that point. */
#include "storage/realization/postgres_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "storage/realization/postgres_values.h"

enum { FORMAT_BINARY = 1, NAME_BYTES = 32 };

/* In place of a statement that could not be prepared: its name is free, its place taken. */
static const char unprepared[] = "";

/* ---- errors ---- */

static enum status lost(const struct postgres_connection *connection, struct fault *fault)
{
    struct text message = text_trim(text_of(PQerrorMessage(connection->pg)));
    return fault_set(fault, STATUS_UNAVAILABLE, "PostgreSQL can't be reached: %.*s",
                     TEXT_FORMAT(message));
}

/* As SQLite names it: "app_user.email", from the table and "Key (email)=(...) already exists." */
static enum status unique_fault(const PGresult *result, struct fault *fault)
{
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *open = detail ? strchr(detail, '(') : NULL, *end = open ? strchr(open, ')') : NULL;
    char name[FAULT_PARAM_BYTES] = "";
    size_t length = 0;
    for (const char *at = open ? open + 1 : NULL; table && end && at < end;) {
        size_t column = strcspn(at, ",)");
        int wrote = snprintf(name + length, sizeof name - length, "%s%s.%.*s", length ? ", " : "",
                             table, (int)column, at);
        if (wrote < 0 || (size_t)wrote >= sizeof name - length) break;
        length += (size_t)wrote;
        at += column + strspn(at + column, ", ");
    }
    return fault_set_param(fault, STATUS_CONFLICT, name, "%s is taken already", name);
}

static enum status result_fault(struct postgres_connection *connection, const PGresult *result,
                                struct fault *fault)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    if (!state || PQstatus(connection->pg) != CONNECTION_OK) return lost(connection, fault);
    if (!message) message = "an unknown error";
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0) {
        connection->wants_retry = true;
        return fault_set(fault, STATUS_BUSY, "others changed the same data: try again");
    }
    if (strcmp(state, "23505") == 0) return unique_fault(result, fault);
    if (strcmp(state, "23503") == 0)
        return fault_set(fault, STATUS_CONFLICT,
                         "what this refers to is not there, or something still refers to it");
    if (strncmp(state, "23", 2) == 0)
        return fault_set_param(fault, STATUS_INVALID, constraint ? constraint : "",
                               "the database refuses a value: %s", message);
    if (strncmp(state, "22", 2) == 0) /* no UTF-8, out of range */
        return fault_set(fault, STATUS_INVALID, "the database refuses a value: %s", message);
    if (strcmp(state, "53100") == 0)
        return fault_set(fault, STATUS_IO,
                         "the disk that holds the database is full: make room on it");
    if (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0)
        return fault_set(fault, STATUS_UNAVAILABLE, "PostgreSQL went away: %s", message);
    if (strncmp(state, "53", 2) == 0)
        return fault_set(fault, STATUS_BUSY, "PostgreSQL is short of something: %s", message);
    return fault_set(fault, STATUS_INTERNAL, "PostgreSQL: %s (%s)", message, state);
}

/* ---- results ---- */

/* The next statement's result, whose own end is taken too; NULL when the connection is gone. */
static PGresult *next_result(struct postgres_connection *connection)
{
    PGresult *result = PQgetResult(connection->pg);
    if (!result) return NULL;
    PGresult *more;
    while ((more = PQgetResult(connection->pg))) PQclear(more); /* none, but for its NULL */
    return result;
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Wait for all that was sent, up to the synchronisation point; the last one's result, or the first
 * fault. */
static enum status receive(struct postgres_connection *connection, PGresult **last,
                           struct fault *fault)
{
    enum status status = OK;
    *last = NULL;
    if (!PQpipelineSync(connection->pg)) return lost(connection, fault);
    connection->read = 0;
    for (; connection->unread > 0; connection->unread--) {
        PQclear(*last);
        *last = next_result(connection);
        if (!*last) return lost(connection, fault);
        if (status == OK && !succeeded(*last)) status = result_fault(connection, *last, fault);
        connection->read += status == OK;
    }
    PGresult *sync = PQgetResult(connection->pg);
    bool in_step = sync && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
    PQclear(sync);
    if (status == OK && !in_step) status = lost(connection, fault);
    if (status == OK) return OK;
    PQclear(*last);
    *last = NULL;
    return status;
}

static enum status receive_nothing(struct postgres_connection *connection, struct fault *fault)
{
    PGresult *result;
    TRY(receive(connection, &result, fault));
    PQclear(result);
    return OK;
}

static enum status send_plain(struct postgres_connection *connection, const char *sql,
                              struct fault *fault)
{
    if (!PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, FORMAT_BINARY))
        return lost(connection, fault);
    connection->unread++;
    return OK;
}

/* ---- statements ---- */

static enum status forget_statements(struct postgres_connection *connection, struct fault *fault)
{
    memset(connection->statements, 0, sizeof connection->statements);
    connection->statement_count = 0;
    return send_plain(connection, "DEALLOCATE ALL", fault);
}

/* The name of the prepared statement; its preparing is sent ahead where that is new, and *made is
 * its place (else POSTGRES_STATEMENTS). */
static enum status prepare(struct postgres_connection *connection, const char *sql,
                           const struct postgres_parameters *parameters, char name[NAME_BYTES],
                           unsigned *made, struct fault *fault)
{
    *made = POSTGRES_STATEMENTS;
    if (connection->statement_count > POSTGRES_STATEMENTS / 2)
        TRY(forget_statements(connection, fault));
    uint32_t types = postgres_types_hash(parameters);
    unsigned slot = (unsigned)(((uintptr_t)sql >> 3) ^ types) % POSTGRES_STATEMENTS;
    struct postgres_statement *kept = &connection->statements[slot];
    while (kept->sql && (kept->sql != sql || kept->types != types)) {
        slot = (slot + 1) % POSTGRES_STATEMENTS;
        kept = &connection->statements[slot];
    }
    snprintf(name, NAME_BYTES, "s%u", slot);
    if (kept->sql) return OK;
    if (!PQsendPrepare(connection->pg, name, sql, parameters->count, parameters->types))
        return lost(connection, fault);
    connection->unread++;
    *kept = (struct postgres_statement){sql, types};
    connection->statement_count++;
    *made = slot;
    return OK;
}

/* A statement whose preparing is on its way: its place (POSTGRES_STATEMENTS: there is none), and
 * how many results come before. */
struct preparing {
    unsigned place, number;
};

/* Sent with all that it needs, not waited for. */
static enum status send_statement(struct postgres_connection *connection, const char *sql,
                                  const struct sql_value *values, size_t count,
                                  struct preparing *preparing, struct fault *fault)
{
    struct postgres_parameters parameters;
    char name[NAME_BYTES];
    unsigned made;
    TRY(postgres_encode(&parameters, values, count, fault));
    TRY(prepare(connection, sql, &parameters, name, &made, fault));
    if (made < POSTGRES_STATEMENTS) *preparing = (struct preparing){made, connection->unread};
    if (!PQsendQueryPrepared(connection->pg, name, parameters.count, parameters.values,
                             parameters.lengths, parameters.formats, FORMAT_BINARY))
        return lost(connection, fault);
    connection->unread++;
    return OK;
}

/* The last one's result. What could not be prepared is not taken for prepared. */
static enum status receive_statement(struct postgres_connection *connection,
                                     const struct preparing *preparing, PGresult **result,
                                     struct fault *fault)
{
    enum status status = receive(connection, result, fault);
    if (status != OK && preparing->place < POSTGRES_STATEMENTS &&
        connection->read < preparing->number)
        connection->statements[preparing->place].sql = unprepared;
    return status;
}

enum status postgres_run(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                         uint64_t *changed, const char *sql, const struct sql_value *values,
                         size_t count, struct fault *fault)
{
    struct postgres_connection *connection = (struct postgres_connection *)transaction;
    struct preparing preparing = {.place = POSTGRES_STATEMENTS};
    PGresult *result;
    TRY(send_statement(connection, sql, values, count, &preparing, fault));
    TRY(receive_statement(connection, &preparing, &result, fault));
    enum status status = rows ? postgres_decode(result, job, rows, fault) : OK;
    if (changed) *changed = strtoull(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return status;
}

enum status postgres_run_rows(struct transaction *transaction, const char *sql,
                              const struct sql_value *values, size_t columns, size_t rows,
                              struct fault *fault)
{
    struct postgres_connection *connection = (struct postgres_connection *)transaction;
    struct preparing preparing = {.place = POSTGRES_STATEMENTS};
    PGresult *result;
    if (rows == 0) return OK;
    for (size_t row = 0; row < rows; row++)
        TRY(send_statement(connection, sql, values + row * columns, columns, &preparing, fault));
    TRY(receive_statement(connection, &preparing, &result, fault));
    PQclear(result);
    return OK;
}

/* Several statements at once need the simple protocol, which pipelines do not carry. */
enum status postgres_script(struct transaction *transaction, const char *sql, struct fault *fault)
{
    struct postgres_connection *connection = (struct postgres_connection *)transaction;
    if (connection->unread) TRY(receive_nothing(connection, fault));
    if (!PQexitPipelineMode(connection->pg)) return lost(connection, fault);
    PGresult *result = PQexec(connection->pg, sql);
    enum status status = succeeded(result) ? OK : result_fault(connection, result, fault);
    PQclear(result);
    if (!PQenterPipelineMode(connection->pg) && status == OK) status = lost(connection, fault);
    return status;
}

/* ---- transactions ---- */

enum status postgres_begin(struct postgres_connection *connection, struct sql_actor actor,
                           bool may_write, struct fault *fault)
{
    static const char set_actor[] = "SELECT set_config('liminal.actor', $1, true)";
    char user[UUID_TEXT_BYTES] = "system";
    if (!actor.is_system) uuid_format(actor.user, user);
    const struct sql_value value = sql_text(text_of(user));
    struct postgres_parameters parameters;
    connection->wants_retry = false;
    TRY(send_plain(connection,
                   may_write ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", fault));
    TRY(postgres_encode(&parameters, &value, 1, fault));
    if (!PQsendQueryParams(connection->pg, set_actor, 1, parameters.types, parameters.values,
                           parameters.lengths, parameters.formats, FORMAT_BINARY))
        return lost(connection, fault);
    connection->unread++;
    return OK;
}

enum status postgres_commit(struct postgres_connection *connection, struct fault *fault)
{
    PGresult *result;
    TRY(send_plain(connection, "COMMIT", fault));
    enum status status = receive(connection, &result, fault);
    if (status == STATUS_UNAVAILABLE)
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "the connection to PostgreSQL broke while a change was being made final: "
                         "look whether it was made before you try again");
    if (status != OK) return status;
    /* A transaction in which something failed answers COMMIT with ROLLBACK, and no error. */
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        status = fault_set(fault, STATUS_INTERNAL, "a transaction went on after a failure in it");
    PQclear(result);
    return status;
}

void postgres_rollback(struct postgres_connection *connection)
{
    struct fault fault;
    enum status status = send_plain(connection, "ROLLBACK", &fault);
    if (status == OK) status = receive_nothing(connection, &fault);
    if (status != OK) /* it will be found broken, and dropped */
        log_write("storage", LOG_WARN, NULL, "a rollback failed: %s", fault.message);
}

/* ---- life ---- */

static void ignore_notice(void *argument, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    log_write("storage", LOG_DEBUG, NULL, "PostgreSQL: %s", message ? message : "?");
}

static enum status exec_one(struct postgres_connection *connection, const char *sql,
                            PGresult **result, struct fault *fault)
{
    *result = PQexec(connection->pg, sql);
    if (succeeded(*result)) return OK;
    enum status status = result_fault(connection, *result, fault);
    PQclear(*result);
    return status;
}

static enum status take_role(struct postgres_connection *connection, const char *role,
                             struct fault *fault)
{
    char *quoted = PQescapeIdentifier(connection->pg, role, strlen(role));
    char sql[512];
    PGresult *result;
    if (!quoted) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a connection");
    snprintf(sql, sizeof sql, "SET ROLE %s", quoted);
    PQfreemem(quoted);
    TRY(exec_one(connection, sql, &result, fault));
    PQclear(result);
    TRY(exec_one(connection,
                 "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
                 &result, fault));
    bool unbound = PQntuples(result) != 1 || *PQgetvalue(result, 0, 0) != 'f';
    PQclear(result);
    if (!unbound) return OK;
    return fault_set(fault, STATUS_FORBIDDEN,
                     "PostgreSQL's role %s is not held by row-level security: give the service a "
                     "role that is neither superuser nor BYPASSRLS",
                     role);
}

enum status postgres_connection_open(struct postgres_connection *connection, const char *url,
                                     const char *role, const struct database_ops *ops,
                                     struct fault *fault)
{
    *connection = (struct postgres_connection){.transaction.ops = ops};
    const char *const keywords[] = {"dbname",           "connect_timeout", "tcp_user_timeout",
                                    "application_name", "client_encoding", NULL};
    const char *const values[] = {url, "5", "30000", "liminal", "UTF8", NULL};
    connection->pg = PQconnectdbParams(keywords, values, 1);
    enum status status;
    if (!connection->pg) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a connection");
    if (PQstatus(connection->pg) != CONNECTION_OK) {
        status = lost(connection, fault);
    } else {
        PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
        status = role ? take_role(connection, role, fault) : OK;
        if (status == OK && !PQenterPipelineMode(connection->pg)) status = lost(connection, fault);
    }
    if (status != OK) postgres_connection_close(connection);
    return status;
}

void postgres_connection_close(struct postgres_connection *connection)
{
    PQfinish(connection->pg);
    connection->pg = NULL;
}

bool postgres_connection_is_broken(const struct postgres_connection *connection)
{
    return PQstatus(connection->pg) != CONNECTION_OK ||
           PQpipelineStatus(connection->pg) != PQ_PIPELINE_ON ||
           PQtransactionStatus(connection->pg) != PQTRANS_IDLE;
}
