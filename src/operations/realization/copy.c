/* copy.c - database_copy: what one moment of a database saw, in one transaction of another. */
#include "operations/progress.h"
#include "operations/realization/tables.h"
#include "storage/realization/databases.h"

struct copying {
    const struct operations_progress *progress;
    struct operations_report *report;
    struct database *target;
    struct arena *texts;
    struct transaction *from, *to;
    struct moved_tables source, tables; /* the target's tables have the sums of the source's rows */
    uint64_t total_rows;
    struct moved_table *now; /* of the target's */
};

static enum status copy_page(void *argument, const struct sql_rows *rows, struct fault *fault)
{
    struct copying *copying = argument;
    struct moved_table *now = copying->now;
    TRY(table_sum_add(&now->sum, now->table, rows, fault));
    TRY(table_insert(copying->to, now->table, &now->statements, rows->values, rows->count, fault));
    copying->report->rows += rows->count;
    return operations_advance(copying->progress, copying->report->rows, copying->total_rows, fault);
}

/* The columns of both, in the same order. */
static enum status check_columns(const struct schema_table *from, const struct schema_table *to,
                                 struct fault *fault)
{
    bool same = to && from->column_count == to->column_count;
    for (size_t i = 0; same && i < from->column_count; i++)
        same = from->columns[i].type == to->columns[i].type &&
               text_equal(text_of(from->columns[i].name), text_of(to->columns[i].name));
    return same ? OK
                : fault_set(fault, STATUS_CONFLICT,
                            "the table %s is not the same in both databases", from->name);
}

static enum status fill_target(struct transaction *t, void *argument, struct fault *fault)
{
    struct copying *copying = argument;
    copying->to = t;
    *copying->report = (struct operations_report){0};
    TRY(tables_open(&copying->tables, t, copying->texts, fault));
    TRY(target_begin(&copying->tables, t, fault));
    for (size_t i = 0; i < copying->source.schema.table_count; i++) {
        const struct moved_table *from = &copying->source.items[i];
        copying->now = tables_find(&copying->tables, text_of(from->table->name));
        TRY(check_columns(from->table, copying->now ? copying->now->table : NULL, fault));
        TRY(table_read(copying->from, from->table, &from->statements, copy_page, copying, fault));
        copying->report->tables++;
    }
    return target_end(&copying->tables, t, fault);
}

/* The source is held still by its own transaction while the target's goes on. */
static enum status read_source(struct transaction *t, void *argument, struct fault *fault)
{
    struct copying *copying = argument;
    copying->from = t;
    TRY(tables_open(&copying->source, t, copying->texts, fault));
    TRY(tables_count(&copying->source, t, &copying->total_rows, fault));
    return database_write(copying->target, sql_actor_system(), fill_target, copying, fault);
}

static enum status copy_into(struct copying *copying, struct database *source, uint32_t version,
                             struct fault *fault)
{
    bool is_empty;
    TRY(target_is_empty(copying->target, copying->texts, &is_empty, fault));
    if (!is_empty)
        return fault_set(fault, STATUS_CONFLICT, "the database that should be filled is not empty");
    TRY(target_prepare(copying->target, version, fault));
    TRY(database_read(source, sql_actor_system(), read_source, copying, fault));
    return target_finish(copying->target, fault);
}

enum status database_copy(const char *from, const char *to,
                          const struct operations_progress *progress,
                          struct operations_report *report, struct fault *fault)
{
    struct arena texts;
    struct copying copying = {.progress = progress, .report = report, .texts = &texts};
    struct database *source = NULL;
    uint32_t version;
    TRY(source_open(&source, from, &version, fault));
    arena_init(&texts, 0);
    enum status status = database_open_url(&copying.target, to, NULL, fault);
    if (status == OK) status = copy_into(&copying, source, version, fault);
    database_close(copying.target);
    database_close(source);
    arena_deinit(&texts);
    return status;
}
