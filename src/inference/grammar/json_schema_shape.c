/* json_schema_shape.c - what one alternative admits: the keywords of schemas, taken in one after
 * the other until the shape is as narrow as all of them together. */
#include <math.h>
#include <string.h>

#include "inference/grammar/json_schema_private.h"

/* ---- types ---- */

unsigned schema_type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return TYPE_OBJECT;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_INTEGER;
    case JSON_REAL:
        return floor(json_real_value(value)) == json_real_value(value) ? TYPE_INTEGER
                                                                       : TYPE_FRACTION;
    case JSON_TRUE: return TYPE_TRUE;
    case JSON_FALSE: return TYPE_FALSE;
    default: return TYPE_NULL;
    }
}

static const struct {
    struct text name;
    unsigned types;
} TYPE_NAMES[] = {
    {{"null", 4}, TYPE_NULL},       {{"boolean", 7}, TYPE_FALSE | TYPE_TRUE},
    {{"integer", 7}, TYPE_INTEGER}, {{"number", 6}, TYPE_NUMBER},
    {{"string", 6}, TYPE_STRING},   {{"array", 5}, TYPE_ARRAY},
    {{"object", 6}, TYPE_OBJECT},   {{"any", 3}, TYPE_ALL}, /* draft 3 */
};

static enum status read_type(struct schema_reader *reader, const json_t *schema, const json_t *name,
                             unsigned *types)
{
    for (size_t i = 0; i < ARRAY_COUNT(TYPE_NAMES); i++) {
        if (!json_is_string(name) || !text_equal(schema_text(name), TYPE_NAMES[i].name)) continue;
        *types |= TYPE_NAMES[i].types;
        return OK;
    }
    return schema_refuse(reader, schema, "type", STATUS_INVALID,
                         "must be null, boolean, integer, number, string, array or object, or a "
                         "list of these");
}

static enum status read_types(struct schema_reader *reader, const json_t *schema, unsigned *types)
{
    const json_t *type = json_object_get(schema, "type");
    *types = type ? 0 : TYPE_ALL;
    if (json_is_array(type))
        for (size_t i = 0; i < json_array_size(type); i++)
            TRY(read_type(reader, schema, json_array_get(type, i), types));
    else if (type)
        TRY(read_type(reader, schema, type, types));
    if (json_is_true(json_object_get(schema, "nullable"))) *types |= TYPE_NULL; /* OpenAPI 3.0 */
    return OK;
}

/* ---- numbers in schemas ---- */

/* A count; absent: *count stays. What is beyond all counts is as good as unbounded. */
static enum status read_count(struct schema_reader *reader, const json_t *schema,
                              const char *keyword, uint32_t *count)
{
    const json_t *value = json_object_get(schema, keyword);
    if (!value) return OK;
    double number = json_number_value(value);
    if (!json_is_number(value) || number < 0 || floor(number) != number)
        return schema_refuse(reader, schema, keyword, STATUS_INVALID,
                             "must be an integer, not negative");
    *count = number >= SCHEMA_UNBOUNDED ? SCHEMA_UNBOUNDED : (uint32_t)number;
    return OK;
}

static enum status take_counts(struct schema_reader *reader, const json_t *schema,
                               const char *least_keyword, const char *most_keyword, uint32_t *least,
                               uint32_t *most)
{
    uint32_t low = 0, high = SCHEMA_UNBOUNDED;
    TRY(read_count(reader, schema, least_keyword, &low));
    TRY(read_count(reader, schema, most_keyword, &high));
    if (low > *least) *least = low;
    if (high < *most) *most = high;
    return OK;
}

static enum status read_limit(struct schema_reader *reader, const json_t *schema,
                              const char *keyword, const json_t *value, bool exclusive,
                              struct limit *limit)
{
    if (!json_is_number(value))
        return schema_refuse(reader, schema, keyword, STATUS_INVALID, "must be a number");
    *limit = (struct limit){.is_set = true, .exclusive = exclusive};
    if (!decimal_of(reader, value, &limit->at))
        return schema_refuse(reader, schema, keyword, STATUS_UNSUPPORTED,
                             "a number with this many digits is not supported");
    return OK;
}

static void narrow_minimum(struct limit *minimum, struct limit with)
{
    int order = minimum->is_set ? decimal_compare(&with.at, &minimum->at) : 1;
    if (order > 0 || (order == 0 && with.exclusive)) *minimum = with;
}

static void narrow_maximum(struct limit *maximum, struct limit with)
{
    int order = maximum->is_set ? decimal_compare(&with.at, &maximum->at) : -1;
    if (order < 0 || (order == 0 && with.exclusive)) *maximum = with;
}

static enum status take_step(struct schema_reader *reader, struct shape *shape,
                             const json_t *schema, bool negated)
{
    const json_t *step = json_object_get(schema, "multipleOf");
    if (!step) return OK;
    if (!json_is_number(step) || json_number_value(step) <= 0)
        return schema_refuse(reader, schema, "multipleOf", STATUS_INVALID,
                             "must be a number above 0");
    return schema_list(reader, &shape->multiples,
                       (struct listed){.json = step, .negated = negated});
}

/* In draft 4 exclusiveMinimum is a boolean that changes what minimum means. */
static enum status take_limits(struct schema_reader *reader, struct shape *shape,
                               const json_t *schema)
{
    struct limit limit;
    const json_t *value, *exclusive = json_object_get(schema, "exclusiveMinimum");
    if ((value = json_object_get(schema, "minimum"))) {
        TRY(read_limit(reader, schema, "minimum", value, json_is_true(exclusive), &limit));
        narrow_minimum(&shape->minimum, limit);
    }
    if (exclusive && !json_is_boolean(exclusive)) {
        TRY(read_limit(reader, schema, "exclusiveMinimum", exclusive, true, &limit));
        narrow_minimum(&shape->minimum, limit);
    }
    exclusive = json_object_get(schema, "exclusiveMaximum");
    if ((value = json_object_get(schema, "maximum"))) {
        TRY(read_limit(reader, schema, "maximum", value, json_is_true(exclusive), &limit));
        narrow_maximum(&shape->maximum, limit);
    }
    if (exclusive && !json_is_boolean(exclusive)) {
        TRY(read_limit(reader, schema, "exclusiveMaximum", exclusive, true, &limit));
        narrow_maximum(&shape->maximum, limit);
    }
    return take_step(reader, shape, schema, false);
}

/* ---- strings ---- */

static enum status take_language(struct schema_reader *reader, struct shape *shape,
                                 const struct regular *language, bool negated)
{
    if (!language) return OK;
    return schema_list(reader, &shape->languages,
                       (struct listed){.language = language, .negated = negated});
}

static enum status take_string_keywords(struct schema_reader *reader, struct shape *shape,
                                        const json_t *schema)
{
    const struct regular *language;
    TRY(take_counts(reader, schema, "minLength", "maxLength", &shape->least_length,
                    &shape->most_length));
    const json_t *pattern = json_object_get(schema, "pattern");
    if (pattern) {
        if (!json_is_string(pattern))
            return schema_refuse(reader, schema, "pattern", STATUS_INVALID, "must be a string");
        TRY(schema_pattern(reader, schema, "pattern", schema_text(pattern), &language));
        TRY(take_language(reader, shape, language, false));
    }
    const json_t *format = json_object_get(schema, "format");
    if (!json_is_string(format)) return OK;
    TRY(schema_format(reader, schema, schema_text(format), &language));
    return take_language(reader, shape, language, false);
}

/* ---- arrays and objects ---- */

static enum status take_array_keywords(struct schema_reader *reader, struct shape *shape,
                                       const json_t *schema)
{
    TRY(take_counts(reader, schema, "minItems", "maxItems", &shape->least_items,
                    &shape->most_items));
    if (json_is_true(json_object_get(schema, "uniqueItems"))) shape->unique = schema;
    const json_t *prefix = json_object_get(schema, "prefixItems");
    if (prefix && !json_is_array(prefix))
        return schema_refuse(reader, schema, "prefixItems", STATUS_INVALID,
                             "must be a list of schemas");
    if (prefix || json_object_get(schema, "items"))
        TRY(schema_list(reader, &shape->item_layers, (struct listed){.json = schema}));
    const json_t *contains = json_object_get(schema, "contains");
    if (contains)
        TRY(schema_list(
            reader, &shape->contains,
            (struct listed){.json = schema, .term = {.kind = TERM_HOLDS, .schema = contains}}));
    const json_t *unevaluated = json_object_get(schema, "unevaluatedItems");
    if (unevaluated && !json_is_true(unevaluated))
        return schema_refuse(reader, schema, "unevaluatedItems", STATUS_UNSUPPORTED,
                             "is not supported: use items or prefixItems");
    return OK;
}

static enum status check_object(struct schema_reader *reader, const json_t *schema,
                                const char *keyword)
{
    const json_t *value = json_object_get(schema, keyword);
    if (!value || json_is_object(value)) return OK;
    return schema_refuse(reader, schema, keyword, STATUS_INVALID, "must be an object of schemas");
}

static enum status take_required(struct schema_reader *reader, struct shape *shape,
                                 const json_t *schema)
{
    const json_t *required = json_object_get(schema, "required");
    if (required && !json_is_array(required))
        return schema_refuse(reader, schema, "required", STATUS_INVALID, "must be a list of names");
    for (size_t i = json_array_size(required); i-- > 0;) {
        const json_t *name = json_array_get(required, i);
        if (!json_is_string(name))
            return schema_refuse(reader, schema, "required", STATUS_INVALID,
                                 "must be a list of names");
        TRY(schema_list(reader, &shape->required, (struct listed){.name = schema_text(name)}));
    }
    return OK;
}

static enum status take_object_keywords(struct schema_reader *reader, struct shape *shape,
                                        const json_t *schema)
{
    uint32_t least = shape->least_properties;
    TRY(take_counts(reader, schema, "minProperties", "maxProperties", &shape->least_properties,
                    &shape->most_properties));
    if (shape->least_properties > least) shape->least_properties_of = schema;
    TRY(check_object(reader, schema, "properties"));
    TRY(check_object(reader, schema, "patternProperties"));
    TRY(take_required(reader, shape, schema));
    if (json_object_get(schema, "properties") || json_object_get(schema, "patternProperties") ||
        json_object_get(schema, "additionalProperties"))
        TRY(schema_list(reader, &shape->layers, (struct listed){.json = schema}));
    const json_t *names = json_object_get(schema, "propertyNames");
    if (names) TRY(schema_list(reader, &shape->name_schemas, (struct listed){.json = names}));
    const json_t *unevaluated = json_object_get(schema, "unevaluatedProperties");
    if (unevaluated && !json_is_true(unevaluated))
        TRY(schema_list(reader, &shape->unevaluated, (struct listed){.json = schema}));
    return OK;
}

/* ---- all of a schema's own keywords ---- */

static enum status take_values(struct schema_reader *reader, struct shape *shape,
                               const json_t *schema)
{
    const json_t *values = json_object_get(schema, "enum");
    if (values && !json_is_array(values))
        return schema_refuse(reader, schema, "enum", STATUS_INVALID, "must be a list of values");
    if (values) TRY(schema_list(reader, &shape->candidates, (struct listed){.json = values}));
    json_t *constant = json_object_get(schema, "const");
    if (!constant) return OK;
    /* A list of one, so that enum and const are the same from here on. Its name tells that the
     * value itself is meant. */
    return schema_list(reader, &shape->candidates,
                       (struct listed){.json = constant, .name = TEXT("const")});
}

enum status shape_take(struct schema_reader *reader, struct shape *shape, const json_t *schema)
{
    unsigned types;
    TRY(read_types(reader, schema, &types));
    shape->types &= types;
    if (shape->types == 0) return OK;
    TRY(take_values(reader, shape, schema));
    if (shape->types & TYPE_NUMBER) TRY(take_limits(reader, shape, schema));
    if (shape->types & TYPE_STRING) TRY(take_string_keywords(reader, shape, schema));
    if (shape->types & TYPE_ARRAY) TRY(take_array_keywords(reader, shape, schema));
    if (shape->types & TYPE_OBJECT) TRY(take_object_keywords(reader, shape, schema));
    return OK;
}

/* ---- a keyword that fails ---- */

/* No more than one less; or nothing at all. */
static void below(struct shape *shape, uint32_t *most, uint32_t count)
{
    if (count == 0)
        shape->types = 0;
    else if (count - 1 < *most)
        *most = count - 1;
}

static void above(uint32_t *least, uint32_t count)
{
    if (count != SCHEMA_UNBOUNDED && count + 1 > *least) *least = count + 1;
}

static enum status take_failing_count(struct schema_reader *reader, struct shape *shape,
                                      const json_t *schema, const char *keyword, unsigned type,
                                      uint32_t *least, uint32_t *most)
{
    uint32_t count = 0;
    shape->types &= type;
    TRY(read_count(reader, schema, keyword, &count));
    if (strncmp(keyword, "min", 3) == 0) {
        below(shape, most, count);
    } else if (count == SCHEMA_UNBOUNDED) {
        shape->types = 0;
    } else {
        above(least, count);
        if (type == TYPE_OBJECT) shape->least_properties_of = schema;
    }
    return OK;
}

static enum status take_failing_limit(struct schema_reader *reader, struct shape *shape,
                                      const json_t *schema, const char *keyword)
{
    struct limit limit;
    const json_t *value = json_object_get(schema, keyword);
    bool is_minimum = strstr(keyword, "inimum") != NULL, exclusive = keyword[0] == 'e';
    if (json_is_boolean(value)) { /* draft 4: part of minimum or maximum */
        shape->types = 0;
        return OK;
    }
    if (!exclusive)
        exclusive = json_is_true(
            json_object_get(schema, is_minimum ? "exclusiveMinimum" : "exclusiveMaximum"));
    shape->types &= TYPE_NUMBER;
    TRY(read_limit(reader, schema, keyword, value, !exclusive, &limit));
    if (is_minimum)
        narrow_maximum(&shape->maximum, limit);
    else
        narrow_minimum(&shape->minimum, limit);
    return OK;
}

static enum status take_failing_values(struct schema_reader *reader, struct shape *shape,
                                       const json_t *schema, const char *keyword)
{
    const json_t *values = json_object_get(schema, keyword);
    bool is_one = strcmp(keyword, "const") == 0;
    for (size_t i = 0; i < (is_one ? 1 : json_array_size(values)); i++) {
        const json_t *value = is_one ? values : json_array_get(values, i);
        if (json_is_null(value) || json_is_boolean(value))
            shape->types &= ~schema_type_of(value);
        else
            TRY(schema_list(reader, &shape->excluded, (struct listed){.json = value}));
    }
    return OK;
}

static enum status take_failing_items(struct schema_reader *reader, struct shape *shape,
                                      const json_t *schema, const char *keyword)
{
    const json_t *items = json_object_get(schema, "items");
    shape->types &= TYPE_ARRAY;
    if (json_object_get(schema, "prefixItems") || json_is_array(items))
        return schema_refuse(reader, schema, keyword, STATUS_UNSUPPORTED,
                             "the opposite of a list of items is not supported");
    return schema_list(reader, &shape->contains,
                       (struct listed){.term = {.kind = TERM_FAILS, .schema = items}});
}

static enum status take_failing_contains(struct schema_reader *reader, struct shape *shape,
                                         const json_t *schema)
{
    shape->types &= TYPE_ARRAY;
    if (json_object_get(schema, "minContains") || json_object_get(schema, "maxContains"))
        return schema_refuse(reader, schema, "contains", STATUS_UNSUPPORTED,
                             "its opposite is not supported beside minContains and maxContains");
    return schema_list(reader, &shape->item_terms,
                       (struct listed){.term = {.kind = TERM_FAILS,
                                                .schema = json_object_get(schema, "contains")}});
}

static enum status take_failing_type(struct schema_reader *reader, struct shape *shape,
                                     const json_t *schema)
{
    unsigned types;
    TRY(read_types(reader, schema, &types));
    shape->types &= ~types;
    return OK;
}

static enum status take_failing_pattern(struct schema_reader *reader, struct shape *shape,
                                        const json_t *schema)
{
    const struct regular *language;
    const json_t *pattern = json_object_get(schema, "pattern");
    shape->types &= TYPE_STRING;
    if (!json_is_string(pattern))
        return schema_refuse(reader, schema, "pattern", STATUS_INVALID, "must be a string");
    TRY(schema_pattern(reader, schema, "pattern", schema_text(pattern), &language));
    return take_language(reader, shape, language, true);
}

enum status shape_take_failing(struct schema_reader *reader, struct shape *shape,
                               const json_t *schema, const char *keyword)
{
#define KEYWORD_IS(word) (strcmp(keyword, word) == 0)
    if (KEYWORD_IS("type")) return take_failing_type(reader, shape, schema);
    if (KEYWORD_IS("enum") || KEYWORD_IS("const"))
        return take_failing_values(reader, shape, schema, keyword);
    if (strstr(keyword, "inimum") || strstr(keyword, "aximum"))
        return take_failing_limit(reader, shape, schema, keyword);
    if (KEYWORD_IS("pattern")) return take_failing_pattern(reader, shape, schema);
    if (KEYWORD_IS("minLength") || KEYWORD_IS("maxLength"))
        return take_failing_count(reader, shape, schema, keyword, TYPE_STRING, &shape->least_length,
                                  &shape->most_length);
    if (KEYWORD_IS("minItems") || KEYWORD_IS("maxItems"))
        return take_failing_count(reader, shape, schema, keyword, TYPE_ARRAY, &shape->least_items,
                                  &shape->most_items);
    if (KEYWORD_IS("minProperties") || KEYWORD_IS("maxProperties"))
        return take_failing_count(reader, shape, schema, keyword, TYPE_OBJECT,
                                  &shape->least_properties, &shape->most_properties);
    if (KEYWORD_IS("items") || KEYWORD_IS("prefixItems"))
        return take_failing_items(reader, shape, schema, keyword);
    if (KEYWORD_IS("contains")) return take_failing_contains(reader, shape, schema);
    bool without_effect =
        (KEYWORD_IS("uniqueItems") && !json_is_true(json_object_get(schema, keyword))) ||
        (KEYWORD_IS("additionalItems") && !json_is_array(json_object_get(schema, "items")));
    if (without_effect) {
        shape->types = 0;
        return OK;
    }
    if (KEYWORD_IS("multipleOf")) {
        bool is_one = json_number_value(json_object_get(schema, keyword)) == 1;
        shape->types &= is_one ? TYPE_FRACTION : TYPE_NUMBER;
        return take_step(reader, shape, schema, true);
    }
#undef KEYWORD_IS
    return schema_refuse(reader, schema, keyword, STATUS_UNSUPPORTED,
                         "its opposite, which `not`, `oneOf` or `if` ask for here, is not "
                         "supported");
}

/* ---- what can be ---- */

static enum status filter_candidates(struct schema_reader *reader, struct shape *shape)
{
    const struct listed *first = shape->candidates;
    bool is_one = first->name.length > 0;
    unsigned found = 0;
    for (size_t i = 0; i < (is_one ? 1 : json_array_size(first->json)); i++) {
        const json_t *value = is_one ? first->json : json_array_get(first->json, i);
        unsigned type = schema_type_of(value);
        bool admits = false;
        if ((found & type) == 0) TRY(shape_admits(reader, shape, value, &admits));
        if (admits) found |= type;
    }
    shape->types &= found;
    return OK;
}

static bool limits_cross(const struct shape *shape)
{
    if (!shape->minimum.is_set || !shape->maximum.is_set) return false;
    int order = decimal_compare(&shape->minimum.at, &shape->maximum.at);
    return order > 0 || (order == 0 && (shape->minimum.exclusive || shape->maximum.exclusive));
}

/* Among those that came since `old`, which is an end of the list. */
static bool is_listed_since(const struct listed *list, const struct listed *old, struct text name)
{
    for (; list != old; list = list->next)
        if (text_equal(list->name, name)) return true;
    return false;
}

/* Was nothing said of the required property since the shape was pruned last? */
static bool is_checked(const struct shape *shape, const struct listed *required, bool is_new)
{
    const struct pruned *pruned = &shape->pruned;
    struct text name = required->name;
    if (is_new || is_listed_since(shape->lacked, pruned->lacked, name) ||
        is_listed_since(shape->about_names, pruned->about_names, name))
        return false;
    for (const struct listed *layer = shape->layers; layer != pruned->layers; layer = layer->next)
        if (json_object_get(layer->json, "patternProperties") ||
            json_object_get(layer->json, "additionalProperties") ||
            json_object_getn(json_object_get(layer->json, "properties"), name.data, name.length))
            return false;
    return true;
}

/* A property that must be there and must not, or whose value cannot be. */
static enum status object_is_impossible(struct schema_reader *reader, const struct shape *shape,
                                        bool *impossible)
{
    bool is_new = true;
    *impossible = shape->least_properties > shape->most_properties;
    for (const struct listed *name = shape->required; name && !*impossible; name = name->next) {
        struct terms terms;
        bool satisfiable;
        if (name == shape->pruned.required) is_new = false;
        if (is_checked(shape, name, is_new)) continue;
        if (is_listed_since(shape->lacked, NULL, name->name)) *impossible = true;
        TRY(shape_property(reader, shape, name->name, &terms));
        if (*impossible || terms.count == 0) continue;
        TRY(schema_satisfiable(reader, terms, &satisfiable));
        *impossible = !satisfiable;
    }
    return OK;
}

static enum status prune(struct schema_reader *reader, struct shape *shape)
{
    if (shape->candidates) return filter_candidates(reader, shape);
    if ((shape->types & TYPE_NUMBER) && limits_cross(shape)) shape->types &= ~(unsigned)TYPE_NUMBER;
    if ((shape->types & TYPE_STRING) && shape->least_length > shape->most_length)
        shape->types &= ~(unsigned)TYPE_STRING;
    if ((shape->types & TYPE_STRING) && shape->languages && shape->languages->next) {
        const struct regular *language;
        TRY(shape_string_language(reader, shape, &language));
        if (language && regular_is_empty(language)) shape->types &= ~(unsigned)TYPE_STRING;
    }
    if ((shape->types & TYPE_ARRAY) && shape->least_items > shape->most_items)
        shape->types &= ~(unsigned)TYPE_ARRAY;
    if (shape->types & TYPE_OBJECT) {
        bool impossible;
        TRY(object_is_impossible(reader, shape, &impossible));
        if (impossible) shape->types &= ~(unsigned)TYPE_OBJECT;
    }
    return OK;
}

enum status shape_prune(struct schema_reader *reader, struct shape *shape)
{
    struct arena_mark mark = arena_mark(reader->job);
    if (shape->pruned.taken == shape->taken) return OK;
    TRY(prune(reader, shape));
    arena_rewind(reader->job, mark);
    shape->pruned = (struct pruned){shape->taken, shape->required, shape->lacked, shape->layers,
                                    shape->about_names};
    return OK;
}

/* ---- properties ---- */

static enum status layer_terms(struct schema_reader *reader, const json_t *layer, struct text name,
                               struct term *terms, size_t *count)
{
    const json_t *own =
        json_object_getn(json_object_get(layer, "properties"), name.data, name.length);
    const json_t *rest = json_object_get(layer, "additionalProperties");
    json_t *patterns = json_object_get(layer, "patternProperties"), *schema;
    const char *pattern;
    bool known = own != NULL;
    if (own) terms[(*count)++] = (struct term){.kind = TERM_HOLDS, .schema = own};
    json_object_foreach(patterns, pattern, schema)
    {
        const struct regular *language;
        TRY(schema_pattern(reader, layer, "patternProperties", text_of(pattern), &language));
        if (language && !regular_accepts(language, name)) continue;
        terms[(*count)++] = (struct term){.kind = TERM_HOLDS, .schema = schema};
        known = true;
    }
    if (!known && rest) terms[(*count)++] = (struct term){.kind = TERM_HOLDS, .schema = rest};
    return OK;
}

enum status shape_property(struct schema_reader *reader, const struct shape *shape,
                           struct text name, struct terms *out)
{
    size_t most = 1, count = 0;
    for (const struct listed *layer = shape->layers; layer; layer = layer->next)
        most += 2 + json_object_size(json_object_get(layer->json, "patternProperties"));
    for (const struct listed *about = shape->about_names; about; about = about->next) most++;
    struct term *terms = arena_alloc_array(reader->job, most, sizeof *terms);
    if (!terms) return schema_no_memory(reader);
    for (const struct listed *layer = shape->layers; layer; layer = layer->next)
        TRY(layer_terms(reader, layer->json, name, terms, &count));
    for (const struct listed *about = shape->about_names; about; about = about->next)
        if (text_equal(about->name, name)) terms[count++] = about->term;
    *out = (struct terms){terms, count};
    return OK;
}
