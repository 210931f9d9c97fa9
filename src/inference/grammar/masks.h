/* masks.h - the tokens that fit a stack, found once and kept.
 *
 * Which tokens fit depends on the whole stack, but most only on its top: from a state, a walk over
 * the tree of tokens finds those that stay within its automaton, and the nodes of the tree at which
 * the automaton can be left. From there the walk goes on in what the next frame tells, and so on
 * down. So the masks form a tree themselves: below a state's mask hang those for each frame that
 * was met under it, each holding only what it adds. The tokens of a stack are all of them together.
 *
 * Nodes are immutable once published, by atomic pointers, to any number of threads. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_MASKS_H
#define LIMINAL_INFERENCE_GRAMMAR_MASKS_H

#include "inference/grammar/counted.h"
#include "inference/grammar/mask_walk.h"

/* What a walk depends on: a state to begin in, or a frame to return to. */
struct mask_key {
    uint32_t state;
    uint32_t symbol;                /* of a frame of a loop */
    uint32_t least_left, most_left; /* rounds, where they are counted */
};

enum { MASK_BUCKETS = 16 };

struct mask_node {
    struct mask_key key;
    struct mask_node *_Atomic next; /* in its bucket */
    uint64_t *bits;                 /* of all tokens, or NULL: they are listed */
    uint32_t *tokens;
    uint32_t token_count;
    /* How tokens go on below this frame: own exits; those of a counted automaton, as far as the
     * key's rounds allow; and, where nothing more is needed here, all those of the node above. */
    struct mask_exits *exits;
    const struct counted_tokens *counted;
    const struct mask_node *above;
    struct mask_node *_Atomic children[MASK_BUCKETS];
};

struct masks {
    const struct automaton *automaton;
    const struct token_trie *trie;
    struct mask_node *_Atomic *roots;        /* of each state */
    struct counted_tokens *_Atomic *counted; /* of each state of a counted automaton */
    _Atomic size_t used_bytes;
};

enum { MASKS_BYTES_MAX = 64 << 20 }; /* what is kept; beyond it masks are found anew each time */

bool masks_init(struct masks *masks, const struct automaton *automaton,
                const struct token_trie *trie);
void masks_deinit(struct masks *masks);

/* Set the bits of the tokens that fit at `place` of `stacks`. *any: there was one. False when
 * memory is out. `walk` is the caller's to work with, from mask_walk_init to masks_walk_end. */
bool masks_add(struct masks *masks, struct mask_walk *walk, const struct stacks *stacks,
               struct place place, uint64_t *bits, bool *any) MUST_USE;
/* Find ahead what answers will need: of each state, then of each call's way back. Ends early when
 * that is much work or much memory, or at *stop; what is left is found when it is needed. */
void masks_warm(struct masks *masks, struct mask_walk *walk, const _Atomic bool *stop);
void masks_walk_end(struct mask_walk *walk);

#endif
