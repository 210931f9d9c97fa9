/* dfa.h - one deterministic automaton: by bytes and by symbols of called parts. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_DFA_H
#define LIMINAL_INFERENCE_GRAMMAR_DFA_H

#include "inference/grammar/nfa.h"

struct dfa_edge { /* sorted by first byte, apart from each other */
    uint32_t target;
    unsigned char first, last;
};
struct dfa_call {
    uint32_t symbol, target;
};
struct dfa_state {
    uint32_t first_edge, edge_count, first_call, call_count;
    bool accepts;
};
/* Begins in state 0; every state is reached and reaches an accepting one. Zero is empty. */
struct dfa {
    struct dfa_state *states;
    struct dfa_edge *edges;
    struct dfa_call *calls;
    uint32_t state_count, state_capacity, edge_count, edge_capacity, call_count, call_capacity;
};
void dfa_deinit(struct dfa *dfa);
void dfa_clear(struct dfa *dfa);

/* Sets of states to states (Rabin and Scott 1959). STATUS_TOO_LARGE beyond `most_states`, or when
 * *work_left, which the steps taken are taken from, is used up. */
enum status dfa_determinise(struct dfa *dfa, const struct nfa *nfa, uint32_t most_states,
                            uint64_t *work_left, struct fault *fault) MUST_USE;
/* *out becomes the same language in the fewest states. */
enum status dfa_minimise(struct dfa *out, const struct dfa *dfa, struct fault *fault) MUST_USE;

/* For building state by state. False when memory is out. */
bool dfa_add_state(struct dfa *dfa, bool accepts);
bool dfa_add_edge(struct dfa *dfa, struct dfa_edge edge); /* to the last state */
bool dfa_add_call(struct dfa *dfa, struct dfa_call call);

#endif
