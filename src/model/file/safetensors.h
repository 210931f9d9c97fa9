/* safetensors.h - reading a safetensors file (mapped, nothing copied).
 *
 * Hostile until proven, like GGUF: header length, JSON, names, dtypes, shapes, offsets, overlaps
 * and gaps are checked in safetensors_open; what passes can be read without further checks.
 * docs/format-safetensors.md tells the format. */
#ifndef LIMINAL_MODEL_SAFETENSORS_H
#define LIMINAL_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum safetensors_dtype { /* those that weights come in */
                         SAFETENSORS_F64,
                         SAFETENSORS_F32,
                         SAFETENSORS_F16,
                         SAFETENSORS_BF16,
                         SAFETENSORS_I64,
                         SAFETENSORS_I32,
                         SAFETENSORS_I16,
                         SAFETENSORS_I8,
                         SAFETENSORS_U8,
                         SAFETENSORS_BOOL
};

enum { SAFETENSORS_DIMENSIONS_MAX = 8 };

struct safetensors_tensor {
    struct text name;
    enum safetensors_dtype dtype;
    uint32_t dimension_count;
    uint64_t shape[SAFETENSORS_DIMENSIONS_MAX]; /* as in PyTorch: the last is the contiguous one */
    uint64_t values;                            /* product of the shape */
    const void *data;                           /* in the map, perhaps unaligned */
    uint64_t bytes;
};

struct safetensors;
enum status safetensors_open(struct safetensors **file, const char *path,
                             struct fault *fault) MUST_USE;
/* The same over bytes in memory (tests, fuzzing); the bytes must outlive it. */
enum status safetensors_open_memory(struct safetensors **file, const void *data, size_t length,
                                    struct fault *fault) MUST_USE;
void safetensors_close(struct safetensors *file);

size_t safetensors_count(const struct safetensors *file);
/* In the order of the header. */
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index);
/* NULL when absent. Sorted, not scanned. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);
bool safetensors_is_float(const struct safetensors_tensor *tensor);
/* Values [from, from + count) of a float tensor. */
void safetensors_floats(const struct safetensors_tensor *tensor, uint64_t from, size_t count,
                        float *out);

#endif
