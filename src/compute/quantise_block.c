/* quantise_block.c - floats to the types of 32 values with one scale: Q8_0, Q4_0, Q5_0, Q5_1 and
 * IQ4_NL. */
#include <string.h>

#include "compute/quantise_fit.h"
#include "compute/tensor_blocks.h"
#include "compute/tensor_type.h"

void quantise_q8_0(const float *x, void *blocks, size_t n)
{
    struct block_q8_0 *block = blocks;
    for (size_t b = 0; b < n; b += BLOCK_VALUES, block++) {
        float largest = 0;
        for (int j = 0; j < BLOCK_VALUES; j++) largest = fmaxf(largest, fabsf(x[b + j]));
        float scale = largest / 127;
        block->scale = f32_to_f16(scale);
        for (int j = 0; j < BLOCK_VALUES; j++)
            block->quants[j] =
                (int8_t)quantise_nearest(x[b + j] * quantise_inverse(scale), -127, 127);
    }
}

void quantise_q4_0(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q4_0 *block = blocks;
    for (size_t b = 0; b < n; b += BLOCK_VALUES, block++) {
        float weights[BLOCK_VALUES];
        quantise_weigh(x + b, quantise_importance_at(importance, b), BLOCK_VALUES, weights);
        block->scale = f32_to_f16(quantise_fit_scale(x + b, weights, BLOCK_VALUES, -8, 7));
        float inverse = quantise_inverse(f16_to_f32(block->scale));
        for (int j = 0; j < 16; j++) {
            int low = quantise_nearest(x[b + j] * inverse, -8, 7) + 8;
            int high = quantise_nearest(x[b + j + 16] * inverse, -8, 7) + 8;
            block->quants[j] = (uint8_t)(low | high << 4);
        }
    }
}

/* Five bits each: four in `quants`, the fifth in `high_bits`. */
static uint32_t pack_five_bits(const int values[BLOCK_VALUES], uint8_t quants[16])
{
    uint32_t high_bits = 0;
    for (int j = 0; j < 16; j++)
        quants[j] = (uint8_t)((values[j] & 15) | (values[j + 16] & 15) << 4);
    for (int j = 0; j < BLOCK_VALUES; j++) high_bits |= (uint32_t)(values[j] >> 4 & 1) << j;
    return high_bits;
}

void quantise_q5_0(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q5_0 *block = blocks;
    for (size_t b = 0; b < n; b += BLOCK_VALUES, block++) {
        float weights[BLOCK_VALUES];
        int values[BLOCK_VALUES];
        quantise_weigh(x + b, quantise_importance_at(importance, b), BLOCK_VALUES, weights);
        block->scale = f32_to_f16(quantise_fit_scale(x + b, weights, BLOCK_VALUES, -16, 15));
        float inverse = quantise_inverse(f16_to_f32(block->scale));
        for (int j = 0; j < BLOCK_VALUES; j++)
            values[j] = quantise_nearest(x[b + j] * inverse, -16, 15) + 16;
        block->high_bits = pack_five_bits(values, block->quants);
    }
}

void quantise_q5_1(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_q5_1 *block = blocks;
    for (size_t b = 0; b < n; b += BLOCK_VALUES, block++) {
        float weights[BLOCK_VALUES];
        int values[BLOCK_VALUES];
        quantise_weigh(x + b, quantise_importance_at(importance, b), BLOCK_VALUES, weights);
        struct affine fit = quantise_fit_affine(x + b, weights, BLOCK_VALUES, 31);
        block->scale = f32_to_f16(fit.scale);
        block->minimum = f32_to_f16(-fit.minimum);
        float inverse = quantise_inverse(f16_to_f32(block->scale));
        float minimum = f16_to_f32(block->minimum);
        for (int j = 0; j < BLOCK_VALUES; j++)
            values[j] = quantise_nearest((x[b + j] - minimum) * inverse, 0, 31);
        block->high_bits = pack_five_bits(values, block->quants);
    }
}

void quantise_iq4_nl(const float *x, const float *importance, void *blocks, size_t n)
{
    struct block_iq4_nl *block = blocks;
    for (size_t b = 0; b < n; b += BLOCK_VALUES, block++) {
        float weights[BLOCK_VALUES];
        quantise_weigh(x + b, quantise_importance_at(importance, b), BLOCK_VALUES, weights);
        block->scale = f32_to_f16(quantise_fit_iq4(x + b, weights, BLOCK_VALUES));
        float inverse = quantise_inverse(f16_to_f32(block->scale));
        for (int j = 0; j < 16; j++)
            block->quants[j] = (uint8_t)(quantise_nearest_iq4(x[b + j] * inverse) |
                                         quantise_nearest_iq4(x[b + j + 16] * inverse) << 4);
    }
}
