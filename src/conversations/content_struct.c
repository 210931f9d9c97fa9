/* content_struct.c - see content_struct.h. */
#include "conversations/content_struct.h"

#include <stdint.h>
#include <string.h>

/* ---- what there may be ---- */

enum value_kind {
    VALUE_TEXT,
    VALUE_TEXTS, /* an array of strings */
    VALUE_NUMBER,
    VALUE_POSITION, /* in the content, in characters */
    VALUE_OBJECT,
    VALUE_ANY,
};

struct key {
    const char *name;
    enum value_kind kind;
    bool is_needed; /* a segment must have one of those that are */
};

enum { KEYS_LIMIT = 8 };

static const struct segment_type {
    const char *name;
    struct key keys[KEYS_LIMIT]; /* NULL-ended */
} segment_types[] = {
    {"text",
     {{"text", VALUE_TEXT, true},
      {"start", VALUE_POSITION, false},
      {"end", VALUE_POSITION, false},
      {"tags", VALUE_TEXTS, false}}},
    {"code",
     {{"text", VALUE_TEXT, true},
      {"language", VALUE_TEXT, false},
      {"start", VALUE_POSITION, false},
      {"end", VALUE_POSITION, false},
      {"tags", VALUE_TEXTS, false}}},
    {"citation",
     {{"text", VALUE_TEXT, true},
      {"source_id", VALUE_TEXT, true},
      {"chunk_id", VALUE_TEXT, false},
      {"score", VALUE_NUMBER, false},
      {"start", VALUE_POSITION, false},
      {"end", VALUE_POSITION, false}}},
    {"tool_call",
     {{"name", VALUE_TEXT, true},
      {"arguments", VALUE_ANY, false},
      {"result", VALUE_ANY, false},
      {"status", VALUE_TEXT, false},
      {"duration_ms", VALUE_NUMBER, false}}},
    {"attachment",
     {{"kind", VALUE_TEXT, false},
      {"uri", VALUE_TEXT, true},
      {"mime", VALUE_TEXT, false},
      {"description", VALUE_TEXT, false}}},
    {"redaction",
     {{"text", VALUE_TEXT, true},
      {"reason", VALUE_TEXT, true},
      {"policy", VALUE_TEXT, true},
      {"start", VALUE_POSITION, false},
      {"end", VALUE_POSITION, false}}},
};

static const struct key meta_key = {"meta", VALUE_OBJECT, false};

static const struct segment_type *type_of(const json_t *segment)
{
    const char *name = json_string_value(json_object_get(segment, "type"));
    for (size_t i = 0; name && i < ARRAY_COUNT(segment_types); i++)
        if (strcmp(name, segment_types[i].name) == 0) return &segment_types[i];
    return NULL;
}

/* ---- values ---- */

static bool are_texts(const json_t *array)
{
    size_t index;
    const json_t *value;
    if (!json_is_array(array)) return false;
    json_array_foreach(array, index, value) if (!json_is_string(value)) return false;
    return true;
}

static bool is_of_kind(const json_t *value, enum value_kind kind)
{
    switch (kind) {
    case VALUE_TEXT: return json_is_string(value);
    case VALUE_TEXTS: return are_texts(value);
    case VALUE_NUMBER: return json_is_number(value);
    case VALUE_POSITION: return json_is_integer(value);
    case VALUE_OBJECT: return json_is_object(value);
    case VALUE_ANY: return !json_is_null(value);
    }
    return false;
}

static size_t count_characters(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
    return count;
}

/* 0 <= start <= end <= characters; one that is not there is no reason to doubt. */
static bool positions_hold(const json_t *segment, size_t characters)
{
    const json_t *start = json_object_get(segment, "start");
    const json_t *end = json_object_get(segment, "end");
    if ((start && !json_is_integer(start)) || (end && !json_is_integer(end))) return false;
    json_int_t from = start ? json_integer_value(start) : 0;
    json_int_t to = end ? json_integer_value(end) : (json_int_t)characters;
    return from >= 0 && from <= to && to <= (json_int_t)characters;
}

/* ---- segments ---- */

static bool has_positions(const struct segment_type *type)
{
    for (const struct key *key = type->keys; key->name; key++)
        if (key->kind == VALUE_POSITION) return true;
    return false;
}

/* Copies the key where it is of its kind. False without memory. */
static bool take_key(json_t *made, const json_t *segment, const struct key *key, bool *has_needed)
{
    json_t *value = json_object_get(segment, key->name);
    if (!value || !is_of_kind(value, key->kind)) return true;
    *has_needed |= key->is_needed;
    return json_object_set_new(made, key->name, json_deep_copy(value)) == 0;
}

/* *out is NULL for a segment that is none. False without memory. */
static bool take_segment(const json_t *segment, size_t characters, json_t **out)
{
    const struct segment_type *type = type_of(segment);
    *out = NULL;
    if (!type || (has_positions(type) && !positions_hold(segment, characters))) return true;
    json_t *made = json_object();
    bool has_needed = false;
    bool held = made && json_object_set_new(made, "type", json_string(type->name)) == 0;
    for (const struct key *key = type->keys; held && key->name; key++)
        held = take_key(made, segment, key, &has_needed);
    if (held) held = take_key(made, segment, &meta_key, &has_needed);
    if (held && has_needed)
        *out = made;
    else
        json_decref(made);
    return held;
}

static bool take_segments(const json_t *given, size_t characters, json_t *segments)
{
    size_t index;
    json_t *segment, *made;
    json_array_foreach(given, index, segment)
    {
        if (!take_segment(segment, characters, &made)) return false;
        if (made && json_array_append_new(segments, made) != 0) return false;
    }
    return true;
}

static bool add_plain(json_t *segments, struct text content)
{
    json_t *made = json_pack("{s:s, s:s%}", "type", "text", "text", content.data, content.length);
    return made && json_array_append_new(segments, made) == 0;
}

/* ---- the whole ---- */

static bool take_summary(const json_t *given, json_t *made)
{
    json_t *highlights = json_object_get(json_object_get(given, "summary"), "highlights");
    if (!json_is_string(highlights)) return true;
    json_t *summary = json_object();
    if (!summary || json_object_set(summary, "highlights", highlights) != 0) {
        json_decref(summary);
        return false;
    }
    return json_object_set_new(made, "summary", summary) == 0;
}

/* False without memory. */
static bool fill(const json_t *given, struct text content, json_t *made)
{
    json_t *segments = json_array();
    if (!segments || json_object_set_new(made, "segments", segments) != 0) return false;
    if (!take_segments(json_object_get(given, "segments"), count_characters(content), segments))
        return false;
    if (json_array_size(segments) == 0 && content.length && !add_plain(segments, content))
        return false;
    return take_summary(given, made);
}

enum status content_struct_normalise(const json_t *given, struct text content, json_t **out,
                                     struct fault *fault)
{
    *out = NULL;
    const json_t *segments = json_object_get(given, "segments");
    if (!json_is_object(given) || (segments && !json_is_array(segments))) return OK;
    if (json_array_size(segments) > SEGMENTS_LIMIT)
        return fault_set_param(fault, STATUS_TOO_LARGE, "content_struct.segments",
                               "content_struct has more than %d segments", SEGMENTS_LIMIT);
    json_t *made = json_object();
    if (!made || !fill(given, content, made)) {
        json_decref(made);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a message");
    }
    bool is_empty = json_array_size(json_object_get(made, "segments")) == 0 &&
                    !json_object_get(made, "summary");
    if (is_empty)
        json_decref(made);
    else
        *out = made;
    return OK;
}
