/* json_schema_reference.c - what $ref means: a place in the document, by pointer, anchor or $id.
 * Other documents are not fetched, and refused by name. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum { RESOURCES_MAX = 2000, DEPTH_MAX = 200 };

/* A schema with a URI of its own: the root, and those with $id. */
struct schema_resource {
    struct text uri;
    const json_t *schema;
};

/* ---- URIs ---- */

static struct text without_fragment(struct text uri)
{
    size_t hash = text_find(uri, TEXT("#"));
    return hash == SIZE_MAX ? uri : text_slice(uri, 0, hash);
}

static bool has_scheme(struct text uri)
{
    for (size_t i = 0; i < uri.length; i++) {
        char c = uri.data[i];
        if (c == ':') return i > 0;
        if (c == '/' || c == '?' || c == '#') return false;
    }
    return false;
}

/* Where the path of scheme://authority/path begins. */
static size_t path_start(struct text uri)
{
    size_t authority = text_find(uri, TEXT("://"));
    if (authority == SIZE_MAX) return 0;
    for (size_t i = authority + 3; i < uri.length; i++)
        if (uri.data[i] == '/') return i;
    return uri.length;
}

/* The reference as seen from the base; . and .. are not resolved. NULL data without memory. */
static struct text resolve_uri(struct schema_reader *reader, struct text base,
                               struct text reference)
{
    if (reference.length == 0) return base;
    if (has_scheme(reference) || base.length == 0) return reference;
    size_t keep = path_start(base);
    if (reference.data[0] != '/') {
        size_t slash = base.length;
        while (slash > keep && base.data[slash - 1] != '/') slash--;
        keep = slash;
    }
    char *joined = arena_alloc(reader->job, keep + reference.length + 1);
    if (!joined) return (struct text){NULL, 0};
    memcpy(joined, base.data, keep);
    memcpy(joined + keep, reference.data, reference.length);
    return (struct text){joined, keep + reference.length};
}

static struct text id_of(const struct schema_reader *reader, const json_t *schema)
{
    const json_t *id = json_object_get(schema, "$id");
    if (!id && reader->refs_stand_alone) id = json_object_get(schema, "id"); /* draft 4 */
    return json_is_string(id) ? schema_text(id) : TEXT("");
}

/* ---- what has a URI ---- */

static enum status find_within(struct schema_reader *reader, const json_t *node, struct text base,
                               int depth)
{
    static const char *const DATA[] = {"enum", "const", "default", "examples"};
    if (depth > DEPTH_MAX) return OK; /* the request's parser allows less */
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++)
            TRY(find_within(reader, json_array_get(node, i), base, depth + 1));
        return OK;
    }
    if (!json_is_object(node)) return OK;
    struct text id = without_fragment(id_of(reader, node));
    if (id.length > 0 && reader->resource_count < RESOURCES_MAX) {
        base = resolve_uri(reader, base, id);
        if (!base.data) return schema_no_memory(reader);
        reader->resources[reader->resource_count++] = (struct schema_resource){base, node};
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)node, key, value)
    {
        bool is_data = false;
        for (size_t i = 0; i < ARRAY_COUNT(DATA); i++) is_data |= strcmp(key, DATA[i]) == 0;
        if (!is_data) TRY(find_within(reader, value, base, depth + 1));
    }
    return OK;
}

enum status schema_find_resources(struct schema_reader *reader)
{
    reader->resources = arena_alloc_array(reader->job, RESOURCES_MAX, sizeof *reader->resources);
    if (!reader->resources) return schema_no_memory(reader);
    return find_within(reader, reader->root, TEXT(""), 0);
}

/* Is `wanted` within `node`, without entering another resource? */
static bool is_within(const struct schema_reader *reader, const json_t *node, const json_t *wanted,
                      bool is_top, int depth)
{
    if (node == wanted) return true;
    if (depth > DEPTH_MAX) return false;
    if (!is_top && json_is_object(node) && without_fragment(id_of(reader, node)).length > 0)
        return false;
    for (size_t i = 0; i < json_array_size(node); i++)
        if (is_within(reader, json_array_get(node, i), wanted, false, depth + 1)) return true;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)node, key,
                        value) if (is_within(reader, value, wanted, false, depth + 1)) return true;
    return false;
}

/* The resource that the schema is a part of. Only looked for where there are several. */
static struct schema_resource resource_of(const struct schema_reader *reader, const json_t *schema)
{
    struct schema_resource root = {TEXT(""), reader->root};
    if (reader->resource_count == 0) return root;
    if (reader->resources[0].schema == reader->root) root = reader->resources[0];
    for (size_t i = 0; i < reader->resource_count; i++)
        if (reader->resources[i].schema != reader->root &&
            is_within(reader, reader->resources[i].schema, schema, true, 0))
            return reader->resources[i];
    return root;
}

/* ---- fragments ---- */

/* One step of a pointer, %XX and ~0 ~1 decoded. */
static struct text decode_step(struct schema_reader *reader, struct text step)
{
    char *out = arena_alloc(reader->job, step.length + 1);
    size_t used = 0;
    for (size_t i = 0; out && i < step.length; i++) {
        char c = step.data[i];
        if (c == '%' && i + 2 < step.length) {
            char hex[3] = {step.data[i + 1], step.data[i + 2], '\0'};
            c = (char)strtol(hex, NULL, 16);
            i += 2;
        }
        if (c == '~' && i + 1 < step.length && (step.data[i + 1] == '0' || step.data[i + 1] == '1'))
            c = step.data[++i] == '0' ? '~' : '/';
        out[used++] = c;
    }
    return (struct text){out, used};
}

static const json_t *follow_pointer(struct schema_reader *reader, const json_t *from,
                                    struct text pointer)
{
    while (from && pointer.length > 0 && pointer.data[0] == '/') {
        size_t end = 1;
        while (end < pointer.length && pointer.data[end] != '/') end++;
        struct text step = decode_step(reader, text_slice(pointer, 1, end));
        pointer = text_slice(pointer, end, pointer.length);
        if (json_is_array(from))
            from = json_array_get(from, strtoul(step.data ? step.data : "0", NULL, 10));
        else
            from = json_object_getn(from, step.data ? step.data : "", step.length);
    }
    return pointer.length == 0 ? from : NULL;
}

static const json_t *find_anchor(const struct schema_reader *reader, const json_t *node,
                                 struct text name, int depth)
{
    static const char *const KEYS[] = {"$anchor", "$dynamicAnchor"};
    const char *key;
    json_t *value;
    if (depth > DEPTH_MAX) return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        const json_t *anchor = json_object_get(node, KEYS[i]);
        if (json_is_string(anchor) && text_equal(schema_text(anchor), name)) return node;
    }
    struct text id = id_of(reader, node);
    if (id.length == name.length + 1 && id.data[0] == '#' &&
        text_equal(text_slice(id, 1, id.length), name))
        return node; /* draft 7 */
    for (size_t i = 0; i < json_array_size(node); i++) {
        const json_t *found = find_anchor(reader, json_array_get(node, i), name, depth + 1);
        if (found) return found;
    }
    json_object_foreach((json_t *)node, key, value)
    {
        const json_t *found = find_anchor(reader, value, name, depth + 1);
        if (found) return found;
    }
    return NULL;
}

static const json_t *follow_fragment(struct schema_reader *reader, const json_t *from,
                                     struct text fragment)
{
    if (fragment.length == 0 || fragment.data[0] == '/')
        return follow_pointer(reader, from, fragment);
    return find_anchor(reader, from, fragment, 0);
}

/* ---- together ---- */

static const json_t *find_resource(const struct schema_reader *reader, struct text uri)
{
    for (size_t i = 0; i < reader->resource_count; i++)
        if (text_equal(reader->resources[i].uri, uri)) return reader->resources[i].schema;
    return NULL;
}

enum status schema_resolve(struct schema_reader *reader, const json_t *schema,
                           const json_t **target)
{
    const json_t *ref = json_object_get(schema, "$ref");
    if (!json_is_string(ref))
        return schema_refuse(reader, schema, "$ref", STATUS_INVALID, "must be a string");
    struct text reference = schema_text(ref), uri = without_fragment(reference);
    struct text fragment = text_slice(reference, uri.length, reference.length);
    if (fragment.length > 0) fragment = text_slice(fragment, 1, fragment.length);
    struct schema_resource resource = {TEXT(""), reader->root};
    if (reader->resource_count > 0) resource = resource_of(reader, schema);
    const json_t *from = resource.schema;
    if (uri.length > 0) {
        struct text whole = resolve_uri(reader, resource.uri, uri);
        if (!whole.data) return schema_no_memory(reader);
        from = find_resource(reader, whole);
    }
    if (!from)
        return schema_refuse(reader, schema, "$ref", STATUS_UNSUPPORTED,
                             "\"%.200s\" is another document, which is not fetched",
                             json_string_value(ref));
    *target = follow_fragment(reader, from, fragment);
    if (*target) return OK;
    return schema_refuse(reader, schema, "$ref", STATUS_INVALID, "\"%.200s\" leads nowhere",
                         json_string_value(ref));
}
