/* json_schema_string.c - strings: which texts a shape admits, and how automata become parts. */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum {
    COUNTED_STATES_MAX = 4000, /* of a pattern and a length together */
    NAMED_VALUES_MAX = 2000,
    INLINE_DEPTH_MAX = 40, /* states written within one another before a rule begins */
};

/* ---- patterns, each read once ---- */

struct known_pattern {
    struct known_pattern *next;
    struct text pattern;
    const struct regular *language;
};

static uint32_t text_hash(struct text text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 16777619u;
    return hash;
}

enum status schema_pattern(struct schema_reader *reader, const json_t *schema, const char *keyword,
                           struct text pattern, const struct regular **out)
{
    struct known_pattern **bucket = &reader->patterns[text_hash(pattern) % SCHEMA_PATTERN_BUCKETS];
    for (struct known_pattern *known = *bucket; known; known = known->next) {
        if (!text_equal(known->pattern, pattern)) continue;
        *out = known->language;
        return OK;
    }
    struct regular *language;
    struct fault why;
    struct arena_mark mark = arena_mark(reader->job);
    enum status status = regular_pattern(&language, pattern, reader->job, &why);
    if (status == OK) status = regular_copy(&language, language, reader->kept, &why);
    arena_rewind(reader->job, mark);
    if (status == STATUS_NO_MEMORY) return schema_no_memory(reader);
    if (status != OK)
        return schema_refuse(reader, schema, keyword,
                             status == STATUS_TOO_LARGE ? STATUS_UNSUPPORTED : status, "%s",
                             why.message);
    struct known_pattern *known = arena_alloc(reader->kept, sizeof *known);
    char *text = arena_copy(reader->kept, pattern.data, pattern.length);
    if (!known || !text) return schema_no_memory(reader);
    *known = (struct known_pattern){*bucket, {text, pattern.length}, language};
    *bucket = known;
    *out = language;
    return OK;
}

/* ---- what a shape admits ---- */

enum status schema_combine(struct schema_reader *reader, const struct regular **language,
                           const struct regular *with, enum regular_operation operation,
                           const json_t *place, const char *keyword)
{
    struct regular *result;
    struct fault why;
    enum status status = regular_combine(&result, *language, with, operation, reader->job, &why);
    if (status == STATUS_NO_MEMORY) return schema_no_memory(reader);
    if (status != OK)
        return schema_refuse(reader, place, keyword, STATUS_UNSUPPORTED,
                             "together with the others: %s", why.message);
    *language = result;
    return OK;
}

static enum status combine(struct schema_reader *reader, const struct regular **language,
                           const struct regular *with, enum regular_operation operation)
{
    return schema_combine(reader, language, with, operation, reader->root, "pattern");
}

static enum status exclude_values(struct schema_reader *reader, const struct shape *shape,
                                  const struct regular **language)
{
    for (const struct listed *value = shape->excluded; value; value = value->next) {
        struct regular *one;
        if (!json_is_string(value->json)) continue;
        struct text text = schema_text(value->json);
        TRY(regular_texts(&one, &text, 1, reader->job, reader->fault));
        TRY(combine(reader, language, one, REGULAR_FIRST_ONLY));
    }
    return OK;
}

static bool excludes_strings(const struct shape *shape)
{
    for (const struct listed *value = shape->excluded; value; value = value->next)
        if (json_is_string(value->json)) return true;
    return false;
}

/* Count characters too. A length beyond what automata can count is kept shorter than it may be. */
static enum status limit_length(struct schema_reader *reader, const struct shape *shape,
                                const struct regular **language)
{
    struct regular *length;
    uint32_t states = (*language)->state_count ? (*language)->state_count : 1;
    size_t most = shape->most_length == SCHEMA_UNBOUNDED ? SIZE_MAX : shape->most_length;
    if (shape->least_length == 0 && most == SIZE_MAX) return OK;
    size_t countable = COUNTED_STATES_MAX / states;
    if (most != SIZE_MAX && most > countable)
        most = countable > shape->least_length ? countable : shape->least_length;
    TRY(regular_length(&length, shape->least_length, most, reader->job, reader->fault));
    return combine(reader, language, length, REGULAR_BOTH);
}

enum status shape_string_language(struct schema_reader *reader, const struct shape *shape,
                                  const struct regular **out)
{
    struct regular *all;
    *out = NULL;
    if (!shape->languages && !excludes_strings(shape)) return OK;
    TRY(regular_length(&all, 0, SIZE_MAX, reader->job, reader->fault));
    const struct regular *language = all;
    for (const struct listed *one = shape->languages; one; one = one->next) {
        if (language == all && !one->negated)
            language = one->language;
        else
            TRY(combine(reader, &language, one->language,
                        one->negated ? REGULAR_FIRST_ONLY : REGULAR_BOTH));
    }
    TRY(exclude_values(reader, shape, &language));
    if (regular_is_empty(language)) {
        *out = language;
        return OK;
    }
    if (regular_accepts_all(language, 0)) return OK;
    TRY(limit_length(reader, shape, &language));
    *out = language;
    return OK;
}

enum status shape_string_names(struct schema_reader *reader, const struct shape *shape,
                               const struct regular **out)
{
    struct regular *language;
    if (!shape->candidates) {
        TRY(shape_string_language(reader, shape, out));
        if (*out) return OK;
        size_t most = shape->most_length == SCHEMA_UNBOUNDED ? SIZE_MAX : shape->most_length;
        TRY(regular_length(&language, shape->least_length, most, reader->job, reader->fault));
        *out = language;
        return OK;
    }
    const json_t **values = arena_alloc_array(reader->job, NAMED_VALUES_MAX, sizeof *values);
    struct text *texts = arena_alloc_array(reader->job, NAMED_VALUES_MAX, sizeof *texts);
    size_t count = 0, strings = 0;
    bool are_all;
    if (!values || !texts) return schema_no_memory(reader);
    TRY(shape_values(reader, shape, values, NAMED_VALUES_MAX, &count, &are_all));
    if (!are_all)
        return schema_refuse(reader, reader->root, "propertyNames", STATUS_UNSUPPORTED,
                             "more than %d names are not supported", NAMED_VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        if (json_is_string(values[i])) texts[strings++] = schema_text(values[i]);
    TRY(regular_texts(&language, texts, strings, reader->job, reader->fault));
    *out = language;
    return OK;
}

enum status shape_write_string(struct schema_reader *reader, const struct shape *shape,
                               struct written *out)
{
    const struct regular *language;
    TRY(shape_string_language(reader, shape, &language));
    if (!language) {
        struct grammar *g = reader->grammar;
        if (shape->least_length == 0 && shape->most_length == SCHEMA_UNBOUNDED) {
            out->part = reader->common.string;
            return OK;
        }
        grammar_part quote = reader->common.quote;
        grammar_part characters =
            grammar_repeat(g, reader->common.character, shape->least_length, shape->most_length);
        out->part = grammar_sequence(g, (grammar_part[]){quote, characters, quote}, 3);
        return OK;
    }
    out->is_nothing = regular_is_empty(language);
    if (out->is_nothing) return OK;
    struct regular *small;
    TRY(regular_minimise(&small, language, reader->job, reader->fault));
    return schema_write_regular(reader, small, true, &out->part);
}

/* ---- automata as parts ---- */

struct automaton_writer {
    struct schema_reader *reader;
    const struct regular *language;
    bool as_string;
    uint32_t *entries;   /* edges into each state from others; the start has one more */
    grammar_part *rules; /* of states with several */
    bool *has_rule;
    uint32_t *waiting; /* states whose rule is still to be set */
    uint32_t waiting_count;
    grammar_part end; /* what follows the text */
};

/* The escapes of those of these ranges that do not stand for themselves. Most ranges have all
 * control characters or none. */
static size_t put_escapes(struct schema_reader *reader, const uint32_t *ranges, size_t count,
                          grammar_part parts[34])
{
    size_t used = 0;
    bool has_all_controls = count > 0 && ranges[0] == 0 && ranges[1] >= 0x1F;
    if (has_all_controls) parts[used++] = reader->common.controls;
    for (uint32_t c = has_all_controls ? '"' : 0; c <= '\\'; c = c == 0x1F  ? '"'
                                                                 : c == '"' ? '\\'
                                                                            : c + 1) {
        bool within = false;
        for (size_t i = 0; i < count; i++) within |= ranges[2 * i] <= c && c <= ranges[2 * i + 1];
        if (!within) continue;
        char escape[JSON_ESCAPE_BYTES];
        parts[used++] = grammar_literal(reader->grammar, json_escape(c, escape));
    }
    return used;
}

/* The characters of these ranges, sorted, as they stand in a JSON string. */
static grammar_part string_class(struct schema_reader *reader, const uint32_t *ranges, size_t count)
{
    static const struct {
        uint32_t first, last;
    } PLAIN[] = {{0x20, '!'}, {'#', '['}, {']', REGULAR_LAST_CHARACTER}};
    struct grammar *g = reader->grammar;
    grammar_part parts[36];
    size_t used = put_escapes(reader, ranges, count, parts);
    uint32_t *plain = arena_alloc_array(reader->job, 2 * (count + 3), sizeof *plain);
    size_t plain_count = 0;
    for (size_t i = 0; plain && i < count; i++)
        for (size_t k = 0; k < ARRAY_COUNT(PLAIN); k++) {
            uint32_t first = ranges[2 * i], last = ranges[2 * i + 1];
            if (first < PLAIN[k].first) first = PLAIN[k].first;
            if (last > PLAIN[k].last) last = PLAIN[k].last;
            if (first > last) continue;
            plain[2 * plain_count] = first;
            plain[2 * plain_count++ + 1] = last;
        }
    if (plain_count) parts[used++] = grammar_class(g, plain, plain_count, false);
    return grammar_choice(g, parts, used);
}

/* The part for all edges of the state that lead to `target`. */
static grammar_part edges_to(struct automaton_writer *writer, const struct regular_state *state,
                             uint32_t target)
{
    struct schema_reader *reader = writer->reader;
    uint32_t *ranges =
        arena_alloc_array(reader->job, 2 * (size_t)state->edge_count, sizeof *ranges);
    size_t count = 0;
    for (uint32_t e = 0; ranges && e < state->edge_count; e++) {
        if (state->edges[e].target != target) continue;
        ranges[2 * count] = state->edges[e].first;
        ranges[2 * count++ + 1] = state->edges[e].last;
    }
    return writer->as_string ? string_class(reader, ranges, count)
                             : grammar_class(reader->grammar, ranges, count, false);
}

static enum status write_state(struct automaton_writer *writer, uint32_t number, int depth,
                               grammar_part *part);

/* A state where several ways meet, or deep down, becomes a rule. */
static enum status refer_to_state(struct automaton_writer *writer, uint32_t number, int depth,
                                  grammar_part *part)
{
    if (writer->entries[number] <= 1 && depth < INLINE_DEPTH_MAX)
        return write_state(writer, number, depth, part);
    if (!writer->has_rule[number]) {
        writer->has_rule[number] = true;
        writer->rules[number] = grammar_rule(writer->reader->grammar);
        writer->waiting[writer->waiting_count++] = number;
    }
    *part = writer->rules[number];
    return OK;
}

static enum status write_state(struct automaton_writer *writer, uint32_t number, int depth,
                               grammar_part *part)
{
    struct schema_reader *reader = writer->reader;
    struct grammar *g = reader->grammar;
    const struct regular_state *state = &writer->language->states[number];
    if (writer->as_string && regular_accepts_all(writer->language, number)) {
        *part = grammar_sequence(g, (grammar_part[]){reader->common.characters, writer->end}, 2);
        return OK;
    }
    grammar_part *ways =
        arena_alloc_array(reader->job, (size_t)state->edge_count + 1, sizeof *ways);
    if (!ways) return schema_no_memory(reader);
    size_t count = 0;
    bool loops = false;
    for (uint32_t e = 0; e < state->edge_count; e++) {
        uint32_t target = state->edges[e].target;
        bool seen = false;
        for (uint32_t before = 0; before < e; before++)
            seen |= state->edges[before].target == target;
        loops |= target == number;
        if (seen || target == number) continue;
        grammar_part pieces[2] = {edges_to(writer, state, target)};
        TRY(refer_to_state(writer, target, depth + 1, &pieces[1]));
        ways[count++] = grammar_sequence(g, pieces, 2);
    }
    if (state->accepts) ways[count++] = writer->end;
    *part = grammar_choice(g, ways, count);
    if (!loops) return OK;
    grammar_part loop = grammar_repeat(g, edges_to(writer, state, number), 0, GRAMMAR_UNBOUNDED);
    *part = grammar_sequence(g, (grammar_part[]){loop, *part}, 2);
    return OK;
}

static void count_entries(struct automaton_writer *writer)
{
    const struct regular *language = writer->language;
    writer->entries[0] = 1;
    for (uint32_t i = 0; i < language->state_count; i++) {
        const struct regular_state *state = &language->states[i];
        for (uint32_t e = 0; e < state->edge_count; e++) {
            bool seen = state->edges[e].target == i;
            for (uint32_t before = 0; before < e && !seen; before++)
                seen = state->edges[before].target == state->edges[e].target;
            if (!seen) writer->entries[state->edges[e].target]++;
        }
    }
}

static enum status write_language(struct schema_reader *reader, const struct regular *language,
                                  bool as_string, grammar_part *part)
{
    uint32_t count = language->state_count;
    struct automaton_writer writer = {
        .reader = reader,
        .language = language,
        .as_string = as_string,
        .entries = arena_alloc_array(reader->job, count, sizeof *writer.entries),
        .rules = arena_alloc_array(reader->job, count, sizeof *writer.rules),
        .has_rule = arena_alloc_array(reader->job, count, sizeof *writer.has_rule),
        .waiting = arena_alloc_array(reader->job, count, sizeof *writer.waiting),
    };
    if (!writer.entries || !writer.rules || !writer.has_rule || !writer.waiting)
        return schema_no_memory(reader);
    grammar_part quote = reader->common.quote;
    writer.end = as_string ? quote : grammar_empty(reader->grammar);
    count_entries(&writer);
    TRY(refer_to_state(&writer, 0, 0, part));
    while (writer.waiting_count > 0) {
        uint32_t number = writer.waiting[--writer.waiting_count];
        grammar_part body;
        TRY(write_state(&writer, number, 0, &body));
        grammar_rule_set(reader->grammar, writer.rules[number], body);
    }
    if (as_string) *part = grammar_sequence(reader->grammar, (grammar_part[]){quote, *part}, 2);
    return OK;
}

/* ---- each written once ---- */

struct known_part {
    struct known_part *next;
    uint64_t hash;
    const struct regular *language;
    bool as_string;
    grammar_part part;
};

static uint64_t language_hash(const struct regular *language, bool as_string)
{
    uint64_t hash = (uint64_t)language->state_count << 1 | as_string;
    for (uint32_t i = 0; i < language->state_count; i++) {
        const struct regular_state *state = &language->states[i];
        hash = (hash ^ (uint64_t)state->edge_count << 1 ^ state->accepts) * 0x9E3779B97F4A7C15u;
        for (uint32_t e = 0; e < state->edge_count; e++) {
            uint64_t range = (uint64_t)state->edges[e].first << 32 | state->edges[e].last;
            hash = (hash ^ range ^ hash >> 31) * 0xBF58476D1CE4E5B9u;
            hash = (hash ^ state->edges[e].target ^ hash >> 29) * 0x9E3779B97F4A7C15u;
        }
    }
    return hash ^ hash >> 32;
}

static bool languages_same(const struct regular *a, const struct regular *b)
{
    bool same = a->state_count == b->state_count;
    for (uint32_t i = 0; same && i < a->state_count; i++) {
        const struct regular_state *x = &a->states[i], *y = &b->states[i];
        same = x->accepts == y->accepts && x->edge_count == y->edge_count &&
               (x->edge_count == 0 ||
                memcmp(x->edges, y->edges, x->edge_count * sizeof *x->edges) == 0);
    }
    return same;
}

enum status schema_write_regular(struct schema_reader *reader, const struct regular *language,
                                 bool as_string, grammar_part *part)
{
    uint64_t hash = language_hash(language, as_string);
    struct known_part **bucket = &reader->parts[hash % SCHEMA_PATTERN_BUCKETS];
    for (const struct known_part *known = *bucket; known; known = known->next) {
        if (known->hash != hash || known->as_string != as_string ||
            !languages_same(known->language, language))
            continue;
        *part = known->part;
        return OK;
    }
    struct regular *copy;
    struct known_part *known = arena_alloc(reader->kept, sizeof *known);
    if (!known) return schema_no_memory(reader);
    TRY(write_language(reader, language, as_string, part));
    TRY(regular_copy(&copy, language, reader->kept, reader->fault));
    *known = (struct known_part){*bucket, hash, copy, as_string, *part};
    *bucket = known;
    return OK;
}
