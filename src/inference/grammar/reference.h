/* reference.h - what a grammar means, said as simply as possible: for each part and each place of
 * a text, where the part can end, found by going over all parts until nothing is added. Slow and
 * obviously right: tests compare the automata with it. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_REFERENCE_H
#define LIMINAL_INFERENCE_GRAMMAR_REFERENCE_H

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/parts.h"

struct reference {
    const struct grammar *grammar;
    struct text text;
    size_t places; /* text.length + 1 */
    bool *ends;    /* [part][from][to] */
    bool grew;
};

static inline bool *reference_ends(const struct reference *r, grammar_part part, size_t from)
{
    return r->ends + (part * r->places + from) * r->places;
}

static inline void reference_add(struct reference *r, grammar_part part, size_t from, size_t to)
{
    bool *end = &reference_ends(r, part, from)[to];
    r->grew |= !*end;
    *end = true;
}

/* next[j]: `part` leads there from some i with now[i]. True when there is any. */
static inline bool reference_advance(const struct reference *r, grammar_part part, const bool *now,
                                     bool *next)
{
    bool any = false;
    memset(next, 0, r->places);
    for (size_t i = 0; i < r->places; i++)
        for (size_t j = i; now[i] && j < r->places; j++)
            any |= next[j] |= reference_ends(r, part, i)[j];
    return any;
}

static inline void reference_sequence(struct reference *r, grammar_part self, size_t from)
{
    const struct part *part = &r->grammar->parts[self];
    bool *now = calloc(r->places, 1), *next = calloc(r->places, 1);
    now[from] = true;
    for (uint32_t i = 0; i < part->count; i++) {
        (void)reference_advance(r, r->grammar->children[part->first + i], now, next);
        memcpy(now, next, r->places);
    }
    for (size_t to = 0; to < r->places; to++)
        if (now[to]) reference_add(r, self, from, to);
    free(now);
    free(next);
}

static inline void reference_repeat(struct reference *r, grammar_part self, size_t from)
{
    const struct part *part = &r->grammar->parts[self];
    grammar_part child = r->grammar->children[part->first];
    bool *now = calloc(r->places, 1), *next = calloc(r->places, 1);
    now[from] = true;
    /* Repetitions that add nothing new may be any number, so `least` + places rounds tell all. */
    uint64_t rounds = (uint64_t)part->least + r->places;
    bool any = true;
    for (uint64_t round = 0; any && round <= rounds && round <= part->most; round++) {
        for (size_t to = 0; round >= part->least && to < r->places; to++)
            if (now[to]) reference_add(r, self, from, to);
        any = reference_advance(r, child, now, next);
        memcpy(now, next, r->places);
    }
    free(now);
    free(next);
}

static inline void reference_class(struct reference *r, grammar_part self, size_t from)
{
    const struct part *part = &r->grammar->parts[self];
    uint32_t c;
    size_t length = utf8_decode(r->text.data + from, r->text.length - from, &c);
    for (uint32_t i = 0; length && i < part->count; i++) {
        struct code_range range = r->grammar->ranges[part->first + i];
        if (range.first <= c && c <= range.last) reference_add(r, self, from, from + length);
    }
}

/* Behind the text the word is put, which then must be found at the text's end first. */
static inline void reference_without(struct reference *r, grammar_part self, size_t from)
{
    struct text word = part_text(r->grammar, &r->grammar->parts[self]);
    for (size_t to = from; to < r->places; to++) {
        struct text slice = text_slice(r->text, from, to);
        struct buffer joined;
        buffer_init(&joined);
        buffer_append_text(&joined, slice);
        buffer_append_text(&joined, word);
        if (utf8_valid(slice) && text_find(buffer_text(&joined), word) == slice.length)
            reference_add(r, self, from, to);
        buffer_deinit(&joined);
    }
}

static inline void reference_part(struct reference *r, grammar_part self, size_t from)
{
    const struct part *part = &r->grammar->parts[self];
    const grammar_part *children = r->grammar->children + part->first;
    struct text literal;
    switch (part->kind) {
    case PART_LITERAL:
        literal = part_text(r->grammar, part);
        if (text_starts_with(text_slice(r->text, from, r->text.length), literal))
            reference_add(r, self, from, from + literal.length);
        return;
    case PART_CLASS: reference_class(r, self, from); return;
    case PART_SEQUENCE: reference_sequence(r, self, from); return;
    case PART_REPEAT: reference_repeat(r, self, from); return;
    case PART_WITHOUT: reference_without(r, self, from); return;
    case PART_CHOICE:
    case PART_RULE:
        for (uint32_t i = 0; i < part->count; i++)
            for (size_t to = from; to < r->places; to++)
                if (reference_ends(r, children[i], from)[to]) reference_add(r, self, from, to);
        return;
    }
}

/* Which beginnings of `text` does the grammar know whole? accepts[n]: the first n bytes. */
static inline void reference_match(const struct grammar *grammar, struct text text, bool *accepts)
{
    struct reference r = {.grammar = grammar, .text = text, .places = text.length + 1};
    r.ends = calloc(grammar->part_count * r.places * r.places, 1);
    do {
        r.grew = false;
        for (grammar_part part = 0; part < grammar->part_count; part++)
            for (size_t from = r.places; from-- > 0;) reference_part(&r, part, from);
    } while (r.grew);
    memcpy(accepts, reference_ends(&r, grammar->root, 0), r.places);
    free(r.ends);
}

#endif
