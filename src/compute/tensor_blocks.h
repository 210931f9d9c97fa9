/* tensor_blocks.h - the layout of one block of every quantised type, as it lies in a GGUF file.
 *
 * Facts of the format, shared by the scalar reference, the quantisers and the fast kernels. A
 * "block" is 32 or 256 values with their scales; K and IQ types (256 values) divide it into
 * sub-blocks of 16 or 32. Packed, because a tensor's bytes may start anywhere. */
#ifndef LIMINAL_COMPUTE_TENSOR_BLOCKS_H
#define LIMINAL_COMPUTE_TENSOR_BLOCKS_H

#include <stdint.h>

enum { BLOCK_VALUES = 32, SUPER_VALUES = 256 };

/* `scale` and `minimum` are F16 bit patterns throughout. */
#pragma pack(push, 1)

struct block_q4_0 {
    uint16_t scale;
    uint8_t quants[16]; /* value j in the low nibble of byte j, j+16 in the high one */
};
struct block_q4_1 {
    uint16_t scale, minimum;
    uint8_t quants[16];
};
struct block_q5_0 {
    uint16_t scale;
    uint32_t high_bits; /* bit j is the fifth bit of value j */
    uint8_t quants[16];
};
struct block_q5_1 {
    uint16_t scale, minimum;
    uint32_t high_bits;
    uint8_t quants[16];
};
struct block_q8_0 {
    uint16_t scale;
    int8_t quants[32];
};

struct block_q2_k {
    uint8_t scales[16]; /* per 16 values: scale in the low nibble, minimum in the high one */
    uint8_t quants[64];
    uint16_t scale, minimum;
};
struct block_q3_k {
    uint8_t high_mask[32]; /* bit k of byte l: the third bit of value 32k + l */
    uint8_t quants[64];
    uint8_t scales[12]; /* sixteen of 6 bits, see q3_k_scale() */
    uint16_t scale;
};
struct block_q4_k {
    uint16_t scale, minimum;
    uint8_t scales[12]; /* eight pairs of 6 bits, see k4_scale() and k4_minimum() */
    uint8_t quants[128];
};
struct block_q5_k {
    uint16_t scale, minimum;
    uint8_t scales[12];
    uint8_t high_bits[32]; /* bit k of byte l: the fifth bit of value 32k + l */
    uint8_t quants[128];
};
struct block_q6_k {
    uint8_t low_bits[128];
    uint8_t high_bits[64];
    int8_t scales[16];
    uint16_t scale;
};

struct block_iq2_xxs {
    uint16_t scale;
    uint8_t quants[64]; /* per 32 values: 4 grid indices, then 4 x 7 sign bits and 4 scale bits */
};
struct block_iq2_xs {
    uint16_t scale;
    uint16_t quants[32]; /* 9 bits of grid index, 7 of signs */
    uint8_t scales[8];
};
struct block_iq2_s {
    uint16_t scale;
    uint8_t quants[32]; /* low 8 bits of the grid indices */
    uint8_t signs[32];
    uint8_t high_bits[8]; /* upper 2 bits of 4 grid indices */
    uint8_t scales[8];
};
struct block_iq3_xxs {
    uint16_t scale;
    uint8_t quants[64];
    uint32_t signs_scales[8]; /* 4 x 7 sign bits, 4 scale bits */
};
struct block_iq3_s {
    uint16_t scale;
    uint8_t quants[64];
    uint8_t high_bits[8]; /* the ninth bit of 8 grid indices */
    uint8_t signs[32];
    uint8_t scales[4];
};
struct block_iq4_nl {
    uint16_t scale;
    uint8_t quants[16];
};
struct block_iq4_xs {
    uint16_t scale;
    uint16_t scales_high;  /* upper 2 bits of 8 scales */
    uint8_t scales_low[4]; /* lower 4 bits */
    uint8_t quants[128];
};

#pragma pack(pop)

/* The 6-bit scale of sub-block j (0..7) of Q4_K and Q5_K. */
static inline uint8_t k4_scale(const uint8_t scales[12], unsigned j)
{
    return j < 4 ? scales[j] & 63 : (scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4;
}

/* The 6-bit minimum of sub-block j (0..7) of Q4_K and Q5_K. */
static inline uint8_t k4_minimum(const uint8_t scales[12], unsigned j)
{
    return j < 4 ? scales[j + 4] & 63 : scales[j + 4] >> 4 | (scales[j] >> 6) << 4;
}

/* The scale of sub-block j (0..15) of Q3_K: 6 bits stored with an offset of 32. */
static inline int q3_k_scale(const uint8_t scales[12], unsigned j)
{
    unsigned low = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4;
    unsigned high = scales[8 + j % 4] >> (j / 4 * 2) & 3;
    return (int)(low | high << 4) - 32;
}

/* The scale of sub-block j (0..7) of IQ4_XS: 6 bits stored with an offset of 32. */
static inline int iq4_xs_scale(const struct block_iq4_xs *block, unsigned j)
{
    unsigned low = block->scales_low[j / 2] >> (j % 2 * 4) & 15;
    unsigned high = block->scales_high >> (2 * j) & 3;
    return (int)(low | high << 4) - 32;
}

#endif
