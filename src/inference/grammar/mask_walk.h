/* mask_walk.h - walking over the tree of tokens: which of them fit, and where a stack is left.
 *
 * Works in memory of its own, for one thread; what it found lies in `bits` and `leaves`. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_MASK_WALK_H
#define LIMINAL_INFERENCE_GRAMMAR_MASK_WALK_H

#include "inference/grammar/stacks.h"
#include "inference/grammar/token_trie.h"

/* A node of the tree of tokens: where an automaton may be left, or, in exits, one byte behind that.
 */
struct mask_exit {
    uint32_t node;
    uint16_t begun, over; /* rounds up to the leave, in a counted automaton; else 0 */
};

struct mask_walk {
    struct stacks stacks;
    struct position *positions; /* of each depth, in general */
    uint32_t *frame_counts;     /* at each depth */
    uint32_t *states;           /* of each depth, where there is one place and nothing special */
    uint64_t *bits;
    uint32_t token_count;
    uint64_t visited;         /* nodes of the tree so far: how much work it was */
    struct mask_exit *leaves; /* nodes at which the bottom automaton may be left */
    uint32_t leave_count, leave_capacity;
    struct mask_node *spares; /* of masks.c: nodes that are not kept */
};
bool mask_walk_init(struct mask_walk *walk, const struct automaton *automaton,
                    const struct token_trie *trie);
void mask_walk_deinit(struct mask_walk *walk);
/* Forget what was found. */
void mask_walk_reset(struct mask_walk *walk, const struct token_trie *trie);

/* All tokens from a state on the bottom frame; without those that call first, which other places
 * of a position are for. */
void mask_walk_state(struct mask_walk *walk, const struct token_trie *trie, uint32_t state);
/* The tokens at and below a node that is reached in `position`, which may not be moved. */
void mask_walk_node(struct mask_walk *walk, const struct token_trie *trie, uint32_t node,
                    struct position position);

/* How tokens go on where an automaton was left, by their next byte. */
struct mask_exits {
    struct mask_exit *items;
    uint32_t from[257]; /* of each byte: its items */
};
/* NULL when memory is out. */
struct mask_exits *mask_exits_new(const struct token_trie *trie, const struct mask_exit *leaves,
                                  uint32_t count);
void mask_exits_free(struct mask_exits *exits);
size_t mask_exits_bytes(const struct mask_exits *exits);

#endif
