/* analysis.h - what must be known of each part before automata are made of it. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_ANALYSIS_H
#define LIMINAL_INFERENCE_GRAMMAR_ANALYSIS_H

#include "inference/grammar/parts.h"

enum {
    WEIGHT_HEAVY = 24,    /* parts from this size on are laid out once, not at each place of use */
    WEIGHT_EXPANDED = 64, /* counted repetitions up to this size are written out */
    WEIGHT_MAX = 1 << 20,
};

struct part_info {
    bool is_reached;    /* from the root */
    bool is_nullable;   /* the empty text is one of its texts */
    bool is_productive; /* it has a text at all */
    bool is_call;       /* has an automaton of its own, entered and left through the stack */
    bool is_heavy;      /* laid out once in an automaton, and called where it comes again */
    uint32_t weight;    /* about how many states it takes where it is written out */
};

/* Of all parts of the grammar, to be freed. STATUS_INVALID names a rule that is used and not set.
 */
enum status analysis_make(const struct grammar *grammar, struct part_info **out,
                          struct fault *fault) MUST_USE;

/* Is this repetition done by counting at run time, not by writing it out? */
bool repeat_is_counted(const struct grammar *grammar, const struct part_info *info,
                       grammar_part repeat);

static inline bool part_is_heavy(const struct part_info *info, grammar_part part)
{
    return info[part].is_heavy;
}

#endif
