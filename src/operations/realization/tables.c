/* tables.c - see tables.h. */
#include "operations/realization/tables.h"

#include <inttypes.h>
#include <string.h>

#include "platform/platform.h"
#include "storage/realization/catalogue.h"
#include "storage/realization/databases.h"
#include "storage/realization/migrate.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the tables to be moved");
}

enum status tables_open(struct moved_tables *tables, struct transaction *transaction,
                        struct arena *texts, struct fault *fault)
{
    struct schema *schema = &tables->schema;
    TRY(catalogue_read(transaction, texts, schema, fault));
    tables->items = arena_alloc_array(texts, schema->table_count + 1, sizeof *tables->items);
    if (!tables->items) return no_memory(fault);
    for (size_t i = 0; i < schema->table_count; i++) {
        tables->items[i].table = &schema->tables[i];
        if (!table_statements_make(&tables->items[i].statements, &schema->tables[i], texts))
            return no_memory(fault);
    }
    return OK;
}

struct moved_table *tables_find(const struct moved_tables *tables, struct text name)
{
    const struct schema_table *table = schema_find(&tables->schema, name);
    return table ? &tables->items[table - tables->schema.tables] : NULL;
}

enum status tables_count(const struct moved_tables *tables, struct transaction *transaction,
                         uint64_t *rows, struct fault *fault)
{
    *rows = 0;
    for (size_t i = 0; i < tables->schema.table_count; i++) {
        uint64_t count;
        TRY(table_count(transaction, &tables->items[i].statements, &count, fault));
        *rows += count;
    }
    return OK;
}

/* ---- the schema's version ---- */

static enum status read_version(struct database *database, uint32_t *version, size_t *pending,
                                struct fault *fault)
{
    struct arena job;
    struct applied_migration *applied;
    size_t count;
    arena_init(&job, 0);
    enum status status =
        migrate_status(database, &migrations_built_in, &job, &applied, &count, pending, fault);
    arena_deinit(&job);
    *version = (uint32_t)count;
    return status;
}

enum status source_open(struct database **database, const char *url, uint32_t *version,
                        struct fault *fault)
{
    const char *file = database_url_file(url);
    size_t pending;
    if (file && !file_exists(file))
        return fault_set(fault, STATUS_NOT_FOUND, "there is no database %s yet", file);
    TRY(database_open_url(database, url, NULL, fault));
    enum status status = read_version(*database, version, &pending, fault);
    if (status == OK && *version == 0)
        status = fault_set(fault, STATUS_NOT_FOUND, "no data of Liminal are in this database");
    if (status == OK) return OK;
    database_close(*database);
    *database = NULL;
    return status;
}

/* ---- the target ---- */

struct looking {
    struct arena *texts;
    uint64_t rows;
};

static enum status count_rows(struct transaction *t, void *argument, struct fault *fault)
{
    struct looking *looking = argument;
    struct moved_tables tables;
    TRY(tables_open(&tables, t, looking->texts, fault));
    return tables_count(&tables, t, &looking->rows, fault);
}

enum status target_is_empty(struct database *database, struct arena *texts, bool *is_empty,
                            struct fault *fault)
{
    struct looking looking = {.texts = texts};
    TRY(database_read(database, sql_actor_system(), count_rows, &looking, fault));
    *is_empty = looking.rows == 0;
    return OK;
}

enum status target_prepare(struct database *database, uint32_t version, struct fault *fault)
{
    struct migration_set wanted = migrations_built_in;
    if (version > wanted.count)
        return fault_set(fault, STATUS_CONFLICT,
                         "these data are of a newer Liminal (schema %" PRIu32 "): use that one",
                         version);
    uint32_t present;
    size_t pending;
    TRY(read_version(database, &present, &pending, fault));
    if (present > version)
        return migrate_down(database, &migrations_built_in, version, NULL, NULL, fault);
    wanted.count = version;
    return migrate_up(database, &wanted, NULL, NULL, fault);
}

enum status target_finish(struct database *database, struct fault *fault)
{
    return migrate_up(database, &migrations_built_in, NULL, NULL, fault);
}

/* PostgreSQL lets only those constraints wait that say so: they do, for the time of the move. */
static enum status alter_constraints(const struct moved_tables *tables,
                                     struct transaction *transaction, const char *to,
                                     struct fault *fault)
{
    const struct schema *schema = &tables->schema;
    for (size_t i = 0; i < schema->reference_count; i++) {
        const struct schema_reference *reference = &schema->references[i];
        if (!schema_reference_is_backward(reference)) continue;
        char *sql =
            arena_printf(sql_job(transaction), "ALTER TABLE \"%s\" ALTER CONSTRAINT \"%s\" %s",
                         schema->tables[reference->from].name, reference->constraint, to);
        if (!sql) return no_memory(fault);
        TRY(sql_script(transaction, sql, fault));
    }
    return OK;
}

enum status target_begin(const struct moved_tables *tables, struct transaction *transaction,
                         struct fault *fault)
{
    if (sql_dialect(transaction) == SQL_SQLITE)
        TRY(sql_script(transaction, "PRAGMA defer_foreign_keys = ON", fault));
    else
        TRY(alter_constraints(tables, transaction, "DEFERRABLE INITIALLY DEFERRED", fault));
    for (size_t i = tables->schema.table_count; i > 0; i--)
        TRY(sql_execute(transaction, NULL, tables->items[i - 1].statements.clear, NULL, 0, fault));
    return OK;
}

struct comparing {
    const struct schema_table *table;
    struct table_sum sum;
};

static enum status add_to_sum(void *argument, const struct sql_rows *rows, struct fault *fault)
{
    struct comparing *comparing = argument;
    return table_sum_add(&comparing->sum, comparing->table, rows, fault);
}

static enum status compare(const struct moved_table *moved, struct transaction *transaction,
                           struct fault *fault)
{
    struct comparing comparing = {.table = moved->table};
    TRY(table_read(transaction, moved->table, &moved->statements, add_to_sum, &comparing, fault));
    if (table_sum_equal(&comparing.sum, &moved->sum)) return OK;
    return fault_set(fault, STATUS_CORRUPT,
                     "%s: %" PRIu64 " rows came and %" PRIu64
                     " are there, or they differ; "
                     "nothing was changed",
                     moved->table->name, moved->sum.rows, comparing.sum.rows);
}

enum status target_end(const struct moved_tables *tables, struct transaction *transaction,
                       struct fault *fault)
{
    if (sql_dialect(transaction) == SQL_POSTGRES) {
        TRY(sql_script(transaction, "SET CONSTRAINTS ALL IMMEDIATE", fault));
        TRY(alter_constraints(tables, transaction, "NOT DEFERRABLE", fault));
    }
    for (size_t i = 0; i < tables->schema.table_count; i++)
        TRY(compare(&tables->items[i], transaction, fault));
    return OK;
}
