/* kernels.h - the table of kernels that each instruction set fills (kernels_*.c).
 *
 * A kernel does a piece of work on one thread, and knows nothing of threads, matrices or pages. */
#ifndef LIMINAL_COMPUTE_CPU_KERNELS_H
#define LIMINAL_COMPUTE_CPU_KERNELS_H

#include "compute/compute.h"
#include "compute/cpu/tile.h"

enum {
    TOKEN_GROUP = 6, /* tokens of a batch that one call of a dot kernel handles */
    PANEL_PAIR = 2,  /* panels likewise */
};

/* Quantised activations of a group of 1..TOKEN_GROUP tokens. All arrays are [block][token]. */
struct activations {
    unsigned tokens;
    int8_t *quants;       /* x BLOCK_COLS: round(x / scale) */
    float *scales;        /* largest magnitude of the block / 127 */
    int32_t *starts;      /* where the integer sum starts: -LANES_BIAS x sum of quants */
    int32_t *half_starts; /* the same for each 16 columns: x 2 */
    float *sums;          /* scale x sum of quants: what a minimum is multiplied by */
    float *half_sums;     /* x 2 */
};

/* The same arrays from block `first` on. */
static inline struct activations activations_from(const struct activations *a, size_t first)
{
    size_t skip = first * a->tokens;
    return (struct activations){a->tokens,
                                a->quants + skip * BLOCK_COLS,
                                a->scales + skip,
                                a->starts + skip,
                                a->half_starts + 2 * skip,
                                a->sums + skip,
                                a->half_sums + 2 * skip};
}

struct kernels {
    const char *name;
    uint8_t weight_bias;   /* what expanded weight bytes have on top of their value */
    void (*prepare)(void); /* fill tables; before the first use, any number of times */

    /* ---- products with quantised weights ---- */

    /* One token's x (blocks x 32 floats) into its place in the group. */
    void (*quantise)(const float *x, size_t blocks, struct activations *group, unsigned token);
    /* `blocks` blocks (whole units) at `tile` into a panel. */
    void (*expand[TILE_LAYOUT_COUNT])(const uint8_t *tile, unsigned blocks, struct panel *panel);
    /* sums[panel][token][row] += panel x activations, for 1 or 2 panels (sums of the second
     * `panel_stride` floats on). The order of additions is by block, whatever the other counts. */
    void (*dot[TILE_LAYOUT_COUNT])(const struct panel *panels, unsigned panel_count,
                                   unsigned blocks, const struct activations *activations,
                                   float *sums, size_t panel_stride);
    /* One token, straight from the tile: sums[row] = tile x activations, with the same additions.
     */
    void (*dot_one[TILE_LAYOUT_COUNT])(const uint8_t *tile, size_t blocks,
                                       const struct activations *activations, float *sums);

    /* ---- products with float weights ---- */

    /* sums[tile][token][row] += tiles (1, 2 or 4; tile_stride bytes apart) x `cols` columns of
     * x, for 1..TOKEN_GROUP tokens. */
    void (*dot_float[TILE_FLOAT_COUNT])(const uint8_t *tiles, size_t tile_stride,
                                        unsigned tile_count, const float *x, size_t x_stride,
                                        unsigned tokens, size_t cols, float *sums,
                                        size_t sums_stride);
};

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_neon;

/* The best of this machine for `isa`, or NULL when it cannot run that. */
const struct kernels *kernels_choose(enum compute_isa isa);

#endif
