/* regular_private.h - what the files of regular languages share: a pattern as a tree, between its
 * reader and the making of its automaton. */
#ifndef LIMINAL_INFERENCE_REGULAR_PRIVATE_H
#define LIMINAL_INFERENCE_REGULAR_PRIVATE_H

#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/regular.h"

/* ^ and $ are read as characters beyond the last one. */
enum { BEGIN = REGULAR_LAST_CHARACTER + 1, END = REGULAR_LAST_CHARACTER + 2 };

struct range {
    uint32_t first, last;
};

enum node_kind { NODE_EMPTY, NODE_SET, NODE_SEQUENCE, NODE_CHOICE, NODE_REPEAT };

/* Sequences and choices are pairs; their lists lean to the left. */
struct node {
    enum node_kind kind;
    struct node *left, *right;
    const struct range *ranges; /* of a set; sorted */
    size_t range_count;
    uint32_t least, most; /* of a repetition; UINT32_MAX: unbounded */
};

/* A pattern without look-aheads as a tree. Faults as of regular_pattern. */
enum status regular_tree_read(const struct node **tree, struct text pattern, struct arena *job,
                              struct fault *fault) MUST_USE;
/* The texts in which the tree is found, in the fewest states. */
enum status regular_tree_compile(struct regular **out, const struct node *tree, struct arena *job,
                                 struct fault *fault) MUST_USE;

#endif
