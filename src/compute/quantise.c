/* quantise.c - floats to the types that we can write: see quantise_row in tensor_type.h. */
#include <inttypes.h>
#include <string.h>

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
    default: return fault_set(fault, STATUS_UNSUPPORTED, "there is no quantiser to %s", info->name);
    }
}
