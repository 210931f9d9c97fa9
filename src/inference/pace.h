/* pace.h - how much of a prompt to read in a step in which others write. Pure: it is told the
 * times.
 *
 * Every row of a prompt delays those who write, sooner or later; what a pace decides is how their
 * gaps look. A short prompt goes in at once: it costs them one pause of a tenth of a second, which
 * nobody notices. A long one would cost many in a row, so it is spread: each step takes less than
 * twice what it takes without. While a prompt takes turns with writers it has two fifths of the
 * machine's time: that is the price. */
#ifndef LIMINAL_INFERENCE_PACE_H
#define LIMINAL_INFERENCE_PACE_H

#include "inference/step_costs.h"

/* Zeroed: nothing is known yet. */
struct pace {
    double saved_ns; /* for prompts, from steps that read less than they might */
    double row_ns;   /* that a row of a prompt adds to a step, of late; 0: not known */
    uint32_t steps;  /* since the last that only wrote */
};

/* Who wants what of the next step. */
struct demand {
    uint32_t writing;  /* sequences: each has a row */
    uint32_t reading;  /* that have a prompt to read, or wait for others to read it */
    uint32_t shortest; /* tokens that the shortest of those prompts lacks; 0: none can go on */
    uint32_t limit;    /* rows to read at most */
};
/* Rows to read in the next step; `limit` when nobody writes. `costs` are those of steps that only
 * write: when they are not known any more, one step reads nothing to learn them. */
uint32_t pace_rows(struct pace *pace, const struct step_costs *costs, const struct demand *demand);
/* A step of `written` + `read` rows took so long. */
void pace_learn(struct pace *pace, const struct step_costs *costs, size_t written, size_t read,
                uint64_t ns);

#endif
