/* catalogue.c - see catalogue.h. Both dialects' catalogues are asked for rows of the same shape. */
#include "storage/realization/catalogue.h"

/* Virtual tables, their shadows and views are not data: what they hold follows from tables. */
#define SQLITE_TABLES                                                                       \
    "pragma_table_list t WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE " \
    "'sqlite\\_%' ESCAPE '\\' AND t.name <> 'schema_migration'"
#define POSTGRES_TABLES                                                                    \
    " WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = "               \
    "current_schema()) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname" \
    " <> 'schema_migration' "

/* table, column, type, "never null" and "only where it lies" or "follows from others" as 0 or 1 */
static const char *const columns_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] = "WITH t AS (SELECT name FROM " SQLITE_TABLES
                   ")"
                   " SELECT t.name, c.name, c.type, c.\"notnull\" <> 0 OR c.pk <> 0,"
                   " c.hidden <> 0 OR (c.pk = 1 AND upper(c.type) = 'INTEGER' AND NOT EXISTS"
                   " (SELECT 1 FROM pragma_table_xinfo(t.name) other WHERE other.pk = 2))"
                   " FROM t, pragma_table_xinfo(t.name) c ORDER BY t.name, c.cid",
    [SQL_POSTGRES] =
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull::int,"
        " (a.attgenerated <> '')::int FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " AND a.attnum > 0 AND NOT a.attisdropped" POSTGRES_TABLES "ORDER BY c.relname, a.attnum",
};

/* table, unique index, column (null for an expression); primary keys first */
static const char *const keys_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] = "WITH t AS (SELECT name FROM " SQLITE_TABLES
                   ")"
                   " SELECT t.name, i.name, x.name FROM t, pragma_index_list(t.name) i,"
                   " pragma_index_info(i.name) x WHERE i.\"unique\" AND NOT i.partial"
                   " ORDER BY t.name, i.origin <> 'pk', i.name, x.seqno",
    [SQL_POSTGRES] =
        "SELECT c.relname, i.relname, a.attname FROM pg_class c JOIN pg_index x ON x.indrelid ="
        " c.oid AND x.indisunique AND x.indpred IS NULL JOIN pg_class i ON i.oid = x.indexrelid"
        " CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (attnum, at)"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND a.attnum > "
        "0" POSTGRES_TABLES
        "AND k.at <= x.indnkeyatts ORDER BY c.relname, NOT x.indisprimary, i.relname, k.at",
};

/* table, the table it refers to, constraint */
static const char *const references_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "WITH t AS (SELECT name FROM " SQLITE_TABLES
        ")"
        " SELECT DISTINCT t.name, f.\"table\", '' FROM t, pragma_foreign_key_list(t.name) f",
    [SQL_POSTGRES] =
        "SELECT c.relname, d.relname, f.conname FROM pg_class c JOIN pg_constraint f"
        " ON f.conrelid = c.oid AND f.contype = 'f' JOIN pg_class d ON d.oid = "
        "f.confrelid" POSTGRES_TABLES,
};

struct reading {
    struct arena *job;
    struct schema *schema;
    struct fault *fault;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the database's catalogue");
}

static bool flag(const struct sql_rows *rows, size_t row, size_t column)
{
    return sql_at(rows, row, column)->integer != 0;
}

static struct text name_at(const struct sql_rows *rows, size_t row, size_t column)
{
    return sql_at(rows, row, column)->text;
}

/* Rows of one table stand together: the first row behind those that equal `row` in `column`. */
static size_t group_end(const struct sql_rows *rows, size_t row, size_t column)
{
    size_t end = row;
    while (end < rows->count && text_equal(name_at(rows, end, column), name_at(rows, row, column)))
        end++;
    return end;
}

/* ---- columns ---- */

enum { TABLE, COLUMN, TYPE, NEVER_NULL, NOT_DATA }; /* of columns_sql */

static enum status read_table(const struct reading *r, const struct sql_rows *rows, size_t from,
                              size_t to, struct schema_table *table)
{
    table->name = name_at(rows, from, TABLE).data; /* of the catalogue's arena, which adds a NUL */
    table->columns = arena_alloc_array(r->job, to - from, sizeof *table->columns);
    if (!table->columns) return no_memory(r->fault);
    for (size_t row = from; row < to; row++) {
        if (flag(rows, row, NOT_DATA)) continue;
        struct schema_column *column = &table->columns[table->column_count++];
        column->name = name_at(rows, row, COLUMN).data;
        column->type = schema_declared_type(name_at(rows, row, TYPE));
        if (column->type == SQL_NULL)
            return fault_set(r->fault, STATUS_UNSUPPORTED,
                             "the column %s.%s is of the type %.*s, which can't be moved",
                             table->name, column->name, TEXT_FORMAT(name_at(rows, row, TYPE)));
    }
    return OK;
}

static enum status read_tables(const struct reading *r, const struct sql_rows *rows)
{
    r->schema->tables = arena_alloc_array(r->job, rows->count + 1, sizeof *r->schema->tables);
    if (!r->schema->tables) return no_memory(r->fault);
    for (size_t row = 0; row < rows->count;) {
        size_t end = group_end(rows, row, TABLE);
        TRY(read_table(r, rows, row, end, &r->schema->tables[r->schema->table_count++]));
        row = end;
    }
    return OK;
}

/* ---- keys ---- */

static bool never_null(const struct sql_rows *columns, struct text table, struct text column)
{
    for (size_t row = 0; row < columns->count; row++)
        if (text_equal(name_at(columns, row, TABLE), table) &&
            text_equal(name_at(columns, row, COLUMN), column))
            return flag(columns, row, NEVER_NULL);
    return false;
}

static size_t find_column(const struct schema_table *table, struct text name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(name, text_of(table->columns[i].name))) return i;
    return SIZE_MAX;
}

/* The rows of one index as the table's key, if all its columns are data and never null. */
static enum status try_key(const struct reading *r, struct schema_table *table,
                           const struct sql_rows *columns, const struct sql_rows *keys, size_t from,
                           size_t to)
{
    size_t *key = arena_alloc_array(r->job, to - from, sizeof *key);
    if (!key) return no_memory(r->fault);
    for (size_t row = from; row < to; row++) {
        if (sql_at(keys, row, 2)->is_null) return OK;
        struct text column = name_at(keys, row, 2);
        key[row - from] = find_column(table, column);
        if (key[row - from] == SIZE_MAX || !never_null(columns, text_of(table->name), column))
            return OK;
    }
    table->key = key;
    table->key_count = to - from;
    return OK;
}

static enum status find_key(const struct reading *r, struct schema_table *table,
                            const struct sql_rows *columns, const struct sql_rows *keys)
{
    for (size_t row = 0, end; row < keys->count && !table->key; row = end) {
        for (end = row; end < group_end(keys, row, 0); end++)
            if (!text_equal(name_at(keys, end, 1), name_at(keys, row, 1))) break;
        if (text_equal(name_at(keys, row, 0), text_of(table->name)))
            TRY(try_key(r, table, columns, keys, row, end));
    }
    if (table->key) return OK;
    return fault_set(r->fault, STATUS_UNSUPPORTED,
                     "the table %s has no key whose columns are never null, so its rows can't be "
                     "moved",
                     table->name);
}

/* ---- references ---- */

static size_t index_of(const struct schema *schema, struct text name)
{
    const struct schema_table *table = schema_find(schema, name);
    return table ? (size_t)(table - schema->tables) : SIZE_MAX;
}

static enum status read_references(const struct reading *r, const struct sql_rows *rows)
{
    struct schema *schema = r->schema;
    schema->references = arena_alloc_array(r->job, rows->count + 1, sizeof *schema->references);
    if (!schema->references) return no_memory(r->fault);
    for (size_t row = 0; row < rows->count; row++) {
        struct schema_reference reference = {index_of(schema, name_at(rows, row, 0)),
                                             index_of(schema, name_at(rows, row, 1)),
                                             name_at(rows, row, 2).data};
        if (reference.from != SIZE_MAX && reference.to != SIZE_MAX)
            schema->references[schema->reference_count++] = reference;
    }
    return OK;
}

enum status catalogue_read(struct transaction *transaction, struct arena *job,
                           struct schema *schema, struct fault *fault)
{
    enum sql_dialect dialect = sql_dialect(transaction);
    struct sql_rows columns, keys, references;
    const struct reading reading = {job, schema, fault};
    *schema = (struct schema){0};
    TRY(sql_query(transaction, job, &columns, columns_sql[dialect], NULL, 0, fault));
    TRY(sql_query(transaction, job, &keys, keys_sql[dialect], NULL, 0, fault));
    TRY(sql_query(transaction, job, &references, references_sql[dialect], NULL, 0, fault));
    TRY(read_tables(&reading, &columns));
    for (size_t i = 0; i < schema->table_count; i++)
        TRY(find_key(&reading, &schema->tables[i], &columns, &keys));
    TRY(read_references(&reading, &references));
    return schema_sort(schema, job) ? OK : no_memory(fault);
}
