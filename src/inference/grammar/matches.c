/* matches.c - whole texts, without tokens. */
#include <assert.h>

#include "inference/grammar/parts.h"
#include "inference/grammar/stacks.h"

bool grammar_matches(const struct grammar *grammar, struct text text)
{
    struct stacks stacks;
    assert(grammar->automaton);
    if (!stacks_init(&stacks, grammar->automaton)) return false;
    struct position at = stacks_start(&stacks, 0);
    for (size_t i = 0; i < text.length && !position_is_dead(at); i++) {
        /* Two positions take turns: the step reads one and writes the other. */
        uint32_t first = at.first == 0 ? STACKS_MAX : 0;
        at = stacks_step(&stacks, at, (unsigned char)text.data[i], first);
    }
    bool matches = at.can_end && !stacks.failed;
    stacks_deinit(&stacks);
    return matches;
}
