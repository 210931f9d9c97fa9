/* tensor_type.h - the element types of GGUF tensors. Numbers are facts of the file format. */
#ifndef LIMINAL_COMPUTE_TENSOR_TYPE_H
#define LIMINAL_COMPUTE_TENSOR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum tensor_type {
    TENSOR_F32 = 0,
    TENSOR_F16 = 1,
    TENSOR_Q4_0 = 2,
    TENSOR_Q4_1 = 3,
    TENSOR_Q5_0 = 6,
    TENSOR_Q5_1 = 7,
    TENSOR_Q8_0 = 8,
    TENSOR_Q2_K = 10,
    TENSOR_Q3_K = 11,
    TENSOR_Q4_K = 12,
    TENSOR_Q5_K = 13,
    TENSOR_Q6_K = 14,
    TENSOR_IQ2_XXS = 16,
    TENSOR_IQ2_XS = 17,
    TENSOR_IQ3_XXS = 18,
    TENSOR_IQ4_NL = 20,
    TENSOR_IQ3_S = 21,
    TENSOR_IQ2_S = 22,
    TENSOR_IQ4_XS = 23,
    TENSOR_BF16 = 30,
    TENSOR_TYPE_COUNT = 31
};

struct tensor_type_info {
    const char *name;      /* "Q4_K"; NULL for a number that is not supported */
    uint32_t block_values; /* values per block: 1, 32 or 256 */
    uint32_t block_bytes;  /* bytes per block on disk */
};

/* NULL when the number (as read from a file) is unknown or not supported. */
const struct tensor_type_info *tensor_type_info(int64_t type);
/* By name without case ("q4_k", "Q4_K_M" is a file type, not a tensor type); -1 if unknown. */
int tensor_type_by_name(const char *name);
/* Bytes of n values, n a multiple of block_values; false on overflow or a ragged n. */
bool tensor_type_bytes(enum tensor_type type, uint64_t n, uint64_t *bytes);

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f); /* round to nearest even */
float bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);

/* The scalar reference: n values (a multiple of the block) of any supported type. */
void dequantise_row(enum tensor_type type, const void *blocks, float *values, size_t n);
/* F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS; others
 * STATUS_UNSUPPORTED. Values must be finite.
 * `importance` (n weights, e.g. activations squared) may be NULL. */
enum status quantise_row(enum tensor_type type, const float *values, const float *importance,
                         void *blocks, size_t n, struct fault *fault) MUST_USE;

#endif
