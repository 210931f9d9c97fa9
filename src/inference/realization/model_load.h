/* model_load.h - one model being opened while others answer. What one thread does alone (reading
 * the file, its tokenizer) is done by one that the kernel runs when the others leave time. Packing
 * the weights needs all cores, so it is cut into pieces that take turns with the steps of the
 * engines, at a fifth of the time. Knows no engines and no names. */
#ifndef LIMINAL_INFERENCE_MODEL_LOAD_H
#define LIMINAL_INFERENCE_MODEL_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "inference/turns.h"

struct compute;
struct model;

struct model_load {
    char *path; /* its owner's, like the turns */
    unsigned threads;
    struct turns *turns;
    uint32_t context_length;
    void (*ended)(void *argument); /* on the loading thread, its last word */
    void *argument;

    struct turn_taker taker; /* for the pieces of packing */
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
