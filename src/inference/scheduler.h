/* scheduler.h - who gets how many rows of the next step. Pure arithmetic. */
#ifndef LIMINAL_INFERENCE_SCHEDULER_H
#define LIMINAL_INFERENCE_SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

/* Rows of prefill for the next step: `limit` when nobody is writing. While somebody is, only as
 * many as the machine computes in a moment that a reader hardly notices, given that a row took
 * `row_ns` of late (0: not known yet), but never so few that the weights are read for next to
 * nothing. */
uint32_t scheduler_prefill_rows(uint32_t limit, uint32_t writing, uint64_t row_ns);

/* Share `budget` rows among `count` prompts, oldest first, that still have needs[i] tokens to read:
 * the one nearest to its end goes first (of equals the oldest), which gives the least mean time to
 * the first token (Smith 1956); a quarter is always the oldest's, so that however many short ones
 * come, nobody starves. granted[i] <= needs[i]. */
void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted);

#endif
