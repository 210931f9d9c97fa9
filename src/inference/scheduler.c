/* scheduler.c - see scheduler.h. */
#include "inference/scheduler.h"

enum { STEP_TARGET_MS = 200, LEAST_ROWS = 32 };

uint32_t scheduler_prefill_rows(uint32_t limit, uint32_t writing, uint64_t row_ns)
{
    if (writing == 0) return limit;
    uint64_t rows = row_ns ? STEP_TARGET_MS * 1000000ull / row_ns : 0;
    if (rows < LEAST_ROWS) rows = LEAST_ROWS;
    return rows < limit ? (uint32_t)rows : limit;
}

void scheduler_share(const uint32_t *needs, size_t count, uint32_t budget, uint32_t *granted)
{
    for (size_t i = 0; i < count; i++) granted[i] = 0;
    for (;;) {
        uint32_t open = 0;
        for (size_t i = 0; i < count; i++) open += granted[i] < needs[i];
        if (open == 0 || budget == 0) return;
        /* Each round either satisfies a prompt for good or spends what is left. */
        uint32_t share = budget / open;
        if (share == 0) share = 1;
        for (size_t i = 0; i < count && budget > 0; i++) {
            uint32_t rest = needs[i] - granted[i];
            uint32_t grant = rest < share ? rest : share;
            if (grant > budget) grant = budget;
            granted[i] += grant;
            budget -= grant;
        }
    }
}
