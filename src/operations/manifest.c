/* manifest.c - see manifest.h. */
#include "operations/manifest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"

/* ---- out ---- */

static json_t *tables_json(const struct manifest *manifest)
{
    json_t *tables = json_array();
    for (size_t i = 0; tables && i < manifest->table_count; i++) {
        const struct manifest_table *table = &manifest->tables[i];
        if (json_array_append_new(tables, json_pack("{s:s, s:I, s:s}", "name", table->name, "rows",
                                                    (json_int_t)table->rows, "sum", table->sum)) !=
            0) {
            json_decref(tables);
            return NULL;
        }
    }
    return tables;
}

enum status manifest_append(struct buffer *out, const struct manifest *manifest,
                            struct fault *fault)
{
    char created[MOMENT_TEXT_BYTES];
    moment_format(manifest->created_us, created);
    json_t *json = json_pack("{s:i, s:s, s:s, s:i, s:o, s:I, s:s}", "format", MANIFEST_FORMAT,
                             "program", manifest->program, "created", created, "schema_version",
                             (int)manifest->schema_version, "tables", tables_json(manifest),
                             "files", (json_int_t)manifest->files, "sum", manifest->sum);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a backup's manifest");
    buffer_append_string(out, text);
    buffer_append_char(out, '\n');
    free(text);
    return buffer_status(out, fault);
}

/* ---- in ---- */

static bool take_sum(const json_t *json, char sum[MANIFEST_SUM_BYTES])
{
    const char *text = json_string_value(json);
    if (!text || strlen(text) != MANIFEST_SUM_BYTES - 1 ||
        strspn(text, "0123456789abcdef") != MANIFEST_SUM_BYTES - 1)
        return false;
    memcpy(sum, text, MANIFEST_SUM_BYTES);
    return true;
}

static bool take_count(const json_t *json, uint64_t *count)
{
    json_int_t value = json_integer_value(json);
    *count = (uint64_t)value;
    return json_is_integer(json) && value >= 0;
}

static bool take_string(const json_t *json, struct arena *job, const char **string)
{
    *string = json_is_string(json)
                  ? arena_copy(job, json_string_value(json), json_string_length(json))
                  : NULL;
    return *string != NULL;
}

static bool take_tables(const json_t *json, struct arena *job, struct manifest *manifest)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json)) return false;
    manifest->tables = arena_alloc_array(job, count + 1, sizeof *manifest->tables);
    if (!manifest->tables) return false;
    for (; manifest->table_count < count; manifest->table_count++) {
        const json_t *item = json_array_get(json, manifest->table_count);
        struct manifest_table *table = &manifest->tables[manifest->table_count];
        if (!take_string(json_object_get(item, "name"), job, &table->name) ||
            !take_count(json_object_get(item, "rows"), &table->rows) ||
            !take_sum(json_object_get(item, "sum"), table->sum))
            return false;
    }
    return true;
}

static bool take_all(const json_t *json, struct arena *job, struct manifest *manifest)
{
    uint64_t version;
    const char *created;
    bool good = take_string(json_object_get(json, "program"), job, &manifest->program) &&
                take_string(json_object_get(json, "created"), job, &created) &&
                moment_parse(text_of(created), &manifest->created_us) &&
                take_count(json_object_get(json, "schema_version"), &version) &&
                version <= UINT32_MAX &&
                take_tables(json_object_get(json, "tables"), job, manifest) &&
                take_count(json_object_get(json, "files"), &manifest->files) &&
                take_sum(json_object_get(json, "sum"), manifest->sum);
    manifest->schema_version = good ? (uint32_t)version : 0;
    return good;
}

enum status manifest_parse(struct text text, struct arena *job, struct manifest *manifest,
                           struct fault *fault)
{
    *manifest = (struct manifest){0};
    json_t *json = json_loadb(text.data, text.length, 0, NULL);
    json_int_t format = json_integer_value(json_object_get(json, "format"));
    enum status status = OK;
    if (format > MANIFEST_FORMAT)
        status = fault_set(fault, STATUS_UNSUPPORTED,
                           "this backup is of a newer Liminal (format %" JSON_INTEGER_FORMAT
                           "): use that one",
                           format);
    else if (format < 1 || !take_all(json, job, manifest))
        status = fault_set(fault, STATUS_CORRUPT, "the manifest of this backup is damaged");
    json_decref(json);
    return status;
}
