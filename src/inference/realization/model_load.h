/* model_load.h - one model being opened on threads of its own, which the kernel runs only when
 * those that compute leave time. Knows no engines and no names. */
#ifndef LIMINAL_INFERENCE_MODEL_LOAD_H
#define LIMINAL_INFERENCE_MODEL_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct compute;
struct model;

struct model_load {
    char *path; /* its own */
    unsigned threads;
    uint32_t context_length;
    void (*ended)(void *argument); /* on the loading thread, its last word */
    void *argument;

    _Atomic double progress; /* 0..1 */
    atomic_bool abandoned;   /* set by anybody: end soon, with STATUS_CANCELLED */
    pthread_t thread;
    /* The outcome, after model_load_join. */
    enum status status;
    struct fault fault;
    struct model *model; /* computes on the threads below until it is moved */
    struct compute *compute;
};

/* path, threads, context_length, ended and argument are set. */
enum status model_load_start(struct model_load *load, struct fault *fault) MUST_USE;
/* Wait for its end. */
void model_load_join(struct model_load *load);

#endif
