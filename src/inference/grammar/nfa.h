/* nfa.h - one automaton in the making: the states and edges that a part is written out to. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_NFA_H
#define LIMINAL_INFERENCE_GRAMMAR_NFA_H

#include "inference/grammar/analysis.h"

enum nfa_label { NFA_BYTES, NFA_EMPTY, NFA_CALL };

struct nfa_edge {
    uint32_t from, to;
    uint32_t symbol; /* of NFA_CALL */
    unsigned char label, first, last;
};

enum { NFA_START = 0, NFA_ACCEPT = 1, NFA_STATES_MAX = 1 << 19 };

struct nfa {
    struct nfa_edge *edges;
    uint32_t edge_count, edge_capacity, state_count;
    bool failed; /* no memory */
};

/* Where a heavy part was written out: once per automaton. */
struct nfa_place {
    uint32_t automaton; /* 0: none */
    uint32_t start, to;
};

struct nfa_task {
    grammar_part part;
    uint32_t from, to;
};

/* What the automata of one grammar share. */
struct nfa_writer {
    const struct grammar *grammar;
    const struct part_info *info;
    struct nfa_place *places; /* of each part */
    uint32_t automaton;       /* the number of the one being written, from 1 */
    struct nfa_task *tasks;   /* parts still to be written */
    uint32_t task_count, task_capacity;
    /* The number of the symbol that stands for a called part or a counted repetition. */
    uint32_t (*symbol_of)(void *owner, grammar_part part);
    void *owner;
};

/* Write out `part` from NFA_START to NFA_ACCEPT, replacing what *nfa held. STATUS_TOO_LARGE,
 * STATUS_NO_MEMORY. */
enum status nfa_write(struct nfa_writer *writer, struct nfa *nfa, grammar_part part,
                      struct fault *fault) MUST_USE;

#endif
