/* step_costs.h - what steps that only write cost, by their rows, as measured of late. Pure: it is
 * told the times. */
#ifndef LIMINAL_INFERENCE_STEP_COSTS_H
#define LIMINAL_INFERENCE_STEP_COSTS_H

#include <stddef.h>
#include <stdint.h>

enum { KNOWN_ROWS_LIMIT = 256 }; /* steps with more rows are not measured */

/* Zeroed: nothing is known yet. */
struct step_costs {
    uint64_t ns[KNOWN_ROWS_LIMIT + 1];   /* by rows; 0: not known */
    uint64_t when[KNOWN_ROWS_LIMIT + 1]; /* it was measured last, in steps */
    uint64_t steps;
};
void step_costs_learn(struct step_costs *costs, size_t rows, uint64_t ns);
/* 0: not known, or not any more. */
uint64_t step_costs_known(const struct step_costs *costs, size_t rows);
/* What a step of `rows` rows will cost, when the step of `least` of them is known; beyond what is
 * known a row more costs as much as rows did before. */
double step_costs_estimate(const struct step_costs *costs, size_t least, size_t rows);
/* About what a step of `rows` rows costs, by those of half to twice as many; 0: none of them is
 * known. */
uint64_t step_costs_near(const struct step_costs *costs, size_t rows);

#endif
