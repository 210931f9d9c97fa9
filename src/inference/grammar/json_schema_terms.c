/* json_schema_terms.c - a set of terms as alternatives: what allOf, anyOf, oneOf, not, if, $ref and
 * the dependencies mean is worked out here, until only shapes remain.
 *
 * A term is either taken into the shape at once, or replaced by other terms, or it offers a choice.
 * Choices wait until nothing else is left; then each of their ways is followed with a copy of the
 * shape. Ways that can no longer lead anywhere are left early, or a list of thirty `if` would be
 * 2^30 alternatives.
 *
 * A schema with four keywords fails in four ways, and where twenty of them must fail together that
 * is 4^20. So beyond a few such choices only one way of each is followed: fewer values can be
 * written then, and still none that is wrong. */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

struct way {
    const struct term *terms;
    size_t count;
};

enum {
    CHOICES_MAX = 1000,    /* that depend on one another */
    FAILURES_FOLLOWED = 4, /* choices of ways to fail that are followed in all their ways */
};

struct choice {
    const struct choice *next;
    const struct way *ways;
    size_t count;
    bool is_failure;        /* the ways are ways to fail */
    const json_t *names_of; /* not ways, but: the name or the value of some property fails */
    const char *keyword;    /* this keyword of that schema */
};

struct todo {
    const struct todo *next;
    struct term term;
};

/* One alternative in the making. */
struct branch {
    struct shape shape;
    const struct todo *todo;
    const struct choice *choices;
    int failures; /* choices of ways to fail that were made */
};

struct expansion {
    struct schema_reader *reader;
    struct shapes *shapes;
    bool first_only;
};

static struct term holds(const json_t *schema)
{
    return (struct term){.kind = TERM_HOLDS, .schema = schema};
}

static struct term fails(const json_t *schema)
{
    return (struct term){.kind = TERM_FAILS, .schema = schema};
}

static struct term about(enum term_kind kind, const char *name, const json_t *schema)
{
    return (struct term){.kind = kind, .schema = schema, .name = text_of(name)};
}

static enum status add_todo(struct schema_reader *reader, struct branch *branch, struct term term)
{
    struct todo *todo = arena_alloc(reader->job, sizeof *todo);
    if (!todo) return schema_no_memory(reader);
    *todo = (struct todo){branch->todo, term};
    branch->todo = todo;
    return OK;
}

/* Pushed from the last to the first, so that they are taken in order. */
static enum status add_each(struct schema_reader *reader, struct branch *branch,
                            const json_t *schemas, enum term_kind kind)
{
    for (size_t i = json_array_size(schemas); i-- > 0;)
        TRY(add_todo(reader, branch,
                     (struct term){.kind = kind, .schema = json_array_get(schemas, i)}));
    return OK;
}

static enum status add_choice(struct schema_reader *reader, struct branch *branch,
                              struct choice choice)
{
    struct choice *made = arena_alloc(reader->job, sizeof *made);
    if (!made) return schema_no_memory(reader);
    *made = choice;
    made->next = branch->choices;
    branch->choices = made;
    return OK;
}

/* ---- choices under construction ---- */

struct ways {
    struct way *items;
    size_t count;
    bool failed;
    struct arena *job;
};

static struct ways ways_of(struct schema_reader *reader, size_t most)
{
    struct ways ways = {.job = reader->job};
    ways.items = arena_alloc_array(reader->job, most + 1, sizeof *ways.items);
    ways.failed = !ways.items;
    return ways;
}

static void add_way(struct ways *ways, const struct term *terms, size_t count)
{
    struct term *copy = arena_alloc_array(ways->job, count + 1, sizeof *copy);
    if (!copy || ways->failed) {
        ways->failed = true;
        return;
    }
    memcpy(copy, terms, count * sizeof *copy);
    ways->items[ways->count++] = (struct way){copy, count};
}

static enum status choose(struct schema_reader *reader, struct branch *branch, struct ways ways)
{
    if (ways.failed) return schema_no_memory(reader);
    return add_choice(reader, branch, (struct choice){.ways = ways.items, .count = ways.count});
}

static enum status choose_failure(struct schema_reader *reader, struct branch *branch,
                                  struct ways ways)
{
    if (ways.failed) return schema_no_memory(reader);
    return add_choice(reader, branch,
                      (struct choice){.ways = ways.items, .count = ways.count, .is_failure = true});
}

static enum status choose_each(struct schema_reader *reader, struct branch *branch,
                               const json_t *schemas, enum term_kind kind)
{
    struct ways ways = ways_of(reader, json_array_size(schemas));
    for (size_t i = 0; i < json_array_size(schemas); i++)
        add_way(&ways, &(struct term){.kind = kind, .schema = json_array_get(schemas, i)}, 1);
    return kind == TERM_FAILS ? choose_failure(reader, branch, ways) : choose(reader, branch, ways);
}

/* ---- oneOf ---- */

/* Is there a value that both know? */
static enum status overlap(struct schema_reader *reader, const json_t *a, const json_t *b,
                           bool *do_overlap)
{
    struct term both[] = {holds(a), holds(b)};
    return schema_satisfiable(reader, (struct terms){both, 2}, do_overlap);
}

/* One of them holds, and those that could hold with it fail. */
static enum status choose_one(struct schema_reader *reader, struct branch *branch,
                              const json_t *schemas)
{
    size_t count = json_array_size(schemas);
    struct ways ways = ways_of(reader, count);
    bool *overlaps = arena_alloc_array(reader->job, count * count + 1, sizeof *overlaps);
    struct term *terms = arena_alloc_array(reader->job, count + 1, sizeof *terms);
    if (!overlaps || !terms) return schema_no_memory(reader);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++) {
            TRY(overlap(reader, json_array_get(schemas, i), json_array_get(schemas, k),
                        &overlaps[i * count + k]));
            overlaps[k * count + i] = overlaps[i * count + k];
        }
    for (size_t i = 0; i < count; i++) {
        size_t used = 0;
        terms[used++] = holds(json_array_get(schemas, i));
        for (size_t k = 0; k < count; k++)
            if (k != i && overlaps[i * count + k])
                terms[used++] = fails(json_array_get(schemas, k));
        add_way(&ways, terms, used);
    }
    return choose(reader, branch, ways);
}

/* None of them holds, or two do. */
static enum status choose_not_one(struct schema_reader *reader, struct branch *branch,
                                  const json_t *schemas)
{
    size_t count = json_array_size(schemas);
    struct ways ways = ways_of(reader, count * count + 1);
    struct term *terms = arena_alloc_array(reader->job, count + 1, sizeof *terms);
    if (!terms) return schema_no_memory(reader);
    for (size_t i = 0; i < count; i++) terms[i] = fails(json_array_get(schemas, i));
    add_way(&ways, terms, count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++) {
            struct term two[] = {holds(json_array_get(schemas, i)),
                                 holds(json_array_get(schemas, k))};
            add_way(&ways, two, 2);
        }
    return choose_failure(reader, branch, ways);
}

/* ---- if, and dependencies ---- */

static enum status choose_if(struct schema_reader *reader, struct branch *branch,
                             const json_t *schema, enum term_kind outcome)
{
    const json_t *condition = json_object_get(schema, "if");
    const json_t *then = json_object_get(schema, "then");
    const json_t *otherwise = json_object_get(schema, "else");
    if (!then && !otherwise && outcome == TERM_HOLDS) return OK;
    struct ways ways = ways_of(reader, 2);
    struct term with[2] = {holds(condition)}, without[2] = {fails(condition)};
    if (then) with[1] = (struct term){.kind = outcome, .schema = then};
    if (otherwise) without[1] = (struct term){.kind = outcome, .schema = otherwise};
    /* What is absent always holds, and never fails. */
    if (then || outcome == TERM_HOLDS) add_way(&ways, with, then ? 2 : 1);
    if (otherwise || outcome == TERM_HOLDS) add_way(&ways, without, otherwise ? 2 : 1);
    return choose(reader, branch, ways);
}

/* A property, and what must hold where it is there: names, or a schema. */
static enum status choose_dependency(struct schema_reader *reader, struct branch *branch,
                                     const json_t *schema, const char *keyword, const char *name,
                                     const json_t *then)
{
    if (!json_is_array(then) && !json_is_object(then) && !json_is_boolean(then) &&
        !json_is_string(then)) /* draft 3: one name */
        return schema_refuse(reader, schema, keyword, STATUS_INVALID, "must name schemas or lists");
    struct ways ways = ways_of(reader, 3);
    size_t count = json_is_array(then) ? json_array_size(then) : 1;
    struct term *terms = arena_alloc_array(reader->job, count + 2, sizeof *terms);
    if (!terms) return schema_no_memory(reader);
    if (branch->shape.types & ~TYPE_OBJECT) {
        terms[0] = (struct term){.kind = TERM_NO_OBJECT};
        add_way(&ways, terms, 1);
    }
    terms[0] = about(TERM_LACKS, name, NULL);
    add_way(&ways, terms, 1);
    terms[0] = about(TERM_HAS, name, NULL);
    terms[1] = holds(then);
    if (json_is_string(then)) terms[1] = about(TERM_HAS, json_string_value(then), NULL);
    for (size_t i = 0; json_is_array(then) && i < count; i++)
        terms[1 + i] = about(TERM_HAS, json_string_value(json_array_get(then, i)), NULL);
    add_way(&ways, terms, 1 + count);
    return choose(reader, branch, ways);
}

static enum status take_dependencies(struct schema_reader *reader, struct branch *branch,
                                     const json_t *schema, const char *keyword)
{
    json_t *dependencies = json_object_get(schema, keyword), *then;
    const char *name;
    if (!dependencies) return OK;
    if (!json_is_object(dependencies))
        return schema_refuse(reader, schema, keyword, STATUS_INVALID, "must be an object");
    if (!(branch->shape.types & TYPE_OBJECT)) return OK;
    json_object_foreach(dependencies, name, then)
        TRY(choose_dependency(reader, branch, schema, keyword, name, then));
    return OK;
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
        struct term terms[2] = {about(TERM_HAS, name, NULL), fails(then)};
        if (!json_is_array(then)) add_way(&ways, terms, 2);
        for (size_t i = 0; json_is_array(then) && i < json_array_size(then); i++) {
            terms[1] = about(TERM_LACKS, json_string_value(json_array_get(then, i)), NULL);
            add_way(&ways, terms, 2);
        }
    }
    return choose_failure(reader, branch, ways);
}

/* ---- terms about a whole schema ---- */

static enum status check_list(struct schema_reader *reader, const json_t *schema,
                              const char *keyword)
{
    const json_t *list = json_object_get(schema, keyword);
    if (!list || (json_is_array(list) && json_array_size(list) > 0)) return OK;
    return schema_refuse(reader, schema, keyword, STATUS_INVALID,
                         "must be a list of schemas, not empty");
}

static enum status take_schema(struct schema_reader *reader, struct branch *branch,
                               const json_t *schema)
{
    const json_t *target, *list;
    if (json_is_true(schema)) return OK;
    if (json_is_false(schema)) {
        branch->shape.types = 0;
        return OK;
    }
    if (!json_is_object(schema))
        return schema_refuse(reader, schema, "", STATUS_INVALID,
                             "must be a schema: an object, true or false");
    if (json_object_get(schema, "$ref")) {
        TRY(schema_resolve(reader, schema, &target));
        if (reader->refs_stand_alone) return add_todo(reader, branch, holds(target));
    }
    TRY(shape_take(reader, &branch->shape, schema));
    if (branch->shape.types == 0) return OK;
    TRY(check_list(reader, schema, "allOf"));
    TRY(check_list(reader, schema, "anyOf"));
    TRY(check_list(reader, schema, "oneOf"));
    if ((list = json_object_get(schema, "anyOf")))
        TRY(choose_each(reader, branch, list, TERM_HOLDS));
    if ((list = json_object_get(schema, "oneOf"))) TRY(choose_one(reader, branch, list));
    if (json_object_get(schema, "if")) TRY(choose_if(reader, branch, schema, TERM_HOLDS));
    TRY(take_dependencies(reader, branch, schema, "dependentRequired"));
    TRY(take_dependencies(reader, branch, schema, "dependentSchemas"));
    TRY(take_dependencies(reader, branch, schema, "dependencies"));
    if (json_object_get(schema, "not"))
        TRY(add_todo(reader, branch, fails(json_object_get(schema, "not"))));
    TRY(add_each(reader, branch, json_object_get(schema, "allOf"), TERM_HOLDS));
    if (json_object_get(schema, "$ref")) TRY(add_todo(reader, branch, holds(target)));
    return OK;
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
    static const char *const NEVER[] = {"uniqueItems", "unevaluatedItems", "$dynamicRef",
                                        "unevaluatedProperties", "$recursiveRef"};
    for (size_t i = 0; i < ARRAY_COUNT(NEVER); i++)
        if (strcmp(keyword, NEVER[i]) == 0) return false;
    bool lists_items =
        json_object_get(schema, "prefixItems") || json_is_array(json_object_get(schema, "items"));
    bool counts = json_object_get(schema, "minContains") || json_object_get(schema, "maxContains");
    if (strcmp(keyword, "multipleOf") == 0)
        return json_number_value(json_object_get(schema, keyword)) == 1;
    if (strcmp(keyword, "contains") == 0) return !counts;
    return !lists_items || !(strstr(keyword, "tems") && keyword[0] != 'm');
}

static enum status take_failing_schema(struct schema_reader *reader, struct branch *branch,
                                       const json_t *schema)
{
    if (json_is_false(schema)) return OK;
    struct ways ways = ways_of(reader, ARRAY_COUNT(CONSTRAINTS));
    bool ref_alone = reader->refs_stand_alone && json_object_get(schema, "$ref");
    const char *impossible = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(CONSTRAINTS) && json_is_object(schema); i++) {
        const struct term term = about(TERM_KEYWORD_FAILS, CONSTRAINTS[i], schema);
        if (!json_object_get(schema, CONSTRAINTS[i]) || (i > 0 && ref_alone)) continue;
        if (can_fail(schema, CONSTRAINTS[i]))
            add_way(&ways, &term, 1);
        else
            impossible = CONSTRAINTS[i];
    }
    if (ways.count == 0 && impossible) /* the only way */
        return schema_refuse(reader, schema, impossible, STATUS_UNSUPPORTED,
                             "its opposite, which `not`, `oneOf` or `if` ask for here, is not "
                             "supported");
    if (ways.count == 1) return add_todo(reader, branch, ways.items[0].terms[0]);
    return choose_failure(reader, branch, ways); /* without a way: nothing fails `true` */
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
        const struct term term = about(TERM_HAS_FAILING, name, value);
        add_way(&ways, &term, 1);
    }
    return choose_failure(reader, branch, ways);
}

static enum status choose_missing_property(struct schema_reader *reader, struct branch *branch,
                                           const json_t *required)
{
    struct ways ways = ways_of(reader, json_array_size(required));
    for (size_t i = 0; i < json_array_size(required); i++) {
        const struct term term =
            about(TERM_LACKS, json_string_value(json_array_get(required, i)), NULL);
        add_way(&ways, &term, 1);
    }
    return choose_failure(reader, branch, ways);
}

static enum status take_failing_keyword(struct schema_reader *reader, struct branch *branch,
                                        const json_t *schema, struct text keyword)
{
    json_t *value = json_object_get(schema, keyword.data);
    const json_t *target;
#define KEYWORD_IS(word) text_equal(keyword, TEXT(word))
    if (KEYWORD_IS("$ref")) {
        TRY(schema_resolve(reader, schema, &target));
        return add_todo(reader, branch, fails(target));
    }
    if (KEYWORD_IS("allOf")) return choose_each(reader, branch, value, TERM_FAILS);
    if (KEYWORD_IS("anyOf")) return add_each(reader, branch, value, TERM_FAILS);
    if (KEYWORD_IS("oneOf")) return choose_not_one(reader, branch, value);
    if (KEYWORD_IS("not")) return add_todo(reader, branch, holds(value));
    if (KEYWORD_IS("if")) return choose_if(reader, branch, schema, TERM_FAILS);
    if (KEYWORD_IS("properties")) return choose_failing_property(reader, branch, value);
    if (KEYWORD_IS("required")) return choose_missing_property(reader, branch, value);
    if (KEYWORD_IS("additionalProperties") || KEYWORD_IS("patternProperties") ||
        KEYWORD_IS("propertyNames"))
        return add_choice(
            reader, branch,
            (struct choice){.is_failure = true, .names_of = schema, .keyword = keyword.data});
    if (KEYWORD_IS("dependencies") || KEYWORD_IS("dependentRequired") ||
        KEYWORD_IS("dependentSchemas"))
        return choose_broken_dependency(reader, branch, schema, keyword.data);
#undef KEYWORD_IS
    return shape_take_failing(reader, &branch->shape, schema, keyword.data);
}

static enum status take_object_term(struct schema_reader *reader, struct shape *shape,
                                    struct term term)
{
    struct text path = term.name;
    struct listed named = {.name = term.name};
    if (term.kind == TERM_HAS_IN_CLASS) named.name = path_take_name(&path);
    shape->types &= TYPE_OBJECT;
    if (!term.name.data)
        return schema_refuse(reader, reader->root, "required", STATUS_INVALID,
                             "must be a list of names");
    if (term.kind == TERM_LACKS) return schema_list(reader, &shape->lacked, named);
    TRY(schema_list(reader, &shape->required, named));
    if (term.kind == TERM_HAS) return OK;
    named.term =
        term.kind == TERM_HAS_FAILING
            ? fails(term.schema)
            : (struct term){.kind = TERM_IN_CLASS, .name = path, .value_class = term.value_class};
    return schema_list(reader, &shape->about_names, named);
}

static bool terms_equal(struct term a, struct term b)
{
    return a.kind == b.kind && a.schema == b.schema && a.value_class == b.value_class &&
           text_equal(a.name, b.name);
}

/* An object is of the class of one property's value, and of class 0 without it. */
static enum status choose_class_of_object(struct schema_reader *reader, struct branch *branch,
                                          struct term class)
{
    struct ways ways = ways_of(reader, 3);
    const struct term no_object = {.kind = TERM_NO_OBJECT};
    struct text path = class.name;
    const struct term lacks = {.kind = TERM_LACKS, .name = path_take_name(&path)};
    struct term has = class;
    has.kind = TERM_HAS_IN_CLASS;
    if (branch->shape.types & ~(unsigned)TYPE_OBJECT) add_way(&ways, &no_object, 1);
    if (class.value_class == 0) add_way(&ways, &lacks, 1);
    add_way(&ways, &has, 1);
    return choose(reader, branch, ways);
}

static enum status take_class(struct schema_reader *reader, struct branch *branch,
                              struct term class)
{
    static const unsigned OF_CLASS[VALUE_CLASSES] = {TYPE_FALSE | TYPE_ARRAY, TYPE_TRUE, TYPE_NULL};
    struct shape *shape = &branch->shape;
    const struct regular *language;
    bool classes_objects = class.name.length > 0 || class.value_class == 0;
    shape->types &= OF_CLASS[class.value_class] | TYPE_STRING | TYPE_NUMBER |
                    (classes_objects ? TYPE_OBJECT : 0);
    TRY(class_string_language(reader, class.value_class, &language));
    TRY(schema_list(reader, &shape->languages, (struct listed){.language = language}));
    TRY(schema_list(reader, &shape->number_classes, (struct listed){.term = class}));
    if (class.name.length == 0 || !(shape->types & TYPE_OBJECT)) return OK;
    return choose_class_of_object(reader, branch, class);
}

static bool is_taken(const struct shape *shape, struct term term)
{
    for (const struct listed *known = shape->taken; known; known = known->next)
        if (terms_equal(known->term, term)) return true;
    return false;
}

static enum status take_term(struct schema_reader *reader, struct branch *branch, struct term term)
{
    struct shape *shape = &branch->shape;
    if (is_taken(shape, term)) return OK;
    if (++reader->steps > SCHEMA_STEPS_MAX)
        return schema_refuse(reader, reader->root, "", STATUS_TOO_LARGE,
                             "the schema is too large or too entangled");
    TRY(schema_list(reader, &shape->taken, (struct listed){.term = term}));
    switch (term.kind) {
    case TERM_HOLDS: return take_schema(reader, branch, term.schema);
    case TERM_FAILS: return take_failing_schema(reader, branch, term.schema);
    case TERM_KEYWORD_FAILS: return take_failing_keyword(reader, branch, term.schema, term.name);
    case TERM_HAS:
    case TERM_HAS_FAILING:
    case TERM_HAS_IN_CLASS:
    case TERM_LACKS: return take_object_term(reader, shape, term);
    case TERM_IN_CLASS: return take_class(reader, branch, term);
    case TERM_NO_OBJECT: shape->types &= ~(unsigned)TYPE_OBJECT; return OK;
    case TERM_ITEMS_FAIL:
        shape->types &= TYPE_ARRAY;
        return schema_list(reader, &shape->item_terms, (struct listed){.term = fails(term.schema)});
    case TERM_SOME_ITEM_FAILS:
        shape->types &= TYPE_ARRAY;
        return schema_list(reader, &shape->contains, (struct listed){.term = fails(term.schema)});
    }
    return OK;
}

/* ---- alternatives ---- */

static enum status add_shape(struct expansion *expansion, const struct shape *shape)
{
    struct shapes *shapes = expansion->shapes;
    struct schema_reader *reader = expansion->reader;
    if (shapes->count == SCHEMA_ALTERNATIVES_MAX)
        return schema_refuse(reader, shape->taken ? reader->root : NULL, "", STATUS_TOO_LARGE,
                             "more than %d alternatives in one place", SCHEMA_ALTERNATIVES_MAX);
    if (shapes->count == shapes->capacity) {
        uint32_t capacity = shapes->capacity ? 2 * shapes->capacity : 2;
        struct shape *more = arena_alloc_array(reader->job, capacity, sizeof *more);
        if (!more) return schema_no_memory(reader);
        if (shapes->count) memcpy(more, shapes->items, shapes->count * sizeof *more);
        shapes->items = more;
        shapes->capacity = capacity;
    }
    shapes->items[shapes->count++] = *shape;
    return OK;
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
        if (fails) add_way(ways, &term, 1);
        return OK;
    }
    TRY(pattern_schema(reader, choice->names_of, name, &by_pattern));
    bool is_pattern = choice->keyword[0] == 'p';
    term.schema = is_pattern ? by_pattern : value;
    if (is_pattern ? by_pattern != NULL : !own && !by_pattern) add_way(ways, &term, 1);
    return OK;
}

static enum status ways_of_names(struct schema_reader *reader, const struct shape *shape,
                                 struct choice *choice)
{
    struct name_list names;
    TRY(spoken_names(reader, shape, &names));
    struct ways ways = ways_of(reader, names.count);
    for (size_t i = 0; i < names.count; i++)
        TRY(add_way_of_name(reader, &ways, choice, names.items[i]));
    if (ways.failed) return schema_no_memory(reader);
    choice->ways = ways.items;
    choice->count = ways.count;
    return OK;
}

/* ---- following the ways ---- */

/* Is one of the ways gone already? */
static bool is_decided(const struct shape *shape, const struct choice *choice)
{
    for (size_t i = 0; i < choice->count; i++) {
        bool all_taken = true;
        for (size_t t = 0; t < choice->ways[i].count && all_taken; t++)
            all_taken = is_taken(shape, choice->ways[i].terms[t]);
        if (all_taken) return true;
    }
    return false;
}

static enum status settle(struct expansion *expansion, struct branch *branch, int depth);

static enum status follow_ways(struct expansion *expansion, struct branch *branch,
                               struct choice choice, int depth)
{
    struct schema_reader *reader = expansion->reader;
    if (choice.names_of) TRY(ways_of_names(reader, &branch->shape, &choice));
    if (is_decided(&branch->shape, &choice)) return settle(expansion, branch, depth + 1);
    if (choice.is_failure && choice.count > 1) branch->failures++;
    bool one_will_do =
        expansion->first_only || (choice.is_failure && branch->failures > FAILURES_FOLLOWED);
    uint32_t before = expansion->shapes->count;
    for (size_t i = 0; i < choice.count; i++) {
        struct branch copy = *branch;
        for (size_t t = choice.ways[i].count; t-- > 0;)
            TRY(add_todo(reader, &copy, choice.ways[i].terms[t]));
        TRY(settle(expansion, &copy, depth + 1));
        if (one_will_do && expansion->shapes->count > before) break;
    }
    return OK;
}

/* The choice that offers the fewest ways; those of names last, when all names are known. */
static struct choice take_choice(struct branch *branch, struct choice *copies, size_t *copied)
{
    const struct choice *best = branch->choices;
    for (const struct choice *c = branch->choices; c; c = c->next)
        if (best->names_of || (!c->names_of && c->count < best->count)) best = c;
    const struct choice *rest = best->next;
    for (const struct choice *c = branch->choices; c != best; c = c->next) {
        copies[*copied] = *c;
        copies[*copied].next = rest;
        rest = &copies[(*copied)++];
    }
    branch->choices = rest;
    return *best;
}

static enum status settle(struct expansion *expansion, struct branch *branch, int depth)
{
    struct schema_reader *reader = expansion->reader;
    if (depth > CHOICES_MAX)
        return schema_refuse(reader, reader->root, "", STATUS_TOO_LARGE,
                             "more than %d choices that depend on one another", CHOICES_MAX);
    while (branch->todo && branch->shape.types) {
        struct term term = branch->todo->term;
        branch->todo = branch->todo->next;
        TRY(take_term(reader, branch, term));
    }
    if (branch->shape.types) TRY(shape_prune(reader, &branch->shape));
    if (branch->shape.types == 0) return OK;
    if (!branch->choices) return add_shape(expansion, &branch->shape);
    size_t count = 0, copied = 0;
    for (const struct choice *c = branch->choices; c; c = c->next) count++;
    struct choice *copies = arena_alloc_array(reader->job, count, sizeof *copies);
    if (!copies) return schema_no_memory(reader);
    struct choice choice = take_choice(branch, copies, &copied);
    return follow_ways(expansion, branch, choice, depth);
}

enum status terms_expand(struct schema_reader *reader, struct terms terms, bool first_only,
                         struct shapes *shapes)
{
    struct expansion expansion = {.reader = reader, .shapes = shapes, .first_only = first_only};
    struct branch branch = {.shape = {.types = TYPE_ALL,
                                      .begun_with = terms.count,
                                      .most_length = SCHEMA_UNBOUNDED,
                                      .most_items = SCHEMA_UNBOUNDED,
                                      .most_properties = SCHEMA_UNBOUNDED}};
    for (size_t i = terms.count; i-- > 0;) TRY(add_todo(reader, &branch, terms.items[i]));
    return settle(&expansion, &branch, 0);
}
