/* row_text.c - see row_text.h. */
#include "operations/row_text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"

/* ---- out ---- */

static bool append_base64url(struct buffer *out, struct text bytes)
{
    size_t letters = BASE64URL_BYTES(bytes.length);
    if (!buffer_reserve(out, letters + 1)) return false;
    base64url_encode(bytes.data, bytes.length, out->data + out->length);
    out->length += letters;
    return true;
}

static int append_dumped(const char *bytes, size_t length, void *argument)
{
    struct buffer *out = argument;
    buffer_append(out, bytes, length);
    return out->failed ? -1 : 0;
}

static void append_json_value(struct buffer *out, const json_t *value, size_t flags)
{
    if (!value || json_dump_callback(value, append_dumped, out, flags | JSON_ENCODE_ANY) != 0)
        out->failed = true;
}

/* Text that is not UTF-8, which only SQLite would take, goes as its bytes. */
static void append_text(struct buffer *out, struct text text)
{
    json_t *string = json_stringn(text.data ? text.data : "", text.length);
    if (string) {
        append_json_value(out, string, 0);
    } else {
        buffer_append_string(out, "{\"bytes\":\"");
        append_base64url(out, text);
        buffer_append_string(out, "\"}");
    }
    json_decref(string);
}

/* PostgreSQL knows no -0 in JSON. */
static void unsign_zeros(json_t *value)
{
    const char *key;
    size_t index;
    json_t *item;
    if (json_is_real(value) && json_real_value(value) == 0) json_real_set(value, 0);
    if (json_is_object(value)) json_object_foreach(value, key, item) unsign_zeros(item);
    if (json_is_array(value)) json_array_foreach(value, index, item) unsign_zeros(item);
}

/* What PostgreSQL's jsonb keeps of a JSON text, and nothing else. */
static void append_canonical_json(struct buffer *out, struct text text)
{
    json_t *value = json_loadb(text.data ? text.data : "", text.length,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    if (!value) {
        append_text(out, text);
        return;
    }
    unsign_zeros(value);
    append_json_value(out, value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(value);
}

/* Always with a point or an exponent, so that -0 does not come back as the integer 0; SQLite knows
 * no -0 in its files. */
static void append_real(struct buffer *out, double real, enum row_form form)
{
    char digits[40];
    if (!isfinite(real)) {
        buffer_printf(out, "\"%s\"", isnan(real) ? "nan" : real > 0 ? "inf" : "-inf");
        return;
    }
    if (form == ROW_CANONICAL && real == 0) real = 0;
    snprintf(digits, sizeof digits, "%.17g", real);
    buffer_append_string(out, digits);
    if (!strpbrk(digits, ".e")) buffer_append_string(out, ".0");
}

static void append_value(struct buffer *out, const struct sql_value *value, enum row_form form)
{
    char uuid[UUID_TEXT_BYTES];
    if (value->is_null) {
        buffer_append_string(out, "null");
        return;
    }
    switch (value->type) {
    case SQL_NULL: buffer_append_string(out, "null"); return;
    case SQL_BOOL: buffer_append_string(out, value->boolean ? "true" : "false"); return;
    case SQL_INTEGER:
    case SQL_TIME: buffer_printf(out, "%lld", (long long)value->integer); return;
    case SQL_REAL: append_real(out, value->real, form); return;
    case SQL_TEXT: append_text(out, value->text); return;
    case SQL_JSON:
        if (form == ROW_CANONICAL)
            append_canonical_json(out, value->text);
        else
            append_text(out, value->text);
        return;
    case SQL_BLOB:
        buffer_append_char(out, '"');
        append_base64url(out, value->text);
        buffer_append_char(out, '"');
        return;
    case SQL_UUID:
        uuid_format(value->uuid, uuid);
        buffer_printf(out, "\"%s\"", uuid);
        return;
    }
}

enum status row_text_append(struct buffer *out, const struct schema_table *table,
                            const struct sql_value *values, enum row_form form, struct fault *fault)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct schema_column *column = &table->columns[i];
        if (!values[i].is_null && values[i].type != column->type)
            return fault_set(fault, STATUS_CORRUPT,
                             "%s.%s holds a value of type %s where %s belongs", table->name,
                             column->name, schema_type_name(values[i].type),
                             schema_type_name(column->type));
        buffer_append_char(out, i ? ',' : '[');
        append_value(out, &values[i], form);
    }
    buffer_append_string(out, "]\n");
    return buffer_status(out, fault);
}

/* ---- in ---- */

static bool copy_text(struct text text, struct arena *job, struct text *out)
{
    char *copy = arena_copy(job, text.data, text.length);
    *out = (struct text){copy, text.length};
    return copy != NULL;
}

static bool string_of(const json_t *json, struct text *text)
{
    if (!json_is_string(json)) return false;
    *text = (struct text){json_string_value(json), json_string_length(json)};
    return true;
}

static bool take_bytes(const json_t *json, struct arena *job, struct text *out)
{
    struct text letters;
    if (!string_of(json, &letters)) return false;
    size_t length = letters.length * 3 / 4;
    char *bytes = arena_alloc(job, length + 1);
    *out = (struct text){bytes, length};
    return bytes && base64url_decode(letters, bytes, length);
}

static bool take_text(const json_t *json, struct arena *job, struct text *out)
{
    struct text text;
    if (json_is_object(json)) return take_bytes(json_object_get(json, "bytes"), job, out);
    return string_of(json, &text) && copy_text(text, job, out);
}

static bool take_real(const json_t *json, double *real)
{
    if (json_is_number(json)) {
        *real = json_number_value(json);
        return true;
    }
    static const char *const names[] = {"nan", "inf", "-inf"};
    for (size_t i = 0; json_is_string(json) && i < ARRAY_COUNT(names); i++)
        if (strcmp(json_string_value(json), names[i]) == 0) {
            *real = strtod(names[i], NULL);
            return true;
        }
    return false;
}

static bool take_value(const json_t *json, enum sql_type type, struct arena *job,
                       struct sql_value *value)
{
    struct text text;
    *value = (struct sql_value){.type = type, .is_null = json_is_null(json)};
    if (value->is_null) return true;
    switch (type) {
    case SQL_NULL: return false;
    case SQL_BOOL: value->boolean = json_is_true(json); return json_is_boolean(json);
    case SQL_INTEGER:
    case SQL_TIME: value->integer = json_integer_value(json); return json_is_integer(json);
    case SQL_REAL: return take_real(json, &value->real);
    case SQL_TEXT:
    case SQL_JSON: return take_text(json, job, &value->text);
    case SQL_BLOB: return take_bytes(json, job, &value->text);
    case SQL_UUID: return string_of(json, &text) && uuid_parse(text, &value->uuid);
    }
    return false;
}

enum status row_text_parse(struct text line, const enum sql_type *types, size_t count,
                           struct arena *job, struct sql_value *values, struct fault *fault)
{
    json_t *row = json_loadb(line.data, line.length, JSON_ALLOW_NUL, NULL);
    bool good = json_is_array(row) && json_array_size(row) == count;
    for (size_t i = 0; good && i < count; i++)
        good = take_value(json_array_get(row, i), types[i], job, &values[i]);
    json_decref(row);
    return good ? OK : fault_set(fault, STATUS_CORRUPT, "a row that can't be read");
}
