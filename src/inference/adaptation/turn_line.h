/* turn_line.h - a thread that gives each job in line one turn after the other, so that a long job
 * keeps a short one waiting for one turn only, and no job holds a worker of the HTTP server. */
#ifndef LIMINAL_INFERENCE_TURN_LINE_H
#define LIMINAL_INFERENCE_TURN_LINE_H

#include "base/status.h"

#include <stdbool.h>

struct turn_line;

struct turn_job {
    struct turn_job *next; /* the line's */
    /* Do some work; true when there is more. After false the line knows the job no longer. */
    bool (*turn)(struct turn_job *job);
};

enum status turn_line_open(struct turn_line **out, struct fault *fault) MUST_USE;
/* Waits until every job has had its last turn. */
void turn_line_close(struct turn_line *line);
/* STATUS_BUSY when the line is full. The job is borrowed until its last turn. */
enum status turn_line_add(struct turn_line *line, struct turn_job *job,
                          struct fault *fault) MUST_USE;

#endif
