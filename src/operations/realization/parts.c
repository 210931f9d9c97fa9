/* parts.c - see parts.h. */
#include "operations/realization/parts.h"

#include <jansson.h>
#include <stdio.h>

#include "platform/platform.h"

enum status part_path(const struct schema_table *table, unsigned number,
                      char path[ARCHIVE_PATH_BYTES], struct fault *fault)
{
    int length =
        snprintf(path, ARCHIVE_PATH_BYTES, ROWS_FOLDER "%s/%06u.jsonl", table->name, number);
    if (length < ARCHIVE_PATH_BYTES && archive_path_is_safe(text_of(path))) return OK;
    return fault_set(fault, STATUS_UNSUPPORTED, "a table with the name %s can't be in a backup",
                     table->name);
}

/* {"table":"tenant","columns":[["id","uuid"],["name","text"]]} */
void part_append_columns(struct buffer *lines, const struct schema_table *table)
{
    buffer_append_string(lines, "{\"table\":");
    buffer_append_json_string(lines, text_of(table->name));
    buffer_append_string(lines, ",\"columns\":[");
    for (size_t i = 0; i < table->column_count; i++) {
        buffer_append_string(lines, i ? ",[" : "[");
        buffer_append_json_string(lines, text_of(table->columns[i].name));
        buffer_printf(lines, ",\"%s\"]", schema_type_name(table->columns[i].type));
    }
    buffer_append_string(lines, "]}\n");
}

static bool take_name(const json_t *json, struct arena *job, const char **name)
{
    *name = json_is_string(json)
                ? arena_copy(job, json_string_value(json), json_string_length(json))
                : NULL;
    return *name != NULL;
}

static bool take_columns(const json_t *columns, struct arena *job, struct schema_table *table)
{
    size_t count = json_array_size(columns);
    table->columns = arena_alloc_array(job, count + 1, sizeof *table->columns);
    if (!table->columns || count == 0) return false;
    for (; table->column_count < count; table->column_count++) {
        const json_t *item = json_array_get(columns, table->column_count);
        struct schema_column *column = &table->columns[table->column_count];
        if (!take_name(json_array_get(item, 0), job, &column->name)) return false;
        column->type = schema_type_named(text_of(json_string_value(json_array_get(item, 1))));
        if (column->type == SQL_NULL) return false;
    }
    return true;
}

enum status part_read_columns(struct text line, struct arena *job, struct schema_table *table,
                              struct fault *fault)
{
    *table = (struct schema_table){0};
    json_t *json = json_loadb(line.data, line.length, 0, NULL);
    bool good = take_name(json_object_get(json, "table"), job, &table->name) &&
                take_columns(json_object_get(json, "columns"), job, table);
    json_decref(json);
    return good ? OK : fault_set(fault, STATUS_CORRUPT, "a part of the backup can't be read");
}

bool part_next_line(struct text *rest, struct text *line)
{
    size_t end = text_find(*rest, TEXT("\n"));
    if (end == SIZE_MAX) return false;
    *line = text_slice(*rest, 0, end);
    *rest = text_slice(*rest, end + 1, rest->length);
    return true;
}
