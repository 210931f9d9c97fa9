/* scheduler.c - see scheduler.h. */
#include "inference/scheduler.h"

enum { OLDEST_SHARE = 4 };

static uint32_t grant(const uint32_t *needs, uint32_t *granted, size_t i, uint32_t most)
{
    uint32_t rest = needs[i] - granted[i], rows = rest < most ? rest : most;
    granted[i] += rows;
    return rows;
}

/* Of the prompts not yet fully granted, the one with the least left to read, the oldest of equals;
 * `count` when there is none. */
static size_t shortest(const uint32_t *needs, const uint32_t *granted, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (granted[i] < needs[i] && (best == count || needs[i] < needs[best])) best = i;
    return best;
}

void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted)
{
    for (size_t i = 0; i < count; i++) granted[i] = 0;
    size_t oldest = 0;
    while (oldest < count && needs[oldest] == 0) oldest++;
    if (oldest == count) return;
    budget -= grant(needs, granted, oldest, (budget + OLDEST_SHARE - 1) / OLDEST_SHARE);
    for (size_t next; budget > 0 && (next = shortest(needs, granted, count)) < count;)
        budget -= grant(needs, granted, next, budget);
}
