/* json_schema_array.c - arrays: items by place, how many, one that must be among them, and none
 * twice.
 *
 * uniqueItems cannot be said in a grammar for items of any kind: it would have to remember them.
 * Where the items are a short list of values, each is used once, in the order of the list; where
 * they fall into classes (json_schema_class.c), one of each class; else there is at most one. */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum {
    PLACES_MAX = 500,  /* of items that have schemas of their own */
    COUNTED_MAX = 256, /* items that are counted one by one, for `contains` */
    UNIQUE_VALUES_MAX = 500,
    UNIQUE_STATES_MAX = 20000,
    TELLING_DEPTH = 2, /* names on the way to what tells objects apart */
};

struct array_writer {
    struct schema_reader *reader;
    const struct shape *shape;
    uint32_t places; /* that have a schema of their own in some layer */
    uint32_t least, most;
};

/* ---- the items ---- */

static const json_t *list_of_items(const json_t *layer)
{
    const json_t *prefix = json_object_get(layer, "prefixItems");
    const json_t *items = json_object_get(layer, "items");
    if (prefix) return prefix;
    return json_is_array(items) ? items : NULL; /* draft 7 */
}

static const json_t *items_beyond(const json_t *layer)
{
    const json_t *items = json_object_get(layer, "items");
    return json_is_array(items) ? json_object_get(layer, "additionalItems") : items;
}

/* All that the item at this place must satisfy, and `more` terms. */
static enum status item_terms(const struct array_writer *writer, uint32_t place,
                              const struct term *more, size_t more_count, struct terms *out)
{
    size_t most = more_count, count = 0;
    for (const struct listed *l = writer->shape->item_layers; l; l = l->next) most++;
    for (const struct listed *l = writer->shape->item_terms; l; l = l->next) most++;
    struct term *terms = arena_alloc_array(writer->reader->job, most + 1, sizeof *terms);
    if (!terms) return schema_no_memory(writer->reader);
    for (const struct listed *l = writer->shape->item_layers; l; l = l->next) {
        const json_t *list = list_of_items(l->json);
        const json_t *schema =
            place < json_array_size(list) ? json_array_get(list, place) : items_beyond(l->json);
        if (schema) terms[count++] = (struct term){.kind = TERM_HOLDS, .schema = schema};
    }
    for (const struct listed *l = writer->shape->item_terms; l; l = l->next)
        terms[count++] = l->term;
    if (more_count) memcpy(terms + count, more, more_count * sizeof *more);
    *out = (struct terms){terms, count + more_count};
    return OK;
}

static enum status write_item(const struct array_writer *writer, uint32_t place,
                              const struct term *more, size_t more_count, struct written *out)
{
    struct terms terms;
    TRY(item_terms(writer, place, more, more_count, &terms));
    return schema_write(writer->reader, terms, out);
}

static grammar_part in_brackets(struct schema_reader *reader, grammar_part inner)
{
    struct grammar *g = reader->grammar;
    return grammar_sequence(
        g, (grammar_part[]){grammar_literal(g, TEXT("[")), inner, grammar_literal(g, TEXT("]"))},
        3);
}

/* ---- items by place and number ---- */

/* The items from `place` on, each after a comma (but the first of all). */
static enum status write_rest(const struct array_writer *writer, grammar_part *part,
                              bool *is_nothing)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    uint32_t most = writer->most, start = writer->places < most ? writer->places : most;
    struct written item = {0};
    *is_nothing = false;
    *part = grammar_empty(g);
    if (most > writer->places) TRY(write_item(writer, writer->places, NULL, 0, &item));
    if (most > writer->places && item.is_nothing) most = writer->places;
    if (most < writer->least) *is_nothing = true;
    if (most > writer->places) { /* the uniform tail */
        grammar_part more =
            grammar_sequence(g, (grammar_part[]){reader->common.comma, item.part}, 2);
        uint32_t first = writer->places == 0; /* that one goes without a comma */
        uint32_t least =
            writer->least > writer->places + first ? writer->least - writer->places - first : 0;
        uint32_t tail_most =
            most == SCHEMA_UNBOUNDED ? SCHEMA_UNBOUNDED : most - writer->places - first;
        *part = grammar_repeat(g, more, least, tail_most);
        if (first) {
            *part = grammar_sequence(g, (grammar_part[]){item.part, *part}, 2);
            if (writer->least == 0) *part = grammar_repeat(g, *part, 0, 1);
        }
    }
    for (uint32_t place = start; place-- > 0;) {
        TRY(write_item(writer, place, NULL, 0, &item));
        if (item.is_nothing) {
            if (writer->least > place) *is_nothing = true;
            *part = grammar_empty(g);
            continue;
        }
        grammar_part pieces[] = {reader->common.comma, item.part, *part};
        *part = place ? grammar_sequence(g, pieces, 3) : grammar_sequence(g, pieces + 1, 2);
        if (place >= writer->least) *part = grammar_repeat(g, *part, 0, 1);
        if (place % 32 == 0) { /* not too deep */
            grammar_part rule = grammar_rule(g);
            grammar_rule_set(g, rule, *part);
            *part = rule;
        }
    }
    return OK;
}

/* ---- contains ---- */

struct count_range {
    uint32_t least, most;
};

static enum status read_contains(struct schema_reader *reader, const struct listed *contains,
                                 struct count_range *range)
{
    *range = (struct count_range){1, SCHEMA_UNBOUNDED};
    const json_t *least = json_object_get(contains->json, "minContains");
    const json_t *most = json_object_get(contains->json, "maxContains");
    if ((least && (!json_is_integer(least) || json_integer_value(least) < 0)) ||
        (most && (!json_is_integer(most) || json_integer_value(most) < 0)))
        return schema_refuse(reader, contains->json, least ? "minContains" : "maxContains",
                             STATUS_INVALID, "must be an integer, not negative");
    if (least) range->least = (uint32_t)json_integer_value(least);
    if (most) range->most = (uint32_t)json_integer_value(most);
    return OK;
}

static struct term opposite(struct term term)
{
    term.kind = term.kind == TERM_HOLDS ? TERM_FAILS : TERM_HOLDS;
    return term;
}

/* A state for each number of items and of those that count; both stop where more makes no
 * difference. */
static enum status write_containing(const struct array_writer *writer, grammar_part *part,
                                    bool *is_nothing)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    const struct listed *contains = writer->shape->contains;
    struct count_range counted;
    TRY(read_contains(reader, contains, &counted));
    bool bounded = writer->most != SCHEMA_UNBOUNDED,
         counts_others = counted.most != SCHEMA_UNBOUNDED;
    uint32_t last = bounded ? writer->most : writer->least;
    if (!bounded && last < writer->places) last = writer->places;
    if (!bounded && last == 0) last = 1; /* the last row repeats, and its items follow a comma */
    uint32_t last_counted = counts_others ? counted.most : counted.least;
    for (const struct listed *l = contains; l && contains->next; l = l->next)
        if (!l->json) { /* from an `items` that fails: one way of several, left out */
            *is_nothing = true;
            return OK;
        }
    if (contains->next || last > COUNTED_MAX || last_counted > COUNTED_MAX)
        return schema_refuse(reader, contains->json ? contains->json : reader->root, "contains",
                             STATUS_UNSUPPORTED,
                             "is supported once per array, and for at most %d items", COUNTED_MAX);
    uint32_t columns = last_counted + 1;
    grammar_part *states =
        arena_alloc_array(reader->job, ((size_t)last + 1) * columns, sizeof *states);
    if (!states) return schema_no_memory(reader);
    for (uint32_t s = 0; s < (last + 1) * columns; s++) states[s] = grammar_rule(g);
    for (uint32_t i = 0; i <= last; i++) {
        struct written hit, miss;
        struct term term = contains->term, other = opposite(contains->term);
        TRY(write_item(writer, i, &term, 1, &hit));
        TRY(write_item(writer, i, &other, counts_others ? 1 : 0, &miss));
        grammar_part comma = i ? reader->common.comma : grammar_empty(g);
        for (uint32_t c = 0; c < columns; c++) {
            grammar_part ways[3];
            size_t count = 0;
            bool may_go_on = !bounded || i < last;
            uint32_t next = (i < last ? i + 1 : last) * columns;
            if (may_go_on && !hit.is_nothing && !(counts_others && c == last_counted)) {
                uint32_t hits = c < last_counted ? c + 1 : c;
                ways[count++] =
                    grammar_sequence(g, (grammar_part[]){comma, hit.part, states[next + hits]}, 3);
            }
            if (may_go_on && !miss.is_nothing)
                ways[count++] =
                    grammar_sequence(g, (grammar_part[]){comma, miss.part, states[next + c]}, 3);
            if (i >= writer->least && c >= counted.least) ways[count++] = grammar_empty(g);
            grammar_rule_set(g, states[i * columns + c], grammar_choice(g, ways, count));
        }
    }
    *part = states[0];
    return OK;
}

/* ---- uniqueItems ---- */

/* The values an item may have, if its terms name them all. */
static enum status item_values(const struct array_writer *writer, const json_t ***values,
                               size_t *count, bool *are_all)
{
    struct schema_reader *reader = writer->reader;
    struct terms terms;
    struct shapes shapes = {.items = NULL};
    *count = 0;
    *are_all = false;
    TRY(item_terms(writer, 0, NULL, 0, &terms));
    TRY(terms_expand(reader, terms, false, &shapes));
    *values = arena_alloc_array(reader->job, UNIQUE_VALUES_MAX, sizeof **values);
    if (!*values) return schema_no_memory(reader);
    for (uint32_t s = 0; s < shapes.count; s++) {
        bool all;
        TRY(shape_values(reader, &shapes.items[s], *values, UNIQUE_VALUES_MAX, count, &all));
        if (!all) return OK;
    }
    *are_all = true;
    return OK;
}

/* Each value once, in their order. A state for each value, and for each number of items before it
 * where that matters. */
static enum status write_unique_values(const struct array_writer *writer,
                                       const json_t *const *values, size_t count,
                                       grammar_part *part, bool *is_nothing)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    uint32_t most = writer->most < count ? writer->most : (uint32_t)count;
    bool any_number = writer->least <= 1 && most == count;
    uint32_t columns = any_number ? 2 : most + 1;
    *is_nothing = writer->least > most;
    if (*is_nothing) return OK;
    if ((count + 1) * columns > UNIQUE_STATES_MAX)
        return schema_refuse(reader, writer->shape->unique, "uniqueItems", STATUS_UNSUPPORTED,
                             "together with this number of items and values is not supported");
    grammar_part *states = arena_alloc_array(reader->job, (count + 1) * columns, sizeof *states);
    if (!states) return schema_no_memory(reader);
    for (size_t v = count + 1; v-- > 0;) {
        grammar_part value = 0;
        if (v < count) TRY(schema_write_value(reader, values[v], &value));
        for (uint32_t c = 0; c < columns; c++) { /* so many items before */
            grammar_part ways[2];
            size_t used = 0;
            uint32_t next = c + 1 < columns ? c + 1 : c;
            if (v < count && (any_number || c < most)) {
                grammar_part comma = c ? reader->common.comma : grammar_empty(g);
                ways[used++] = grammar_sequence(
                    g, (grammar_part[]){comma, value, states[(v + 1) * columns + next]}, 3);
            }
            if (v < count)
                ways[used++] = states[(v + 1) * columns + c];
            else if (c >= writer->least)
                ways[used++] = grammar_empty(g);
            states[v * columns + c] = grammar_rule(g);
            grammar_rule_set(g, states[v * columns + c], grammar_choice(g, ways, used));
        }
    }
    *part = states[0];
    return OK;
}

/* Could the item be of several classes, if what the path leads to decides for objects? */
static enum status tells_apart(const struct array_writer *writer, struct text path, bool *does)
{
    unsigned classes = 0;
    for (unsigned c = 0; c < writer->reader->class_count; c++) {
        const struct term class = {.kind = TERM_IN_CLASS, .name = path, .value_class = c};
        struct terms terms;
        bool satisfiable;
        TRY(item_terms(writer, 0, &class, 1, &terms));
        TRY(schema_satisfiable(writer->reader, terms, &satisfiable));
        classes += satisfiable;
    }
    *does =
        classes >
        (writer->reader->class_count > 2 ? 2 : 1); /* class 0 is also that of objects without it */
    return OK;
}

/* The path and one name more. */
static struct text longer_path(struct schema_reader *reader, struct text path, struct text name)
{
    if (path.length == 0) return name;
    char *joined = arena_alloc(reader->job, path.length + 1 + name.length);
    if (!joined) return path;
    memcpy(joined, path.data, path.length);
    memcpy(joined + path.length + 1, name.data, name.length);
    return (struct text){joined, path.length + 1 + name.length};
}

static enum status search_paths(const struct array_writer *writer, struct terms terms,
                                struct text path, int depth, struct text *found);

static enum status try_name(const struct array_writer *writer, const struct shape *shape,
                            struct text path, struct text name, int depth, struct text *found)
{
    struct text longer = longer_path(writer->reader, path, name);
    struct terms terms;
    bool does;
    if (found->length > 0) return OK;
    TRY(tells_apart(writer, longer, &does));
    if (does) *found = longer;
    if (does || depth == TELLING_DEPTH) return OK;
    TRY(shape_property(writer->reader, shape, name, &terms));
    return search_paths(writer, terms, longer, depth + 1, found);
}

/* The first path that tells objects apart; what is required before all others. */
static enum status search_paths(const struct array_writer *writer, struct terms terms,
                                struct text path, int depth, struct text *found)
{
    struct shapes shapes = {.items = NULL};
    TRY(terms_expand(writer->reader, terms, true, &shapes));
    const struct shape *shape = shapes.count ? &shapes.items[0] : NULL;
    if (!shape || !(shape->types & TYPE_OBJECT)) return OK;
    for (const struct listed *r = shape->required; r; r = r->next)
        TRY(try_name(writer, shape, path, r->name, depth, found));
    for (const struct listed *l = shape->layers; l; l = l->next) {
        const char *key;
        json_t *ignored;
        json_object_foreach(json_object_get(l->json, "properties"), key, ignored)
            TRY(try_name(writer, shape, path, text_of(key), depth, found));
    }
    return OK;
}

static enum status find_telling_path(const struct array_writer *writer, struct text *path)
{
    struct terms terms;
    *path = TEXT("");
    TRY(item_terms(writer, 0, NULL, 0, &terms));
    return search_paths(writer, terms, TEXT(""), 1, path);
}

/* A state for each set of classes that were used. *are_told_apart: there are several classes, and
 * enough of them. */
static enum status write_unique_classes(const struct array_writer *writer, grammar_part *part,
                                        bool *are_told_apart)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    struct term class = {.kind = TERM_IN_CLASS};
    grammar_part items[VALUE_CLASSES], states[1 << VALUE_CLASSES];
    unsigned count = 0;
    TRY(find_telling_path(writer, &class.name));
    for (class.value_class = 0; class.value_class < reader->class_count; class.value_class++) {
        struct written item = {0};
        TRY(write_item(writer, 0, &class, 1, &item));
        if (!item.is_nothing) items[count++] = item.part;
    }
    *are_told_apart = count >= 2 && count >= writer->least;
    if (!*are_told_apart) return OK;
    for (unsigned used = 1u << count; used-- > 0;) {
        grammar_part ways[VALUE_CLASSES + 1];
        size_t way_count = 0;
        uint32_t before = (uint32_t)__builtin_popcount(used);
        grammar_part comma = before ? reader->common.comma : grammar_empty(g);
        for (unsigned c = 0; c < count && before < writer->most; c++)
            if (!(used >> c & 1))
                ways[way_count++] = grammar_sequence(
                    g, (grammar_part[]){comma, items[c], states[used | 1u << c]}, 3);
        if (before >= writer->least) ways[way_count++] = grammar_empty(g);
        states[used] = grammar_rule(g);
        grammar_rule_set(g, states[used], grammar_choice(g, ways, way_count));
    }
    *part = states[0];
    return OK;
}

static enum status write_plain(const struct array_writer *writer, grammar_part *part,
                               bool *is_nothing)
{
    return writer->shape->contains ? write_containing(writer, part, is_nothing)
                                   : write_rest(writer, part, is_nothing);
}

/* One item is unique, whatever it is. Where there must be more, this alternative is left out. */
static enum status write_at_most_one(const struct array_writer *writer, grammar_part *part,
                                     bool *is_nothing)
{
    struct array_writer one = *writer;
    one.most = 1;
    if (one.least <= one.most) return write_plain(&one, part, is_nothing);
    *is_nothing = true;
    writer->reader->left_out = writer->shape->unique;
    return OK;
}

static enum status write_unique(const struct array_writer *writer, grammar_part *part,
                                bool *is_nothing)
{
    const json_t **values;
    size_t count;
    bool are_all, are_told_apart;
    if (writer->places > 0 || writer->shape->contains)
        return write_at_most_one(writer, part, is_nothing);
    TRY(item_values(writer, &values, &count, &are_all));
    if (are_all) return write_unique_values(writer, values, count, part, is_nothing);
    TRY(write_unique_classes(writer, part, &are_told_apart));
    return are_told_apart ? OK : write_at_most_one(writer, part, is_nothing);
}

/* ---- all ---- */

enum status shape_write_array(struct schema_reader *reader, const struct shape *shape,
                              struct written *out)
{
    struct array_writer writer = {
        .reader = reader, .shape = shape, .least = shape->least_items, .most = shape->most_items};
    for (const struct listed *l = shape->item_layers; l; l = l->next) {
        size_t places = json_array_size(list_of_items(l->json));
        if (places > PLACES_MAX)
            return schema_refuse(reader, l->json, "items", STATUS_UNSUPPORTED,
                                 "a list of more than %d is not supported", PLACES_MAX);
        if (places > writer.places) writer.places = (uint32_t)places;
    }
    for (const struct listed *value = shape->excluded; value; value = value->next)
        if (json_is_array(value->json))
            return schema_refuse(reader, reader->root, "not", STATUS_UNSUPPORTED,
                                 "to exclude an array is not supported");
    grammar_part inner = grammar_empty(reader->grammar);
    if (writer.least > writer.most)
        out->is_nothing = true;
    else if (shape->unique && writer.most > 1)
        TRY(write_unique(&writer, &inner, &out->is_nothing));
    else
        TRY(write_plain(&writer, &inner, &out->is_nothing));
    out->part = in_brackets(reader, inner);
    return OK;
}
