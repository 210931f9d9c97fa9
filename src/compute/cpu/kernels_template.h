/* kernels_template.h - all kernels of one instruction set. kernels_*.c choose the lanes, define
 * KERNELS_NAME and KERNELS_LABEL, and include this. */
#include <math.h>

#include "compute/cpu/expand_kernels.h"
/* after the lanes */
#include "compute/cpu/dot_kernels.h"
#include "compute/cpu/few_kernels.h"
#include "compute/cpu/float_kernels.h"
#include "compute/cpu/math_kernels.h"
#include "compute/cpu/pair_kernels.h"
#include "compute/cpu/row_kernels.h"
/* after math and rows */
#include "compute/cpu/attention_kernels.h"
#include "compute/cpu/limit_kernels.h"
#include "compute/cpu/logit_kernels.h"

#define QUANTISED_LAYOUTS(X) \
    X(TILE_Q8_0)             \
    X(TILE_Q4_0)             \
    X(TILE_Q4_1)             \
    X(TILE_Q5_0)             \
    X(TILE_Q5_1)             \
    X(TILE_Q2_K)             \
    X(TILE_Q3_K)             \
    X(TILE_Q4_K)             \
    X(TILE_Q5_K)             \
    X(TILE_Q6_K)             \
    X(TILE_IQ4_NL) X(TILE_IQ4_XS) X(TILE_IQ2_XXS) X(TILE_IQ2) X(TILE_IQ3_XXS) X(TILE_IQ3_S)
#define FLOAT_LAYOUTS(X) X(TILE_F32) X(TILE_F16) X(TILE_BF16)

/* What the dot products of panels need to know; layouts that agree in it share the code. */
#define DOT_SHAPES(X) X(1, false) X(1, true) X(2, false) X(2, true)

#define DEFINE_QUANTISED(L)                                                                  \
    static void expand_##L(const uint8_t *tile, unsigned blocks, struct panel *panel)        \
    {                                                                                        \
        expand(&tile_formats[L], tile, blocks, panel);                                       \
    }                                                                                        \
    static void dot_few_##L(const uint8_t *tile, size_t blocks, const struct activations *a, \
                            float *sums)                                                     \
    {                                                                                        \
        dot_few(&tile_formats[L], tile, blocks, a, sums);                                    \
    }
QUANTISED_LAYOUTS(DEFINE_QUANTISED)

#define DEFINE_DOT(HALVES, MINIMUMS)                                                            \
    static void dot_##HALVES##_##MINIMUMS(const struct panel *panels, unsigned panel_count,     \
                                          unsigned blocks, const struct activations *a,         \
                                          float *sums, size_t panel_stride)                     \
    {                                                                                           \
        static const struct tile_format shape = {.block_scales = HALVES, .minimums = MINIMUMS}; \
        dot(&shape, panels, (int)panel_count, blocks, a, sums, panel_stride);                   \
    }
DEFINE_DOT(1, 0)
DEFINE_DOT(1, 1)
DEFINE_DOT(2, 0)
DEFINE_DOT(2, 1)

#define DEFINE_FLOAT(L)                                                                            \
    static void dot_float_##L(const uint8_t *tiles, size_t stride, unsigned count, const float *x, \
                              size_t x_stride, unsigned tokens, size_t cols, float *sums,          \
                              size_t sums_stride)                                                  \
    {                                                                                              \
        dot_float(L, tiles, stride, count, x, x_stride, tokens, cols, sums, sums_stride);          \
    }
FLOAT_LAYOUTS(DEFINE_FLOAT)

const struct kernels KERNELS_NAME = {
    .name = KERNELS_LABEL,
    .few_tokens = LANES_FEW_TOKENS,
    .weight_bias = LANES_BIAS,
    .prepare = grid_prepare,
    .quantise = quantise,
#define ENTRY(L) [L] = expand_##L,
    .expand = {QUANTISED_LAYOUTS(ENTRY)},
#undef ENTRY
#define ENTRY(L) [L] = dot_few_##L,
    .dot_few = {QUANTISED_LAYOUTS(ENTRY)},
#undef ENTRY
    .dot = {[TILE_Q8_0] = dot_1_0,
            [TILE_Q4_0] = dot_1_0,
            [TILE_Q4_1] = dot_1_1,
            [TILE_Q5_0] = dot_1_0,
            [TILE_Q5_1] = dot_1_1,
            [TILE_Q2_K] = dot_2_1,
            [TILE_Q3_K] = dot_2_0,
            [TILE_Q4_K] = dot_1_1,
            [TILE_Q5_K] = dot_1_1,
            [TILE_Q6_K] = dot_2_0,
            [TILE_IQ4_NL] = dot_1_0,
            [TILE_IQ4_XS] = dot_1_0,
            [TILE_IQ2_XXS] = dot_1_0,
            [TILE_IQ2] = dot_2_0,
            [TILE_IQ3_XXS] = dot_1_0,
            [TILE_IQ3_S] = dot_1_0},
#define ENTRY(L) [L] = dot_float_##L,
    .dot_float = {FLOAT_LAYOUTS(ENTRY)},
#undef ENTRY
    .round_pairs = round_pairs,
    .dot_pairs = dot_pairs,
#if defined(LANES_BF16)
    .dot_pairs_native = dot_pairs_native,
#endif
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .scale = scale_row,
    .add = add_row,
    .activate = activate,
    .rope_angles = rope_angles,
    .rope_halves = rope_halves,
    .rope_neighbours = rope_neighbours,
    .largest_logit = largest_logit,
    .weigh_logits = weigh_logits,
    .weight_above = weight_above,
    .cut_weights = cut_weights,
    .store_kv = store_kv,
    .attend_chunk = attend_chunk,
    .merge_part = merge_part,
    .limit_int8 = limit_int8,
    .limit_fp32 = limit_fp32,
#if defined(LANES_AVX512)
    .limit_bf16 = limit_bf16,
#endif
    .limit_read = limit_read,
};
