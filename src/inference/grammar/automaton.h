/* automaton.h - a finished grammar, laid out for matching: immutable tables.
 *
 * All automata's states lie in one array. A state has edges by bytes, and calls of other automata:
 * entering one puts a frame on the stack that tells where to go on when it accepts. Calls never
 * take the empty text, and no automaton calls itself before it took a byte, so that a stack grows
 * by a bounded number of frames per byte.
 *
 * Repetitions with large bounds are counted at run time. Where one round is a call-free automaton
 * that can tell when a round is over (COUNTED), the count belongs to the place in it; else (LOOP)
 * to its frame. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_AUTOMATON_H
#define LIMINAL_INFERENCE_GRAMMAR_AUTOMATON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { NO_STATE = UINT32_MAX, NO_ROW = UINT32_MAX };

enum {
    GRAMMAR_STATES_MAX = 1 << 16,
    AUTOMATON_ROWS_MAX = 1 << 13, /* states looked up by byte; the others search their edges */
};

enum state_flag {
    STATE_ACCEPTS = 1, /* the automaton may be left here */
    STATE_CALLS = 2,
    STATE_ROUND = 4, /* the beginning of a round of a counted automaton; there it may be left when
                      * there were enough rounds */
};

struct automaton_edge {
    uint32_t target;
    unsigned char first, last;
};
struct automaton_call {
    uint32_t symbol, target; /* where to go on afterwards */
};
struct automaton_state {
    uint32_t first_edge, first_call;
    uint32_t row; /* in rows, or NO_ROW */
    uint16_t edge_count;
    uint8_t flags;
    uint32_t call_count;
};

enum symbol_kind { SYMBOL_CALL, SYMBOL_LOOP, SYMBOL_COUNTED };

/* What a call enters. */
struct automaton_symbol {
    enum symbol_kind kind;
    uint32_t start, end;  /* its automaton's states; it begins in the first */
    uint32_t least, most; /* rounds, of SYMBOL_LOOP and SYMBOL_COUNTED; least is 1 or more */
};

struct automaton {
    struct automaton_state *states;
    struct automaton_edge *edges;
    struct automaton_call *calls;
    struct automaton_symbol *symbols;
    uint32_t (*rows)[256];
    uint32_t state_count, edge_count, call_count, symbol_count, row_count;
    uint32_t start, root_end; /* the states of the root's automaton; it begins in the first */
    bool knows_empty;         /* the empty text is in the language; the automata never take it */
};
void automaton_free(struct automaton *automaton);
/* Look up by byte where states have many edges. For makers of automata; false without memory. */
bool automaton_make_rows(struct automaton *automaton);
/* Leave out bytes that cannot be written, and what then leads nowhere. STATUS_UNSUPPORTED when no
 * text is left. */
enum status automaton_restrict(struct automaton *automaton, const bool has_byte[256],
                               struct fault *fault) MUST_USE;

static inline uint32_t automaton_next(const struct automaton *automaton, uint32_t state,
                                      unsigned char byte)
{
    const struct automaton_state *s = &automaton->states[state];
    if (s->row != NO_ROW) return automaton->rows[s->row][byte];
    const struct automaton_edge *edges = automaton->edges + s->first_edge;
    for (uint32_t i = 0; i < s->edge_count && edges[i].first <= byte; i++)
        if (byte <= edges[i].last) return edges[i].target;
    return NO_STATE;
}

/* One round more. Without an upper bound counting stops at the lower one, so that places that
 * cannot be told apart are equal. */
static inline uint32_t symbol_count_up(const struct automaton_symbol *symbol, uint32_t count)
{
    return symbol->most == UINT32_MAX && count >= symbol->least ? count : count + 1;
}

#endif
