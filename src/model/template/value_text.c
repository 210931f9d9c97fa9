/* value_text.c - values as text: Python's str() and repr(), JSON in and out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/template/unicode.h"
#include "model/template/value.h"

void jinja_append_float(struct buffer *out, double real)
{
    if (isnan(real)) {
        buffer_append_string(out, "nan");
        return;
    }
    if (isinf(real)) {
        buffer_append_string(out, real < 0 ? "-inf" : "inf");
        return;
    }
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision - 1, real);
        if (strtod(digits, NULL) == real) break;
    }
    char *mark = strchr(digits, 'e');
    int exponent = atoi(mark + 1);
    if (exponent < -4 || exponent >= 16) {
        buffer_append(out, digits, (size_t)(mark - digits));
        buffer_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    /* The digits behind the point: those of the mantissa moved by the exponent, at least one. */
    int mantissa = (int)(mark - digits) - (digits[0] == '-');
    int decimals = (mantissa > 1 ? mantissa - 2 : 0) - exponent;
    buffer_printf(out, "%.*f", decimals > 0 ? decimals : 1, real);
}

static void append_quoted(struct buffer *out, struct text t)
{
    bool single = memchr(t.data, '\'', t.length), twice = memchr(t.data, '"', t.length);
    char quote = single && !twice ? '"' : '\'';
    buffer_append_char(out, quote);
    for (size_t at = 0; at < t.length;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(t.data + at, t.length - at, &c);
        if (!bytes) bytes = 1;
        if (c == (uint32_t)quote || c == '\\')
            buffer_printf(out, "\\%c", (char)c);
        else if (c == '\n')
            buffer_append_string(out, "\\n");
        else if (c == '\r')
            buffer_append_string(out, "\\r");
        else if (c == '\t')
            buffer_append_string(out, "\\t");
        else if (jinja_is_printable(c))
            buffer_append(out, t.data + at, bytes);
        else
            buffer_printf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
        at += bytes;
    }
    buffer_append_char(out, quote);
}

static bool append_repr(struct buffer *out, struct value value, int depth);

static bool append_items(struct buffer *out, const struct list *list, int depth)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i) buffer_append_string(out, ", ");
        if (!append_repr(out, list->items[i], depth)) return false;
    }
    return true;
}

static bool append_entries(struct buffer *out, const struct dict *dict, int depth)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < dict->count; i++) {
        if (i) buffer_append_string(out, ", ");
        if (!append_repr(out, dict->entries[i].key, depth)) return false;
        buffer_append_string(out, ": ");
        if (!append_repr(out, dict->entries[i].value, depth)) return false;
    }
    buffer_append_char(out, '}');
    return true;
}

static bool append_repr(struct buffer *out, struct value value, int depth)
{
    if (depth >= JINJA_VALUE_DEPTH_MAX || out->failed) return false;
    switch (value.kind) {
    case VALUE_UNDEFINED: buffer_append_string(out, "Undefined"); return true;
    case VALUE_NONE: buffer_append_string(out, "None"); return true;
    case VALUE_BOOL: buffer_append_string(out, value.boolean ? "True" : "False"); return true;
    case VALUE_INT: buffer_printf(out, "%lld", (long long)value.integer); return true;
    case VALUE_FLOAT: jinja_append_float(out, value.real); return true;
    case VALUE_STRING: append_quoted(out, value.string); return true;
    case VALUE_LIST:
        buffer_append_char(out, '[');
        if (!append_items(out, value.list, depth + 1)) return false;
        buffer_append_char(out, ']');
        return true;
    case VALUE_TUPLE:
        buffer_append_char(out, '(');
        if (!append_items(out, value.list, depth + 1)) return false;
        buffer_append_string(out, value.list->count == 1 ? ",)" : ")");
        return true;
    case VALUE_DICT: return append_entries(out, value.dict, depth + 1);
    default: return false; /* functions; namespaces, which may contain themselves */
    }
}

bool jinja_append_repr(struct buffer *out, struct value value)
{
    return append_repr(out, value, 0);
}

bool jinja_append_str(struct buffer *out, struct value value)
{
    if (value.kind == VALUE_UNDEFINED) return true;
    if (value.kind == VALUE_STRING) {
        buffer_append_text(out, value.string);
        return true;
    }
    return append_repr(out, value, 0);
}

static void append_json_string(struct buffer *out, struct text t, bool ascii)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    buffer_append_char(out, '"');
    for (size_t at = 0; at < t.length;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(t.data + at, t.length - at, &c);
        if (!bytes) bytes = 1;
        const char *escape = NULL;
        for (const char *pair = escapes; *pair; pair += 2)
            if (c == (unsigned char)*pair) escape = pair + 1;
        if (escape)
            buffer_printf(out, "\\%c", *escape);
        else if (c < 0x20 || (ascii && c >= 0x7F && c < 0x10000))
            buffer_printf(out, "\\u%04x", c);
        else if (ascii && c >= 0x10000)
            buffer_printf(out, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
        else
            buffer_append(out, t.data + at, bytes);
        at += bytes;
    }
    buffer_append_char(out, '"');
}

struct json_writer {
    struct buffer *out;
    const struct json_style *style;
    struct value *culprit;
    struct text item_separator, key_separator;
};

static void break_line(const struct json_writer *writer, int depth)
{
    if (!writer->style->indented) return;
    buffer_append_char(writer->out, '\n');
    for (int level = 0; level < depth; level++)
        buffer_append_text(writer->out, writer->style->indent);
}

static bool write_scalar(const struct json_writer *writer, struct value value)
{
    struct buffer *out = writer->out;
    switch (value.kind) {
    case VALUE_NONE: buffer_append_string(out, "null"); return true;
    case VALUE_BOOL: buffer_append_string(out, value.boolean ? "true" : "false"); return true;
    case VALUE_INT: buffer_printf(out, "%lld", (long long)value.integer); return true;
    case VALUE_FLOAT:
        if (isnan(value.real))
            buffer_append_string(out, "NaN");
        else if (isinf(value.real))
            buffer_append_string(out, value.real < 0 ? "-Infinity" : "Infinity");
        else
            jinja_append_float(out, value.real);
        return true;
    case VALUE_STRING: append_json_string(out, value.string, writer->style->ascii); return true;
    default: *writer->culprit = value; return false;
    }
}

/* JSON's keys are strings: Python writes a number or None as the string of its JSON. */
static bool write_key(const struct json_writer *writer, struct value key)
{
    if (key.kind == VALUE_STRING) return write_scalar(writer, key);
    buffer_append_char(writer->out, '"');
    bool written = write_scalar(writer, key);
    buffer_append_char(writer->out, '"');
    return written;
}

static bool write_json(const struct json_writer *writer, struct value value, int depth);

static bool write_list(const struct json_writer *writer, const struct list *list, int depth)
{
    buffer_append_char(writer->out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i) buffer_append_text(writer->out, writer->item_separator);
        break_line(writer, depth + 1);
        if (!write_json(writer, list->items[i], depth + 1)) return false;
    }
    if (list->count) break_line(writer, depth);
    buffer_append_char(writer->out, ']');
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct dict_entry *x = a, *y = b;
    int order = 0;
    return jinja_compare(x->key, y->key, &order) ? order : 0;
}

static bool write_dict(const struct json_writer *writer, const struct dict *dict, int depth)
{
    struct dict_entry *entries = dict->entries, *sorted = NULL;
    if (writer->style->sort_keys && dict->count > 1) {
        sorted = malloc(dict->count * sizeof *sorted);
        if (!sorted) {
            writer->out->failed = true;
            return false;
        }
        memcpy(sorted, entries, dict->count * sizeof *sorted);
        qsort(sorted, dict->count, sizeof *sorted, compare_entries);
        entries = sorted;
    }
    bool written = true;
    buffer_append_char(writer->out, '{');
    for (size_t i = 0; written && i < dict->count; i++) {
        if (i) buffer_append_text(writer->out, writer->item_separator);
        break_line(writer, depth + 1);
        written = write_key(writer, entries[i].key);
        buffer_append_text(writer->out, writer->key_separator);
        written = written && write_json(writer, entries[i].value, depth + 1);
    }
    if (dict->count) break_line(writer, depth);
    buffer_append_char(writer->out, '}');
    free(sorted);
    return written;
}

static bool write_json(const struct json_writer *writer, struct value value, int depth)
{
    if (writer->out->failed) return false;
    if (depth >= JINJA_VALUE_DEPTH_MAX) {
        *writer->culprit = value;
        return false;
    }
    if (value.kind == VALUE_LIST || value.kind == VALUE_TUPLE)
        return write_list(writer, value.list, depth);
    if (value.kind == VALUE_DICT) return write_dict(writer, value.dict, depth);
    return write_scalar(writer, value);
}

bool jinja_append_json(struct buffer *out, struct value value, const struct json_style *style,
                       struct value *culprit)
{
    struct json_writer writer = {.out = out,
                                 .style = style,
                                 .culprit = culprit,
                                 .item_separator = style->item_separator,
                                 .key_separator = style->key_separator};
    if (!writer.item_separator.data)
        writer.item_separator = style->indented ? TEXT(",") : TEXT(", ");
    if (!writer.key_separator.data) writer.key_separator = TEXT(": ");
    *culprit = (struct value){0};
    return write_json(&writer, value, 0);
}

static enum status from_json(struct arena *arena, const json_t *json, int depth,
                             struct value *value);

static enum status list_from_json(struct arena *arena, const json_t *json, int depth,
                                  struct value *value)
{
    size_t count = json_array_size(json);
    *value = jinja_list_new(arena, VALUE_LIST, count);
    if (!value->kind) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct value item;
        TRY(from_json(arena, json_array_get(json, i), depth, &item));
        if (!jinja_list_add(arena, value->list, item)) return STATUS_NO_MEMORY;
    }
    return OK;
}

static enum status dict_from_json(struct arena *arena, const json_t *json, int depth,
                                  struct value *value)
{
    *value = jinja_dict_new(arena, VALUE_DICT, json_object_size(json));
    if (!value->kind) return STATUS_NO_MEMORY;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)json, key, member)
    {
        struct value item;
        TRY(from_json(arena, member, depth, &item));
        if (!jinja_dict_add(arena, value->dict, jinja_string(text_of(key)), item))
            return STATUS_NO_MEMORY;
    }
    return OK;
}

static enum status from_json(struct arena *arena, const json_t *json, int depth,
                             struct value *value)
{
    if (depth >= JINJA_VALUE_DEPTH_MAX) return STATUS_TOO_LARGE;
    switch (json_typeof(json)) {
    case JSON_OBJECT: return dict_from_json(arena, json, depth + 1, value);
    case JSON_ARRAY: return list_from_json(arena, json, depth + 1, value);
    case JSON_STRING:
        *value = jinja_string((struct text){json_string_value(json), json_string_length(json)});
        return OK;
    case JSON_INTEGER: *value = jinja_int(json_integer_value(json)); return OK;
    case JSON_REAL: *value = jinja_float(json_real_value(json)); return OK;
    case JSON_TRUE: *value = jinja_bool(true); return OK;
    case JSON_FALSE: *value = jinja_bool(false); return OK;
    case JSON_NULL: *value = jinja_none(); return OK;
    }
    return STATUS_INTERNAL;
}

enum status jinja_from_json(struct arena *arena, const json_t *json, struct value *value)
{
    return from_json(arena, json, 0, value);
}
