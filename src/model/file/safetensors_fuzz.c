/* safetensors_fuzz.c - any bytes as a safetensors file: what passes the checks can be read
 * everywhere. */
#include <assert.h>

#include "model/file/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static volatile float sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct safetensors *file;
    struct fault fault;
    if (safetensors_open_memory(&file, data, length, &fault) != OK) return 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct safetensors_tensor *tensor = safetensors_at(file, i);
        assert(safetensors_find(file, tensor->name.data) == tensor);
        for (uint64_t v = 0; safetensors_is_float(tensor) && v < tensor->values; v++) {
            float value;
            safetensors_floats(tensor, v, 1, &value);
            sink = value;
        }
    }
    safetensors_close(file);
    return 0;
}
