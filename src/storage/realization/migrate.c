/* migrate.c - see migrate.h. */
#include "storage/realization/migrate.h"

#include <stdio.h>
#include <string.h>

#include "platform/platform.h"

/* Held by whoever migrates, until its transaction ends. On SQLite the one writer is the lock. */
static const char lock_sql[] = "SELECT pg_advisory_xact_lock(7230163120461890917)"; /* any number */

static const char *const table_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY,"
        " name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TIMESTAMP NOT NULL)",
    [SQL_POSTGRES] =
        "CREATE TABLE IF NOT EXISTS schema_migration (version bigint PRIMARY KEY,"
        " name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL)",
};

/* Rows when the table above is there. */
static const char *const exists_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'",
    [SQL_POSTGRES] = "SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL",
};

static void checksum(const struct migration *migration, char out[MIGRATION_CHECKSUM_BYTES])
{
    unsigned char digest[32] = {0};
    struct sha256 *sha = sha256_new();
    if (sha) { /* without memory no checksum will be equal, and nothing is applied */
        sha256_update(sha, migration->up, strlen(migration->up) + 1);
        sha256_update(sha, migration->down, strlen(migration->down) + 1);
        sha256_final_free(sha, digest);
    }
    hex_encode(digest, sizeof digest, out);
}

struct migrating {
    const struct migration_set *set;
    struct arena *job; /* for what outlives the transaction; NULL: nothing does */
    struct applied_migration *applied;
    size_t applied_count, pending;
    uint32_t down_to;
    const struct migration *done; /* by this transaction; NULL: nothing was left to do */
};

static enum status read_applied(struct transaction *t, struct migrating *m, struct fault *fault)
{
    struct sql_rows rows;
    struct arena *job = m->job ? m->job : sql_job(t);
    TRY(sql_query(t, job, &rows,
                  "SELECT version, name, checksum, applied_at FROM schema_migration"
                  " ORDER BY version",
                  NULL, 0, fault));
    m->applied_count = rows.count;
    m->applied = arena_alloc_array(job, rows.count + 1, sizeof *m->applied);
    if (!m->applied) return fault_set(fault, STATUS_NO_MEMORY, "no memory for migrations");
    for (size_t i = 0; i < rows.count; i++) {
        struct applied_migration *one = &m->applied[i];
        one->version = (uint32_t)sql_at(&rows, i, 0)->integer;
        snprintf(one->name, sizeof one->name, "%.*s", TEXT_FORMAT(sql_at(&rows, i, 1)->text));
        snprintf(one->checksum, sizeof one->checksum, "%.*s",
                 TEXT_FORMAT(sql_at(&rows, i, 2)->text));
        one->applied_us = sql_at(&rows, i, 3)->integer;
    }
    return migration_plan(m->set->of[sql_dialect(t)], m->set->count, m->applied, m->applied_count,
                          checksum, &m->pending, fault);
}

static enum status begin(struct transaction *t, struct migrating *m, struct fault *fault)
{
    m->done = NULL;
    if (sql_dialect(t) == SQL_POSTGRES) TRY(sql_execute(t, NULL, lock_sql, NULL, 0, fault));
    TRY(sql_script(t, table_sql[sql_dialect(t)], fault));
    return read_applied(t, m, fault);
}

static enum status apply_next(struct transaction *t, void *argument, struct fault *fault)
{
    struct migrating *m = argument;
    TRY(begin(t, m, fault));
    if (m->pending == 0) return OK;
    const struct migration *next = &m->set->of[sql_dialect(t)][m->applied_count];
    char sum[MIGRATION_CHECKSUM_BYTES];
    checksum(next, sum);
    enum status status = sql_script(t, next->up, fault);
    if (status == OK)
        status = SQL_EXECUTE(t, NULL, fault,
                             "INSERT INTO schema_migration (version, name, checksum, applied_at)"
                             " VALUES ($1, $2, $3, $4)",
                             sql_integer(next->version), sql_text(text_of(next->name)),
                             sql_text(text_of(sum)), sql_time(clock_wall_ms() * 1000));
    if (status != OK) fault_prefix(fault, "migration %u (%s)", next->version, next->name);
    m->done = next;
    return status;
}

static enum status take_back_last(struct transaction *t, void *argument, struct fault *fault)
{
    struct migrating *m = argument;
    TRY(begin(t, m, fault));
    if (m->applied_count <= m->down_to) return OK;
    const struct migration *last = &m->set->of[sql_dialect(t)][m->applied_count - 1];
    enum status status = sql_script(t, last->down, fault);
    if (status == OK)
        status = SQL_EXECUTE(t, NULL, fault, "DELETE FROM schema_migration WHERE version = $1",
                             sql_integer(last->version));
    if (status != OK)
        fault_prefix(fault, "taking back migration %u (%s)", last->version, last->name);
    m->done = last;
    return status;
}

/* One transaction per migration, until one finds nothing to do. */
static enum status repeat(struct database *database, sql_work *one, struct migrating *m,
                          migrate_told *told, void *argument, struct fault *fault)
{
    enum status status;
    do {
        status = database_write(database, sql_actor_system(), one, m, fault);
        if (status == OK && m->done && told) told(argument, m->done);
    } while (status == OK && m->done);
    return status;
}

/* Changes nothing, so that whoever may only read may ask. */
static enum status look(struct transaction *t, void *argument, struct fault *fault)
{
    struct migrating *m = argument;
    struct sql_rows rows;
    m->applied_count = 0;
    m->pending = m->set->count;
    TRY(sql_query(t, sql_job(t), &rows, exists_sql[sql_dialect(t)], NULL, 0, fault));
    return rows.count ? read_applied(t, m, fault) : OK;
}

enum status migrate_up(struct database *database, const struct migration_set *set,
                       migrate_told *told, void *argument, struct fault *fault)
{
    struct migrating m = {.set = set};
    TRY(database_read(database, sql_actor_system(), look, &m, fault));
    if (m.pending == 0) return OK;
    return repeat(database, apply_next, &m, told, argument, fault);
}

enum status migrate_down(struct database *database, const struct migration_set *set,
                         uint32_t version, migrate_told *told, void *argument, struct fault *fault)
{
    struct migrating m = {.set = set, .down_to = version};
    return repeat(database, take_back_last, &m, told, argument, fault);
}

enum status migrate_status(struct database *database, const struct migration_set *set,
                           struct arena *job, struct applied_migration **applied, size_t *count,
                           size_t *pending, struct fault *fault)
{
    struct migrating m = {.set = set, .job = job};
    TRY(database_read(database, sql_actor_system(), look, &m, fault));
    *applied = m.applied;
    *count = m.applied_count;
    *pending = m.pending;
    return OK;
}
