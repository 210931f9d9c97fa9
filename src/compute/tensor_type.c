/* tensor_type.c - what each element type is called and how many bytes it takes, and the conversion
 * of 16-bit floats. See tensor_type.h. */
#include "compute/tensor_type.h"

#include <string.h>
#include <strings.h>

#include "compute/tensor_blocks.h"

#define BLOCK(NAME, VALUES, LAYOUT)         \
    {                                       \
        NAME, VALUES, sizeof(struct LAYOUT) \
    }

static const struct tensor_type_info types[TENSOR_TYPE_COUNT] = {
    [TENSOR_F32] = {"F32", 1, 4},
    [TENSOR_F16] = {"F16", 1, 2},
    [TENSOR_BF16] = {"BF16", 1, 2},
    [TENSOR_Q4_0] = BLOCK("Q4_0", BLOCK_VALUES, block_q4_0),
    [TENSOR_Q4_1] = BLOCK("Q4_1", BLOCK_VALUES, block_q4_1),
    [TENSOR_Q5_0] = BLOCK("Q5_0", BLOCK_VALUES, block_q5_0),
    [TENSOR_Q5_1] = BLOCK("Q5_1", BLOCK_VALUES, block_q5_1),
    [TENSOR_Q8_0] = BLOCK("Q8_0", BLOCK_VALUES, block_q8_0),
    [TENSOR_Q2_K] = BLOCK("Q2_K", SUPER_VALUES, block_q2_k),
    [TENSOR_Q3_K] = BLOCK("Q3_K", SUPER_VALUES, block_q3_k),
    [TENSOR_Q4_K] = BLOCK("Q4_K", SUPER_VALUES, block_q4_k),
    [TENSOR_Q5_K] = BLOCK("Q5_K", SUPER_VALUES, block_q5_k),
    [TENSOR_Q6_K] = BLOCK("Q6_K", SUPER_VALUES, block_q6_k),
    [TENSOR_IQ2_XXS] = BLOCK("IQ2_XXS", SUPER_VALUES, block_iq2_xxs),
    [TENSOR_IQ2_XS] = BLOCK("IQ2_XS", SUPER_VALUES, block_iq2_xs),
    [TENSOR_IQ2_S] = BLOCK("IQ2_S", SUPER_VALUES, block_iq2_s),
    [TENSOR_IQ3_XXS] = BLOCK("IQ3_XXS", SUPER_VALUES, block_iq3_xxs),
    [TENSOR_IQ3_S] = BLOCK("IQ3_S", SUPER_VALUES, block_iq3_s),
    [TENSOR_IQ4_NL] = BLOCK("IQ4_NL", BLOCK_VALUES, block_iq4_nl),
    [TENSOR_IQ4_XS] = BLOCK("IQ4_XS", SUPER_VALUES, block_iq4_xs),
};

const struct tensor_type_info *tensor_type_info(int64_t type)
{
    if (type < 0 || type >= TENSOR_TYPE_COUNT || !types[type].name) return NULL;
    return &types[type];
}

int tensor_type_by_name(const char *name)
{
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++)
        if (types[type].name && strcasecmp(types[type].name, name) == 0) return type;
    return -1;
}

bool tensor_type_bytes(enum tensor_type type, uint64_t n, uint64_t *bytes)
{
    const struct tensor_type_info *info = tensor_type_info(type);
    if (!info || n % info->block_values != 0) return false;
    return !__builtin_mul_overflow(n / info->block_values, (uint64_t)info->block_bytes, bytes);
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31;
    uint32_t fraction = h & 0x3ff;
    if (exponent == 0) { /* zero and subnormals: fraction x 2^-24, exact in float */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) return float_of_bits(sign | 0x7f800000 | fraction << 13);
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Shift right, rounding to nearest and ties to even. */
static uint32_t shift_round_even(uint32_t bits, unsigned shift)
{
    uint32_t half = 1u << (shift - 1);
    uint32_t rest = bits & ((1u << shift) - 1);
    uint32_t kept = bits >> shift;
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t f32_to_f16(float f)
{
    uint32_t bits = bits_of_float(f);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);  /* NaN */
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* rounds beyond 65504 */
    if (magnitude >= 0x38800000) /* normal: 2^-14 and above; a carry rightly ends in the exponent */
        return (uint16_t)(sign | shift_round_even(magnitude - 0x38000000, 13));
    uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return (uint16_t)sign; /* below half of the least subnormal */
    return (uint16_t)(sign | shift_round_even((magnitude & 0x7fffff) | 0x800000, 126 - exponent));
}

float bf16_to_f32(uint16_t h)
{
    return float_of_bits((uint32_t)h << 16);
}

uint16_t f32_to_bf16(float f)
{
    uint32_t bits = bits_of_float(f);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40); /* keep it a NaN */
    return (uint16_t)shift_round_even(bits, 16);
}
