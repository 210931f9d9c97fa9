/* dequantise.c - the scalar reference of every quantised format: what the bytes mean.
 *
 * Written for clarity; the fast kernels (compute/cpu) are checked against it, and it is checked
 * against golden vectors of an independent implementation. The order of the float operations is the
 * one that reference implementations use, so that results agree to the bit. */
#include <assert.h>
#include <string.h>

#include "compute/iq_codebooks.h"
#include "compute/tensor_blocks.h"
#include "compute/tensor_type.h"

/* ---- plain floats ---- */

static void dequantise_f16(const void *blocks, float *y, size_t n)
{
    const unsigned char *bytes = blocks;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        y[i] = f16_to_f32(half);
    }
}

static void dequantise_bf16(const void *blocks, float *y, size_t n)
{
    const unsigned char *bytes = blocks;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        y[i] = bf16_to_f32(half);
    }
}

/* ---- blocks of 32 with one scale ---- */

static void dequantise_q4_0(const void *blocks, float *y, size_t n)
{
    const struct block_q4_0 *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int j = 0; j < 16; j++) {
            y[j] = (float)((block->quants[j] & 15) - 8) * scale;
            y[j + 16] = (float)((block->quants[j] >> 4) - 8) * scale;
        }
    }
}

static void dequantise_q4_1(const void *blocks, float *y, size_t n)
{
    const struct block_q4_1 *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale), minimum = f16_to_f32(block->minimum);
        for (int j = 0; j < 16; j++) {
            y[j] = (float)(block->quants[j] & 15) * scale + minimum;
            y[j + 16] = (float)(block->quants[j] >> 4) * scale + minimum;
        }
    }
}

/* Bits 0..4 of value j of a Q5_0 or Q5_1 block. */
static int q5_quant(const uint8_t quants[16], uint32_t high_bits, int j)
{
    int low = j < 16 ? quants[j] & 15 : quants[j - 16] >> 4;
    return low | (int)(high_bits >> j & 1) << 4;
}

static void dequantise_q5_0(const void *blocks, float *y, size_t n)
{
    const struct block_q5_0 *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int j = 0; j < BLOCK_VALUES; j++)
            y[j] = (float)(q5_quant(block->quants, block->high_bits, j) - 16) * scale;
    }
}

static void dequantise_q5_1(const void *blocks, float *y, size_t n)
{
    const struct block_q5_1 *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale), minimum = f16_to_f32(block->minimum);
        for (int j = 0; j < BLOCK_VALUES; j++)
            y[j] = (float)q5_quant(block->quants, block->high_bits, j) * scale + minimum;
    }
}

static void dequantise_q8_0(const void *blocks, float *y, size_t n)
{
    const struct block_q8_0 *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int j = 0; j < BLOCK_VALUES; j++) y[j] = (float)block->quants[j] * scale;
    }
}

/* ---- K types: 256 values in sub-blocks with small scales of their own ---- */

static void dequantise_q2_k(const void *blocks, float *y, size_t n)
{
    const struct block_q2_k *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++, y += SUPER_VALUES) {
        float scale = f16_to_f32(block->scale), minimum = f16_to_f32(block->minimum);
        for (int i = 0; i < SUPER_VALUES; i++) {
            uint8_t sub = block->scales[i / 16];
            int quant = block->quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            y[i] = scale * (float)(sub & 15) * (float)quant - minimum * (float)(sub >> 4);
        }
    }
}

static void dequantise_q3_k(const void *blocks, float *y, size_t n)
{
    const struct block_q3_k *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++, y += SUPER_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < SUPER_VALUES; i++) {
            int low = block->quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
            int high = block->high_mask[i % 32] >> (i / 32) & 1;
            float sub = scale * (float)q3_k_scale(block->scales, (unsigned)i / 16);
            y[i] = sub * (float)(low + 4 * high - 4);
        }
    }
}

static void dequantise_q4_k(const void *blocks, float *y, size_t n)
{
    const struct block_q4_k *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++, y += SUPER_VALUES) {
        float scale = f16_to_f32(block->scale), minimum = f16_to_f32(block->minimum);
        for (unsigned j = 0; j < 8; j++) { /* sub-blocks 2k and 2k+1 share 32 bytes */
            float sub_scale = scale * (float)k4_scale(block->scales, j);
            float sub_minimum = minimum * (float)k4_minimum(block->scales, j);
            for (unsigned l = 0; l < 32; l++) {
                int quant = block->quants[j / 2 * 32 + l] >> (j % 2 * 4) & 15;
                y[j * 32 + l] = sub_scale * (float)quant - sub_minimum;
            }
        }
    }
}

static void dequantise_q5_k(const void *blocks, float *y, size_t n)
{
    const struct block_q5_k *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++, y += SUPER_VALUES) {
        float scale = f16_to_f32(block->scale), minimum = f16_to_f32(block->minimum);
        for (unsigned j = 0; j < 8; j++) {
            float sub_scale = scale * (float)k4_scale(block->scales, j);
            float sub_minimum = minimum * (float)k4_minimum(block->scales, j);
            for (unsigned l = 0; l < 32; l++) {
                int low = block->quants[j / 2 * 32 + l] >> (j % 2 * 4) & 15;
                int quant = low | (block->high_bits[l] >> j & 1) << 4;
                y[j * 32 + l] = sub_scale * (float)quant - sub_minimum;
            }
        }
    }
}

static void dequantise_q6_k(const void *blocks, float *y, size_t n)
{
    const struct block_q6_k *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++, y += SUPER_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < SUPER_VALUES; i++) {
            int half = i / 128, quarter = i % 128 / 32, l = i % 32, sub = i / 16;
            int low = block->low_bits[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
            int high = block->high_bits[half * 32 + l] >> (quarter * 2) & 3;
            y[i] = scale * (float)block->scales[sub] * (float)((low | high << 4) - 32);
        }
    }
}

/* ---- IQ types: groups of values looked up in a codebook ---- */

/* `count` magnitudes from the bytes of a grid entry, negated where a bit of `signs` is set. */
static void expand_grid(float scale, uint64_t entry, uint8_t signs, int count, float *y)
{
    for (int j = 0; j < count; j++) {
        float magnitude = scale * (float)(entry >> (8 * j) & 255);
        y[j] = signs >> j & 1 ? -magnitude : magnitude;
    }
}

static void dequantise_iq2_xxs(const void *blocks, float *y, size_t n)
{
    const struct block_iq2_xxs *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (int j = 0; j < 8; j++) {
            const uint8_t *indices = block->quants + 8 * j;
            uint32_t signs;
            memcpy(&signs, indices + 4, sizeof signs);
            float sub_scale = scale * (0.5f + (float)(signs >> 28)) * 0.25f;
            for (int l = 0; l < 4; l++, y += 8)
                expand_grid(sub_scale, iq2_xxs_grid[indices[l]], iq_signs(signs >> (7 * l)), 8, y);
        }
    }
}

/* IQ2_XS and IQ2_S keep two 4-bit scales in a byte, one for each half of 32 values. */
static float iq2_scale(float scale, uint8_t scales, int half)
{
    return scale * (0.5f + (float)(scales >> (4 * half) & 15)) * 0.25f;
}

static void dequantise_iq2_xs(const void *blocks, float *y, size_t n)
{
    const struct block_iq2_xs *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < 32; i++, y += 8) {
            uint16_t quant = block->quants[i];
            expand_grid(iq2_scale(scale, block->scales[i / 4], i % 4 / 2), iq2_xs_grid[quant & 511],
                        iq_signs(quant >> 9), 8, y);
        }
    }
}

static void dequantise_iq2_s(const void *blocks, float *y, size_t n)
{
    const struct block_iq2_s *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < 32; i++, y += 8) {
            int high = block->high_bits[i / 4] >> (i % 4 * 2) & 3;
            expand_grid(iq2_scale(scale, block->scales[i / 4], i % 4 / 2),
                        iq2_s_grid[block->quants[i] | high << 8], block->signs[i], 8, y);
        }
    }
}

static void dequantise_iq3_xxs(const void *blocks, float *y, size_t n)
{
    const struct block_iq3_xxs *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < 64; i++, y += 4) {
            uint32_t packed = block->signs_scales[i / 8];
            float sub_scale = scale * (0.5f + (float)(packed >> 28)) * 0.5f;
            uint8_t signs = iq_signs(packed >> (7 * (i % 8 / 2)));
            expand_grid(sub_scale, iq3_xxs_grid[block->quants[i]], signs >> (4 * (i % 2)), 4, y);
        }
    }
}

static void dequantise_iq3_s(const void *blocks, float *y, size_t n)
{
    const struct block_iq3_s *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (int i = 0; i < 64; i++, y += 4) {
            int high = block->high_bits[i / 8] >> (i % 8) & 1;
            int sub = block->scales[i / 16] >> (i / 8 % 2 * 4) & 15;
            expand_grid(scale * (float)(1 + 2 * sub), iq3_s_grid[block->quants[i] | high << 8],
                        block->signs[i / 2] >> (4 * (i % 2)), 4, y);
        }
    }
}

static void dequantise_iq4_nl(const void *blocks, float *y, size_t n)
{
    const struct block_iq4_nl *block = blocks;
    for (size_t b = 0; b < n / BLOCK_VALUES; b++, block++, y += BLOCK_VALUES) {
        float scale = f16_to_f32(block->scale);
        for (int j = 0; j < 16; j++) {
            y[j] = scale * (float)iq4_values[block->quants[j] & 15];
            y[j + 16] = scale * (float)iq4_values[block->quants[j] >> 4];
        }
    }
}

static void dequantise_iq4_xs(const void *blocks, float *y, size_t n)
{
    const struct block_iq4_xs *block = blocks;
    for (size_t b = 0; b < n / SUPER_VALUES; b++, block++) {
        float scale = f16_to_f32(block->scale);
        for (unsigned sub = 0; sub < 8; sub++, y += 32) {
            const uint8_t *quants = block->quants + 16 * sub;
            float sub_scale = scale * (float)iq4_xs_scale(block, sub);
            for (int j = 0; j < 16; j++) {
                y[j] = sub_scale * (float)iq4_values[quants[j] & 15];
                y[j + 16] = sub_scale * (float)iq4_values[quants[j] >> 4];
            }
        }
    }
}

void dequantise_row(enum tensor_type type, const void *blocks, float *values, size_t n)
{
    const struct tensor_type_info *info = tensor_type_info(type);
    assert(info && n % info->block_values == 0);
    switch (type) {
    case TENSOR_F32: memcpy(values, blocks, n * sizeof *values); return;
    case TENSOR_F16: dequantise_f16(blocks, values, n); return;
    case TENSOR_BF16: dequantise_bf16(blocks, values, n); return;
    case TENSOR_Q4_0: dequantise_q4_0(blocks, values, n); return;
    case TENSOR_Q4_1: dequantise_q4_1(blocks, values, n); return;
    case TENSOR_Q5_0: dequantise_q5_0(blocks, values, n); return;
    case TENSOR_Q5_1: dequantise_q5_1(blocks, values, n); return;
    case TENSOR_Q8_0: dequantise_q8_0(blocks, values, n); return;
    case TENSOR_Q2_K: dequantise_q2_k(blocks, values, n); return;
    case TENSOR_Q3_K: dequantise_q3_k(blocks, values, n); return;
    case TENSOR_Q4_K: dequantise_q4_k(blocks, values, n); return;
    case TENSOR_Q5_K: dequantise_q5_k(blocks, values, n); return;
    case TENSOR_Q6_K: dequantise_q6_k(blocks, values, n); return;
    case TENSOR_IQ2_XXS: dequantise_iq2_xxs(blocks, values, n); return;
    case TENSOR_IQ2_XS: dequantise_iq2_xs(blocks, values, n); return;
    case TENSOR_IQ2_S: dequantise_iq2_s(blocks, values, n); return;
    case TENSOR_IQ3_XXS: dequantise_iq3_xxs(blocks, values, n); return;
    case TENSOR_IQ3_S: dequantise_iq3_s(blocks, values, n); return;
    case TENSOR_IQ4_NL: dequantise_iq4_nl(blocks, values, n); return;
    case TENSOR_IQ4_XS: dequantise_iq4_xs(blocks, values, n); return;
    case TENSOR_TYPE_COUNT: break;
    }
    assert(!"a type of the table without a reference");
}
