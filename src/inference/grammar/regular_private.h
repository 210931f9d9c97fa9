/* regular_private.h - what the files of regular languages share: a pattern as a tree, between its
 * reader and the making of its automaton. */
#ifndef LIMINAL_INFERENCE_REGULAR_PRIVATE_H
#define LIMINAL_INFERENCE_REGULAR_PRIVATE_H

#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/regular.h"

struct range {
    uint32_t first, last;
};

enum node_kind {
    NODE_EMPTY,
    NODE_SET,
    NODE_SEQUENCE,
    NODE_CHOICE,
    NODE_REPEAT,
    NODE_BEGIN, /* ^ */
    NODE_END,   /* $ */
    NODE_LOOK,  /* ahead or behind, for `left` */
};

/* Sequences and choices are pairs; their lists lean to the left. */
struct node {
    enum node_kind kind;
    const struct node *left, *right;
    const struct range *ranges; /* of a set; sorted */
    size_t range_count;
    uint32_t least, most; /* of a repetition; UINT32_MAX: unbounded */
    bool is_behind, is_negated;
};

/* A pattern as a tree. Faults as of regular_pattern. */
enum status regular_tree_read(const struct node **tree, struct text pattern, struct arena *job,
                              struct fault *fault) MUST_USE;
/* The texts in which the tree is found, in the fewest states. */
enum status regular_tree_compile(struct regular **out, const struct node *tree, struct arena *job,
                                 struct fault *fault) MUST_USE;

/* Append an edge; neighbouring ranges to the same state become one. */
void regular_add_edge(struct regular_state *state, struct regular_edge edge);

/* The states from which edges lead to each state i: sources[from[i]..from[i + 1]). */
struct reversed_edges {
    uint32_t *from, *sources;
};
bool regular_reverse(const struct regular *language, struct reversed_edges *out, struct arena *job);

/* Where the state goes on the character; UINT32_MAX: nowhere. */
uint32_t regular_next(const struct regular *language, uint32_t state, uint32_t character);

/* ---- regular_determinise.c ---- */

enum nfa_kind { NFA_READ, NFA_SPLIT, NFA_ACCEPT, NFA_BEGIN, NFA_END, NFA_LOOK };

struct nfa_state {
    enum nfa_kind kind;
    const struct range *ranges; /* that it reads */
    size_t range_count;
    uint32_t next, other; /* UINT32_MAX: none */
    uint32_t look;
};

/* What has to hold, or must not, for the text up to here (behind) or from here on. */
struct look {
    const struct node *node;
    const struct regular *languages[2]; /* [1]: where the text begins */
};

struct nfa {
    struct nfa_state *states;
    uint32_t count, capacity;
    const struct look *looks;
    uint32_t look_count;
    uint32_t start;
};

/* The automaton of the texts that lead from the start to an accepting state. at_start: it begins
 * where the text begins. STATUS_TOO_LARGE, STATUS_NO_MEMORY. */
enum status regular_determinise(struct regular **out, const struct nfa *nfa, bool at_start,
                                struct arena *job, struct fault *fault) MUST_USE;

#endif
