/* json_schema_reference.c - what $ref, $dynamicRef and $recursiveRef mean: a place in the document,
 * by pointer, anchor or $id, or in one of the meta-schemas, which are built in. Other documents are
 * not fetched, and refused by name.
 *
 * The document is walked once, for what has a URI or an anchor, and for which resource each object
 * is part of; what a reference means is looked for once. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/json_schema_private.h"

enum { RESOURCES_MAX = 4000, DEPTH_MAX = 200 };

/* A schema with a URI of its own: the root, those with $id, and meta-schemas. */
struct schema_resource {
    struct text uri;
    const json_t *schema;
    uint32_t parent;       /* that it lies in; the root: itself */
    bool is_definition;    /* reached by references only */
    bool refs_stand_alone; /* what is beside $ref counts for nothing: draft 7 and before */
    bool has_old_ids;      /* draft 4: id for $id */
    bool is_visited;
};

struct schema_anchor {
    struct text name; /* "" for $recursiveAnchor */
    const json_t *schema;
    uint32_t resource;
    bool is_dynamic;
};

/* An object of the document. */
struct schema_place {
    const json_t *json;
    const json_t *target; /* of its $ref, once it is known */
    uint32_t resource;
    enum circle_search circle_search;
};

struct schema_references {
    struct schema_resource *resources;
    uint32_t resource_count, resource_capacity;
    struct schema_anchor *anchors;
    uint32_t anchor_count, anchor_capacity;
    struct schema_place *places; /* open addressing; a power of two */
    uint32_t place_count, place_slots;
    json_t *meta_schemas; /* NULL until one is referred to */
};

/* ---- places ---- */

static struct schema_place *place_slot(struct schema_references *known, const json_t *json)
{
    uint32_t mask = known->place_slots - 1;
    uint32_t at = (uint32_t)(((uintptr_t)json >> 4) * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (known->places[at].json && known->places[at].json != json) at = (at + 1) & mask;
    return &known->places[at];
}

static bool grow_places(struct schema_reader *reader)
{
    struct schema_references *known = reader->references;
    if (2 * known->place_count < known->place_slots) return true;
    struct schema_place *old = known->places;
    uint32_t old_slots = known->place_slots;
    known->place_slots = old_slots ? 2 * old_slots : 256;
    known->places = arena_alloc_array(reader->kept, known->place_slots, sizeof *known->places);
    if (!known->places) return false;
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].json) *place_slot(known, old[i].json) = old[i];
    return true;
}

static enum status add_place(struct schema_reader *reader, const json_t *json, uint32_t resource)
{
    struct schema_references *known = reader->references;
    if (!grow_places(reader)) return schema_no_memory(reader);
    struct schema_place *place = place_slot(known, json);
    if (!place->json) known->place_count++;
    *place = (struct schema_place){.json = json, .resource = resource};
    return OK;
}

static uint32_t resource_of(const struct schema_reader *reader, const json_t *schema)
{
    return place_slot(reader->references, schema)->resource; /* of others: the root */
}

/* ---- resources and anchors ---- */

static struct text string_of(const json_t *schema, const char *key)
{
    const json_t *value = json_object_get(schema, key);
    return json_is_string(value) ? schema_text(value) : TEXT("");
}

static struct text id_of(const json_t *schema, bool has_old_ids)
{
    struct text id = string_of(schema, "$id");
    return id.length == 0 && has_old_ids ? string_of(schema, "id") : id;
}

/* Until draft 7 keywords beside $ref counted for nothing; until draft 4 $id was called id. */
static void take_dialect(struct schema_resource *resource)
{
    const char *dialect = json_string_value(json_object_get(resource->schema, "$schema"));
    if (!dialect) return;
    bool is_oldest = strstr(dialect, "draft-03") || strstr(dialect, "draft-04");
    resource->has_old_ids = is_oldest;
    resource->refs_stand_alone =
        is_oldest || strstr(dialect, "draft-06") || strstr(dialect, "draft-07");
}

static enum status add_resource(struct schema_reader *reader, struct schema_resource resource,
                                uint32_t *number)
{
    struct schema_references *known = reader->references;
    if (known->resource_count == RESOURCES_MAX)
        return schema_refuse(reader, resource.schema, "", STATUS_TOO_LARGE,
                             "more than %d schemas with an $id", RESOURCES_MAX);
    if (!arena_array_grow(&known->resources, known->resource_count, &known->resource_capacity,
                          sizeof resource, reader->kept))
        return schema_no_memory(reader);
    *number = known->resource_count++;
    take_dialect(&resource);
    known->resources[*number] = resource;
    return OK;
}

static enum status add_anchor(struct schema_reader *reader, struct text name, const json_t *schema,
                              uint32_t resource, bool is_dynamic)
{
    struct schema_references *known = reader->references;
    if (!arena_array_grow(&known->anchors, known->anchor_count, &known->anchor_capacity,
                          sizeof *known->anchors, reader->kept))
        return schema_no_memory(reader);
    known->anchors[known->anchor_count++] = (struct schema_anchor){
        .name = name, .schema = schema, .resource = resource, .is_dynamic = is_dynamic};
    return OK;
}

static enum status add_anchors(struct schema_reader *reader, const json_t *schema,
                               uint32_t resource)
{
    struct text name = string_of(schema, "$anchor"), dynamic = string_of(schema, "$dynamicAnchor");
    struct text id = id_of(schema, reader->references->resources[resource].has_old_ids);
    if (name.length > 0) TRY(add_anchor(reader, name, schema, resource, false));
    if (dynamic.length > 0) TRY(add_anchor(reader, dynamic, schema, resource, true));
    if (id.length > 1 && id.data[0] == '#') /* draft 7 */
        TRY(add_anchor(reader, text_slice(id, 1, id.length), schema, resource, false));
    if (json_is_true(json_object_get(schema, "$recursiveAnchor")))
        TRY(add_anchor(reader, TEXT(""), schema, resource, true));
    return OK;
}

/* What an object or the items of an array are. */
enum role { ROLE_SCHEMA, ROLE_NAMED_SCHEMAS, ROLE_DEFINITIONS };

static enum role role_of(const char *keyword)
{
    static const char *const NAMED[] = {"properties", "patternProperties", "dependentSchemas",
                                        "dependencies"};
    if (strcmp(keyword, "$defs") == 0 || strcmp(keyword, "definitions") == 0)
        return ROLE_DEFINITIONS;
    for (size_t i = 0; i < ARRAY_COUNT(NAMED); i++)
        if (strcmp(keyword, NAMED[i]) == 0) return ROLE_NAMED_SCHEMAS;
    return ROLE_SCHEMA;
}

static bool is_data(const char *keyword)
{
    static const char *const DATA[] = {"enum", "const", "default", "examples"};
    for (size_t i = 0; i < ARRAY_COUNT(DATA); i++)
        if (strcmp(keyword, DATA[i]) == 0) return true;
    return false;
}

/* A schema with an $id is a resource of its own. */
static enum status enter_resource(struct schema_reader *reader, const json_t *schema,
                                  bool is_definition, uint32_t *resource)
{
    const struct schema_resource *within = &reader->references->resources[*resource];
    struct text id = uri_without_fragment(id_of(schema, within->has_old_ids));
    if (id.length == 0 || schema == within->schema) return OK;
    struct schema_resource own = {.schema = schema,
                                  .uri = uri_resolve(reader->kept, within->uri, id),
                                  .parent = *resource,
                                  .is_definition = is_definition,
                                  .refs_stand_alone = within->refs_stand_alone,
                                  .has_old_ids = within->has_old_ids};
    if (!own.uri.data) return schema_no_memory(reader);
    return add_resource(reader, own, resource);
}

static enum status find_within(struct schema_reader *reader, const json_t *node, uint32_t resource,
                               enum role role, bool is_definition, int depth)
{
    const char *key;
    json_t *value;
    if (depth > DEPTH_MAX) return OK; /* the request's parser allows less */
    for (size_t i = 0; i < json_array_size(node); i++)
        TRY(find_within(reader, json_array_get(node, i), resource, role, is_definition, depth + 1));
    if (!json_is_object(node)) return OK;
    if (role == ROLE_SCHEMA) {
        TRY(enter_resource(reader, node, is_definition, &resource));
        TRY(add_anchors(reader, node, resource));
    }
    TRY(add_place(reader, node, resource));
    json_object_foreach((json_t *)node, key, value)
    {
        enum role inner = role == ROLE_SCHEMA ? role_of(key) : ROLE_SCHEMA;
        if (role == ROLE_SCHEMA && is_data(key)) continue;
        TRY(find_within(reader, value, resource, inner, role == ROLE_DEFINITIONS, depth + 1));
    }
    return OK;
}

static enum status find_document(struct schema_reader *reader, const json_t *document)
{
    struct schema_resource resource = {.schema = document, .is_definition = true};
    take_dialect(&resource);
    resource.parent = reader->references->resource_count;
    resource.uri = uri_without_fragment(id_of(document, resource.has_old_ids));
    uint32_t number;
    TRY(add_resource(reader, resource, &number));
    return find_within(reader, document, number, ROLE_SCHEMA, true, 0);
}

enum status schema_find_references(struct schema_reader *reader)
{
    reader->references = arena_alloc(reader->kept, sizeof *reader->references);
    if (!reader->references || !grow_places(reader)) return schema_no_memory(reader);
    return find_document(reader, reader->root);
}

void schema_forget_references(struct schema_reader *reader)
{
    if (reader->references) json_decref(reader->references->meta_schemas);
}

enum circle_search schema_circle_search(const struct schema_reader *reader, const json_t *schema)
{
    return place_slot(reader->references, schema)->circle_search;
}

enum status schema_set_circle_search(struct schema_reader *reader, const json_t *schema,
                                     enum circle_search search)
{
    struct schema_place *place = place_slot(reader->references, schema);
    if (!place->json) { /* referred to, and no schema by its place */
        TRY(add_place(reader, schema, 0));
        place = place_slot(reader->references, schema);
    }
    place->circle_search = search;
    return OK;
}

bool schema_ref_is_alone(const struct schema_reader *reader, const json_t *schema)
{
    uint32_t resource = resource_of(reader, schema);
    return reader->references->resources[resource].refs_stand_alone;
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

static const struct schema_anchor *find_anchor(const struct schema_reader *reader,
                                               uint32_t resource, struct text name)
{
    const struct schema_references *known = reader->references;
    for (uint32_t i = 0; i < known->anchor_count; i++)
        if (known->anchors[i].resource == resource && text_equal(known->anchors[i].name, name))
            return &known->anchors[i];
    return NULL;
}

static const json_t *follow_fragment(struct schema_reader *reader, uint32_t resource,
                                     struct text fragment)
{
    const json_t *from = reader->references->resources[resource].schema;
    if (fragment.length == 0 || fragment.data[0] == '/')
        return follow_pointer(reader, from, fragment);
    const struct schema_anchor *anchor = find_anchor(reader, resource, fragment);
    return anchor ? anchor->schema : NULL;
}

/* ---- a reference ---- */

static bool find_resource(const struct schema_reader *reader, struct text uri, uint32_t *resource)
{
    const struct schema_references *known = reader->references;
    for (*resource = 0; *resource < known->resource_count; ++*resource)
        if (text_equal(known->resources[*resource].uri, uri)) return true;
    return false;
}

/* The meta-schemas join the document when one of them is referred to. Some call them by https. */
static enum status find_meta_schema(struct schema_reader *reader, struct text uri,
                                    uint32_t *resource, bool *found)
{
    struct schema_references *known = reader->references;
    size_t host = text_find(uri, TEXT("//json-schema.org/"));
    *found = false;
    if (host == SIZE_MAX || host > 6) return OK;
    if (!known->meta_schemas) {
        known->meta_schemas = json_loads(json_meta_schemas, 0, NULL);
        if (!known->meta_schemas) return schema_no_memory(reader);
        for (size_t i = 0; i < json_array_size(known->meta_schemas); i++)
            TRY(find_document(reader, json_array_get(known->meta_schemas, i)));
    }
    static const char *const SCHEMES[] = {"http:", "https:"};
    for (size_t i = 0; i < ARRAY_COUNT(SCHEMES) && !*found; i++) {
        struct text name =
            uri_resolve(reader->job, text_of(SCHEMES[i]), text_slice(uri, host, uri.length));
        if (!name.data) return schema_no_memory(reader);
        *found = find_resource(reader, name, resource);
    }
    return OK;
}

/* Where the reference leads from this schema, and the resource its fragment is looked for in;
 * NULL: there is no such place, or, then *is_elsewhere, no such document. */
static enum status find_target(struct schema_reader *reader, const json_t *schema,
                               struct text reference, const json_t **target, uint32_t *resource,
                               bool *is_elsewhere)
{
    struct text uri = uri_without_fragment(reference);
    struct text fragment = text_slice(reference, uri.length, reference.length);
    if (fragment.length > 0) fragment = text_slice(fragment, 1, fragment.length);
    bool found = true;
    *resource = resource_of(reader, schema);
    if (uri.length > 0) {
        struct text base = reader->references->resources[*resource].uri;
        struct text whole = uri_resolve(reader->job, base, uri);
        if (!whole.data) return schema_no_memory(reader);
        found = find_resource(reader, whole, resource);
        if (!found) TRY(find_meta_schema(reader, whole, resource, &found));
    }
    *is_elsewhere = !found;
    *target = found ? follow_fragment(reader, *resource, fragment) : NULL;
    return OK;
}

/* Why a reference leads to no schema. */
enum lost { LOST_NOT, LOST_NO_TEXT, LOST_NOWHERE, LOST_ELSEWHERE, LOST_AMBIGUOUS };

static enum status find_by_keyword(struct schema_reader *reader, const json_t *schema,
                                   const char *keyword, const json_t **target, uint32_t *resource,
                                   enum lost *lost)
{
    bool is_elsewhere;
    const json_t *ref = json_object_get(schema, keyword);
    *target = NULL;
    *lost = LOST_NO_TEXT;
    if (!json_is_string(ref)) return OK;
    TRY(find_target(reader, schema, schema_text(ref), target, resource, &is_elsewhere));
    *lost = *target ? LOST_NOT : is_elsewhere ? LOST_ELSEWHERE : LOST_NOWHERE;
    return OK;
}

static enum status refuse_lost(struct schema_reader *reader, const json_t *schema,
                               const char *keyword, enum lost lost)
{
    const char *ref = json_string_value(json_object_get(schema, keyword));
    switch (lost) {
    case LOST_NOT: return OK;
    case LOST_NO_TEXT:
        return schema_refuse(reader, schema, keyword, STATUS_INVALID, "must be a string");
    case LOST_NOWHERE:
        return schema_refuse(reader, schema, keyword, STATUS_INVALID, "\"%.200s\" leads nowhere",
                             ref);
    case LOST_ELSEWHERE:
        return schema_refuse(reader, schema, keyword, STATUS_UNSUPPORTED,
                             "\"%.200s\" is another document, which is not fetched: put it into "
                             "$defs with its $id",
                             ref);
    case LOST_AMBIGUOUS: break;
    }
    return schema_refuse(reader, schema, keyword, STATUS_UNSUPPORTED,
                         "\"%.200s\" means different schemas by the way it is come to: use $ref",
                         ref);
}

static enum status find_static(struct schema_reader *reader, const json_t *schema,
                               const json_t **target, enum lost *lost)
{
    uint32_t ignored;
    const struct schema_place *known = place_slot(reader->references, schema);
    *target = known->target;
    *lost = LOST_NOT;
    if (*target) return OK;
    TRY(find_by_keyword(reader, schema, "$ref", target, &ignored, lost));
    struct schema_place *place = place_slot(reader->references, schema); /* it may have moved */
    if (place->json) place->target = *target;
    return OK;
}

enum status schema_resolve(struct schema_reader *reader, const json_t *schema,
                           const json_t **target)
{
    enum lost lost;
    TRY(find_static(reader, schema, target, &lost));
    return refuse_lost(reader, schema, "$ref", lost);
}

/* ---- dynamic references ---- */

static const char *const REFERENCES[] = {"$ref", "$dynamicRef", "$recursiveRef"};

/* Mark the resources that can be entered from this one. */
static enum status mark_next(struct schema_reader *reader, uint32_t from, bool *changed)
{
    struct schema_references *known = reader->references;
    for (uint32_t i = 0; i < known->resource_count; i++) {
        struct schema_resource *resource = &known->resources[i];
        if (resource->parent != from || resource->is_definition || resource->is_visited) continue;
        *changed = resource->is_visited = true;
    }
    for (uint32_t slot = 0; slot < known->place_slots; slot++) {
        const json_t *schema = known->places[slot].json;
        if (!schema || known->places[slot].resource != from) continue;
        for (size_t i = 0; i < ARRAY_COUNT(REFERENCES); i++) {
            const json_t *ref = json_object_get(schema, REFERENCES[i]), *target;
            uint32_t to;
            bool is_elsewhere;
            if (!json_is_string(ref)) continue;
            TRY(find_target(reader, schema, schema_text(ref), &target, &to, &is_elsewhere));
            if (target) to = resource_of(reader, target);
            if (!target || known->resources[to].is_visited) continue;
            *changed = known->resources[to].is_visited = true;
        }
    }
    return OK;
}

/* Which of the places with this dynamic anchor is the outermost one on the way from the root? The
 * first that is met on a way; decided where that is the same one on all ways. NULL: it is not. */
static enum status outermost_anchor(struct schema_reader *reader, struct text name,
                                    const struct schema_anchor **outermost)
{
    struct schema_references *known = reader->references;
    *outermost = NULL;
    for (uint32_t i = 0; i < known->resource_count; i++) known->resources[i].is_visited = i == 0;
    uint32_t met = 0;
    for (bool changed = true; changed;) {
        changed = false;
        met = 0;
        for (uint32_t i = 0; i < known->resource_count; i++) {
            if (!known->resources[i].is_visited) continue;
            const struct schema_anchor *anchor = find_anchor(reader, i, name);
            bool is_met = anchor && anchor->is_dynamic;
            if (is_met) *outermost = anchor;
            met += is_met;
            if (!is_met) TRY(mark_next(reader, i, &changed));
        }
    }
    if (met != 1) *outermost = NULL;
    return OK;
}

static enum status find_dynamic(struct schema_reader *reader, const json_t *schema,
                                const char *keyword, const json_t **target, enum lost *lost)
{
    uint32_t resource;
    TRY(find_by_keyword(reader, schema, keyword, target, &resource, lost));
    if (*lost != LOST_NOT) return OK;
    struct text reference = string_of(schema, keyword);
    struct text name = uri_without_fragment(reference);
    name = text_slice(reference, name.length, reference.length);
    if (name.length > 0) name = text_slice(name, 1, name.length);
    const struct schema_anchor *named = find_anchor(reader, resource, name);
    if (!named || !named->is_dynamic) return OK; /* then it is a $ref */
    const struct schema_anchor *outermost;
    TRY(outermost_anchor(reader, name, &outermost));
    *target = outermost ? outermost->schema : NULL;
    if (!outermost) *lost = LOST_AMBIGUOUS;
    return OK;
}

enum status schema_resolve_dynamic(struct schema_reader *reader, const json_t *schema,
                                   const char *keyword, const json_t **target)
{
    enum lost lost;
    TRY(find_dynamic(reader, schema, keyword, target, &lost));
    return refuse_lost(reader, schema, keyword, lost);
}

enum status schema_follow(struct schema_reader *reader, const json_t *schema, const char *keyword,
                          const json_t **target)
{
    enum lost ignored;
    return strcmp(keyword, "$ref") == 0 ? find_static(reader, schema, target, &ignored)
                                        : find_dynamic(reader, schema, keyword, target, &ignored);
}
