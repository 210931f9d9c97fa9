/* json_schema_admits.c - does a value satisfy a schema? For the values of enum and const, and for
 * names, which are checked when the schema is read and not when something is written. */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

/* ---- equality, as JSON Schema has it ---- */

static bool objects_equal(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    if (json_object_size(a) != json_object_size(b)) return false;
    json_object_foreach((json_t *)a, name, value)
    {
        const json_t *other = json_object_get(b, name);
        if (!other || !json_values_equal(value, other)) return false;
    }
    return true;
}

bool json_values_equal(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    if (json_typeof(a) != json_typeof(b)) return false;
    if (json_is_object(a)) return objects_equal(a, b);
    if (!json_is_array(a)) return json_equal(a, b);
    if (json_array_size(a) != json_array_size(b)) return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!json_values_equal(json_array_get(a, i), json_array_get(b, i))) return false;
    return true;
}

/* ---- by type ---- */

static size_t count_characters(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static bool count_fits(const json_t *schema, const char *least, const char *most, size_t count)
{
    const json_t *low = json_object_get(schema, least), *high = json_object_get(schema, most);
    return (!low || (double)count >= json_number_value(low)) &&
           (!high || (double)count <= json_number_value(high));
}

static bool number_fits(struct schema_reader *reader, const json_t *schema, const json_t *number)
{
    double value = json_number_value(number);
    const json_t *low = json_object_get(schema, "minimum");
    const json_t *high = json_object_get(schema, "maximum");
    const json_t *above = json_object_get(schema, "exclusiveMinimum");
    const json_t *below = json_object_get(schema, "exclusiveMaximum");
    const json_t *step = json_object_get(schema, "multipleOf");
    if (low && (value < json_number_value(low) ||
                (json_is_true(above) && value == json_number_value(low))))
        return false;
    if (high && (value > json_number_value(high) ||
                 (json_is_true(below) && value == json_number_value(high))))
        return false;
    if (json_is_number(above) && value <= json_number_value(above)) return false;
    if (json_is_number(below) && value >= json_number_value(below)) return false;
    return !step || number_is_multiple(reader, number, step);
}

static enum status string_fits(struct schema_reader *reader, const json_t *schema,
                               const json_t *string, bool *fits)
{
    const json_t *pattern = json_object_get(schema, "pattern");
    const json_t *format = json_object_get(schema, "format");
    const struct regular *language;
    *fits = count_fits(schema, "minLength", "maxLength", count_characters(schema_text(string)));
    if (*fits && json_is_string(pattern)) {
        TRY(schema_pattern(reader, schema, "pattern", schema_text(pattern), &language));
        *fits = regular_accepts(language, schema_text(string));
    }
    if (*fits && json_is_string(format)) {
        TRY(schema_format(reader, schema, schema_text(format), &language));
        *fits = !language || regular_accepts(language, schema_text(string));
    }
    return OK;
}

static enum status items_fit(struct schema_reader *reader, const json_t *schema,
                             const json_t *array, bool *fits)
{
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *rest = json_object_get(schema, "items");
    if (json_is_array(rest)) {
        prefix = rest;
        rest = json_object_get(schema, "additionalItems");
    }
    for (size_t i = 0; i < json_array_size(array) && *fits; i++) {
        const json_t *item = i < json_array_size(prefix) ? json_array_get(prefix, i) : rest;
        if (item) TRY(schema_admits(reader, item, json_array_get(array, i), fits));
    }
    return OK;
}

static bool items_differ(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        for (size_t k = i + 1; k < json_array_size(array); k++)
            if (json_values_equal(json_array_get(array, i), json_array_get(array, k))) return false;
    return true;
}

static enum status array_fits(struct schema_reader *reader, const json_t *schema,
                              const json_t *array, bool *fits)
{
    const json_t *contains = json_object_get(schema, "contains");
    *fits = count_fits(schema, "minItems", "maxItems", json_array_size(array)) &&
            (!json_is_true(json_object_get(schema, "uniqueItems")) || items_differ(array));
    if (*fits) TRY(items_fit(reader, schema, array, fits));
    if (!*fits || !contains) return OK;
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        bool admits;
        TRY(schema_admits(reader, contains, json_array_get(array, i), &admits));
        count += admits;
    }
    *fits = count_fits(schema, "minContains", "maxContains", count) &&
            (count > 0 || json_object_get(schema, "minContains"));
    return OK;
}

static enum status property_fits(struct schema_reader *reader, const json_t *schema,
                                 const char *name, const json_t *value, bool *fits)
{
    const json_t *own = json_object_get(json_object_get(schema, "properties"), name);
    const json_t *rest = json_object_get(schema, "additionalProperties");
    const json_t *names = json_object_get(schema, "propertyNames");
    json_t *patterns = json_object_get(schema, "patternProperties"), *one;
    const char *pattern;
    bool known = own != NULL;
    if (own) TRY(schema_admits(reader, own, value, fits));
    json_object_foreach(patterns, pattern, one)
    {
        const struct regular *language;
        TRY(schema_pattern(reader, schema, "patternProperties", text_of(pattern), &language));
        if (!*fits || !regular_accepts(language, text_of(name))) continue;
        known = true;
        TRY(schema_admits(reader, one, value, fits));
    }
    if (*fits && !known && rest) TRY(schema_admits(reader, rest, value, fits));
    if (!*fits || !names) return OK;
    json_t *string = json_string(name);
    if (!string) return schema_no_memory(reader);
    enum status status = schema_admits(reader, names, string, fits);
    json_decref(string);
    return status;
}

static enum status dependencies_fit(struct schema_reader *reader, const json_t *schema,
                                    const char *keyword, const json_t *object, bool *fits)
{
    const char *name;
    json_t *then;
    json_object_foreach(json_object_get(schema, keyword), name, then)
    {
        if (!*fits || !json_object_get(object, name)) continue;
        if (json_is_object(then) || json_is_boolean(then))
            TRY(schema_admits(reader, then, object, fits));
        for (size_t i = 0; i < json_array_size(then); i++)
            *fits &= json_object_get(object, json_string_value(json_array_get(then, i))) != NULL;
    }
    return OK;
}

static enum status object_fits(struct schema_reader *reader, const json_t *schema,
                               const json_t *object, bool *fits)
{
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *value;
    *fits = count_fits(schema, "minProperties", "maxProperties", json_object_size(object));
    for (size_t i = 0; i < json_array_size(required); i++)
        *fits &= json_object_get(object, json_string_value(json_array_get(required, i))) != NULL;
    json_object_foreach((json_t *)object, name, value) if (*fits)
        TRY(property_fits(reader, schema, name, value, fits));
    static const char *const DEPENDENCIES[] = {"dependentRequired", "dependentSchemas",
                                               "dependencies"};
    for (size_t i = 0; i < ARRAY_COUNT(DEPENDENCIES); i++)
        TRY(dependencies_fit(reader, schema, DEPENDENCIES[i], object, fits));
    if (*fits && json_object_get(schema, "unevaluatedProperties"))
        return schema_refuse(reader, schema, "unevaluatedProperties", STATUS_UNSUPPORTED,
                             "beside values that are given is not supported");
    return OK;
}

/* ---- schemas within schemas ---- */

static enum status count_admitting(struct schema_reader *reader, const json_t *schemas,
                                   const json_t *value, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        bool admits;
        TRY(schema_admits(reader, json_array_get(schemas, i), value, &admits));
        *count += admits;
    }
    return OK;
}

static enum status combinations_fit(struct schema_reader *reader, const json_t *schema,
                                    const json_t *value, bool *fits)
{
    const json_t *all = json_object_get(schema, "allOf"), *any = json_object_get(schema, "anyOf");
    const json_t *one = json_object_get(schema, "oneOf"), *not = json_object_get(schema, "not");
    const json_t *condition = json_object_get(schema, "if");
    size_t count;
    bool holds;
    TRY(count_admitting(reader, all, value, &count));
    *fits &= count == json_array_size(all);
    TRY(count_admitting(reader, any, value, &count));
    *fits &= !any || count > 0;
    TRY(count_admitting(reader, one, value, &count));
    *fits &= !one || count == 1;
    if (not ) {
        TRY(schema_admits(reader, not, value, &holds));
        *fits &= !holds;
    }
    if (condition) {
        TRY(schema_admits(reader, condition, value, &holds));
        const json_t *then = json_object_get(schema, holds ? "then" : "else");
        if (then) TRY(schema_admits(reader, then, value, &holds));
        if (then) *fits &= holds;
    }
    return OK;
}

static bool type_fits(const json_t *schema, unsigned type)
{
    static const struct {
        const char *name;
        unsigned types;
    } NAMES[] = {{"null", TYPE_NULL},       {"boolean", TYPE_FALSE | TYPE_TRUE},
                 {"integer", TYPE_INTEGER}, {"number", TYPE_NUMBER},
                 {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
                 {"object", TYPE_OBJECT},   {"any", TYPE_ALL}};
    const json_t *wanted = json_object_get(schema, "type");
    if (!wanted) return true;
    if (type == TYPE_NULL && json_is_true(json_object_get(schema, "nullable"))) return true;
    for (size_t i = 0; i < (json_is_array(wanted) ? json_array_size(wanted) : 1); i++) {
        const json_t *one = json_is_array(wanted) ? json_array_get(wanted, i) : wanted;
        for (size_t n = 0; n < ARRAY_COUNT(NAMES); n++)
            if (json_is_string(one) && strcmp(json_string_value(one), NAMES[n].name) == 0 &&
                (NAMES[n].types & type))
                return true;
    }
    return false;
}

static bool is_among(const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++)
        if (json_values_equal(json_array_get(values, i), value)) return true;
    return false;
}

static enum status own_keywords_fit(struct schema_reader *reader, const json_t *schema,
                                    const json_t *value, bool *fits)
{
    const json_t *values = json_object_get(schema, "enum");
    const json_t *constant = json_object_get(schema, "const");
    *fits = type_fits(schema, schema_type_of(value)) && (!values || is_among(values, value)) &&
            (!constant || json_values_equal(constant, value));
    if (!*fits) return OK;
    switch (json_typeof(value)) {
    case JSON_STRING: return string_fits(reader, schema, value, fits);
    case JSON_INTEGER:
    case JSON_REAL: *fits = number_fits(reader, schema, value); return OK;
    case JSON_ARRAY: return array_fits(reader, schema, value, fits);
    case JSON_OBJECT: return object_fits(reader, schema, value, fits);
    default: return OK;
    }
}

enum status schema_admits(struct schema_reader *reader, const json_t *schema, const json_t *value,
                          bool *admits)
{
    const json_t *target;
    *admits = !json_is_false(schema);
    if (!json_is_object(schema)) return OK;
    if (++reader->steps > SCHEMA_STEPS_MAX || ++reader->nesting > SCHEMA_NESTING_MAX)
        return schema_refuse(reader, schema, "", STATUS_TOO_LARGE,
                             "the schema is too large or too entangled");
    TRY(schema_check_circles(reader, schema));
    bool has_ref = json_object_get(schema, "$ref") != NULL, holds = true;
    if (!has_ref || !schema_ref_is_alone(reader, schema)) {
        TRY(own_keywords_fit(reader, schema, value, admits));
        if (*admits) TRY(combinations_fit(reader, schema, value, admits));
    }
    if (has_ref && *admits) {
        TRY(schema_resolve(reader, schema, &target));
        TRY(schema_admits(reader, target, value, &holds));
        *admits = holds;
    }
    static const char *const DYNAMIC[] = {"$dynamicRef", "$recursiveRef"};
    for (size_t i = 0; i < ARRAY_COUNT(DYNAMIC) && *admits; i++) {
        if (!json_object_get(schema, DYNAMIC[i])) continue;
        TRY(schema_resolve_dynamic(reader, schema, DYNAMIC[i], &target));
        TRY(schema_admits(reader, target, value, admits));
    }
    reader->nesting--;
    return OK;
}

/* ---- terms and shapes ---- */

static enum status term_admits(struct schema_reader *reader, struct term term, const json_t *value,
                               bool *admits)
{
    const json_t *property = json_object_getn(value, term.name.data, term.name.length);
    bool holds = false;
    *admits = true;
    switch (term.kind) {
    case TERM_HOLDS: return schema_admits(reader, term.schema, value, admits);
    case TERM_FAILS:
        TRY(schema_admits(reader, term.schema, value, &holds));
        *admits = !holds;
        return OK;
    case TERM_HAS: *admits = property != NULL; return OK;
    case TERM_HAS_FAILING:
        if (property) TRY(schema_admits(reader, term.schema, property, &holds));
        *admits = property && !holds;
        return OK;
    case TERM_LACKS: *admits = json_is_object(value) && !property; return OK;
    case TERM_IN_CLASS:
        *admits = value_class_of(reader, value, term.name) == term.value_class;
        return OK;
    case TERM_HAS_IN_CLASS:
        *admits = value_class_of(reader, value, term.name) == term.value_class;
        return OK;
    case TERM_NO_OBJECT: *admits = !json_is_object(value); return OK;
    default: return OK; /* consequences of a FAILS, which is among the terms */
    }
}

enum status shape_admits(struct schema_reader *reader, const struct shape *shape,
                         const json_t *value, bool *admits)
{
    *admits = (schema_type_of(value) & shape->types) != 0;
    for (const struct listed *term = shape->taken; term && *admits; term = term->next)
        TRY(term_admits(reader, term->term, value, admits));
    return OK;
}

static bool is_known_value(const json_t *const *values, size_t count, const json_t *value)
{
    for (size_t i = 0; i < count; i++)
        if (json_values_equal(values[i], value)) return true;
    return false;
}

enum status shape_values(struct schema_reader *reader, const struct shape *shape,
                         const json_t **values, size_t most, size_t *count, bool *are_all)
{
    const json_t *const plain[] = {json_null(), json_false(), json_true()};
    const struct listed *list = shape->candidates;
    bool is_one = list && list->name.length > 0;
    size_t offered = !list ? ARRAY_COUNT(plain) : is_one ? 1 : json_array_size(list->json);
    *are_all = list || (shape->types & ~(unsigned)(TYPE_NULL | TYPE_FALSE | TYPE_TRUE)) == 0;
    for (size_t i = 0; i < offered && *are_all; i++) {
        const json_t *value = !list    ? plain[i]
                              : is_one ? list->json
                                       : json_array_get(list->json, i);
        bool admits;
        TRY(shape_admits(reader, shape, value, &admits));
        if (!admits || is_known_value(values, *count, value)) continue;
        if (*count == most)
            *are_all = false;
        else
            values[(*count)++] = value;
    }
    return OK;
}
