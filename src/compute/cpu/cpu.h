/* cpu.h - what the files of compute/cpu share and nobody else sees. */
#ifndef LIMINAL_COMPUTE_CPU_CPU_H
#define LIMINAL_COMPUTE_CPU_CPU_H

#include <stdatomic.h>

#include "compute/compute.h"
#include "compute/cpu/kernels.h"
#include "compute/cpu/thread_pool.h"

enum {
    BATCH_TOKENS = 512, /* that one pass over the weights serves; more are done in several passes */
    RUN_TILES = 8,      /* of quantised weights that many tokens meet together */
};

/* What one thread needs to multiply. */
struct multiply_scratch {
    /* Items of the running job that are this thread's: the first, and the end << 32. It takes from
     * the front, others from the back once they have none. */
    _Alignas(64) _Atomic uint64_t items;
    struct panel panels[PANEL_PAIR];
    _Alignas(64) float sums[RUN_TILES][BATCH_TOKENS][TILE_ROWS];
};

struct compute {
    const struct kernels *kernels;
    struct thread_pool *pool;
    struct compute_gate gate;
    _Alignas(64) _Atomic uint32_t next_item; /* of the running job: taken by the threads in turn */

    /* Grown when a wider matrix is packed, so that a product never allocates. */
    uint32_t widest_cols;
    void *activation_memory;                   /* quantised */
    uint16_t *pair_memory;                     /* in BF16 */
    struct multiply_scratch *multiply_scratch; /* one per thread */

    struct attention_state *attention; /* private to attention.c */
};

void multiply_deinit(struct compute *compute);
enum status attention_init(struct compute *compute, struct fault *fault) MUST_USE;
void attention_deinit(struct compute *compute);

#endif
