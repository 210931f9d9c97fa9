/* nfa.c - parts to states and edges (after Thompson 1968).
 *
 * Each part leads from one given state to another. Heavy parts are written once per automaton and
 * per continuation; a second continuation makes a call. What is written later goes through a list
 * of tasks, so that only the nesting of parts, which is bounded, is followed by recursion. */
#include "inference/grammar/nfa.h"

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/utf8_ranges.h"

struct writing {
    struct nfa_writer *writer;
    struct nfa *nfa;
};

static uint32_t new_state(const struct writing *w)
{
    return w->nfa->state_count++;
}

static void add_edge(const struct writing *w, struct nfa_edge edge)
{
    struct nfa *nfa = w->nfa;
    if (nfa->failed || !ARRAY_MORE(nfa->edges, nfa->edge_count, nfa->edge_capacity, 1)) {
        nfa->failed = true;
        return;
    }
    nfa->edges[nfa->edge_count++] = edge;
}

static void add_empty(const struct writing *w, uint32_t from, uint32_t to)
{
    if (from != to) add_edge(w, (struct nfa_edge){.from = from, .to = to, .label = NFA_EMPTY});
}

static void add_bytes(const struct writing *w, uint32_t from, uint32_t to, unsigned char first,
                      unsigned char last)
{
    add_edge(w, (struct nfa_edge){from, to, .label = NFA_BYTES, .first = first, .last = last});
}

/* Called parts and loops never take the empty text: it is an edge beside them. */
static void add_call(const struct writing *w, grammar_part part, uint32_t from, uint32_t to)
{
    struct nfa_writer *writer = w->writer;
    uint32_t symbol = writer->symbol_of(writer->owner, part);
    add_edge(w, (struct nfa_edge){from, to, .label = NFA_CALL, .symbol = symbol});
    if (writer->info[part].is_nullable) add_empty(w, from, to);
}

static void write_part(const struct writing *w, grammar_part self, uint32_t from, uint32_t to);

static void write_literal(const struct writing *w, const struct part *part, uint32_t from,
                          uint32_t to)
{
    struct text t = part_text(w->writer->grammar, part);
    for (size_t i = 0; i < t.length; i++) {
        uint32_t next = i + 1 == t.length ? to : new_state(w);
        add_bytes(w, from, next, (unsigned char)t.data[i], (unsigned char)t.data[i]);
        from = next;
    }
}

static void write_class(const struct writing *w, const struct part *part, uint32_t from,
                        uint32_t to)
{
    const struct code_range *ranges = w->writer->grammar->ranges + part->first;
    struct utf8_range pieces[UTF8_RANGES_MAX];
    for (uint32_t i = 0; i < part->count; i++) {
        size_t count = utf8_ranges_split(ranges[i].first, ranges[i].last, pieces);
        for (size_t j = 0; j < count; j++) {
            uint32_t at = from;
            for (size_t k = 0; k < pieces[j].length; k++) {
                uint32_t next = k + 1 == pieces[j].length ? to : new_state(w);
                add_bytes(w, at, next, pieces[j].first[k], pieces[j].last[k]);
                at = next;
            }
        }
    }
}

static void write_sequence(const struct writing *w, const struct part *part, uint32_t from,
                           uint32_t to)
{
    const grammar_part *children = w->writer->grammar->children + part->first;
    if (part->count == 0) add_empty(w, from, to);
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t next = i + 1 == part->count ? to : new_state(w);
        write_part(w, children[i], from, next);
        from = next;
    }
}

/* Any number of times, at least once or not at all. */
static void write_loop(const struct writing *w, grammar_part child, bool at_least_once,
                       uint32_t from, uint32_t to)
{
    uint32_t start = new_state(w), end = at_least_once ? new_state(w) : start;
    add_empty(w, from, start);
    write_part(w, child, start, end);
    add_empty(w, end, start);
    add_empty(w, end, to);
}

static void write_repeat(const struct writing *w, grammar_part self, uint32_t from, uint32_t to)
{
    const struct part *part = &w->writer->grammar->parts[self];
    grammar_part child = w->writer->grammar->children[part->first];
    if (!w->writer->info[child].is_productive) { /* then it takes no times */
        add_empty(w, from, to);
        return;
    }
    if (repeat_is_counted(w->writer->grammar, w->writer->info, self)) {
        add_call(w, self, from, to);
        return;
    }
    if (part->most == GRAMMAR_UNBOUNDED) {
        for (uint32_t i = 1; i < part->least; i++) {
            uint32_t next = new_state(w);
            write_part(w, child, from, next);
            from = next;
        }
        write_loop(w, child, part->least > 0, from, to);
        return;
    }
    for (uint32_t i = 0; i < part->most; i++) {
        uint32_t next = i + 1 == part->most ? to : new_state(w);
        if (i >= part->least) add_empty(w, from, to);
        write_part(w, child, from, next);
        from = next;
    }
}

/* ---- text without a word ---- */

/* Where in a character the text is, by what may come: how many more bytes, within which range. */
static const struct {
    unsigned char first, last, next;
} UTF8_STEPS[] = {
    [1] = {0x80, 0xBF, 0},                        /* the last byte */
    [2] = {0x80, 0xBF, 1},                        /* the last two */
    [3] = {0x80, 0xBF, 2}, [4] = {0xA0, 0xBF, 1}, /* after E0 */
    [5] = {0x80, 0x9F, 1},                        /* after ED */
    [6] = {0x90, 0xBF, 2},                        /* after F0 */
    [7] = {0x80, 0x8F, 2},                        /* after F4 */
};
enum { UTF8_WHOLE = 0, UTF8_PLACES = 8, UTF8_BROKEN = 8 };

static unsigned utf8_step(unsigned place, unsigned char byte)
{
    if (place != UTF8_WHOLE)
        return byte < UTF8_STEPS[place].first || byte > UTF8_STEPS[place].last
                   ? UTF8_BROKEN
                   : UTF8_STEPS[place].next;
    if (byte < 0x80) return UTF8_WHOLE;
    if (byte < 0xC2 || byte > 0xF4) return UTF8_BROKEN;
    if (byte < 0xE0) return 1;
    if (byte < 0xF0) return byte == 0xE0 ? 4 : byte == 0xED ? 5 : 2;
    return byte == 0xF0 ? 6 : byte == 0xF4 ? 7 : 3;
}

/* How much of the word's beginning the text then ends in (Knuth, Morris and Pratt 1977). */
static size_t word_step(struct text word, const size_t *borders, size_t matched, unsigned char byte)
{
    while (matched && (matched == word.length || (unsigned char)word.data[matched] != byte))
        matched = borders[matched];
    return matched + (matched < word.length && (unsigned char)word.data[matched] == byte);
}

/* borders[n]: the longest end of the word's first n bytes that is also their beginning. */
static void find_borders(struct text word, size_t borders[GRAMMAR_WORD_MAX + 1])
{
    borders[0] = borders[1] = 0;
    for (size_t n = 2; n <= word.length; n++)
        borders[n] = word_step(word, borders, borders[n - 1], (unsigned char)word.data[n - 1]);
}

/* Does the word, put behind a text that ends in `matched` bytes of it, begin no earlier? */
static bool begins_at_end(struct text word, const size_t *borders, size_t matched)
{
    for (size_t i = 0; i + 1 < word.length; i++) {
        matched = word_step(word, borders, matched, (unsigned char)word.data[i]);
        if (matched == word.length) return false;
    }
    return true;
}

/* States are pairs: how much of the word is matched, and where in a character the text is. */
static void write_without(const struct writing *w, const struct part *part, uint32_t from,
                          uint32_t to)
{
    struct text word = part_text(w->writer->grammar, part);
    size_t borders[GRAMMAR_WORD_MAX + 1];
    find_borders(word, borders);
    uint32_t base = w->nfa->state_count;
    w->nfa->state_count += (uint32_t)word.length * UTF8_PLACES;
    add_empty(w, from, base);
    for (size_t matched = 0; matched < word.length; matched++) {
        if (begins_at_end(word, borders, matched))
            add_empty(w, base + (uint32_t)matched * UTF8_PLACES + UTF8_WHOLE, to);
        for (unsigned place = 0; place < UTF8_PLACES; place++) {
            uint32_t state = base + (uint32_t)matched * UTF8_PLACES + place, before = UINT32_MAX;
            for (unsigned byte = 0; byte < 256; byte++) {
                unsigned next_place = utf8_step(place, (unsigned char)byte);
                size_t next = word_step(word, borders, matched, (unsigned char)byte);
                uint32_t target = next_place == UTF8_BROKEN || next == word.length
                                      ? UINT32_MAX
                                      : base + (uint32_t)next * UTF8_PLACES + next_place;
                if (target != UINT32_MAX && target == before)
                    w->nfa->edges[w->nfa->edge_count - 1].last = (unsigned char)byte;
                else if (target != UINT32_MAX)
                    add_bytes(w, state, target, (unsigned char)byte, (unsigned char)byte);
                before = w->nfa->failed ? UINT32_MAX : target;
            }
        }
    }
}

/* ---- all kinds ---- */

static void write_body(const struct writing *w, grammar_part self, uint32_t from, uint32_t to)
{
    const struct part *part = &w->writer->grammar->parts[self];
    const grammar_part *children = w->writer->grammar->children + part->first;
    if (w->nfa->failed || w->nfa->state_count > NFA_STATES_MAX) return;
    switch (part->kind) {
    case PART_LITERAL: write_literal(w, part, from, to); return;
    case PART_CLASS: write_class(w, part, from, to); return;
    case PART_SEQUENCE: write_sequence(w, part, from, to); return;
    case PART_REPEAT: write_repeat(w, self, from, to); return;
    case PART_WITHOUT: write_without(w, part, from, to); return;
    case PART_CHOICE:
    case PART_RULE:
        for (uint32_t i = 0; i < part->count; i++) write_part(w, children[i], from, to);
        return;
    }
}

static void write_heavy(const struct writing *w, grammar_part self, uint32_t from, uint32_t to)
{
    struct nfa_writer *writer = w->writer;
    struct nfa_place *place = &writer->places[self];
    bool is_here = place->automaton == writer->automaton;
    if (is_here && place->to == to) {
        add_empty(w, from, place->start);
        return;
    }
    if (is_here || writer->info[self].is_call) {
        add_call(w, self, from, to);
        return;
    }
    *place = (struct nfa_place){writer->automaton, new_state(w), to};
    add_empty(w, from, place->start);
    if (!ARRAY_MORE(writer->tasks, writer->task_count, writer->task_capacity, 1)) {
        w->nfa->failed = true;
        return;
    }
    writer->tasks[writer->task_count++] = (struct nfa_task){self, place->start, to};
}

static void write_part(const struct writing *w, grammar_part self, uint32_t from, uint32_t to)
{
    if (!w->writer->info[self].is_productive) return;
    if (part_is_heavy(w->writer->info, self))
        write_heavy(w, self, from, to);
    else
        write_body(w, self, from, to);
}

enum status nfa_write(struct nfa_writer *writer, struct nfa *nfa, grammar_part part,
                      struct fault *fault)
{
    const struct writing w = {writer, nfa};
    nfa->edge_count = 0;
    nfa->state_count = 2;
    nfa->failed = false;
    writer->automaton++;
    writer->task_count = 0;
    uint32_t start = new_state(&w);
    add_empty(&w, NFA_START, start);
    writer->places[part] = (struct nfa_place){writer->automaton, start, NFA_ACCEPT};
    write_body(&w, part, start, NFA_ACCEPT);
    while (writer->task_count && !nfa->failed && nfa->state_count <= NFA_STATES_MAX) {
        struct nfa_task task = writer->tasks[--writer->task_count];
        write_body(&w, task.part, task.from, task.to);
    }
    if (nfa->failed) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar");
    if (nfa->state_count > NFA_STATES_MAX)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the grammar takes more than %d states to write out", NFA_STATES_MAX);
    return OK;
}
