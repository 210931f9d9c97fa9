/* quantise.c - floats to the types that we can write: see quantise_row in tensor_type.h. */
#include <inttypes.h>
#include <string.h>

#include "compute/quantise_fit.h"
#include "compute/tensor_type.h"

static void quantise_f16(const float *x, void *out, size_t n)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < n; i++) {
        uint16_t half = f32_to_f16(x[i]);
        memcpy(bytes + 2 * i, &half, sizeof half);
    }
}

static void quantise_bf16(const float *x, void *out, size_t n)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < n; i++) {
        uint16_t half = f32_to_bf16(x[i]);
        memcpy(bytes + 2 * i, &half, sizeof half);
    }
}

enum status quantise_row(enum tensor_type type, const float *values, const float *importance,
                         void *blocks, size_t n, struct fault *fault)
{
    const struct tensor_type_info *info = tensor_type_info(type);
    if (!info || n % info->block_values != 0)
        return fault_set(fault, STATUS_INVALID, "%zu values do not divide into blocks", n);
    switch (type) {
    case TENSOR_F32: memcpy(blocks, values, n * sizeof *values); return OK;
    case TENSOR_F16: quantise_f16(values, blocks, n); return OK;
    case TENSOR_BF16: quantise_bf16(values, blocks, n); return OK;
    case TENSOR_Q8_0: quantise_q8_0(values, blocks, n); return OK;
    case TENSOR_Q4_0: quantise_q4_0(values, importance, blocks, n); return OK;
    case TENSOR_Q5_0: quantise_q5_0(values, importance, blocks, n); return OK;
    case TENSOR_Q5_1: quantise_q5_1(values, importance, blocks, n); return OK;
    case TENSOR_Q4_K: quantise_q4_k(values, importance, blocks, n); return OK;
    case TENSOR_Q5_K: quantise_q5_k(values, importance, blocks, n); return OK;
    case TENSOR_Q6_K: quantise_q6_k(values, importance, blocks, n); return OK;
    case TENSOR_IQ4_NL: quantise_iq4_nl(values, importance, blocks, n); return OK;
    case TENSOR_IQ4_XS: quantise_iq4_xs(values, importance, blocks, n); return OK;
    default: break;
    }
    return fault_set(fault, STATUS_UNSUPPORTED, "there is no quantiser to %s", info->name);
}
