/* quantise_super.c - floats to the types of 256 values: Q4_K, Q5_K, Q6_K and IQ4_XS.
 *
 * Two levels: each sub-block finds its best scale, then the scales themselves become small integers
 * under the scale of the whole block. After that the whole block's numbers are fitted once more
 * to what the integers turned out to be. */
#include <string.h>

#include "compute/iq_codebooks.h"
#include "compute/quantise_fit.h"
#include "compute/tensor_blocks.h"
#include "compute/tensor_type.h"

static float through_f16(float value)
{
    return f16_to_f32(f32_to_f16(value));
}

/* ---- Q4_K and Q5_K: eight sub-blocks of 32 with scale and minimum ---- */

enum { SUBS = 8, SUB_VALUES = 32, REFITS = 2 };

struct affine_block {
    float scale, minimum; /* of the whole block */
    uint8_t scales[SUBS], minimums[SUBS];
    uint8_t quants[SUPER_VALUES];
};

static void assign_quants(struct affine_block *block, const float *x, int high)
{
    for (int j = 0; j < SUBS; j++) {
        float inverse = quantise_inverse(block->scale * (float)block->scales[j]);
        float minimum = block->minimum * (float)block->minimums[j];
        for (int i = j * SUB_VALUES; i < (j + 1) * SUB_VALUES; i++)
            block->quants[i] = (uint8_t)quantise_nearest((x[i] + minimum) * inverse, 0, high);
    }
}

/* Least squares of x ~ scale * a - minimum * b, where a and b are what the integers give. */
static void refit(struct affine_block *block, const float *x, const float *weights)
{
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (int i = 0; i < SUPER_VALUES; i++) {
        int sub = i / SUB_VALUES;
        float a = (float)(block->scales[sub] * block->quants[i]);
        float b = (float)block->minimums[sub];
        aa += weights[i] * a * a;
        ab += weights[i] * a * b;
        bb += weights[i] * b * b;
        ax += weights[i] * a * x[i];
        bx += weights[i] * b * x[i];
    }
    double determinant = aa * bb - ab * ab;
    if (determinant <= 1e-9 * aa * bb) return;
    double scale = (ax * bb - bx * ab) / determinant;
    double minimum = (ax * ab - bx * aa) / determinant;
    if (scale <= 0 || minimum < 0) return;
    block->scale = through_f16((float)scale);
    block->minimum = through_f16((float)minimum);
}

static struct affine_block fit_affine_block(const float *x, const float *importance, int high)
{
    struct affine_block block = {0};
    struct affine fits[SUBS];
    float weights[SUPER_VALUES], largest_scale = 0, largest_minimum = 0;
    for (int j = 0; j < SUBS; j++) {
        size_t at = (size_t)j * SUB_VALUES;
        quantise_weigh(x + at, quantise_importance_at(importance, at), SUB_VALUES, weights + at);
        fits[j] = quantise_fit_affine(x + at, weights + at, SUB_VALUES, high);
        largest_scale = fmaxf(largest_scale, fits[j].scale);
        largest_minimum = fmaxf(largest_minimum, fits[j].minimum);
    }
    float inverse_scale = 63 * quantise_inverse(largest_scale);
    float inverse_minimum = 63 * quantise_inverse(largest_minimum);
    for (int j = 0; j < SUBS; j++) {
        block.scales[j] = (uint8_t)quantise_nearest(fits[j].scale * inverse_scale, 0, 63);
        block.minimums[j] = (uint8_t)quantise_nearest(fits[j].minimum * inverse_minimum, 0, 63);
    }
    block.scale = through_f16(largest_scale / 63);
    block.minimum = through_f16(largest_minimum / 63);
    assign_quants(&block, x, high);
    for (int round = 0; round < REFITS; round++) {
        refit(&block, x, weights);
        assign_quants(&block, x, high);
    }
    return block;
}

/* The reverse of k4_scale() and k4_minimum(). */
static void pack_k4_scales(const struct affine_block *block, uint8_t packed[12])
{
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(block->scales[j] | block->scales[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)(block->minimums[j] | block->minimums[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((block->scales[j + 4] & 15) | (block->minimums[j + 4] & 15) << 4);
    }
}

/* The low nibbles of sub-blocks 2k and 2k+1 share 32 bytes. */
static void pack_nibbles(const uint8_t quants[SUPER_VALUES], uint8_t packed[128])
{
    for (int i = 0; i < 128; i++) {
        int low = i / 32 * 64 + i % 32;
        packed[i] = (uint8_t)((quants[low] & 15) | (quants[low + 32] & 15) << 4);
    }
}

void quantise_q4_k(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q4_k *block = blocks;
    for (size_t b = 0; b < n; b += SUPER_VALUES, block++) {
        struct affine_block fit =
            fit_affine_block(x + b, quantise_importance_at(importance, b), 15);
        block->scale = f32_to_f16(fit.scale);
        block->minimum = f32_to_f16(fit.minimum);
        pack_k4_scales(&fit, block->scales);
        pack_nibbles(fit.quants, block->quants);
    }
}

void quantise_q5_k(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q5_k *block = blocks;
    for (size_t b = 0; b < n; b += SUPER_VALUES, block++) {
        struct affine_block fit =
            fit_affine_block(x + b, quantise_importance_at(importance, b), 31);
        block->scale = f32_to_f16(fit.scale);
        block->minimum = f32_to_f16(fit.minimum);
        pack_k4_scales(&fit, block->scales);
        pack_nibbles(fit.quants, block->quants);
        memset(block->high_bits, 0, sizeof block->high_bits);
        for (int i = 0; i < SUPER_VALUES; i++)
            block->high_bits[i % 32] |= (uint8_t)(fit.quants[i] >> 4 << (i / 32));
    }
}

/* ---- scales without minimum: Q6_K in sixteen sub-blocks, IQ4_XS in eight ---- */

enum { SUBS_MAX = 16 };

/* Turn the sub-blocks' scales into integers of low..-low-1; the largest takes `low`. Returns the
 * scale of the whole block. */
static float quantise_scales(const float *scales, int count, int low, int8_t *out)
{
    float largest = 0;
    for (int j = 0; j < count; j++)
        if (fabsf(scales[j]) > fabsf(largest)) largest = scales[j];
    float block_scale = through_f16(largest / (float)low);
    float inverse = quantise_inverse(block_scale);
    for (int j = 0; j < count; j++)
        out[j] = (int8_t)quantise_nearest(scales[j] * inverse, low, -low - 1);
    return block_scale;
}

/* Least squares of x ~ scale * a, where a is what the integers give. */
static float refit_scale(const float *x, const float *weights, const float *a, float scale)
{
    double ax = 0, aa = 0;
    for (int i = 0; i < SUPER_VALUES; i++) {
        ax += weights[i] * a[i] * x[i];
        aa += weights[i] * a[i] * a[i];
    }
    return aa > 0 ? through_f16((float)(ax / aa)) : scale;
}

static void assign_q6(const float *x, float scale, const int8_t scales[16], uint8_t *quants,
                      float *products)
{
    for (int i = 0; i < SUPER_VALUES; i++) {
        int sub = i / 16;
        float sub_scale = scale * (float)scales[sub];
        int q = quantise_nearest(x[i] * quantise_inverse(sub_scale), -32, 31);
        quants[i] = (uint8_t)(q + 32);
        products[i] = (float)(scales[sub] * q);
    }
}

void quantise_q6_k(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q6_k *block = blocks;
    for (size_t b = 0; b < n; b += SUPER_VALUES, block++, x += SUPER_VALUES) {
        float weights[SUPER_VALUES], scales[SUBS_MAX], products[SUPER_VALUES];
        uint8_t quants[SUPER_VALUES];
        for (size_t j = 0; j < 16; j++) {
            quantise_weigh(x + 16 * j, quantise_importance_at(importance, b + 16 * j), 16,
                           weights + 16 * j);
            scales[j] = quantise_fit_scale(x + 16 * j, weights + 16 * j, 16, -32, 31);
        }
        float scale = quantise_scales(scales, 16, -128, block->scales);
        assign_q6(x, scale, block->scales, quants, products);
        scale = refit_scale(x, weights, products, scale);
        assign_q6(x, scale, block->scales, quants, products);
        block->scale = f32_to_f16(scale);
        memset(block->low_bits, 0, sizeof block->low_bits);
        memset(block->high_bits, 0, sizeof block->high_bits);
        for (int i = 0; i < SUPER_VALUES; i++) {
            int half = i / 128, quarter = i % 128 / 32, l = i % 32;
            block->low_bits[half * 64 + quarter % 2 * 32 + l] |=
                (uint8_t)((quants[i] & 15) << (quarter / 2 * 4));
            block->high_bits[half * 32 + l] |= (uint8_t)(quants[i] >> 4 << (quarter * 2));
        }
    }
}

static void assign_iq4(const float *x, float scale, const int8_t scales[8], uint8_t *quants,
                       float *products)
{
    for (int i = 0; i < SUPER_VALUES; i++) {
        int sub = i / 32;
        float sub_scale = scale * (float)scales[sub];
        quants[i] = (uint8_t)quantise_nearest_iq4(x[i] * quantise_inverse(sub_scale));
        products[i] = (float)(scales[sub] * iq4_values[quants[i]]);
    }
}

void quantise_iq4_xs(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_iq4_xs *block = blocks;
    for (size_t b = 0; b < n; b += SUPER_VALUES, block++, x += SUPER_VALUES) {
        float weights[SUPER_VALUES], scales[SUBS_MAX], products[SUPER_VALUES];
        uint8_t quants[SUPER_VALUES];
        int8_t sub_scales[8];
        for (size_t j = 0; j < 8; j++) {
            quantise_weigh(x + 32 * j, quantise_importance_at(importance, b + 32 * j), 32,
                           weights + 32 * j);
            scales[j] = quantise_fit_iq4(x + 32 * j, weights + 32 * j, 32);
        }
        float scale = quantise_scales(scales, 8, -32, sub_scales);
        assign_iq4(x, scale, sub_scales, quants, products);
        scale = refit_scale(x, weights, products, scale);
        assign_iq4(x, scale, sub_scales, quants, products);
        block->scale = f32_to_f16(scale);
        memset(block->scales_low, 0, sizeof block->scales_low);
        block->scales_high = 0;
        for (int j = 0; j < 8; j++) {
            unsigned stored = (unsigned)(sub_scales[j] + 32);
            block->scales_low[j / 2] |= (uint8_t)((stored & 15) << (j % 2 * 4));
            block->scales_high |= (uint16_t)(stored >> 4 << (2 * j));
        }
        for (int i = 0; i < 128; i++) {
            int low = i / 16 * 32 + i % 16;
            block->quants[i] = (uint8_t)(quants[low] | quants[low + 16] << 4);
        }
    }
}
