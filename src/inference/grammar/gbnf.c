/* gbnf.c - reads llama.cpp's grammar format (docs/format-grammar.md says what of it).
 *
 * One pass: names become rules where they are first seen, used or defined. Faults name line and
 * column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/parts.h"

enum {
    GBNF_BYTES_MAX = 4 << 20,
    GBNF_NESTING_MAX = 100,
    GBNF_REPEAT_MAX = 1000000, /* of {m,n} */
};

struct gbnf_rule {
    struct text name;
    grammar_part part;
    size_t used_at; /* where it was first seen */
    bool is_defined;
};

/* Parts put together, on one stack for all levels. */
struct part_stack {
    grammar_part *items;
    uint32_t count, capacity;
};

struct gbnf {
    struct grammar *grammar;
    struct text source;
    size_t at;
    int nesting;
    struct gbnf_rule *rules;
    uint32_t rule_count, rule_capacity;
    uint32_t *slots; /* hash table of rules by name: rule + 1 */
    uint32_t slot_count;
    struct part_stack parts;
    struct buffer literal;
    uint32_t *ranges; /* pairs, of the class at hand */
    uint32_t range_count, range_capacity;
    struct fault *fault;
};

/* ---- faults ---- */

static enum status fail_at(const struct gbnf *g, size_t at, enum status status, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < g->source.length; i++) {
        bool is_newline = g->source.data[i] == '\n';
        bool is_continuation = ((unsigned char)g->source.data[i] & 0xC0) == 0x80;
        line += is_newline;
        column = is_newline ? 1 : column + !is_continuation;
    }
    return fault_set(g->fault, status, "grammar, line %zu, column %zu: %s", line, column, what);
}

static enum status fail(const struct gbnf *g, const char *what)
{
    return fail_at(g, g->at, STATUS_INVALID, what);
}

static enum status no_memory(const struct gbnf *g)
{
    return fault_set(g->fault, STATUS_NO_MEMORY, "no memory for the grammar");
}

/* ---- characters ---- */

static bool at_end(const struct gbnf *g)
{
    return g->at >= g->source.length;
}

static char peek(const struct gbnf *g)
{
    return at_end(g) ? '\0' : g->source.data[g->at];
}

static bool take(struct gbnf *g, const char *word)
{
    if (!text_starts_with(text_slice(g->source, g->at, g->source.length), text_of(word)))
        return false;
    g->at += strlen(word);
    return true;
}

/* White space and comments, line ends only where a rule may go on behind them. */
static void skip_space(struct gbnf *g, bool over_lines)
{
    while (!at_end(g)) {
        char c = peek(g);
        if (c == '#')
            while (!at_end(g) && peek(g) != '\n' && peek(g) != '\r') g->at++;
        else if (c == ' ' || c == '\t' || (over_lines && (c == '\n' || c == '\r')))
            g->at++;
        else
            return;
    }
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static struct text take_name(struct gbnf *g)
{
    size_t from = g->at;
    while (!at_end(g) && is_name_char(peek(g))) g->at++;
    return text_slice(g->source, from, g->at);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum status take_hex(struct gbnf *g, int digits, uint32_t *c)
{
    size_t from = g->at - 2; /* the backslash */
    *c = 0;
    for (int i = 0; i < digits; i++) {
        int value = hex_value(peek(g));
        if (value < 0) return fail(g, "a hexadecimal digit is missing here");
        *c = *c << 4 | (uint32_t)value;
        g->at++;
    }
    if (*c > 0x10FFFF || (*c >= 0xD800 && *c <= 0xDFFF))
        return fail_at(g, from, STATUS_INVALID, "this is no character's code point");
    return OK;
}

/* One character of a literal or a class, escapes resolved. */
static enum status take_character(struct gbnf *g, uint32_t *c)
{
    static const char NAMES[] = "nrt\\\"[]", VALUES[] = "\n\r\t\\\"[]";
    if (!take(g, "\\")) {
        size_t length = utf8_decode(g->source.data + g->at, g->source.length - g->at, c);
        if (length == 0) return fail(g, "this is not UTF-8");
        g->at += length;
        return OK;
    }
    char escape = peek(g);
    g->at++;
    if (escape == 'x') return take_hex(g, 2, c);
    if (escape == 'u') return take_hex(g, 4, c);
    if (escape == 'U') return take_hex(g, 8, c);
    const char *name = escape ? strchr(NAMES, escape) : NULL;
    if (!name) {
        g->at -= 2;
        return fail(g,
                    "an unknown escape; there are \\n \\r \\t \\\\ \\\" \\[ \\] \\x.. \\u.... "
                    "\\U........");
    }
    *c = (unsigned char)VALUES[name - NAMES];
    return OK;
}

/* ---- rules by name ---- */

static uint32_t *find_slot(const struct gbnf *g, struct text name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    uint32_t i = hash & (g->slot_count - 1);
    while (g->slots[i] && !text_equal(g->rules[g->slots[i] - 1].name, name))
        i = (i + 1) & (g->slot_count - 1);
    return &g->slots[i];
}

static bool grow_slots(struct gbnf *g)
{
    if (g->rule_count * 2 < g->slot_count) return true;
    uint32_t grown = g->slot_count ? g->slot_count * 2 : 64;
    uint32_t *fresh = calloc(grown, sizeof *fresh);
    if (!fresh) return false;
    free(g->slots);
    g->slots = fresh;
    g->slot_count = grown;
    for (uint32_t i = 0; i < g->rule_count; i++) *find_slot(g, g->rules[i].name) = i + 1;
    return true;
}

/* The rule of this name, which begins at `at`; a new one when it was not seen before. */
static enum status find_rule(struct gbnf *g, struct text name, size_t at, uint32_t *number)
{
    if (!grow_slots(g) || !ARRAY_MORE(g->rules, g->rule_count, g->rule_capacity, 1))
        return no_memory(g);
    uint32_t *slot = find_slot(g, name);
    if (*slot == 0) {
        grammar_part part = grammar_rule(g->grammar);
        grammar_rule_name(g->grammar, part, name);
        g->rules[g->rule_count++] = (struct gbnf_rule){name, part, at, false};
        *slot = g->rule_count;
    }
    *number = *slot - 1;
    return OK;
}

/* ---- what stands on the right of a rule ---- */

static enum status push(struct gbnf *g, grammar_part part)
{
    if (!ARRAY_MORE(g->parts.items, g->parts.count, g->parts.capacity, 1)) return no_memory(g);
    g->parts.items[g->parts.count++] = part;
    return OK;
}

static enum status read_literal(struct gbnf *g)
{
    size_t from = g->at;
    uint32_t c;
    char bytes[4];
    buffer_clear(&g->literal);
    g->at++;
    while (!at_end(g) && peek(g) != '"') {
        TRY(take_character(g, &c));
        buffer_append(&g->literal, bytes, utf8_encode(c, bytes));
    }
    if (!take(g, "\"")) return fail_at(g, from, STATUS_INVALID, "a literal without closing \"");
    TRY(buffer_status(&g->literal, g->fault));
    return push(g, grammar_literal(g->grammar, buffer_text(&g->literal)));
}

static enum status read_class(struct gbnf *g)
{
    size_t from = g->at;
    g->range_count = 0;
    g->at++;
    bool is_negated = take(g, "^");
    while (!at_end(g) && peek(g) != ']') {
        uint32_t first, last;
        TRY(take_character(g, &first));
        last = first;
        bool is_range =
            g->at + 1 < g->source.length && peek(g) == '-' && g->source.data[g->at + 1] != ']';
        if (is_range) {
            g->at++;
            TRY(take_character(g, &last));
        }
        if (last < first) return fail(g, "a range of characters that ends before it begins");
        if (!ARRAY_MORE(g->ranges, 2 * g->range_count, g->range_capacity, 2)) return no_memory(g);
        g->ranges[2 * g->range_count] = first;
        g->ranges[2 * g->range_count + 1] = last;
        g->range_count++;
    }
    if (!take(g, "]")) return fail_at(g, from, STATUS_INVALID, "a class without closing ]");
    return push(g, grammar_class(g->grammar, g->ranges, g->range_count, is_negated));
}

static enum status read_choice(struct gbnf *g);

static enum status read_group(struct gbnf *g)
{
    size_t from = g->at;
    if (g->nesting == GBNF_NESTING_MAX) return fail(g, "groups nested more than 100 deep");
    g->nesting++;
    g->at++;
    skip_space(g, true);
    TRY(read_choice(g));
    if (!take(g, ")")) return fail_at(g, from, STATUS_INVALID, "a group without closing )");
    g->nesting--;
    return OK;
}

static enum status read_reference(struct gbnf *g)
{
    uint32_t number;
    size_t from = g->at;
    struct text name = take_name(g);
    TRY(find_rule(g, name, from, &number));
    return push(g, g->rules[number].part);
}

static enum status take_number(struct gbnf *g, uint32_t *number)
{
    size_t from = g->at;
    *number = 0;
    while (peek(g) >= '0' && peek(g) <= '9') {
        *number = *number * 10 + (uint32_t)(peek(g) - '0');
        if (*number > GBNF_REPEAT_MAX)
            return fail_at(g, from, STATUS_TOO_LARGE, "a repetition of more than a million times");
        g->at++;
    }
    return g->at > from ? OK : fail(g, "a number is missing here");
}

/* {m} {m,} {m,n}, behind the brace */
static enum status read_counts(struct gbnf *g, uint32_t *least, uint32_t *most)
{
    size_t from = g->at - 1;
    skip_space(g, false);
    TRY(take_number(g, least));
    *most = *least;
    skip_space(g, false);
    if (take(g, ",")) {
        *most = GRAMMAR_UNBOUNDED;
        skip_space(g, false);
        if (peek(g) != '}') TRY(take_number(g, most));
        skip_space(g, false);
    }
    if (!take(g, "}")) return fail_at(g, from, STATUS_INVALID, "a repetition without closing }");
    if (*least > *most)
        return fail_at(g, from, STATUS_INVALID, "a repetition whose least exceeds its most");
    return OK;
}

/* All the marks of repetition behind what was just pushed. */
static enum status read_repeats(struct gbnf *g)
{
    for (;;) {
        uint32_t least = 0, most = GRAMMAR_UNBOUNDED;
        if (take(g, "?"))
            most = 1;
        else if (take(g, "+"))
            least = 1;
        else if (take(g, "{"))
            TRY(read_counts(g, &least, &most));
        else if (!take(g, "*"))
            return OK;
        grammar_part *last = &g->parts.items[g->parts.count - 1];
        *last = grammar_repeat(g->grammar, *last, least, most);
        skip_space(g, g->nesting > 0);
    }
}

/* One element, pushed; *found is false where none stands. */
static enum status read_element(struct gbnf *g, bool *found)
{
    char c = peek(g);
    *found = true;
    if (c == '"') {
        TRY(read_literal(g));
    } else if (c == '[') {
        TRY(read_class(g));
    } else if (c == '(') {
        TRY(read_group(g));
    } else if (c == '.') {
        g->at++;
        TRY(push(g, grammar_class(g->grammar, NULL, 0, true)));
    } else if (is_name_char(c)) {
        TRY(read_reference(g));
    } else if (c == '<' || c == '!') {
        return fail_at(g, g->at, STATUS_UNSUPPORTED,
                       "tokens (<...>) are not supported; write their text as a literal");
    } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        return fail(g, "nothing stands before this repetition");
    } else {
        *found = false;
        return OK;
    }
    skip_space(g, g->nesting > 0);
    return read_repeats(g);
}

static enum status read_sequence(struct gbnf *g)
{
    uint32_t base = g->parts.count;
    bool found;
    do TRY(read_element(g, &found));
    while (found);
    grammar_part sequence =
        grammar_sequence(g->grammar, g->parts.items + base, g->parts.count - base);
    g->parts.count = base;
    return push(g, sequence);
}

/* At the end of a line: does the next one go on with another alternative? */
static void skip_to_alternative(struct gbnf *g)
{
    size_t at = g->at;
    skip_space(g, true);
    if (peek(g) != '|') g->at = at;
}

/* Alternatives, pushed as one part. */
static enum status read_choice(struct gbnf *g)
{
    uint32_t base = g->parts.count;
    for (;;) {
        TRY(read_sequence(g));
        skip_to_alternative(g);
        if (!take(g, "|")) break;
        skip_space(g, true);
    }
    grammar_part choice = grammar_choice(g->grammar, g->parts.items + base, g->parts.count - base);
    g->parts.count = base;
    return push(g, choice);
}

/* ---- the whole ---- */

static enum status read_rule(struct gbnf *g)
{
    uint32_t number;
    size_t from = g->at;
    struct text name = take_name(g);
    if (name.length == 0) return fail(g, "the name of a rule is missing here");
    skip_space(g, false);
    if (!take(g, "::=")) return fail(g, "'::=' is missing here");
    skip_space(g, true);
    TRY(find_rule(g, name, from, &number));
    if (g->rules[number].is_defined)
        return fail_at(g, from, STATUS_INVALID, "this rule is defined twice");
    g->rules[number].is_defined = true;
    TRY(read_choice(g));
    grammar_rule_set(g->grammar, g->rules[number].part, g->parts.items[--g->parts.count]);
    if (!at_end(g) && peek(g) != '\n' && peek(g) != '\r')
        return fail(g, "this is neither an element of a rule nor its end");
    skip_space(g, true);
    return OK;
}

static enum status check_rules(const struct gbnf *g)
{
    for (uint32_t i = 0; i < g->rule_count; i++) {
        char what[128];
        const struct gbnf_rule *rule = &g->rules[i];
        if (rule->is_defined) continue;
        int shown = rule->name.length < 64 ? (int)rule->name.length : 64;
        snprintf(what, sizeof what, "the rule '%.*s' is used, but not defined", shown,
                 rule->name.data);
        return fail_at(g, rule->used_at, STATUS_INVALID, what);
    }
    return OK;
}

static enum status read_all(struct gbnf *g, grammar_part *part)
{
    uint32_t root;
    if (g->source.length > GBNF_BYTES_MAX)
        return fault_set(g->fault, STATUS_TOO_LARGE, "the grammar has %zu bytes, at most %d",
                         g->source.length, GBNF_BYTES_MAX);
    if (!grow_slots(g) || !ARRAY_MORE(g->parts.items, 0, g->parts.capacity, 1)) return no_memory(g);
    skip_space(g, true);
    while (!at_end(g)) TRY(read_rule(g));
    if (*find_slot(g, TEXT("root")) == 0)
        return fault_set(g->fault, STATUS_INVALID, "the grammar has no rule 'root'");
    TRY(find_rule(g, TEXT("root"), 0, &root));
    TRY(check_rules(g));
    *part = g->rules[root].part;
    return OK;
}

enum status grammar_add_gbnf(struct grammar *grammar, struct text source, grammar_part *part,
                             struct fault *fault)
{
    struct gbnf g = {.grammar = grammar, .source = source, .fault = fault};
    buffer_init(&g.literal);
    enum status status = read_all(&g, part);
    free(g.rules);
    free(g.slots);
    free(g.parts.items);
    free(g.ranges);
    buffer_deinit(&g.literal);
    return status;
}
