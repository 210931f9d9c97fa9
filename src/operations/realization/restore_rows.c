/* restore_rows.c - see restore_rows.h. */
#include "operations/realization/restore_rows.h"

#include <string.h>

#include "operations/realization/archive_file.h"
#include "operations/realization/parts.h"
#include "operations/realization/tables.h"

enum { BATCH_ROWS = 256, BATCH_BYTES = 4 << 20 };

/* ---- a part ---- */

/* Which column of a part is which of the table: `places` has one for each of the part's. */
static enum status match_columns(const struct schema_table *part, const struct schema_table *table,
                                 size_t *places, struct fault *fault)
{
    bool same = part->column_count == table->column_count;
    for (size_t i = 0; same && i < part->column_count; i++) {
        size_t at = 0;
        while (at < table->column_count &&
               strcmp(part->columns[i].name, table->columns[at].name) != 0)
            at++;
        same = at < table->column_count && part->columns[i].type == table->columns[at].type;
        places[i] = at;
    }
    return same ? OK
                : fault_set(fault, STATUS_CONFLICT,
                            "the columns of %s in the backup are not those of this program",
                            table->name);
}

/* A part being put in. */
struct filling {
    struct transaction *t;
    const struct moved_table *moved;
    size_t *places;
    enum sql_type *types; /* of the part's columns */
    struct sql_value *row, *values;
    size_t rows;
    struct arena batch;
    struct fault *fault;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the rows of a backup");
}

static enum status flush(struct filling *f)
{
    enum status status =
        table_insert(f->t, f->moved->table, &f->moved->statements, f->values, f->rows, f->fault);
    f->rows = 0;
    arena_deinit(&f->batch);
    arena_init(&f->batch, 0);
    return status;
}

static enum status add_row(struct filling *f, struct text line)
{
    const size_t columns = f->moved->table->column_count;
    TRY(row_text_parse(line, f->types, columns, &f->batch, f->row, f->fault));
    struct sql_value *row = f->values + f->rows * columns;
    for (size_t i = 0; i < columns; i++) row[f->places[i]] = f->row[i];
    f->rows++;
    return f->rows == BATCH_ROWS || f->batch.used_bytes > BATCH_BYTES ? flush(f) : OK;
}

static enum status fill_from_part(struct filling *f, const struct schema_table *part,
                                  struct text rest, struct arena *job)
{
    const size_t columns = part->column_count;
    struct text line;
    f->places = arena_alloc_array(job, columns, sizeof *f->places);
    f->types = arena_alloc_array(job, columns, sizeof *f->types);
    f->row = arena_alloc_array(job, columns, sizeof *f->row);
    f->values = arena_alloc_array(job, columns * BATCH_ROWS, sizeof *f->values);
    if (!f->places || !f->types || !f->row || !f->values) return no_memory(f->fault);
    TRY(match_columns(part, f->moved->table, f->places, f->fault));
    for (size_t i = 0; i < columns; i++) f->types[i] = part->columns[i].type;
    while (part_next_line(&rest, &line)) TRY(add_row(f, line));
    return flush(f);
}

/* ---- all of them ---- */

static enum status restore_part(const struct row_restore *r, const struct moved_tables *tables,
                                struct transaction *t, struct text part)
{
    struct arena job;
    struct schema_table columns;
    struct text line = TEXT("");
    struct filling filling = {.t = t, .fault = r->fault};
    arena_init(&job, 0);
    arena_init(&filling.batch, 0);
    part_next_line(&part, &line);
    enum status status = part_read_columns(line, &job, &columns, r->fault);
    if (status == OK) {
        filling.moved = tables_find(tables, text_of(columns.name));
        status = filling.moved ? fill_from_part(&filling, &columns, part, &job)
                               : fault_set(r->fault, STATUS_CONFLICT,
                                           "the backup has a table %s, which this program has not",
                                           columns.name);
    }
    arena_deinit(&filling.batch);
    arena_deinit(&job);
    return status;
}

static enum status restore_parts(const struct row_restore *r, const struct moved_tables *tables,
                                 struct transaction *t, struct archive_reader *reader)
{
    struct archive_entry entry;
    struct buffer part;
    bool found;
    buffer_init(&part);
    enum status status;
    for (;;) {
        TRY_DONE(archive_reader_next(reader, &entry, &found, r->fault));
        if (!found || strcmp(entry.path, MANIFEST_PATH) == 0) break;
        if (!text_starts_with(text_of(entry.path), TEXT(ROWS_FOLDER))) continue;
        TRY_DONE(archive_reader_take(reader, PART_LIMIT_BYTES, &part, r->fault));
        TRY_DONE(restore_part(r, tables, t, buffer_text(&part)));
    }
done:
    buffer_deinit(&part);
    return status;
}

static void digest_of_hex(const char *hex, unsigned char digest[32])
{
    static const char digits[] = "0123456789abcdef"; /* the manifest has no others */
    for (size_t i = 0; i < 32; i++)
        digest[i] = (unsigned char)((strchr(digits, hex[2 * i]) - digits) << 4 |
                                    (strchr(digits, hex[2 * i + 1]) - digits));
}

/* What the manifest promises is what target_end looks for. */
static enum status expect_sums(const struct row_restore *r, const struct moved_tables *tables)
{
    if (r->manifest->table_count != tables->schema.table_count)
        return fault_set(r->fault, STATUS_CONFLICT,
                         "the backup has %zu tables, and this program %zu",
                         r->manifest->table_count, tables->schema.table_count);
    r->report->rows = 0;
    for (size_t i = 0; i < r->manifest->table_count; i++) {
        const struct manifest_table *promised = &r->manifest->tables[i];
        struct moved_table *moved = tables_find(tables, text_of(promised->name));
        if (!moved)
            return fault_set(r->fault, STATUS_CONFLICT,
                             "the backup has a table %s, which this program has not",
                             promised->name);
        moved->sum.rows = promised->rows;
        digest_of_hex(promised->sum, moved->sum.digest);
        r->report->rows += promised->rows;
    }
    r->report->tables = r->manifest->table_count;
    return OK;
}

/* May be run again, and then reads the archive anew. */
static enum status fill(struct transaction *t, void *argument, struct fault *fault)
{
    const struct row_restore *r = argument;
    struct moved_tables tables;
    struct archive_reader reader;
    TRY(tables_open(&tables, t, r->texts, fault));
    TRY(expect_sums(r, &tables));
    TRY(target_begin(&tables, t, fault));
    enum status status = archive_reader_open(&reader, r->path, MANIFEST_PATH, r->progress, fault);
    if (status == OK) status = restore_parts(r, &tables, t, &reader);
    archive_reader_close(&reader);
    TRY(status);
    return target_end(&tables, t, fault);
}

enum status restore_rows(const struct row_restore *restore, struct database *database)
{
    return database_write(database, sql_actor_system(), fill, (void *)restore, restore->fault);
}
