/* turn_line.c - see turn_line.h. */
#include "inference/adaptation/turn_line.h"

#include <pthread.h>
#include <stdlib.h>

enum { JOB_LIMIT = 64 };

struct turn_line {
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    struct turn_job *first, **end;
    size_t job_count; /* with the one whose turn it is */
    bool closing;
};

static void append(struct turn_line *line, struct turn_job *job)
{
    job->next = NULL;
    *line->end = job;
    line->end = &job->next;
}

/* With the lock held. NULL: the line is empty and closing. */
static struct turn_job *await_first(struct turn_line *line)
{
    while (!line->first && !line->closing) pthread_cond_wait(&line->work, &line->lock);
    struct turn_job *job = line->first;
    if (!job) return NULL;
    line->first = job->next;
    if (!line->first) line->end = &line->first;
    return job;
}

static void *run(void *argument)
{
    struct turn_line *line = argument;
    pthread_mutex_lock(&line->lock);
    for (struct turn_job *job; (job = await_first(line));) {
        pthread_mutex_unlock(&line->lock);
        bool more = job->turn(job);
        pthread_mutex_lock(&line->lock);
        if (more)
            append(line, job);
        else
            line->job_count--;
    }
    pthread_mutex_unlock(&line->lock);
    return NULL;
}

static void line_free(struct turn_line *line)
{
    pthread_cond_destroy(&line->work);
    pthread_mutex_destroy(&line->lock);
    free(line);
}

enum status turn_line_open(struct turn_line **out, struct fault *fault)
{
    struct turn_line *line = calloc(1, sizeof *line);
    if (!line) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a line of jobs");
    line->end = &line->first;
    pthread_mutex_init(&line->lock, NULL);
    pthread_cond_init(&line->work, NULL);
    if (pthread_create(&line->thread, NULL, run, line) != 0) {
        line_free(line);
        return fault_set(fault, STATUS_NO_MEMORY, "cannot start the thread of a line of jobs");
    }
    *out = line;
    return OK;
}

void turn_line_close(struct turn_line *line)
{
    if (!line) return;
    pthread_mutex_lock(&line->lock);
    line->closing = true;
    pthread_cond_signal(&line->work);
    pthread_mutex_unlock(&line->lock);
    pthread_join(line->thread, NULL);
    line_free(line);
}

enum status turn_line_add(struct turn_line *line, struct turn_job *job, struct fault *fault)
{
    pthread_mutex_lock(&line->lock);
    bool is_full = line->job_count == JOB_LIMIT;
    if (!is_full) {
        line->job_count++;
        append(line, job);
        pthread_cond_signal(&line->work);
    }
    pthread_mutex_unlock(&line->lock);
    return is_full ? fault_set(fault, STATUS_BUSY, "%d requests wait: try again later", JOB_LIMIT)
                   : OK;
}
