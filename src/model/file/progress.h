/* progress.h - how long work on a model file tells a person how far it is, and what it decided. */
#ifndef LIMINAL_MODEL_PROGRESS_H
#define LIMINAL_MODEL_PROGRESS_H

#include "base/status.h"

struct progress {
    /* 0..1, never falling; may be NULL. Always called from the caller's thread. */
    void (*report)(void *argument, double done);
    /* One line without newline on a choice the person should know of, such as a tensor that could
     * not take the type asked for; may be NULL. */
    void (*note)(void *argument, const char *line);
    void *argument;
};

/* Both allow a progress that is NULL. */
void progress_report(const struct progress *progress, double done);
void progress_note(const struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
