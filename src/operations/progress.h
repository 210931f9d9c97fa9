/* progress.h - telling whoever waits, and stopping when that one wants it. */
#ifndef LIMINAL_OPERATIONS_PROGRESS_H
#define LIMINAL_OPERATIONS_PROGRESS_H

#include "operations/operations.h"

/* `progress` may be NULL. */
static inline enum status operations_advance(const struct operations_progress *progress,
                                             uint64_t done, uint64_t total, struct fault *fault)
{
    if (!progress || progress->report(progress->argument, done, total)) return OK;
    return fault_set(fault, STATUS_CANCELLED, "stopped; nothing was changed");
}

#endif
