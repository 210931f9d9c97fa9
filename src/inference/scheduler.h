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

/* Share `budget` rows among `count` prompts that still have needs[i] tokens to read: max-min fair,
 * so short prompts are through at once and what they leave goes to the long ones. Rows that do not
 * divide evenly go to the first, i.e. the oldest. granted[i] <= needs[i]. */
void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted);

#endif
