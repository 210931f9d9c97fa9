/* kernels.h - the table of kernels that each instruction set fills (kernels_*.c).
 *
 * A kernel does a piece of work on one thread, and knows nothing of threads, matrices or pages. */
#ifndef LIMINAL_COMPUTE_CPU_KERNELS_H
#define LIMINAL_COMPUTE_CPU_KERNELS_H

#include "compute/compute.h"
#include "compute/cpu/tile.h"

enum {
    TOKEN_GROUP = 5,     /* tokens of a batch that one call of a dot kernel handles */
    PANEL_PAIR = 2,      /* panels likewise */
    FEW_TOKENS = 8,      /* of dot_few, at most */
    FLOAT_TILES_MAX = 4, /* tiles of float weights likewise */
};

/* Quantised activations of a group of 1..TOKEN_GROUP tokens. All arrays are [block][token]. */
struct activations {
    unsigned tokens;
    int8_t *quants;       /* x BLOCK_COLS: round(x / scale) */
    int8_t *grid_quants;  /* the same in the order of IQ2_XXS's columns; NULL: not wanted */
    float *scales;        /* largest magnitude of the block / 127 */
    int32_t *starts;      /* where the integer sum starts: -LANES_BIAS x sum of quants */
    int32_t *half_starts; /* the same for each 16 columns: x 2 */
    float *sums;          /* of quants: what a minimum is multiplied by */
    float *half_sums;     /* x 2 */
};

/* The same arrays from block `first` on. */
static inline struct activations activations_from(const struct activations *a, size_t first)
{
    size_t skip = first * a->tokens;
    return (struct activations){a->tokens,
                                a->quants + skip * BLOCK_COLS,
                                a->grid_quants + skip * BLOCK_COLS,
                                a->scales + skip,
                                a->starts + skip,
                                a->half_starts + 2 * skip,
                                a->sums + skip,
                                a->half_sums + 2 * skip};
}

/* ---- attention ---- */

enum {
    ATTENTION_CHUNK = 256,       /* positions of one softmax part; parts are merged in order */
    ATTENTION_QUERIES = 16,      /* at most, of one call */
    ATTENTION_SCORE_QUERIES = 8, /* that share a key in registers */
    ATTENTION_VALUE_QUERIES = 4, /* that share a value, times ... */
    ATTENTION_VALUE_VECTORS = 4,
    ATTENTION_HEAD_MAX = COMPUTE_HEAD_WIDTH_MAX,
};

/* One query vector sees positions begin..end-1. */
struct attention_query {
    int32_t begin, end;
};

/* Queries of one kv head over positions begin .. begin + ATTENTION_CHUNK - 1. */
struct attention_chunk {
    const void *const *pages;
    size_t offset; /* of this layer and kv head in a page, bytes */
    size_t head_width;
    float softcap;
    int32_t begin; /* a multiple of ATTENTION_CHUNK */
    unsigned count;
    const struct attention_query *queries;
};

/* A softmax over some positions: its output is out / sum, scaled by e^-largest. */
struct attention_part {
    float largest, sum;
};

/* In: the scaled queries. Out: the part and its out of each query. */
struct attention_scratch {
    _Alignas(64) float queries[ATTENTION_QUERIES][ATTENTION_HEAD_MAX];
    float scores[ATTENTION_QUERIES][ATTENTION_CHUNK];
    float outs[ATTENTION_QUERIES][ATTENTION_HEAD_MAX];
    struct attention_part parts[ATTENTION_QUERIES];
    /* The union of the chunks so far. */
    float merged_outs[ATTENTION_QUERIES][ATTENTION_HEAD_MAX];
    struct attention_part merged[ATTENTION_QUERIES];
};

struct kernels {
    const char *name;
    unsigned few_tokens;   /* that dot_few takes at once */
    uint8_t weight_bias;   /* what expanded weight bytes have on top of their value */
    void (*prepare)(void); /* fill tables; before the first use, any number of times */

    /* ---- products with quantised weights ---- */

    /* `blocks` x 32 floats of each token of the group. */
    void (*quantise)(const float *x, size_t x_stride, size_t blocks,
                     const struct activations *group);
    /* `blocks` blocks (whole units) at `tile` into a panel. */
    void (*expand[TILE_LAYOUT_COUNT])(const uint8_t *tile, unsigned blocks, struct panel *panel);
    /* sums[panel][token][row] += panel x activations, for 1 or 2 panels (sums of the second
     * `panel_stride` floats on). The order of additions is by block, whatever the other counts. */
    void (*dot[TILE_LAYOUT_COUNT])(const struct panel *panels, unsigned panel_count,
                                   unsigned blocks, const struct activations *activations,
                                   float *sums, size_t panel_stride);
    /* 1..few_tokens tokens, straight from the tile: sums[token][row] = tile x activations, with the
     * same additions. */
    void (*dot_few[TILE_LAYOUT_COUNT])(const uint8_t *tile, size_t blocks,
                                       const struct activations *activations, float *sums);

    /* ---- products with float weights ---- */

    /* sums[tile][token][row] += tiles (1, 2 or 4; tile_stride bytes apart) x `cols` columns of
     * x, for 1..TOKEN_GROUP tokens. */
    void (*dot_float[TILE_FLOAT_COUNT])(const uint8_t *tiles, size_t tile_stride,
                                        unsigned tile_count, const float *x, size_t x_stride,
                                        unsigned tokens, size_t cols, float *sums,
                                        size_t sums_stride);

    /* `cols` floats to BF16. */
    void (*round_pairs)(const float *x, size_t cols, uint16_t *y);
    /* The same for `pairs` pairs of columns of BF16 and activations in BF16. The second is NULL
     * where there is no instruction for it; needs kernels_have_bf16(). */
    void (*dot_pairs)(const uint8_t *tiles, size_t tile_stride, unsigned tile_count,
                      const uint16_t *x, size_t x_stride, unsigned tokens, size_t pairs,
                      float *sums, size_t sums_stride);
    void (*dot_pairs_native)(const uint8_t *tiles, size_t tile_stride, unsigned tile_count,
                             const uint16_t *x, size_t x_stride, unsigned tokens, size_t pairs,
                             float *sums, size_t sums_stride);

    /* ---- one row ---- (see compute.h) */

    void (*rms_norm)(const float *x, const float *w, float epsilon, float *y, size_t width);
    void (*layer_norm)(const float *x, const float *w, const float *bias, float epsilon, float *y,
                       size_t width);
    void (*scale)(const float *x, float factor, float *y, size_t width);
    void (*add)(float *y, const float *x, size_t width);
    void (*activate)(enum activation activation, float *gate, const float *up, size_t width);
    void (*rope_angles)(int32_t position, const float *frequencies, size_t count, float magnitude,
                        float *sines, float *cosines);
    void (*rope_halves)(float *head, size_t half, const float *sines, const float *cosines);
    void (*rope_neighbours)(float *head, size_t width, const float *sines, const float *cosines);

    /* ---- a row of logits ---- */

    float (*largest_logit)(const float *logits, size_t width);
    float (*weigh_logits)(const float *logits, size_t width, float largest, float scale,
                          float *weights);
    float (*weight_above)(const float *weights, size_t width, float threshold);
    float (*cut_weights)(float *weights, size_t width, float threshold);

    /* ---- attention ---- */

    void (*store_kv)(uint16_t *page, size_t head_width, unsigned token, const float *key,
                     const float *value);
    void (*attend_chunk)(const struct attention_chunk *chunk, struct attention_scratch *scratch);
    void (*merge_part)(struct attention_part *a, float *a_out, const struct attention_part *b,
                       const float *b_out, size_t vectors);

    /* ---- the limits of the machine ---- */

    /* Run so many rounds and say how many operations that was. limit_bf16 may be NULL. */
    double (*limit_int8)(size_t rounds, int32_t seed);
    double (*limit_fp32)(size_t rounds, int32_t seed);
    double (*limit_bf16)(size_t rounds, int32_t seed);
    void (*limit_read)(const uint8_t *from, size_t bytes);
};

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_neon;

/* The best of this machine for `isa`, or NULL when it cannot run that. */
const struct kernels *kernels_choose(enum compute_isa isa);
/* Whether the processor multiplies BF16. */
bool kernels_have_bf16(void);

#endif
