/* json_schema_object.c - objects: the named properties in the order of the schema, each where it is
 * required or may be skipped, and behind them those whose names follow a pattern or none. */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum {
    PATTERNS_MAX = 12, /* of names, in one object */
    COUNTED_MAX = 20000,
};

/* A property with a name of its own. */
struct named {
    struct text name;
    grammar_part pair;
    bool is_required;
};

struct object_writer {
    struct schema_reader *reader;
    const struct shape *shape;
    struct text *known; /* all names that are spoken of, those that must not be among them too */
    size_t known_count;
    struct named *named;
    size_t named_count, required_count;
    grammar_part other; /* one property more */
    bool has_other;
    bool is_nothing;
};

/* ---- names ---- */

static bool is_listed(const struct listed *list, struct text name)
{
    for (; list; list = list->next)
        if (text_equal(list->name, name)) return true;
    return false;
}

/* Open addressing over the known names, for objects with thousands. */
struct name_set {
    uint32_t *slots;
    uint32_t mask;
};

static bool know_name(struct object_writer *writer, struct name_set *set, struct text name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    uint32_t at = hash & set->mask;
    for (; set->slots[at]; at = (at + 1) & set->mask)
        if (text_equal(writer->known[set->slots[at] - 1], name)) return false;
    writer->known[writer->known_count++] = name;
    set->slots[at] = (uint32_t)writer->known_count;
    return true;
}

/* Oldest layer first: the order of the schema. */
static enum status collect_names(struct object_writer *writer)
{
    const struct shape *shape = writer->shape;
    struct arena *job = writer->reader->job;
    size_t most = 0, layer_count = 0;
    for (const struct listed *l = shape->layers; l; l = l->next, layer_count++)
        most += json_object_size(json_object_get(l->json, "properties"));
    const struct listed *const others[] = {shape->required, shape->about_names, shape->lacked};
    for (size_t o = 0; o < ARRAY_COUNT(others); o++)
        for (const struct listed *l = others[o]; l; l = l->next) most++;
    struct name_set set = {.mask = 15};
    while (set.mask < 2 * most) set.mask = 2 * set.mask + 1;
    set.slots = arena_alloc_array(job, (size_t)set.mask + 1, sizeof *set.slots);
    writer->known = arena_alloc_array(job, most + 1, sizeof *writer->known);
    const json_t **layers = arena_alloc_array(job, layer_count + 1, sizeof *layers);
    if (!set.slots || !writer->known || !layers) return schema_no_memory(writer->reader);
    size_t at = layer_count;
    for (const struct listed *l = shape->layers; l; l = l->next) layers[--at] = l->json;
    for (size_t i = 0; i < layer_count; i++) {
        const char *name;
        json_t *ignored;
        json_object_foreach(json_object_get(layers[i], "properties"), name, ignored)
            know_name(writer, &set, text_of(name));
    }
    for (size_t o = 0; o < ARRAY_COUNT(others); o++)
        for (const struct listed *l = others[o]; l; l = l->next) know_name(writer, &set, l->name);
    return OK;
}

static enum status name_is_admitted(const struct object_writer *writer, struct text name,
                                    bool *admitted)
{
    struct schema_reader *reader = writer->reader;
    *admitted = !is_listed(writer->shape->lacked, name);
    for (const struct listed *l = writer->shape->name_schemas; l && *admitted; l = l->next) {
        json_t *string = json_stringn(name.data, name.length);
        if (!string) return schema_no_memory(reader);
        enum status status = schema_admits(reader, l->json, string, admitted);
        json_decref(string);
        TRY(status);
    }
    return OK;
}

/* ---- named properties ---- */

static enum status unevaluated_term(const struct object_writer *writer, struct terms *terms);

static enum status write_named(struct object_writer *writer, struct text name)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    bool is_required = is_listed(writer->shape->required, name), admitted;
    struct written value = {.is_nothing = true};
    TRY(name_is_admitted(writer, name, &admitted));
    if (admitted) {
        struct terms terms;
        TRY(shape_property(reader, writer->shape, name, &terms));
        if (terms.count == 0) TRY(unevaluated_term(writer, &terms));
        TRY(schema_write(reader, terms, &value));
    }
    if (value.is_nothing) {
        writer->is_nothing |= is_required;
        return OK;
    }
    grammar_part pieces[] = {json_literal_string(g, name), reader->common.colon, value.part};
    writer->named[writer->named_count++] = (struct named){
        .name = name, .pair = grammar_sequence(g, pieces, 3), .is_required = is_required};
    writer->required_count += is_required;
    return OK;
}

/* ---- other properties ---- */

/* A pattern of names in one layer, or a layer's additionalProperties. */
struct name_rule {
    const json_t *layer, *schema;
    const struct regular *names; /* NULL: all that no pattern of the layer knows */
    bool is_chosen;
};

struct other_rules {
    struct name_rule *items;
    size_t count;
    grammar_part *ways;
    size_t way_count, way_capacity;
};

static enum status collect_rules(const struct object_writer *writer, struct other_rules *rules)
{
    struct schema_reader *reader = writer->reader;
    size_t most = 0, patterns = 0;
    for (const struct listed *l = writer->shape->layers; l; l = l->next)
        most += 1 + json_object_size(json_object_get(l->json, "patternProperties"));
    rules->items = arena_alloc_array(reader->job, most + 1, sizeof *rules->items);
    if (!rules->items) return schema_no_memory(reader);
    for (const struct listed *l = writer->shape->layers; l; l = l->next) {
        const char *pattern;
        json_t *schema;
        json_object_foreach(json_object_get(l->json, "patternProperties"), pattern, schema)
        {
            struct name_rule *rule = &rules->items[rules->count++];
            *rule = (struct name_rule){.layer = l->json, .schema = schema};
            TRY(schema_pattern(reader, l->json, "patternProperties", text_of(pattern),
                               &rule->names));
            if (++patterns > PATTERNS_MAX)
                return schema_refuse(reader, l->json, "patternProperties", STATUS_UNSUPPORTED,
                                     "more than %d patterns for one object are not supported",
                                     PATTERNS_MAX);
        }
        const json_t *rest = json_object_get(l->json, "additionalProperties");
        if (rest)
            rules->items[rules->count++] = (struct name_rule){.layer = l->json, .schema = rest};
    }
    return OK;
}

static bool layer_is_chosen(const struct other_rules *rules, const json_t *layer)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->items[i].layer == layer && rules->items[i].names && rules->items[i].is_chosen)
            return true;
    return false;
}

/* unevaluatedProperties, for a name of which nobody speaks. */
static enum status unevaluated_term(const struct object_writer *writer, struct terms *terms)
{
    struct schema_reader *reader = writer->reader;
    const struct listed *unevaluated = writer->shape->unevaluated;
    if (!unevaluated) return OK;
    struct term *term = arena_alloc(reader->job, sizeof *term);
    if (!term) return schema_no_memory(reader);
    *term = (struct term){.kind = TERM_HOLDS,
                          .schema = json_object_get(unevaluated->json, "unevaluatedProperties")};
    *terms = schema_one_term(term);
    return OK;
}

/* A property whose name is known to the chosen patterns and no others. */
static enum status write_other(const struct object_writer *writer, struct other_rules *rules,
                               const struct regular *names)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    struct term *terms = arena_alloc_array(reader->job, rules->count + 1, sizeof *terms);
    size_t count = 0;
    if (!terms) return schema_no_memory(reader);
    for (size_t i = 0; i < rules->count; i++) {
        const struct name_rule *rule = &rules->items[i];
        bool applies = rule->names ? rule->is_chosen : !layer_is_chosen(rules, rule->layer);
        if (applies) terms[count++] = (struct term){.kind = TERM_HOLDS, .schema = rule->schema};
    }
    struct terms set = {terms, count};
    if (count == 0) TRY(unevaluated_term(writer, &set));
    struct written value = {0};
    TRY(schema_write(reader, set, &value));
    if (value.is_nothing) return OK;
    grammar_part name = reader->common.string;
    if (!regular_accepts_all(names, 0)) TRY(schema_write_regular(reader, names, true, &name));
    if (rules->way_count == rules->way_capacity) {
        size_t capacity = rules->way_capacity ? 2 * rules->way_capacity : 4;
        grammar_part *more = arena_alloc_array(reader->job, capacity, sizeof *more);
        if (!more) return schema_no_memory(reader);
        if (rules->way_count) memcpy(more, rules->ways, rules->way_count * sizeof *more);
        rules->ways = more;
        rules->way_capacity = capacity;
    }
    rules->ways[rules->way_count++] =
        grammar_sequence(g, (grammar_part[]){name, reader->common.colon, value.part}, 3);
    return OK;
}

static enum status meet(const struct object_writer *writer, const struct regular *a,
                        const struct regular *b, enum regular_operation operation,
                        struct regular **out)
{
    struct schema_reader *reader = writer->reader;
    struct regular *result;
    struct fault why;
    enum status status = regular_combine(&result, a, b, operation, reader->job, &why);
    if (status == OK) status = regular_minimise(out, result, reader->job, &why);
    if (status == STATUS_NO_MEMORY) return schema_no_memory(reader);
    if (status != OK)
        return schema_refuse(reader, writer->shape->layers ? writer->shape->layers->json : NULL,
                             "properties", STATUS_UNSUPPORTED, "their names: %s", why.message);
    return OK;
}

/* Each pattern divides the names into those it knows and those it does not. */
static enum status divide_names(const struct object_writer *writer, struct other_rules *rules,
                                size_t at, const struct regular *names)
{
    if (regular_is_empty(names)) return OK;
    while (at < rules->count && !rules->items[at].names) at++;
    if (at == rules->count) return write_other(writer, rules, names);
    struct name_rule *rule = &rules->items[at];
    struct regular *with, *without;
    TRY(meet(writer, names, rule->names, REGULAR_BOTH, &with));
    TRY(meet(writer, names, rule->names, REGULAR_FIRST_ONLY, &without));
    rule->is_chosen = true;
    TRY(divide_names(writer, rules, at + 1, with));
    rule->is_chosen = false;
    return divide_names(writer, rules, at + 1, without);
}

/* The strings that propertyNames admits. */
static enum status names_of_schema(const struct object_writer *writer, const json_t *schema,
                                   const struct regular **out)
{
    struct schema_reader *reader = writer->reader;
    struct term holds = {.kind = TERM_HOLDS, .schema = schema};
    struct shapes shapes = {.items = NULL};
    struct regular *all;
    TRY(terms_expand(reader, schema_one_term(&holds), false, &shapes));
    TRY(regular_texts(&all, NULL, 0, reader->job, reader->fault));
    for (uint32_t i = 0; i < shapes.count; i++) {
        const struct shape *shape = &shapes.items[i];
        const struct regular *some;
        if (!(shape->types & TYPE_STRING)) continue;
        TRY(shape_string_names(reader, shape, &some));
        TRY(meet(writer, all, some, REGULAR_EITHER, &all));
    }
    *out = all;
    return OK;
}

/* With `closed`, whoever lists properties means that there are no others. */
static bool is_closed(const struct object_writer *writer)
{
    bool lists = false;
    for (const struct listed *l = writer->shape->layers; l; l = l->next) {
        if (json_object_get(l->json, "additionalProperties") ||
            json_object_get(l->json, "patternProperties"))
            return false;
        lists |= json_object_size(json_object_get(l->json, "properties")) > 0;
    }
    return writer->reader->closed && lists && !writer->shape->unevaluated;
}

static enum status write_others(struct object_writer *writer)
{
    struct schema_reader *reader = writer->reader;
    struct other_rules rules = {.items = NULL};
    struct regular *names, *known;
    if (is_closed(writer)) return OK;
    for (const struct listed *l = writer->shape->layers; l; l = l->next)
        if (json_is_false(json_object_get(l->json, "additionalProperties")) &&
            json_object_size(json_object_get(l->json, "patternProperties")) == 0)
            return OK; /* the usual way to say that there are no others */
    TRY(collect_rules(writer, &rules));
    TRY(regular_length(&names, 0, SIZE_MAX, reader->job, reader->fault));
    if (writer->known_count > 0) {
        enum status status =
            regular_texts(&known, writer->known, writer->known_count, reader->job, reader->fault);
        if (status == STATUS_TOO_LARGE)
            return schema_refuse(reader, writer->shape->layers->json, "properties",
                                 STATUS_UNSUPPORTED,
                                 "too many names: set additionalProperties to false");
        TRY(status);
        TRY(meet(writer, names, known, REGULAR_FIRST_ONLY, &names));
    }
    for (const struct listed *l = writer->shape->name_schemas; l; l = l->next) {
        const struct regular *admitted = NULL;
        TRY(names_of_schema(writer, l->json, &admitted));
        TRY(meet(writer, names, admitted, REGULAR_BOTH, &names));
    }
    TRY(divide_names(writer, &rules, 0, names));
    writer->has_other = rules.way_count > 0;
    if (writer->has_other)
        writer->other = grammar_choice(reader->grammar, rules.ways, rules.way_count);
    return OK;
}

/* ---- the properties in a row ---- */

static grammar_part after_comma(const struct object_writer *writer, grammar_part pair)
{
    struct schema_reader *reader = writer->reader;
    return grammar_sequence(reader->grammar, (grammar_part[]){reader->common.comma, pair}, 2);
}

static grammar_part new_rule(struct grammar *g, grammar_part is)
{
    grammar_part rule = grammar_rule(g);
    grammar_rule_set(g, rule, is);
    return rule;
}

/* more: the properties from `at` on where one went before; all but the first are of this kind.
 * first: where none did. */
static enum status write_row(const struct object_writer *writer, grammar_part *inner)
{
    struct grammar *g = writer->reader->grammar;
    size_t count = writer->named_count, leading = 0; /* optional ones before the first required */
    while (leading < count && !writer->named[leading].is_required) leading++;
    grammar_part more = grammar_empty(g), first = more;
    if (writer->has_other) {
        grammar_part others = after_comma(writer, writer->other);
        more = grammar_repeat(g, others, 0, GRAMMAR_UNBOUNDED);
        first = grammar_sequence(g, (grammar_part[]){writer->other, more}, 2);
        first = grammar_repeat(g, first, 0, 1);
    }
    for (size_t at = count; at-- > 0;) {
        const struct named *named = &writer->named[at];
        if (at <= leading) more = new_rule(g, more);
        if (at < leading || (at == leading && named->is_required)) {
            grammar_part here = grammar_sequence(g, (grammar_part[]){named->pair, more}, 2);
            first = named->is_required
                        ? here
                        : new_rule(g, grammar_choice(g, (grammar_part[]){here, first}, 2));
        }
        grammar_part again = after_comma(writer, named->pair);
        if (!named->is_required) again = grammar_repeat(g, again, 0, 1);
        more = grammar_sequence(g, (grammar_part[]){again, more}, 2);
        if (at % 32 == 0) more = new_rule(g, more); /* not too deep */
    }
    *inner = first;
    return OK;
}

/* ---- counted properties ---- */

/* From what follows the last named one: so many went before. */
static bool write_counted_end(const struct object_writer *writer, uint32_t before,
                              grammar_part *part)
{
    struct grammar *g = writer->reader->grammar;
    const struct shape *shape = writer->shape;
    uint32_t missing = shape->least_properties > before ? shape->least_properties - before : 0;
    uint32_t room = shape->most_properties == SCHEMA_UNBOUNDED ? SCHEMA_UNBOUNDED
                                                               : shape->most_properties - before;
    /* Others may have the same name and then count as one: only the first surely counts. */
    if (missing > 1 || (missing == 1 && !writer->has_other)) return false;
    *part = grammar_empty(g);
    if (!writer->has_other || room == 0) return true;
    uint32_t after_first = room == SCHEMA_UNBOUNDED ? SCHEMA_UNBOUNDED : room - 1;
    grammar_part others = grammar_repeat(g, after_comma(writer, writer->other), 0, after_first);
    grammar_part one = before ? after_comma(writer, writer->other) : writer->other;
    *part = grammar_sequence(g, (grammar_part[]){one, others}, 2);
    if (missing == 0) *part = grammar_repeat(g, *part, 0, 1);
    return true;
}

static enum status write_counted(const struct object_writer *writer, grammar_part *inner)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    const struct shape *shape = writer->shape;
    bool bounded = shape->most_properties != SCHEMA_UNBOUNDED;
    uint32_t last = bounded && shape->most_properties < writer->named_count
                        ? shape->most_properties
                        : (uint32_t)writer->named_count;
    if ((writer->named_count + 1) * ((size_t)last + 1) > COUNTED_MAX)
        return schema_refuse(reader, shape->taken ? shape->layers->json : NULL, "maxProperties",
                             STATUS_UNSUPPORTED, "with this many properties is not supported");
    grammar_part *states = arena_alloc_array(
        reader->job, (writer->named_count + 1) * ((size_t)last + 1), sizeof *states);
    if (!states) return schema_no_memory(reader);
    for (uint32_t c = 0; c <= last; c++)
        if (!write_counted_end(writer, c, &states[writer->named_count * (last + 1) + c]))
            states[writer->named_count * (last + 1) + c] = grammar_choice(g, NULL, 0);
    for (size_t at = writer->named_count; at-- > 0;) {
        const struct named *named = &writer->named[at];
        for (uint32_t c = 0; c <= last; c++) {
            grammar_part ways[2];
            size_t used = 0;
            grammar_part pair = c ? after_comma(writer, named->pair) : named->pair;
            if (c < last)
                ways[used++] = grammar_sequence(
                    g, (grammar_part[]){pair, states[(at + 1) * (last + 1) + c + 1]}, 2);
            if (!named->is_required) ways[used++] = states[(at + 1) * (last + 1) + c];
            states[at * (last + 1) + c] = new_rule(g, grammar_choice(g, ways, used));
        }
    }
    *inner = states[0];
    return OK;
}

/* ---- all ---- */

static enum status check_unevaluated(const struct object_writer *writer)
{
    const struct shape *shape = writer->shape;
    const struct listed *oldest = shape->taken;
    if (!shape->unevaluated) return OK;
    while (oldest->next) oldest = oldest->next;
    if (shape->begun_with == 1 && !shape->unevaluated->next &&
        oldest->term.schema == shape->unevaluated->json)
        return OK;
    return schema_refuse(writer->reader, shape->unevaluated->json, "unevaluatedProperties",
                         STATUS_UNSUPPORTED, "within allOf and the like is not supported");
}

static enum status choose_row(struct object_writer *writer, grammar_part *inner)
{
    const struct shape *shape = writer->shape;
    bool counts = shape->least_properties > writer->required_count ||
                  (shape->most_properties != SCHEMA_UNBOUNDED &&
                   (writer->has_other || shape->most_properties < writer->named_count));
    if (!counts) return write_row(writer, inner);
    if (shape->most_properties < writer->required_count) writer->is_nothing = true;
    if (shape->least_properties > writer->named_count + writer->has_other) {
        if (!writer->has_other)
            writer->is_nothing = true;
        else
            return schema_refuse(writer->reader, shape->least_properties_of, "minProperties",
                                 STATUS_UNSUPPORTED,
                                 "beyond the named properties and one more is not supported");
    }
    if (writer->is_nothing) return OK;
    return write_counted(writer, inner);
}

enum status shape_write_object(struct schema_reader *reader, const struct shape *shape,
                               struct written *out)
{
    struct object_writer writer = {.reader = reader, .shape = shape};
    struct grammar *g = reader->grammar;
    for (const struct listed *value = shape->excluded; value; value = value->next)
        if (json_is_object(value->json))
            return schema_refuse(reader, reader->root, "not", STATUS_UNSUPPORTED,
                                 "to exclude an object is not supported");
    TRY(check_unevaluated(&writer));
    TRY(collect_names(&writer));
    writer.named = arena_alloc_array(reader->job, writer.known_count + 1, sizeof *writer.named);
    if (!writer.named) return schema_no_memory(reader);
    for (size_t i = 0; i < writer.known_count; i++) TRY(write_named(&writer, writer.known[i]));
    grammar_part inner = 0;
    if (!writer.is_nothing) TRY(write_others(&writer));
    if (!writer.is_nothing) TRY(choose_row(&writer, &inner));
    out->is_nothing = writer.is_nothing;
    if (out->is_nothing) return OK;
    out->part = grammar_sequence(
        g, (grammar_part[]){grammar_literal(g, TEXT("{")), inner, grammar_literal(g, TEXT("}"))},
        3);
    return OK;
}
