/* schema.c - see schema.h. */
#include "storage/schema.h"

#include <string.h>

/* ---- types ---- */

enum sql_type schema_declared_type(struct text declared)
{
    static const struct {
        const char *name;
        enum sql_type type;
    } types[] = {
        {"uuid", SQL_UUID},
        {"timestamp", SQL_TIME},
        {"timestamp with time zone", SQL_TIME},
        {"boolean", SQL_BOOL},
        {"json_text", SQL_JSON},
        {"json", SQL_JSON},
        {"jsonb", SQL_JSON},
        {"text", SQL_TEXT},
        {"character varying", SQL_TEXT},
        {"blob", SQL_BLOB},
        {"bytea", SQL_BLOB},
        {"bigint", SQL_INTEGER},
        {"integer", SQL_INTEGER},
        {"smallint", SQL_INTEGER},
        {"real", SQL_REAL},
        {"double", SQL_REAL},
        {"double precision", SQL_REAL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        if (text_equal_ignore_case(declared, text_of(types[i].name))) return types[i].type;
    return SQL_NULL;
}

static const char *const type_names[] = {
    [SQL_NULL] = "null", [SQL_BOOL] = "bool", [SQL_INTEGER] = "integer",
    [SQL_REAL] = "real", [SQL_TEXT] = "text", [SQL_BLOB] = "blob",
    [SQL_UUID] = "uuid", [SQL_TIME] = "time", [SQL_JSON] = "json",
};

const char *schema_type_name(enum sql_type type)
{
    return type_names[type];
}

enum sql_type schema_type_named(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(type_names); i++)
        if (text_equal(name, text_of(type_names[i]))) return (enum sql_type)i;
    return SQL_NULL;
}

/* ---- order ---- */

bool schema_reference_is_backward(const struct schema_reference *reference)
{
    return reference->to >= reference->from;
}

const struct schema_table *schema_find(const struct schema *schema, struct text name)
{
    for (size_t i = 0; i < schema->table_count; i++)
        if (text_equal(name, text_of(schema->tables[i].name))) return &schema->tables[i];
    return NULL;
}

enum { NOT_PLACED = -1 };

/* Does it refer to another that has no place yet? */
static bool waits(const struct schema *schema, size_t table, const long *place)
{
    for (size_t i = 0; i < schema->reference_count; i++) {
        const struct schema_reference *reference = &schema->references[i];
        if (reference->from == table && reference->to != table &&
            place[reference->to] == NOT_PLACED)
            return true;
    }
    return false;
}

/* The first by name of those that wait for nothing; in a circle the first by name. */
static size_t choose_next(const struct schema *schema, const long *place)
{
    size_t best = SIZE_MAX;
    bool best_waits = true;
    for (size_t i = 0; i < schema->table_count; i++) {
        if (place[i] != NOT_PLACED) continue;
        bool does_wait = waits(schema, i, place);
        bool is_better = best == SIZE_MAX || (best_waits && !does_wait) ||
                         (best_waits == does_wait &&
                          strcmp(schema->tables[i].name, schema->tables[best].name) < 0);
        if (!is_better) continue;
        best = i;
        best_waits = does_wait;
    }
    return best;
}

bool schema_sort(struct schema *schema, struct arena *job)
{
    struct schema_table *sorted = arena_alloc_array(job, schema->table_count + 1, sizeof *sorted);
    long *place = arena_alloc_array(job, schema->table_count + 1, sizeof *place);
    if (!sorted || !place) return false;
    for (size_t i = 0; i < schema->table_count; i++) place[i] = NOT_PLACED;
    for (size_t at = 0; at < schema->table_count; at++) {
        size_t next = choose_next(schema, place);
        place[next] = (long)at;
        sorted[at] = schema->tables[next];
    }
    schema->tables = sorted;
    for (size_t i = 0; i < schema->reference_count; i++) {
        struct schema_reference *reference = &schema->references[i];
        reference->from = (size_t)place[reference->from];
        reference->to = (size_t)place[reference->to];
    }
    return true;
}
