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

#include "inference/grammar/json_schema_branch.h"

enum {
    CHOICES_MAX = 1000,    /* that depend on one another */
    FAILURES_FOLLOWED = 4, /* choices of ways to fail that are followed in all their ways */
};

struct expansion {
    struct schema_reader *reader;
    struct shapes *shapes;
    bool first_only;
};

enum status branch_add_todo(struct schema_reader *reader, struct branch *branch, struct term term)
{
    struct todo *todo = arena_alloc(reader->job, sizeof *todo);
    if (!todo) return schema_no_memory(reader);
    *todo = (struct todo){branch->todo, term};
    branch->todo = todo;
    return OK;
}

/* Pushed from the last to the first, so that they are taken in order. */
enum status branch_add_each(struct schema_reader *reader, struct branch *branch,
                            const json_t *schemas, enum term_kind kind)
{
    for (size_t i = json_array_size(schemas); i-- > 0;)
        TRY(branch_add_todo(reader, branch,
                            (struct term){.kind = kind, .schema = json_array_get(schemas, i)}));
    return OK;
}

enum status branch_add_choice(struct schema_reader *reader, struct branch *branch,
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

struct ways ways_of(struct schema_reader *reader, size_t most)
{
    struct ways ways = {.job = reader->job};
    ways.items = arena_alloc_array(reader->job, most + 1, sizeof *ways.items);
    ways.failed = !ways.items;
    return ways;
}

void ways_add(struct ways *ways, const struct term *terms, size_t count)
{
    struct term *copy = arena_alloc_array(ways->job, count + 1, sizeof *copy);
    if (!copy || ways->failed) {
        ways->failed = true;
        return;
    }
    memcpy(copy, terms, count * sizeof *copy);
    ways->items[ways->count++] = (struct way){copy, count};
}

enum status branch_choose(struct schema_reader *reader, struct branch *branch, struct ways ways)
{
    if (ways.failed) return schema_no_memory(reader);
    return branch_add_choice(reader, branch,
                             (struct choice){.ways = ways.items, .count = ways.count});
}

enum status branch_choose_failure(struct schema_reader *reader, struct branch *branch,
                                  struct ways ways)
{
    if (ways.failed) return schema_no_memory(reader);
    return branch_add_choice(
        reader, branch,
        (struct choice){.ways = ways.items, .count = ways.count, .is_failure = true});
}

enum status branch_choose_each(struct schema_reader *reader, struct branch *branch,
                               const json_t *schemas, enum term_kind kind)
{
    struct ways ways = ways_of(reader, json_array_size(schemas));
    for (size_t i = 0; i < json_array_size(schemas); i++)
        ways_add(&ways, &(struct term){.kind = kind, .schema = json_array_get(schemas, i)}, 1);
    return kind == TERM_FAILS ? branch_choose_failure(reader, branch, ways)
                              : branch_choose(reader, branch, ways);
}

/* ---- oneOf ---- */

/* Is there a value that both know? */
static enum status overlap(struct schema_reader *reader, const json_t *a, const json_t *b,
                           bool *do_overlap)
{
    struct term both[] = {term_holds(a), term_holds(b)};
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
        terms[used++] = term_holds(json_array_get(schemas, i));
        for (size_t k = 0; k < count; k++)
            if (k != i && overlaps[i * count + k])
                terms[used++] = term_fails(json_array_get(schemas, k));
        ways_add(&ways, terms, used);
    }
    return branch_choose(reader, branch, ways);
}

/* ---- if, and dependencies ---- */

enum status branch_choose_if(struct schema_reader *reader, struct branch *branch,
                             const json_t *schema, enum term_kind outcome)
{
    const json_t *condition = json_object_get(schema, "if");
    const json_t *then = json_object_get(schema, "then");
    const json_t *otherwise = json_object_get(schema, "else");
    if (!then && !otherwise && outcome == TERM_HOLDS) return OK;
    struct ways ways = ways_of(reader, 2);
    struct term with[2] = {term_holds(condition)}, without[2] = {term_fails(condition)};
    if (then) with[1] = (struct term){.kind = outcome, .schema = then};
    if (otherwise) without[1] = (struct term){.kind = outcome, .schema = otherwise};
    /* What is absent always holds, and never fails. */
    if (then || outcome == TERM_HOLDS) ways_add(&ways, with, then ? 2 : 1);
    if (otherwise || outcome == TERM_HOLDS) ways_add(&ways, without, otherwise ? 2 : 1);
    return branch_choose(reader, branch, ways);
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
        ways_add(&ways, terms, 1);
    }
    terms[0] = term_about(TERM_LACKS, name, NULL);
    ways_add(&ways, terms, 1);
    terms[0] = term_about(TERM_HAS, name, NULL);
    terms[1] = term_holds(then);
    if (json_is_string(then)) terms[1] = term_about(TERM_HAS, json_string_value(then), NULL);
    for (size_t i = 0; json_is_array(then) && i < count; i++)
        terms[1 + i] = term_about(TERM_HAS, json_string_value(json_array_get(then, i)), NULL);
    ways_add(&ways, terms, 1 + count);
    return branch_choose(reader, branch, ways);
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
        if (schema_ref_is_alone(reader, schema))
            return branch_add_todo(reader, branch, term_holds(target));
    }
    TRY(shape_take(reader, &branch->shape, schema));
    if (branch->shape.types == 0) return OK;
    TRY(check_list(reader, schema, "allOf"));
    TRY(check_list(reader, schema, "anyOf"));
    TRY(check_list(reader, schema, "oneOf"));
    if ((list = json_object_get(schema, "anyOf")))
        TRY(branch_choose_each(reader, branch, list, TERM_HOLDS));
    if ((list = json_object_get(schema, "oneOf"))) TRY(choose_one(reader, branch, list));
    if (json_object_get(schema, "if")) TRY(branch_choose_if(reader, branch, schema, TERM_HOLDS));
    TRY(take_dependencies(reader, branch, schema, "dependentRequired"));
    TRY(take_dependencies(reader, branch, schema, "dependentSchemas"));
    TRY(take_dependencies(reader, branch, schema, "dependencies"));
    if (json_object_get(schema, "not"))
        TRY(branch_add_todo(reader, branch, term_fails(json_object_get(schema, "not"))));
    TRY(branch_add_each(reader, branch, json_object_get(schema, "allOf"), TERM_HOLDS));
    if (json_object_get(schema, "$ref")) TRY(branch_add_todo(reader, branch, term_holds(target)));
    static const char *const DYNAMIC[] = {"$dynamicRef", "$recursiveRef"};
    for (size_t i = 0; i < ARRAY_COUNT(DYNAMIC); i++) {
        if (!json_object_get(schema, DYNAMIC[i])) continue;
        TRY(schema_resolve_dynamic(reader, schema, DYNAMIC[i], &target));
        TRY(branch_add_todo(reader, branch, term_holds(target)));
    }
    return OK;
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
            ? term_fails(term.schema)
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
    if (branch->shape.types & ~(unsigned)TYPE_OBJECT) ways_add(&ways, &no_object, 1);
    if (class.value_class == 0) ways_add(&ways, &lacks, 1);
    ways_add(&ways, &has, 1);
    return branch_choose(reader, branch, ways);
}

static enum status take_class(struct schema_reader *reader, struct branch *branch,
                              struct term class)
{
    struct shape *shape = &branch->shape;
    const struct regular *language;
    bool classes_objects = class.name.length > 0 || class.value_class == 0;
    shape->types &= class_types(reader, class.value_class) | TYPE_STRING | TYPE_NUMBER |
                    (classes_objects ? TYPE_OBJECT : 0);
    TRY(class_string_language(reader, class.value_class, &language));
    TRY(schema_list(reader, &shape->languages, (struct listed){.language = language}));
    TRY(schema_list(reader, &shape->number_classes, (struct listed){.term = class}));
    if (class.name.length == 0 || !(shape->types & TYPE_OBJECT)) return OK;
    return choose_class_of_object(reader, branch, class);
}

static unsigned bit_of_term(struct term term)
{
    uint64_t hash = (uint64_t)(uintptr_t)term.schema ^ (uint64_t)term.kind << 50 ^
                    (uint64_t)term.name.length << 54 ^ (uint64_t)term.value_class << 60;
    return (unsigned)(hash * 0x9E3779B97F4A7C15u >> 53);
}

static bool is_taken(const struct shape *shape, struct term term)
{
    unsigned bit = bit_of_term(term);
    if (!(shape->taken_bits[bit / 64] >> bit % 64 & 1)) return false;
    for (const struct listed *known = shape->taken; known; known = known->next)
        if (terms_equal(known->term, term)) return true;
    return false;
}

/* The schema holds and fails, or holds and one of its keywords fails. */
static bool is_contradicted(const struct shape *shape, struct term term)
{
    if (term.kind == TERM_HOLDS) return is_taken(shape, term_fails(term.schema));
    return (term.kind == TERM_FAILS || term.kind == TERM_KEYWORD_FAILS) &&
           is_taken(shape, term_holds(term.schema));
}

static enum status take_term(struct schema_reader *reader, struct branch *branch, struct term term)
{
    struct shape *shape = &branch->shape;
    if (is_taken(shape, term)) return OK;
    if (is_contradicted(shape, term)) {
        shape->types = 0;
        return OK;
    }
    if (++reader->steps > SCHEMA_STEPS_MAX)
        return schema_refuse(reader, reader->root, "", STATUS_TOO_LARGE,
                             "the schema is too large or too entangled");
    if (term.kind == TERM_HOLDS || term.kind == TERM_FAILS)
        TRY(schema_check_circles(reader, term.schema));
    TRY(schema_list(reader, &shape->taken, (struct listed){.term = term}));
    unsigned bit = bit_of_term(term);
    shape->taken_bits[bit / 64] |= (uint64_t)1 << bit % 64;
    switch (term.kind) {
    case TERM_HOLDS: return take_schema(reader, branch, term.schema);
    case TERM_FAILS: return branch_take_failing(reader, branch, term.schema);
    case TERM_KEYWORD_FAILS:
        return branch_take_failing_keyword(reader, branch, term.schema, term.name);
    case TERM_HAS:
    case TERM_HAS_FAILING:
    case TERM_HAS_IN_CLASS:
    case TERM_LACKS: return take_object_term(reader, shape, term);
    case TERM_IN_CLASS: return take_class(reader, branch, term);
    case TERM_NO_OBJECT: shape->types &= ~(unsigned)TYPE_OBJECT; return OK;
    case TERM_ITEMS_FAIL:
        shape->types &= TYPE_ARRAY;
        return schema_list(reader, &shape->item_terms,
                           (struct listed){.term = term_fails(term.schema)});
    case TERM_SOME_ITEM_FAILS:
        shape->types &= TYPE_ARRAY;
        return schema_list(reader, &shape->contains,
                           (struct listed){.term = term_fails(term.schema)});
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
    if (choice.names_of) TRY(choice_find_names(reader, &branch->shape, &choice));
    if (is_decided(&branch->shape, &choice)) return settle(expansion, branch, depth + 1);
    if (choice.is_failure && choice.count > 1) branch->failures++;
    bool one_will_do =
        expansion->first_only || (choice.is_failure && branch->failures > FAILURES_FOLLOWED);
    uint32_t before = expansion->shapes->count;
    for (size_t i = 0; i < choice.count; i++) {
        struct arena_mark mark = arena_mark(reader->job);
        uint32_t shapes_before = expansion->shapes->count;
        struct branch copy = *branch;
        for (size_t t = choice.ways[i].count; t-- > 0;)
            TRY(branch_add_todo(reader, &copy, choice.ways[i].terms[t]));
        TRY(settle(expansion, &copy, depth + 1));
        if (expansion->shapes->count == shapes_before) arena_rewind(reader->job, mark);
        if (one_will_do && expansion->shapes->count > before) break;
    }
    return OK;
}

/* The choice that offers the fewest ways; those of names last, when all names are known. */
static enum status take_choice(struct schema_reader *reader, struct branch *branch,
                               struct choice *taken)
{
    const struct choice *best = branch->choices;
    for (const struct choice *c = branch->choices; c; c = c->next)
        if (best->names_of || (!c->names_of && c->count < best->count)) best = c;
    const struct choice *rest = best->next;
    for (const struct choice *c = branch->choices; c != best; c = c->next) {
        struct choice *copy = arena_alloc(reader->job, sizeof *copy);
        if (!copy) return schema_no_memory(reader);
        *copy = *c;
        copy->next = rest;
        rest = copy;
    }
    branch->choices = rest;
    *taken = *best;
    return OK;
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
    struct choice choice;
    TRY(take_choice(reader, branch, &choice));
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
    for (size_t i = terms.count; i-- > 0;) TRY(branch_add_todo(reader, &branch, terms.items[i]));
    return settle(&expansion, &branch, 0);
}
