/* json_schema_failing.c - what it means that a schema does not hold: one of its keywords fails, and
 * in which ways that can be. */
#include <string.h>

#include "inference/grammar/json_schema_branch.h"

/* None of them holds, or two do. */
static enum status choose_not_one(struct schema_reader *reader, struct branch *branch,
                                  const json_t *schemas)
{
    size_t count = json_array_size(schemas);
    struct ways ways = ways_of(reader, count * count + 1);
    struct term *terms = arena_alloc_array(reader->job, count + 1, sizeof *terms);
    if (!terms) return schema_no_memory(reader);
    for (size_t i = 0; i < count; i++) terms[i] = term_fails(json_array_get(schemas, i));
    ways_add(&ways, terms, count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++) {
            struct term two[] = {term_holds(json_array_get(schemas, i)),
                                 term_holds(json_array_get(schemas, k))};
            ways_add(&ways, two, 2);
        }
    return branch_choose_failure(reader, branch, ways);
}

static enum status choose_broken_dependency(struct schema_reader *reader, struct branch *branch,
                                            const json_t *schema, const char *keyword)
{
    json_t *dependencies = json_object_get(schema, keyword), *then;
    const char *name;
    size_t most = 0;
    json_object_foreach(dependencies, name, then) most +=
        json_is_array(then) ? json_array_size(then) : 1;
    struct ways ways = ways_of(reader, most);
    json_object_foreach(dependencies, name, then)
    {
        struct term terms[2] = {term_about(TERM_HAS, name, NULL), term_fails(then)};
        if (!json_is_array(then)) ways_add(&ways, terms, 2);
        for (size_t i = 0; json_is_array(then) && i < json_array_size(then); i++) {
            terms[1] = term_about(TERM_LACKS, json_string_value(json_array_get(then, i)), NULL);
            ways_add(&ways, terms, 2);
        }
    }
    return branch_choose_failure(reader, branch, ways);
}

/* Keywords each of which a value can fail. `format` is not among them: it is a hint, which what we
 * write follows, but whose opposite nobody can ask for. */
static const char *const CONSTRAINTS[] = {"$ref",
                                          "allOf",
                                          "anyOf",
                                          "oneOf",
                                          "not",
                                          "if",
                                          "type",
                                          "enum",
                                          "const",
                                          "minimum",
                                          "maximum",
                                          "exclusiveMinimum",
                                          "exclusiveMaximum",
                                          "multipleOf",
                                          "minLength",
                                          "maxLength",
                                          "pattern",
                                          "items",
                                          "prefixItems",
                                          "additionalItems",
                                          "contains",
                                          "minItems",
                                          "maxItems",
                                          "uniqueItems",
                                          "properties",
                                          "patternProperties",
                                          "additionalProperties",
                                          "propertyNames",
                                          "required",
                                          "minProperties",
                                          "maxProperties",
                                          "dependentRequired",
                                          "dependentSchemas",
                                          "dependencies",
                                          "unevaluatedItems",
                                          "unevaluatedProperties",
                                          "$dynamicRef",
                                          "$recursiveRef"};

/* Can it be said that this keyword fails? */
static bool can_fail(const json_t *schema, const char *keyword)
{
    static const char *const NEVER[] = {"unevaluatedItems", "unevaluatedProperties"};
    if (strcmp(keyword, "uniqueItems") == 0) return !json_is_true(json_object_get(schema, keyword));
    for (size_t i = 0; i < ARRAY_COUNT(NEVER); i++)
        if (strcmp(keyword, NEVER[i]) == 0) return false;
    bool lists_items =
        json_object_get(schema, "prefixItems") || json_is_array(json_object_get(schema, "items"));
    bool counts = json_object_get(schema, "minContains") || json_object_get(schema, "maxContains");
    if (strcmp(keyword, "contains") == 0) return !counts;
    return !lists_items || !(strstr(keyword, "tems") && keyword[0] != 'm');
}

/* The type of which a value must be to fail one of the keywords that cannot be said to. */
static unsigned type_that_fails(const char *keyword)
{
    return strcmp(keyword, "unevaluatedProperties") == 0 ? TYPE_OBJECT : TYPE_ARRAY;
}

enum status branch_take_failing(struct schema_reader *reader, struct branch *branch,
                                const json_t *schema)
{
    if (json_is_false(schema)) return OK;
    struct ways ways = ways_of(reader, json_object_size(schema)); /* a keyword each */
    bool ref_alone = json_object_get(schema, "$ref") && schema_ref_is_alone(reader, schema);
    const char *impossible = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(CONSTRAINTS) && json_is_object(schema); i++) {
        const struct term term = term_about(TERM_KEYWORD_FAILS, CONSTRAINTS[i], schema);
        if (!json_object_get(schema, CONSTRAINTS[i]) || (i > 0 && ref_alone)) continue;
        if (can_fail(schema, CONSTRAINTS[i])) {
            ways_add(&ways, &term, 1);
            continue;
        }
        impossible = CONSTRAINTS[i];
        if (branch->shape.types & type_that_fails(impossible))
            schema_narrow(reader, schema, impossible);
    }
    if (ways.count == 0 && impossible) /* the only way */
        return schema_refuse(reader, schema, impossible, STATUS_UNSUPPORTED,
                             "its opposite, which `not`, `oneOf` or `if` ask for here, is not "
                             "supported");
    if (ways.count == 1) return branch_add_todo(reader, branch, ways.items[0].terms[0]);
    return branch_choose_failure(reader, branch, ways); /* without a way: nothing fails `true` */
}

/* ---- terms about one keyword ---- */

/* A name that is not there, or the value of one that is fails. */
static enum status choose_failing_property(struct schema_reader *reader, struct branch *branch,
                                           json_t *properties)
{
    struct ways ways = ways_of(reader, json_object_size(properties));
    const char *name;
    json_t *value;
    json_object_foreach(properties, name, value)
    {
        const struct term term = term_about(TERM_HAS_FAILING, name, value);
        ways_add(&ways, &term, 1);
    }
    return branch_choose_failure(reader, branch, ways);
}

static enum status choose_missing_property(struct schema_reader *reader, struct branch *branch,
                                           const json_t *required)
{
    struct ways ways = ways_of(reader, json_array_size(required));
    for (size_t i = 0; i < json_array_size(required); i++) {
        const struct term term =
            term_about(TERM_LACKS, json_string_value(json_array_get(required, i)), NULL);
        ways_add(&ways, &term, 1);
    }
    return branch_choose_failure(reader, branch, ways);
}

enum status branch_take_failing_keyword(struct schema_reader *reader, struct branch *branch,
                                        const json_t *schema, struct text keyword)
{
    json_t *value = json_object_get(schema, keyword.data);
    const json_t *target;
#define KEYWORD_IS(word) text_equal(keyword, TEXT(word))
    if (KEYWORD_IS("$ref")) {
        TRY(schema_resolve(reader, schema, &target));
        return branch_add_todo(reader, branch, term_fails(target));
    }
    if (KEYWORD_IS("$dynamicRef") || KEYWORD_IS("$recursiveRef")) {
        TRY(schema_resolve_dynamic(reader, schema, keyword.data, &target));
        return branch_add_todo(reader, branch, term_fails(target));
    }
    if (KEYWORD_IS("allOf")) return branch_choose_each(reader, branch, value, TERM_FAILS);
    if (KEYWORD_IS("anyOf")) return branch_add_each(reader, branch, value, TERM_FAILS);
    if (KEYWORD_IS("oneOf")) return choose_not_one(reader, branch, value);
    if (KEYWORD_IS("not")) return branch_add_todo(reader, branch, term_holds(value));
    if (KEYWORD_IS("if")) return branch_choose_if(reader, branch, schema, TERM_FAILS);
    if (KEYWORD_IS("properties")) return choose_failing_property(reader, branch, value);
    if (KEYWORD_IS("required")) return choose_missing_property(reader, branch, value);
    if (KEYWORD_IS("additionalProperties") || KEYWORD_IS("patternProperties") ||
        KEYWORD_IS("propertyNames"))
        return branch_add_choice(
            reader, branch,
            (struct choice){.is_failure = true, .names_of = schema, .keyword = keyword.data});
    if (KEYWORD_IS("dependencies") || KEYWORD_IS("dependentRequired") ||
        KEYWORD_IS("dependentSchemas"))
        return choose_broken_dependency(reader, branch, schema, keyword.data);
#undef KEYWORD_IS
    return shape_take_failing(reader, &branch->shape, schema, keyword.data);
}

/* ---- failing by names ---- */

struct name_list {
    struct text *items;
    size_t count;
};

static void add_name(struct name_list *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equal(names->items[i], name)) return;
    names->items[names->count++] = name;
}

/* The names that are spoken of here. Those of which nobody speaks are left out of account:
 * narrower, and never wrong. */
static enum status spoken_names(struct schema_reader *reader, const struct shape *shape,
                                struct name_list *names)
{
    size_t most = 0;
    for (const struct listed *layer = shape->layers; layer; layer = layer->next)
        most += json_object_size(json_object_get(layer->json, "properties"));
    for (const struct listed *name = shape->required; name; name = name->next) most++;
    *names = (struct name_list){arena_alloc_array(reader->job, most + 1, sizeof *names->items), 0};
    if (!names->items) return schema_no_memory(reader);
    for (const struct listed *layer = shape->layers; layer; layer = layer->next) {
        const char *name;
        json_t *ignored;
        json_object_foreach(json_object_get(layer->json, "properties"), name, ignored)
            add_name(names, text_of(name));
    }
    for (const struct listed *name = shape->required; name; name = name->next)
        add_name(names, name->name);
    return OK;
}

/* The schema of the pattern of this schema that knows the name; NULL: none. */
static enum status pattern_schema(struct schema_reader *reader, const json_t *schema,
                                  struct text name, const json_t **out)
{
    const char *pattern;
    json_t *value;
    *out = NULL;
    json_object_foreach(json_object_get(schema, "patternProperties"), pattern, value)
    {
        const struct regular *language;
        TRY(schema_pattern(reader, schema, "patternProperties", text_of(pattern), &language));
        if (!*out && regular_accepts(language, name)) *out = value;
    }
    return OK;
}

static enum status name_fails(struct schema_reader *reader, const json_t *names, struct text name,
                              bool *fails)
{
    bool admits = true;
    json_t *string = json_stringn(name.data, name.length);
    if (!string) return schema_no_memory(reader);
    enum status status = schema_admits(reader, names, string, &admits);
    json_decref(string);
    *fails = status == OK && !admits;
    return status;
}

/* How the keyword can fail by this name. */
static enum status add_way_of_name(struct schema_reader *reader, struct ways *ways,
                                   const struct choice *choice, struct text name)
{
    struct term term = {.kind = TERM_HAS_FAILING, .name = name};
    const json_t *by_pattern, *value = json_object_get(choice->names_of, choice->keyword);
    const json_t *own =
        json_object_getn(json_object_get(choice->names_of, "properties"), name.data, name.length);
    if (strcmp(choice->keyword, "propertyNames") == 0) {
        bool fails = false;
        term.kind = TERM_HAS;
        TRY(name_fails(reader, value, name, &fails));
        if (fails) ways_add(ways, &term, 1);
        return OK;
    }
    TRY(pattern_schema(reader, choice->names_of, name, &by_pattern));
    bool is_pattern = choice->keyword[0] == 'p';
    term.schema = is_pattern ? by_pattern : value;
    if (is_pattern ? by_pattern != NULL : !own && !by_pattern) ways_add(ways, &term, 1);
    return OK;
}

enum status choice_find_names(struct schema_reader *reader, const struct shape *shape,
                              struct choice *choice)
{
    struct name_list names;
    TRY(spoken_names(reader, shape, &names));
    struct ways ways = ways_of(reader, names.count);
    for (size_t i = 0; i < names.count; i++)
        TRY(add_way_of_name(reader, &ways, choice, names.items[i]));
    if (ways.failed) return schema_no_memory(reader);
    schema_narrow(reader, choice->names_of, choice->keyword);
    choice->ways = ways.items;
    choice->count = ways.count;
    return OK;
}
