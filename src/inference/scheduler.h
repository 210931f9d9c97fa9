/* scheduler.h - who gets how many rows of the next step. Pure arithmetic. */
#ifndef LIMINAL_INFERENCE_SCHEDULER_H
#define LIMINAL_INFERENCE_SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

/* Share `budget` rows among `count` prompts that still have needs[i] tokens to read: max-min fair,
 * so short prompts are through at once and what they leave goes to the long ones. Rows that do not
 * divide evenly go to the first, i.e. the oldest. granted[i] <= needs[i]. */
void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted);

#endif
