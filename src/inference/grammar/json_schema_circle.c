/* json_schema_circle.c - schemas that lead back to themselves with the same value.
 *
 * {"$ref": "#"} says that a value satisfies it if it satisfies it: any set of values fits, and with
 * `not` none does. JSON Schema wants no such schemas, and validators run until their stack ends. So
 * a way along references, allOf and its like that comes by a schema twice is refused; ways through
 * a property or an item are not looked at, for there the value is another one. Each schema is
 * searched once, when it is first needed: what nobody comes to may do as it likes. */
#include "inference/grammar/json_schema_private.h"

enum { WAY_MAX = 1000 }; /* schemas on a way */

/* How we came here. */
struct way {
    const json_t *referring; /* the last schema on it with a reference, and its keyword */
    const char *keyword;
    int length;
};

static enum status search_from(struct schema_reader *reader, const json_t *schema, struct way way);

static enum status search_reference(struct schema_reader *reader, const json_t *schema,
                                    const char *keyword, struct way way)
{
    const json_t *target;
    if (!json_object_get(schema, keyword)) return OK;
    TRY(schema_follow(reader, schema, keyword, &target));
    way.referring = schema;
    way.keyword = keyword;
    return target ? search_from(reader, target, way) : OK; /* which is refused when it matters */
}

/* The schemas of an array, or those an object has by name. */
static enum status search_each(struct schema_reader *reader, const json_t *schemas, struct way way)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < json_array_size(schemas); i++)
        TRY(search_from(reader, json_array_get(schemas, i), way));
    json_object_foreach((json_t *)schemas, name, value) TRY(search_from(reader, value, way));
    return OK;
}

static enum status search_within(struct schema_reader *reader, const json_t *schema, struct way way)
{
    static const char *const MANY[] = {"allOf", "anyOf", "oneOf", "dependentSchemas",
                                       "dependencies"};
    static const char *const ONE[] = {"not", "if"}, *const WITH_IF[] = {"then", "else"};
    TRY(search_reference(reader, schema, "$ref", way));
    if (json_object_get(schema, "$ref") && schema_ref_is_alone(reader, schema)) return OK;
    TRY(search_reference(reader, schema, "$dynamicRef", way));
    TRY(search_reference(reader, schema, "$recursiveRef", way));
    for (size_t i = 0; i < ARRAY_COUNT(MANY); i++)
        TRY(search_each(reader, json_object_get(schema, MANY[i]), way));
    for (size_t i = 0; i < ARRAY_COUNT(ONE); i++)
        TRY(search_from(reader, json_object_get(schema, ONE[i]), way));
    for (size_t i = 0; json_object_get(schema, "if") && i < ARRAY_COUNT(WITH_IF); i++)
        TRY(search_from(reader, json_object_get(schema, WITH_IF[i]), way));
    return OK;
}

static enum status search_from(struct schema_reader *reader, const json_t *schema, struct way way)
{
    if (!json_is_object(schema)) return OK;
    switch (schema_circle_search(reader, schema)) {
    case CIRCLE_NONE: return OK;
    case CIRCLE_ENTERED:
        return schema_refuse(reader, way.referring, way.keyword, STATUS_INVALID,
                             "leads in a circle, with neither a property nor an item on the way: "
                             "which values satisfy it cannot be said");
    case CIRCLE_UNKNOWN: break;
    }
    if (++way.length > WAY_MAX)
        return schema_refuse(reader, schema, "", STATUS_TOO_LARGE,
                             "more than %d references and the like in a row", WAY_MAX);
    TRY(schema_set_circle_search(reader, schema, CIRCLE_ENTERED));
    TRY(search_within(reader, schema, way));
    return schema_set_circle_search(reader, schema, CIRCLE_NONE);
}

enum status schema_check_circles(struct schema_reader *reader, const json_t *schema)
{
    return search_from(reader, schema, (struct way){.length = 0});
}
