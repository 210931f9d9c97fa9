/* table_rows.c - see table_rows.h. A page is asked for by the key of the row before it, so that
 * each costs the same however large the table is. */
#include "operations/realization/table_rows.h"

#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

enum {
    PAGE_FIRST = 32,
    PAGE_LARGEST = 256,
    PAGE_BYTES = 4 << 20, /* pages of more shrink, of less than a quarter grow */
    KEY_LARGEST = 8,
};

/* ---- statements ---- */

static void append_name(struct buffer *sql, const char *name)
{
    buffer_append_char(sql, '"');
    for (; *name; name++) {
        if (*name == '"') buffer_append_char(sql, '"');
        buffer_append_char(sql, *name);
    }
    buffer_append_char(sql, '"');
}

static void append_key(struct buffer *sql, const struct schema_table *table)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if (i) buffer_append_string(sql, ", ");
        append_name(sql, table->columns[table->key[i]].name);
    }
}

static void append_columns(struct buffer *sql, const struct schema_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (i) buffer_append_string(sql, ", ");
        append_name(sql, table->columns[i].name);
    }
}

static void append_parameters(struct buffer *sql, size_t count)
{
    for (size_t i = 1; i <= count; i++) buffer_printf(sql, i == 1 ? "$%zu" : ", $%zu", i);
}

static void append_page(struct buffer *sql, const struct schema_table *table, bool is_first)
{
    buffer_append_string(sql, "SELECT ");
    append_columns(sql, table);
    buffer_append_string(sql, " FROM ");
    append_name(sql, table->name);
    if (!is_first) {
        buffer_append_string(sql, " WHERE (");
        append_key(sql, table);
        buffer_append_string(sql, ") > (");
        append_parameters(sql, table->key_count);
        buffer_append_string(sql, ")");
    }
    buffer_append_string(sql, " ORDER BY ");
    append_key(sql, table);
    buffer_printf(sql, " LIMIT $%zu", is_first ? 1 : table->key_count + 1);
}

static void append_insert(struct buffer *sql, const struct schema_table *table)
{
    buffer_append_string(sql, "INSERT INTO ");
    append_name(sql, table->name);
    buffer_append_string(sql, " (");
    append_columns(sql, table);
    buffer_append_string(sql, ") VALUES (");
    append_parameters(sql, table->column_count);
    buffer_append_string(sql, ")");
}

/* What was appended since the last call, as a string of its own. */
static bool take_statement(struct buffer *sql, struct arena *texts, const char **statement)
{
    *statement = sql->failed ? NULL : arena_copy(texts, sql->data, sql->length);
    buffer_clear(sql);
    return *statement != NULL;
}

bool table_statements_make(struct table_statements *statements, const struct schema_table *table,
                           struct arena *texts)
{
    struct buffer sql;
    buffer_init(&sql);
    append_page(&sql, table, true);
    bool good = take_statement(&sql, texts, &statements->first);
    append_page(&sql, table, false);
    good = good && take_statement(&sql, texts, &statements->next);
    append_insert(&sql, table);
    good = good && take_statement(&sql, texts, &statements->insert);
    buffer_append_string(&sql, "DELETE FROM ");
    append_name(&sql, table->name);
    good = good && take_statement(&sql, texts, &statements->clear);
    buffer_append_string(&sql, "SELECT count(*) FROM ");
    append_name(&sql, table->name);
    good = good && take_statement(&sql, texts, &statements->count);
    buffer_deinit(&sql);
    return good;
}

/* ---- reading ---- */

static size_t next_page(size_t page, size_t bytes)
{
    if (bytes > PAGE_BYTES && page > 1) return page / 2;
    if (bytes < PAGE_BYTES / 4 && page < PAGE_LARGEST) return page * 2;
    return page;
}

enum status table_read(struct transaction *transaction, const struct schema_table *table,
                       const struct table_statements *statements, table_visit *visit,
                       void *argument, struct fault *fault)
{
    struct arena pages[2]; /* the key in one is a parameter for the other */
    struct sql_value parameters[KEY_LARGEST + 1];
    size_t page = PAGE_FIRST, known = 0; /* how much of a key is known */
    if (table->key_count > KEY_LARGEST)
        return fault_set(fault, STATUS_UNSUPPORTED, "the key of %s has too many columns",
                         table->name);
    arena_init(&pages[0], 0);
    arena_init(&pages[1], 0);
    enum status status = OK;
    for (unsigned turn = 0; status == OK; turn ^= 1) {
        struct sql_rows rows;
        arena_deinit(&pages[turn]);
        arena_init(&pages[turn], 0);
        parameters[known] = sql_integer((int64_t)page);
        TRY_DONE(sql_query(transaction, &pages[turn], &rows,
                           known ? statements->next : statements->first, parameters, known + 1,
                           fault));
        if (rows.count == 0) break;
        TRY_DONE(visit(argument, &rows, fault));
        if (rows.count < page) break;
        known = table->key_count;
        for (size_t i = 0; i < known; i++)
            parameters[i] = *sql_at(&rows, rows.count - 1, table->key[i]);
        page = next_page(page, pages[turn].used_bytes);
    }
done:
    arena_deinit(&pages[0]);
    arena_deinit(&pages[1]);
    return status;
}

enum status table_count(struct transaction *transaction, const struct table_statements *statements,
                        uint64_t *rows, struct fault *fault)
{
    struct sql_rows answer;
    TRY(sql_query(transaction, sql_job(transaction), &answer, statements->count, NULL, 0, fault));
    *rows = (uint64_t)sql_at(&answer, 0, 0)->integer;
    return OK;
}

/* ---- writing ---- */

/* Nulls take their column's type, so that all rows are one statement to PostgreSQL. */
static void copy_typed(const struct schema_table *table, const struct sql_value *values,
                       struct sql_value *typed, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < table->column_count; i++, values++, typed++)
            *typed = values->is_null ? sql_null(table->columns[i].type) : *values;
}

enum status table_insert(struct transaction *transaction, const struct schema_table *table,
                         const struct table_statements *statements, const struct sql_value *values,
                         size_t count, struct fault *fault)
{
    const size_t columns = table->column_count;
    struct sql_value *typed = calloc(PAGE_LARGEST * columns, sizeof *typed);
    enum status status =
        typed ? OK : fault_set(fault, STATUS_NO_MEMORY, "no memory for rows to be moved");
    for (size_t from = 0; status == OK && from < count; from += PAGE_LARGEST) {
        size_t rows = count - from < PAGE_LARGEST ? count - from : PAGE_LARGEST;
        copy_typed(table, values + from * columns, typed, rows);
        status = sql_execute_rows(transaction, statements->insert, typed, columns, rows, fault);
        if (status != OK) fault_prefix(fault, "%s", table->name);
    }
    free(typed);
    return status;
}

/* ---- sums ---- */

static void add_digest(unsigned char sum[32], const unsigned char digest[32])
{
    unsigned carry = 0;
    for (size_t i = 32; i > 0; i--) {
        carry += (unsigned)sum[i - 1] + digest[i - 1];
        sum[i - 1] = (unsigned char)carry;
        carry >>= 8;
    }
}

enum status table_sum_add(struct table_sum *sum, const struct schema_table *table,
                          const struct sql_rows *rows, struct fault *fault)
{
    struct buffer line;
    enum status status = OK;
    buffer_init(&line);
    for (size_t row = 0; status == OK && row < rows->count; row++) {
        unsigned char digest[32];
        buffer_clear(&line);
        TRY_DONE(row_text_append(&line, table, sql_at(rows, row, 0), ROW_CANONICAL, fault));
        struct sha256 *sha = sha256_new();
        if (!sha) {
            status = fault_set(fault, STATUS_NO_MEMORY, "no memory for a checksum");
            break;
        }
        sha256_update(sha, line.data, line.length);
        sha256_final_free(sha, digest);
        add_digest(sum->digest, digest);
        sum->rows++;
    }
done:
    buffer_deinit(&line);
    return status;
}

bool table_sum_equal(const struct table_sum *a, const struct table_sum *b)
{
    return a->rows == b->rows && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}
