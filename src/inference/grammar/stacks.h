/* stacks.h - where in a grammar a text can be: places in automata, each with a stack of calls.
 *
 * A text may be read in several ways at once, so a position is a set of places. Stacks are lists of
 * frames that share their lower parts; frames are never changed, only added, so that any earlier
 * position can be gone back to. Knows no tokens. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_STACKS_H
#define LIMINAL_INFERENCE_GRAMMAR_STACKS_H

#include "inference/grammar/automaton.h"

enum {
    /* Ways to read a text that are followed at once. Where a grammar is more ambiguous the later
     * ones are let go: what is allowed stays within the grammar, but is less than all of it. */
    STACKS_MAX = 256,
    BOTTOM_FRAME = 0,
};

struct frame {
    uint32_t parent; /* an older frame */
    uint32_t target; /* the state to go on in */
    uint32_t symbol; /* what was called */
    uint32_t count;  /* of a SYMBOL_LOOP: which round this is, from 1 */
};

struct place {
    uint32_t state, frame;
    uint32_t count; /* in a SYMBOL_COUNTED: rounds that are over */
};

/* Frame 0 is the bottom. */
struct stacks {
    const struct automaton *automaton;
    struct frame *frames;
    uint32_t frame_count, frame_capacity;
    struct place *places; /* positions one behind the other */
    uint32_t place_capacity;
    bool failed; /* no memory; all that was asked for since is incomplete */
    bool let_go; /* of a reading, beyond STACKS_MAX; to be reset by whoever looks at it */
};

/* A position: places[first..first + count). */
struct position {
    uint32_t first, count;
    bool can_end; /* the bottom automaton may be left here */
};

bool stacks_init(struct stacks *stacks, const struct automaton *automaton);
void stacks_deinit(struct stacks *stacks);

/* Put a position together at places[first..]: places are added, then closed over calls and
 * returns. */
struct position stacks_begin(uint32_t first);
void stacks_add(struct stacks *stacks, struct position *position, struct place place);
void stacks_close(struct stacks *stacks, struct position *position);
/* Where a frame is left into, with nothing known below it: its parent counts as the bottom. At
 * places[0..]. */
struct position stacks_return_into(struct stacks *stacks, struct frame frame);
/* The position after one more byte, at places[first..]; `first` lies behind `from`. Count 0 and not
 * can_end: the byte does not fit. */
struct position stacks_step(struct stacks *stacks, struct position from, unsigned char byte,
                            uint32_t first);

/* Where a text of the automaton begins. */
struct position stacks_start(struct stacks *stacks, uint32_t first);

/* One reading of `bytes` from `place`, found by trying; for texts whose readings are too many to be
 * followed at once. The position behind it, at places[0..]; dead when there is none, or when it was
 * not found within a bounded number of steps. */
struct position stacks_find_one(struct stacks *stacks, struct place place,
                                const unsigned char *bytes, size_t length);

static inline bool position_is_dead(struct position position)
{
    return position.count == 0 && !position.can_end;
}

#endif
