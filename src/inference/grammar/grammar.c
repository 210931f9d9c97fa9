/* grammar.c - building: parts, and how equal ones become one. */
#include "inference/grammar/grammar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/automaton.h"
#include "inference/grammar/parts.h"

enum { NO_PART = UINT32_MAX, LAST_CODEPOINT = 0x10FFFF };

enum status grammar_new(struct grammar **out, struct fault *fault)
{
    struct grammar *grammar = *out = calloc(1, sizeof *grammar);
    if (grammar && ARRAY_MORE(grammar->parts, 0, grammar->part_capacity, 1) &&
        ARRAY_MORE(grammar->children, 0, grammar->child_capacity, 1) &&
        ARRAY_MORE(grammar->ranges, 0, grammar->range_capacity, 1) &&
        ARRAY_MORE(grammar->bytes, 0, grammar->byte_capacity, 1))
        return OK;
    grammar_free(grammar);
    *out = NULL;
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for a grammar");
}

void grammar_free(struct grammar *grammar)
{
    if (!grammar) return;
    automaton_free(grammar->automaton);
    free(grammar->parts);
    free(grammar->children);
    free(grammar->ranges);
    free(grammar->bytes);
    free(grammar->names);
    free(grammar->slots);
    free(grammar);
}

void grammar_fail(struct grammar *grammar, enum status status, const char *format, ...)
{
    if (grammar->status != OK) return;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    grammar->status = fault_set(&grammar->fault, status, "%s", message);
}

static void fail_memory(struct grammar *grammar)
{
    grammar_fail(grammar, STATUS_NO_MEMORY, "no memory for the grammar");
}

/* ---- equal parts are one ---- */

static uint32_t hash_bytes(uint32_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static const void *part_list(const struct grammar *grammar, const struct part *part, size_t *bytes)
{
    switch (part->kind) {
    case PART_LITERAL:
    case PART_WITHOUT: *bytes = part->count; return grammar->bytes + part->first;
    case PART_CLASS:
        *bytes = part->count * sizeof *grammar->ranges;
        return grammar->ranges + part->first;
    default:
        *bytes = part->count * sizeof *grammar->children;
        return grammar->children + part->first;
    }
}

static bool parts_equal(const struct grammar *grammar, const struct part *a, const struct part *b)
{
    size_t bytes_a, bytes_b;
    if (a->hash != b->hash || a->kind != b->kind || a->count != b->count || a->least != b->least ||
        a->most != b->most)
        return false;
    const void *list_a = part_list(grammar, a, &bytes_a), *list_b = part_list(grammar, b, &bytes_b);
    return bytes_a == 0 || memcmp(list_a, list_b, bytes_a) == 0;
}

/* The slot of an equal part, or the free one where it belongs. */
static uint32_t *find_slot(const struct grammar *grammar, const struct part *part)
{
    uint32_t mask = grammar->slot_count - 1;
    for (uint32_t i = part->hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &grammar->slots[i];
        if (*slot == 0 || parts_equal(grammar, part, &grammar->parts[*slot - 1])) return slot;
    }
}

static bool grow_slots(struct grammar *grammar)
{
    if (grammar->part_count * 2 < grammar->slot_count) return true;
    uint32_t grown = grammar->slot_count ? grammar->slot_count * 2 : 64;
    uint32_t *fresh = calloc(grown, sizeof *fresh);
    if (!fresh) return false;
    free(grammar->slots);
    grammar->slots = fresh;
    grammar->slot_count = grown;
    for (uint32_t i = 0; i < grammar->part_count; i++)
        if (grammar->parts[i].kind != PART_RULE) *find_slot(grammar, &grammar->parts[i]) = i + 1;
    return true;
}

/* Add a part whose list was put at the end of its array; an equal one takes its place. */
static grammar_part add_part(struct grammar *grammar, struct part part)
{
    size_t bytes;
    if (grammar->status != OK) return 0;
    if (grammar->part_count >= GRAMMAR_PARTS_MAX) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "the grammar has more than %d parts",
                     GRAMMAR_PARTS_MAX);
        return 0;
    }
    if (part.depth > GRAMMAR_DEPTH_MAX) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "the grammar is nested more than %d deep",
                     GRAMMAR_DEPTH_MAX);
        return 0;
    }
    if (!ARRAY_MORE(grammar->parts, grammar->part_count, grammar->part_capacity, 1) ||
        !grow_slots(grammar)) {
        fail_memory(grammar);
        return 0;
    }
    const void *list = part_list(grammar, &part, &bytes);
    part.hash = hash_bytes(2166136261u, list, bytes) * 31 + part.kind * 7 + part.least * 13 +
                part.most * 17;
    if (part.kind != PART_RULE) {
        uint32_t *slot = find_slot(grammar, &part);
        if (*slot) return *slot - 1;
        *slot = grammar->part_count + 1;
    }
    grammar->parts[grammar->part_count] = part;
    return grammar->part_count++;
}

/* ---- kinds ---- */

static bool put_bytes(struct grammar *grammar, struct text bytes)
{
    if (grammar->status != OK) return false;
    if (bytes.length > GRAMMAR_BYTES_MAX - grammar->byte_count) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "the grammar has more than %d bytes of text",
                     GRAMMAR_BYTES_MAX);
        return false;
    }
    if (!ARRAY_MORE(grammar->bytes, grammar->byte_count, grammar->byte_capacity,
                    bytes.length + 1)) {
        fail_memory(grammar);
        return false;
    }
    memcpy(grammar->bytes + grammar->byte_count, bytes.data, bytes.length);
    return true;
}

static grammar_part add_bytes(struct grammar *grammar, enum part_kind kind, struct text bytes)
{
    if (!put_bytes(grammar, bytes)) return 0;
    uint32_t parts_before = grammar->part_count;
    grammar_part part = add_part(grammar, (struct part){.kind = kind,
                                                        .first = grammar->byte_count,
                                                        .count = (uint32_t)bytes.length,
                                                        .depth = 1});
    if (grammar->part_count > parts_before) grammar->byte_count += (uint32_t)bytes.length;
    return part;
}

static grammar_part add_children(struct grammar *grammar, struct part part,
                                 const grammar_part *children, size_t count)
{
    if (grammar->status != OK) return 0;
    if (count > GRAMMAR_BYTES_MAX - grammar->child_count) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "the grammar has more than %d references",
                     GRAMMAR_BYTES_MAX);
        return 0;
    }
    if (!ARRAY_MORE(grammar->children, grammar->child_count, grammar->child_capacity, count + 1)) {
        fail_memory(grammar);
        return 0;
    }
    part.first = grammar->child_count;
    part.count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        assert(children[i] < grammar->part_count);
        const struct part *child = &grammar->parts[children[i]];
        uint32_t depth = child->kind == PART_RULE ? 1 : child->depth + 1;
        if (depth > part.depth) part.depth = depth;
        grammar->children[grammar->child_count + i] = children[i];
    }
    uint32_t parts_before = grammar->part_count;
    grammar_part added = add_part(grammar, part);
    if (grammar->part_count > parts_before) grammar->child_count += (uint32_t)count;
    return added;
}

grammar_part grammar_empty(struct grammar *grammar)
{
    return add_children(grammar, (struct part){.kind = PART_SEQUENCE}, NULL, 0);
}

grammar_part grammar_literal(struct grammar *grammar, struct text bytes)
{
    return bytes.length == 0 ? grammar_empty(grammar) : add_bytes(grammar, PART_LITERAL, bytes);
}

grammar_part grammar_special_token(struct grammar *grammar, struct text name)
{
    static const char mark[] = {(char)GRAMMAR_SPECIAL};
    grammar_part side = grammar_literal(grammar, (struct text){mark, 1});
    const grammar_part parts[] = {side, grammar_literal(grammar, name), side};
    return grammar_sequence(grammar, parts, 3);
}

grammar_part grammar_sequence(struct grammar *grammar, const grammar_part *parts, size_t count)
{
    if (count == 1) return parts[0];
    return add_children(grammar, (struct part){.kind = PART_SEQUENCE}, parts, count);
}

grammar_part grammar_choice(struct grammar *grammar, const grammar_part *parts, size_t count)
{
    if (count == 1) return parts[0];
    return add_children(grammar, (struct part){.kind = PART_CHOICE}, parts, count);
}

grammar_part grammar_repeat(struct grammar *grammar, grammar_part part, uint32_t least,
                            uint32_t most)
{
    if (least > most) return grammar_choice(grammar, NULL, 0);
    if (most == 0) return grammar_empty(grammar);
    if (least == 1 && most == 1) return part;
    return add_children(grammar, (struct part){.kind = PART_REPEAT, .least = least, .most = most},
                        &part, 1);
}

grammar_part grammar_text_without(struct grammar *grammar, struct text word)
{
    if (word.length == 0) return grammar_choice(grammar, NULL, 0);
    if (word.length > GRAMMAR_WORD_MAX) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "a word to be left out has %zu bytes, at most %d",
                     word.length, GRAMMAR_WORD_MAX);
        return 0;
    }
    return add_bytes(grammar, PART_WITHOUT, word);
}

/* ---- rules ---- */

grammar_part grammar_rule(struct grammar *grammar)
{
    const grammar_part none = 0;
    if (grammar->part_count == 0) (void)grammar_empty(grammar);
    grammar_part rule = add_children(grammar, (struct part){.kind = PART_RULE}, &none, 1);
    if (grammar->status == OK) grammar->parts[rule].count = 0;
    return rule;
}

void grammar_rule_set(struct grammar *grammar, grammar_part rule, grammar_part is)
{
    if (grammar->status != OK) return;
    struct part *part = &grammar->parts[rule];
    assert(part->kind == PART_RULE && is < grammar->part_count);
    part->count = 1;
    grammar->children[part->first] = is;
}

void grammar_rule_name(struct grammar *grammar, grammar_part rule, struct text name)
{
    if (!put_bytes(grammar, name)) return;
    if (!ARRAY_MORE(grammar->names, grammar->name_count, grammar->name_capacity, 1)) {
        fail_memory(grammar);
        return;
    }
    grammar->names[grammar->name_count++] =
        (struct rule_name){rule, grammar->byte_count, (uint32_t)name.length};
    grammar->byte_count += (uint32_t)name.length;
}

void grammar_rule_describe(const struct grammar *grammar, grammar_part rule, char out[96])
{
    for (uint32_t i = 0; i < grammar->name_count; i++) {
        const struct rule_name *name = &grammar->names[i];
        if (name->rule != rule) continue;
        uint32_t shown = name->length < 64 ? name->length : 64;
        snprintf(out, 96, "the rule '%.*s'", (int)shown, (char *)grammar->bytes + name->first);
        return;
    }
    snprintf(out, 96, "a rule");
}

void grammar_set_root(struct grammar *grammar, grammar_part part)
{
    grammar->root = part;
    grammar->has_root = true;
}

/* ---- classes ---- */

static int by_first(const void *a, const void *b)
{
    const struct code_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sort and join ranges that touch; returns how many remain. */
static size_t join_ranges(struct code_range *ranges, size_t count)
{
    size_t kept = 0;
    qsort(ranges, count, sizeof *ranges, by_first);
    for (size_t i = 0; i < count; i++) {
        if (kept && ranges[i].first <= ranges[kept - 1].last + 1) {
            if (ranges[i].last > ranges[kept - 1].last) ranges[kept - 1].last = ranges[i].last;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

/* What lies between: at most count + 1 ranges. */
static size_t negate_ranges(const struct code_range *ranges, size_t count, struct code_range *out)
{
    size_t kept = 0;
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].first > next) out[kept++] = (struct code_range){next, ranges[i].first - 1};
        next = ranges[i].last + 1;
    }
    if (next <= LAST_CODEPOINT) out[kept++] = (struct code_range){next, LAST_CODEPOINT};
    return kept;
}

/* Surrogates are no characters: at most one range more. */
static size_t cut_surrogates(const struct code_range *ranges, size_t count, struct code_range *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct code_range low = ranges[i], high = ranges[i];
        if (low.last > 0xD7FF) low.last = 0xD7FF;
        if (high.first < 0xE000) high.first = 0xE000;
        if (low.first <= low.last) out[kept++] = low;
        if (high.first <= high.last) out[kept++] = high;
    }
    return kept;
}

grammar_part grammar_class(struct grammar *grammar, const uint32_t *ranges, size_t range_count,
                           bool negated)
{
    if (grammar->status != OK) return 0;
    if (range_count > GRAMMAR_BYTES_MAX - grammar->range_count) {
        grammar_fail(grammar, STATUS_TOO_LARGE, "the grammar has more than %d ranges of characters",
                     GRAMMAR_BYTES_MAX);
        return 0;
    }
    struct code_range *work = malloc((range_count + 2) * 2 * sizeof *work);
    if (!work || !ARRAY_MORE(grammar->ranges, grammar->range_count, grammar->range_capacity,
                             range_count + 3)) {
        free(work);
        fail_memory(grammar);
        return 0;
    }
    size_t count = 0;
    for (size_t i = 0; i < range_count; i++) {
        struct code_range range = {ranges[2 * i], ranges[2 * i + 1]};
        if (range.last > LAST_CODEPOINT) range.last = LAST_CODEPOINT;
        if (range.first <= range.last) work[count++] = range;
    }
    count = join_ranges(work, count);
    struct code_range *wanted = work;
    if (negated) {
        wanted = work + range_count + 2;
        count = negate_ranges(work, count, wanted);
    }
    count = cut_surrogates(wanted, count, grammar->ranges + grammar->range_count);
    free(work);
    uint32_t parts_before = grammar->part_count;
    grammar_part part = count == 0 ? grammar_choice(grammar, NULL, 0)
                                   : add_part(grammar, (struct part){.kind = PART_CLASS,
                                                                     .first = grammar->range_count,
                                                                     .count = (uint32_t)count,
                                                                     .depth = 1});
    if (count && grammar->part_count > parts_before) grammar->range_count += (uint32_t)count;
    return part;
}
