/* json_schema.c - a JSON Schema as a part of a grammar: the texts of the values that satisfy it.
 *
 * What is written is always valid. What is valid is written in one form: properties in the order of
 * the schema, compact, numbers of bounded length (json_parts.c). What cannot be honoured is refused
 * by its JSON pointer and keyword. See json_schema_private.h for how. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum {
    PLAIN_VALUES_MAX = 16, /* more strings than that are written as an automaton */
    SATISFIABLE_DEPTH = 3, /* sets within sets that are looked into */
};

/* ---- faults ---- */

enum status schema_no_memory(struct schema_reader *reader)
{
    return fault_set(reader->fault, STATUS_NO_MEMORY, "no memory for the schema");
}

/* Append the way from `from` to `wanted`; false, and nothing appended, when there is none. */
static bool append_pointer(struct buffer *out, const json_t *from, const json_t *wanted, int depth)
{
    size_t start = out->length;
    if (from == wanted) return true;
    if (depth > SCHEMA_NESTING_MAX) return false;
    for (size_t i = 0; i < json_array_size(from); i++) {
        buffer_printf(out, "/%zu", i);
        if (append_pointer(out, json_array_get(from, i), wanted, depth + 1)) return true;
        out->length = start;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)from, key, value)
    {
        buffer_append_char(out, '/');
        for (const char *c = key; *c; c++) {
            if (*c == '~' || *c == '/')
                buffer_append_string(out, *c == '~' ? "~0" : "~1");
            else
                buffer_append_char(out, *c);
        }
        if (append_pointer(out, value, wanted, depth + 1)) return true;
        out->length = start;
    }
    return false;
}

enum status schema_refuse(struct schema_reader *reader, const json_t *schema, const char *keyword,
                          enum status status, const char *format, ...)
{
    char why[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    struct buffer pointer;
    buffer_init(&pointer);
    buffer_append_char(&pointer, '#');
    if (schema) append_pointer(&pointer, reader->root, schema, 0);
    if (keyword[0]) buffer_printf(&pointer, "/%s", keyword);
    if (!pointer.failed) pointer.data[pointer.length] = '\0';
    fault_set(reader->fault, status, "%s: %s", pointer.failed ? "#" : pointer.data, why);
    buffer_deinit(&pointer);
    return status;
}

/* ---- lists ---- */

enum status schema_list(struct schema_reader *reader, const struct listed **list,
                        struct listed item)
{
    struct listed *made = arena_alloc(reader->job, sizeof *made);
    if (!made) return schema_no_memory(reader);
    *made = item;
    made->next = *list;
    *list = made;
    return OK;
}

static grammar_part rule_of(struct grammar *g, grammar_part is)
{
    grammar_part rule = grammar_rule(g);
    grammar_rule_set(g, rule, is);
    return rule;
}

/* ---- exact values ---- */

static grammar_part real_literal(struct grammar *g, double value)
{
    char text[40];
    if (value > -1e15 && value < 1e15 && value == (double)(long long)value)
        snprintf(text, sizeof text, "%lld", (long long)value);
    else
        for (int precision = 15; precision <= 17; precision++) {
            snprintf(text, sizeof text, "%.*g", precision, value);
            if (strtod(text, NULL) == value) break;
        }
    return grammar_literal(g, text_of(text));
}

static enum status write_array_value(struct schema_reader *reader, const json_t *value,
                                     grammar_part *part)
{
    struct grammar *g = reader->grammar;
    size_t count = json_array_size(value), used = 0;
    grammar_part *pieces = arena_alloc_array(reader->job, 2 * count + 2, sizeof *pieces);
    if (!pieces) return schema_no_memory(reader);
    pieces[used++] = grammar_literal(g, TEXT("["));
    for (size_t i = 0; i < count; i++) {
        if (i) pieces[used++] = reader->common.comma;
        TRY(schema_write_value(reader, json_array_get(value, i), &pieces[used++]));
    }
    pieces[used++] = grammar_literal(g, TEXT("]"));
    *part = grammar_sequence(g, pieces, used);
    return OK;
}

static enum status write_object_value(struct schema_reader *reader, const json_t *value,
                                      grammar_part *part)
{
    struct grammar *g = reader->grammar;
    size_t used = 0;
    const char *name;
    json_t *member;
    grammar_part *pieces =
        arena_alloc_array(reader->job, 4 * json_object_size(value) + 2, sizeof *pieces);
    if (!pieces) return schema_no_memory(reader);
    pieces[used++] = grammar_literal(g, TEXT("{"));
    json_object_foreach((json_t *)value, name, member)
    {
        if (used > 1) pieces[used++] = reader->common.comma;
        pieces[used++] = json_literal_string(g, text_of(name));
        pieces[used++] = reader->common.colon;
        TRY(schema_write_value(reader, member, &pieces[used++]));
    }
    pieces[used++] = grammar_literal(g, TEXT("}"));
    *part = grammar_sequence(g, pieces, used);
    return OK;
}

enum status schema_write_value(struct schema_reader *reader, const json_t *value,
                               grammar_part *part)
{
    struct grammar *g = reader->grammar;
    char text[32];
    if (++reader->nesting > SCHEMA_NESTING_MAX)
        return schema_refuse(reader, value, "", STATUS_TOO_LARGE, "a value nested this deep");
    enum status status = OK;
    switch (json_typeof(value)) {
    case JSON_OBJECT: status = write_object_value(reader, value, part); break;
    case JSON_ARRAY: status = write_array_value(reader, value, part); break;
    case JSON_STRING: *part = json_literal_string(g, schema_text(value)); break;
    case JSON_INTEGER:
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        *part = grammar_literal(g, text_of(text));
        break;
    case JSON_REAL: *part = real_literal(g, json_real_value(value)); break;
    case JSON_TRUE: *part = grammar_literal(g, TEXT("true")); break;
    case JSON_FALSE: *part = grammar_literal(g, TEXT("false")); break;
    case JSON_NULL: *part = reader->common.null; break;
    }
    reader->nesting--;
    return status;
}

static enum status write_many_strings(struct schema_reader *reader, const json_t *const *values,
                                      size_t count, grammar_part *part)
{
    struct regular *language, *small;
    struct text *texts = arena_alloc_array(reader->job, count, sizeof *texts);
    if (!texts) return schema_no_memory(reader);
    for (size_t i = 0; i < count; i++) texts[i] = schema_text(values[i]);
    enum status status = regular_texts(&language, texts, count, reader->job, reader->fault);
    if (status != OK)
        return status == STATUS_NO_MEMORY
                   ? status
                   : schema_refuse(reader, reader->root, "enum", STATUS_UNSUPPORTED,
                                   "with this much text is not supported");
    TRY(regular_minimise(&small, language, reader->job, reader->fault));
    return schema_write_regular(reader, small, true, part);
}

/* enum and const: each value that the other keywords admit. */
static enum status write_candidates(struct schema_reader *reader, const struct shape *shape,
                                    struct written *out)
{
    size_t most = json_array_size(shape->candidates->json) + 1;
    const json_t **values = arena_alloc_array(reader->job, most, sizeof *values);
    size_t count = 0, strings = 0, used = 0;
    bool are_all;
    if (!values) return schema_no_memory(reader);
    TRY(shape_values(reader, shape, values, most, &count, &are_all));
    out->is_nothing = count == 0;
    if (out->is_nothing) return OK;
    const json_t **texts = arena_alloc_array(reader->job, count, sizeof *texts);
    grammar_part *ways = arena_alloc_array(reader->job, count + 1, sizeof *ways);
    if (!texts || !ways) return schema_no_memory(reader);
    for (size_t i = 0; i < count; i++)
        if (json_is_string(values[i])) texts[strings++] = values[i];
    bool as_automaton = strings > PLAIN_VALUES_MAX;
    if (as_automaton) TRY(write_many_strings(reader, texts, strings, &ways[used++]));
    for (size_t i = 0; i < count; i++)
        if (!as_automaton || !json_is_string(values[i]))
            TRY(schema_write_value(reader, values[i], &ways[used++]));
    out->part = grammar_choice(reader->grammar, ways, used);
    return OK;
}

/* ---- shapes ---- */

struct type_writer {
    unsigned types;
    enum status (*write)(struct schema_reader *reader, const struct shape *shape,
                         struct written *out);
};

static enum status write_null(struct schema_reader *reader, const struct shape *shape,
                              struct written *out)
{
    out->part = reader->common.null;
    return OK;
}

static enum status write_boolean(struct schema_reader *reader, const struct shape *shape,
                                 struct written *out)
{
    struct grammar *g = reader->grammar;
    unsigned types = shape->types & (TYPE_TRUE | TYPE_FALSE);
    out->part = types == TYPE_TRUE    ? grammar_literal(g, TEXT("true"))
                : types == TYPE_FALSE ? grammar_literal(g, TEXT("false"))
                                      : reader->common.boolean;
    return OK;
}

static const struct type_writer TYPE_WRITERS[] = {
    {TYPE_OBJECT, shape_write_object},       {TYPE_ARRAY, shape_write_array},
    {TYPE_STRING, shape_write_string},       {TYPE_NUMBER, shape_write_number},
    {TYPE_TRUE | TYPE_FALSE, write_boolean}, {TYPE_NULL, write_null},
};

struct ways {
    grammar_part *items;
    size_t count, capacity;
};

static enum status add_way(struct schema_reader *reader, struct ways *ways, struct written way)
{
    if (way.is_nothing) return OK;
    if (ways->count == ways->capacity) {
        size_t capacity = ways->capacity ? 2 * ways->capacity : 8;
        grammar_part *more = arena_alloc_array(reader->job, capacity, sizeof *more);
        if (!more) return schema_no_memory(reader);
        if (ways->count) memcpy(more, ways->items, ways->count * sizeof *more);
        ways->items = more;
        ways->capacity = capacity;
    }
    ways->items[ways->count++] = way.part;
    return OK;
}

static enum status write_shape(struct schema_reader *reader, const struct shape *shape,
                               struct ways *ways)
{
    struct arena_mark mark;
    if (shape->candidates) {
        mark = arena_mark(reader->job);
        struct written way = {0};
        TRY(write_candidates(reader, shape, &way));
        arena_rewind(reader->job, mark);
        return add_way(reader, ways, way);
    }
    for (size_t i = 0; i < ARRAY_COUNT(TYPE_WRITERS); i++) {
        struct written way = {0};
        if (!(shape->types & TYPE_WRITERS[i].types)) continue;
        mark = arena_mark(reader->job);
        TRY(TYPE_WRITERS[i].write(reader, shape, &way));
        arena_rewind(reader->job, mark);
        TRY(add_way(reader, ways, way));
    }
    return OK;
}

/* ---- sets of terms, each written once ---- */

enum satisfiable { SATISFIABLE_UNKNOWN, SATISFIABLE_YES, SATISFIABLE_NO };

struct known_set {
    struct known_set *next;
    struct terms terms; /* sorted, each once */
    uint64_t hash;
    struct written written;
    bool is_written, is_being_written, has_rule;
    grammar_part rule; /* by which it refers to itself */
    enum satisfiable satisfiable;
};

/* By address, and so only good for telling sets apart: nothing else may hang on this order, or a
 * schema would be honoured today and refused tomorrow. */
static int compare_terms(const void *a, const void *b)
{
    const struct term *x = a, *y = b;
    if (x->schema != y->schema) return (uintptr_t)x->schema < (uintptr_t)y->schema ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->value_class != y->value_class) return x->value_class < y->value_class ? -1 : 1;
    if (x->name.length != y->name.length) return x->name.length < y->name.length ? -1 : 1;
    return x->name.length ? memcmp(x->name.data, y->name.data, x->name.length) : 0;
}

static bool is_annotation(const char *keyword)
{
    static const char *const ANNOTATIONS[] = {"$ref",
                                              "title",
                                              "description",
                                              "default",
                                              "examples",
                                              "$comment",
                                              "readOnly",
                                              "writeOnly",
                                              "deprecated",
                                              "$schema",
                                              "markdownDescription",
                                              "example",
                                              "definitions",
                                              "$defs"};
    for (size_t i = 0; i < ARRAY_COUNT(ANNOTATIONS); i++)
        if (strcmp(keyword, ANNOTATIONS[i]) == 0) return true;
    return keyword[0] == 'x' && keyword[1] == '-';
}

static bool is_only_reference(const struct schema_reader *reader, const json_t *schema)
{
    const char *keyword;
    json_t *ignored;
    if (!json_object_get(schema, "$ref")) return false;
    if (schema_ref_is_alone(reader, schema)) return true;
    json_object_foreach((json_t *)schema, keyword,
                        ignored) if (!is_annotation(keyword)) return false;
    return true;
}

/* Terms about references are about what they mean; `true` says nothing. Sorted, each once. */
static enum status normalise(struct schema_reader *reader, struct terms terms, struct terms *out)
{
    struct term *copy = arena_alloc_array(reader->job, terms.count + 1, sizeof *copy);
    size_t count = 0, kept = 0;
    if (!copy) return schema_no_memory(reader);
    for (size_t i = 0; i < terms.count; i++) {
        struct term term = terms.items[i];
        for (int hops = 0; hops < 16 && is_only_reference(reader, term.schema); hops++)
            TRY(schema_resolve(reader, term.schema, &term.schema));
        bool is_empty = json_is_true(term.schema) ||
                        (json_is_object(term.schema) && json_object_size(term.schema) == 0);
        if (term.kind != TERM_HOLDS || !is_empty) copy[count++] = term;
    }
    qsort(copy, count, sizeof *copy, compare_terms);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_terms(&copy[i], &copy[i - 1]) != 0) copy[kept++] = copy[i];
    *out = (struct terms){copy, kept};
    return OK;
}

static uint64_t hash_terms(struct terms terms)
{
    uint64_t hash = terms.count;
    for (size_t i = 0; i < terms.count; i++) {
        hash = (hash ^ (uintptr_t)terms.items[i].schema) * 0x9E3779B97F4A7C15u;
        hash =
            (hash ^ hash >> 29 ^ (uint64_t)terms.items[i].kind << 8 ^ terms.items[i].value_class) *
            0xBF58476D1CE4E5B9u;
    }
    return hash ^ hash >> 32;
}

static bool grow_sets(struct schema_reader *reader)
{
    if (reader->set_count < reader->set_slots) return true;
    uint32_t slots = reader->set_slots ? 2 * reader->set_slots : 64;
    struct known_set **sets = arena_alloc_array(reader->kept, slots, sizeof(struct known_set *));
    if (!sets) return false;
    for (uint32_t i = 0; i < reader->set_slots; i++)
        for (struct known_set *set = reader->sets[i], *next; set; set = next) {
            next = set->next;
            set->next = sets[set->hash & (slots - 1)];
            sets[set->hash & (slots - 1)] = set;
        }
    reader->sets = sets;
    reader->set_slots = slots;
    return true;
}

/* The terms with their names, which may have been put together for one job only. */
static bool keep_terms(struct schema_reader *reader, struct terms terms, struct terms *out)
{
    struct term *copy = arena_alloc_array(reader->kept, terms.count, sizeof *copy);
    if (!copy) return false;
    for (size_t i = 0; i < terms.count; i++) {
        copy[i] = terms.items[i];
        if (copy[i].name.length == 0) continue;
        copy[i].name.data = arena_copy(reader->kept, copy[i].name.data, copy[i].name.length);
        if (!copy[i].name.data) return false;
    }
    *out = (struct terms){copy, terms.count};
    return true;
}

static enum status know_set(struct schema_reader *reader, struct terms terms,
                            struct known_set **out)
{
    uint64_t hash = hash_terms(terms);
    if (!grow_sets(reader)) return schema_no_memory(reader);
    struct known_set **bucket = &reader->sets[hash & (reader->set_slots - 1)];
    for (struct known_set *set = *bucket; set; set = set->next) {
        bool same = set->hash == hash && set->terms.count == terms.count;
        for (size_t i = 0; same && i < terms.count; i++)
            same = compare_terms(&set->terms.items[i], &terms.items[i]) == 0;
        if (!same) continue;
        *out = set;
        return OK;
    }
    struct known_set *set = arena_alloc(reader->kept, sizeof *set);
    if (!set || !keep_terms(reader, terms, &set->terms)) return schema_no_memory(reader);
    set->next = *bucket;
    set->hash = hash;
    *bucket = set;
    reader->set_count++;
    *out = set;
    return OK;
}

/* Small parts are repeated where they are used, others are rules. */
static bool deserves_rule(const struct shapes *shapes)
{
    const unsigned small = TYPE_NULL | TYPE_FALSE | TYPE_TRUE | TYPE_STRING;
    if (shapes->count != 1 || shapes->items[0].candidates) return shapes->count > 0;
    const struct shape *shape = &shapes->items[0];
    return (shape->types & ~small) != 0 || shape->languages;
}

/* Alternatives that cannot be written may be left out as long as another one remains. */
static enum status write_shapes(struct schema_reader *reader, const struct shapes *shapes,
                                struct ways *ways)
{
    const json_t *left_out_around = reader->left_out;
    reader->left_out = NULL;
    for (uint32_t i = 0; i < shapes->count; i++) TRY(write_shape(reader, &shapes->items[i], ways));
    if (ways->count == 0 && reader->left_out)
        return schema_refuse(reader, reader->left_out, "uniqueItems", STATUS_UNSUPPORTED,
                             "of so many items is supported for strings, numbers, or objects with "
                             "such a property, that begin differently, and for lists of values");
    reader->left_out = left_out_around;
    return OK;
}

static enum status write_set(struct schema_reader *reader, struct known_set *set,
                             struct terms in_order)
{
    struct grammar *g = reader->grammar;
    struct shapes shapes = {.items = NULL};
    struct ways ways = {.items = NULL};
    TRY(terms_expand(reader, in_order, false, &shapes));
    TRY(write_shapes(reader, &shapes, &ways));
    set->written = (struct written){.is_nothing = ways.count == 0};
    set->written.part = grammar_choice(g, ways.items, ways.count);
    if (set->has_rule) {
        grammar_rule_set(g, set->rule, set->written.part);
        set->written.part = set->rule;
    } else if (deserves_rule(&shapes)) {
        set->written.part = rule_of(g, set->written.part);
    }
    return OK;
}

enum status schema_write(struct schema_reader *reader, struct terms terms, struct written *out)
{
    struct arena_mark mark = arena_mark(reader->job);
    struct terms normal;
    struct known_set *set;
    TRY(normalise(reader, terms, &normal));
    if (normal.count == 0) {
        *out = (struct written){.part = reader->common.any};
        return OK;
    }
    TRY(know_set(reader, normal, &set));
    if (set->is_being_written) { /* it contains itself */
        if (!set->has_rule) set->rule = grammar_rule(reader->grammar);
        set->has_rule = true;
        *out = (struct written){.part = set->rule};
        return OK;
    }
    if (!set->is_written) {
        if (++reader->nesting > SCHEMA_NESTING_MAX)
            return schema_refuse(reader, reader->root, "", STATUS_TOO_LARGE,
                                 "the schema is nested deeper than %d", SCHEMA_NESTING_MAX);
        set->is_being_written = true;
        TRY(write_set(reader, set, terms));
        set->is_being_written = false;
        set->is_written = true;
        reader->nesting--;
    }
    arena_rewind(reader->job, mark);
    *out = set->written;
    return OK;
}

enum status schema_satisfiable(struct schema_reader *reader, struct terms terms, bool *satisfiable)
{
    struct arena_mark mark = arena_mark(reader->job);
    struct terms normal;
    struct known_set *set;
    struct shapes shapes = {.items = NULL};
    uint32_t narrowed_before = reader->narrowed_count;
    *satisfiable = true;
    if (reader->satisfiable_depth >= SATISFIABLE_DEPTH) return OK;
    TRY(normalise(reader, terms, &normal));
    if (normal.count == 0) return OK;
    TRY(know_set(reader, normal, &set));
    if (set->satisfiable == SATISFIABLE_UNKNOWN) {
        set->satisfiable = SATISFIABLE_YES; /* while it is looked into */
        reader->satisfiable_depth++;
        TRY(terms_expand(reader, terms, true, &shapes));
        reader->satisfiable_depth--;
        bool all_followed = reader->narrowed_count == narrowed_before;
        if (shapes.count == 0 && all_followed) set->satisfiable = SATISFIABLE_NO;
    }
    arena_rewind(reader->job, mark);
    *satisfiable = set->satisfiable == SATISFIABLE_YES;
    return OK;
}

/* ---- the whole ---- */

void schema_narrow(struct schema_reader *reader, const json_t *schema, const char *keyword)
{
    if (reader->narrowed_count++ > 0) return;
    reader->narrowed = schema;
    reader->narrowed_keyword = keyword;
}

static enum status refuse_nothing(struct schema_reader *reader)
{
    if (reader->narrowed_count == 0)
        return schema_refuse(reader, reader->root, "", STATUS_INVALID, "no value satisfies it");
    return schema_refuse(reader, reader->narrowed, reader->narrowed_keyword, STATUS_UNSUPPORTED,
                         "its opposite, which `not`, `oneOf` or `if` ask for here, is supported "
                         "only in part, in which no value satisfies the whole schema");
}

enum status grammar_add_json_schema_closed(struct grammar *grammar, const json_t *schema,
                                           bool closed, grammar_part *part, struct fault *fault)
{
    struct arena job, kept;
    struct fault ignored;
    struct written whole = {0};
    struct term holds = {.kind = TERM_HOLDS, .schema = schema};
    arena_init(&job, SCHEMA_MEMORY_MAX);
    arena_init(&kept, SCHEMA_MEMORY_MAX);
    struct schema_reader reader = {.grammar = grammar,
                                   .root = schema,
                                   .job = &job,
                                   .kept = &kept,
                                   .fault = fault ? fault : &ignored,
                                   .closed = closed};
    json_parts_init(&reader.common, grammar);
    schema_count_classes(&reader);
    enum status status;
    TRY_DONE(schema_find_references(&reader));
    TRY_DONE(schema_write(&reader, schema_one_term(&holds), &whole));
    if (whole.is_nothing) TRY_DONE(refuse_nothing(&reader));
    *part = whole.part;
done:
    schema_forget_references(&reader);
    arena_deinit(&job);
    arena_deinit(&kept);
    return status;
}

enum status grammar_add_json_schema(struct grammar *grammar, const json_t *schema,
                                    grammar_part *part, struct fault *fault)
{
    return grammar_add_json_schema_closed(grammar, schema, false, part, fault);
}
