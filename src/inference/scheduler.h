/* scheduler.h - who gets how many of the rows that the next step reads (pace.h). Pure
 * arithmetic. */
#ifndef LIMINAL_INFERENCE_SCHEDULER_H
#define LIMINAL_INFERENCE_SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

/* Share `budget` rows among `count` prompts, oldest first, that still have needs[i] tokens to read:
 * the one nearest to its end goes first (of equals the oldest), which gives the least mean time to
 * the first token (Smith 1956); a quarter is always the oldest's, so that however many short ones
 * come, nobody starves. granted[i] <= needs[i]. */
void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted);

#endif
