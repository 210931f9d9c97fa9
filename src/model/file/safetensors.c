/* safetensors.c - see safetensors.h and docs/format-safetensors.md.
 *
 * Owns the map and the table of tensors. The rules are those of the reference implementation: a
 * header of at most 100 MB, tensors that follow one another without gap or overlap and fill the
 * file to its end. */
#include "model/file/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "compute/tensor_type.h"
#include "platform/platform.h"

enum { LENGTH_BYTES = 8, HEADER_BYTES_MAX = 100 * 1000 * 1000 };

struct safetensors {
    struct file_map map; /* empty when the bytes are the caller's */
    const unsigned char *data;
    size_t length;
    json_t *header; /* keeps the names alive */
    struct safetensors_tensor *tensors;
    const struct safetensors_tensor **by_name;
    size_t count;
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    [SAFETENSORS_F64] = {"F64", 8}, [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_F16] = {"F16", 2}, [SAFETENSORS_BF16] = {"BF16", 2},
    [SAFETENSORS_I64] = {"I64", 8}, [SAFETENSORS_I32] = {"I32", 4},
    [SAFETENSORS_I16] = {"I16", 2}, [SAFETENSORS_I8] = {"I8", 1},
    [SAFETENSORS_U8] = {"U8", 1},   [SAFETENSORS_BOOL] = {"BOOL", 1},
};

/* ---- one tensor of the header ---- */

static enum status read_dtype(const json_t *entry, struct safetensors_tensor *tensor,
                              struct fault *fault)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name) return fault_set(fault, STATUS_CORRUPT, "it has no dtype");
    for (size_t i = 0; i < ARRAY_COUNT(dtypes); i++)
        if (strcmp(dtypes[i].name, name) == 0) {
            tensor->dtype = (enum safetensors_dtype)i;
            return OK;
        }
    return fault_set(fault, STATUS_UNSUPPORTED, "the dtype %.40s is not supported", name);
}

static enum status read_shape(const json_t *entry, struct safetensors_tensor *tensor,
                              struct fault *fault)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t count = json_array_size(shape);
    if (!json_is_array(shape) || count > SAFETENSORS_DIMENSIONS_MAX)
        return fault_set(fault, STATUS_CORRUPT, "its shape is no list of at most %d numbers",
                         SAFETENSORS_DIMENSIONS_MAX);
    tensor->dimension_count = (uint32_t)count;
    tensor->values = 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(shape, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0)
            return fault_set(fault, STATUS_CORRUPT, "dimension %zu is no size", i);
        tensor->shape[i] = (uint64_t)json_integer_value(number);
        if (__builtin_mul_overflow(tensor->values, tensor->shape[i], &tensor->values))
            return fault_set(fault, STATUS_CORRUPT, "its shape overflows 64 bits");
    }
    if (__builtin_mul_overflow(tensor->values, (uint64_t)dtypes[tensor->dtype].bytes,
                               &tensor->bytes))
        return fault_set(fault, STATUS_CORRUPT, "its size overflows 64 bits");
    return OK;
}

/* Offsets count from the end of the header. */
static enum status read_place(const json_t *entry, const unsigned char *data, uint64_t room,
                              struct safetensors_tensor *tensor, struct fault *fault)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to) ||
        json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from))
        return fault_set(fault, STATUS_CORRUPT, "its data_offsets are no range");
    uint64_t begin = (uint64_t)json_integer_value(from), end = (uint64_t)json_integer_value(to);
    if (end > room)
        return fault_set(fault, STATUS_CORRUPT,
                         "its data end at %" PRIu64 ", beyond the %" PRIu64
                         " bytes of the file; was it downloaded whole?",
                         end, room);
    if (end - begin != tensor->bytes)
        return fault_set(fault, STATUS_CORRUPT,
                         "its shape needs %" PRIu64 " bytes, but data_offsets span %" PRIu64,
                         tensor->bytes, end - begin);
    tensor->data = data + begin;
    return OK;
}

static enum status read_tensor(const char *name, const json_t *entry, const unsigned char *data,
                               uint64_t room, struct safetensors_tensor *tensor,
                               struct fault *fault)
{
    tensor->name = text_of(name);
    enum status status = read_dtype(entry, tensor, fault);
    if (status == OK) status = read_shape(entry, tensor, fault);
    if (status == OK) status = read_place(entry, data, room, tensor, fault);
    if (status != OK) fault_prefix(fault, "tensor \"%.80s\"", name);
    return status;
}

/* ---- the whole ---- */

static int compare_places(const void *a, const void *b)
{
    const struct safetensors_tensor *const *left = a, *const *right = b;
    if ((*left)->data != (*right)->data) return (*left)->data < (*right)->data ? -1 : 1;
    return ((*left)->bytes > (*right)->bytes) - ((*left)->bytes < (*right)->bytes);
}

static int compare_names(const void *a, const void *b)
{
    const struct safetensors_tensor *const *left = a, *const *right = b;
    return strcmp((*left)->name.data, (*right)->name.data);
}

/* The tensors must tile the data: no byte is used twice or left over. */
static enum status check_tiling(const struct safetensors *file, const unsigned char *data,
                                struct fault *fault)
{
    const unsigned char *expected = data;
    qsort(file->by_name, file->count, sizeof(struct safetensors_tensor *), compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensors_tensor *tensor = file->by_name[i];
        if (tensor->data != expected)
            return fault_set(
                fault, STATUS_CORRUPT, "tensor \"%.80s\" %s the one before it", tensor->name.data,
                (const unsigned char *)tensor->data < expected ? "overlaps" : "leaves a gap after");
        expected += tensor->bytes;
    }
    if (expected != file->data + file->length)
        return fault_set(fault, STATUS_CORRUPT, "%zu bytes at the end belong to no tensor",
                         (size_t)(file->data + file->length - expected));
    return OK;
}

static enum status read_tensors(struct safetensors *file, const unsigned char *data,
                                struct fault *fault)
{
    size_t entries = json_object_size(file->header);
    file->tensors = calloc(entries + 1, sizeof *file->tensors);
    file->by_name = calloc(entries + 1, sizeof(struct safetensors_tensor *));
    if (!file->tensors || !file->by_name)
        return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for %zu tensors", entries);
    uint64_t room = (uint64_t)(file->data + file->length - data);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        TRY(read_tensor(name, entry, data, room, &file->tensors[file->count], fault));
        file->by_name[file->count] = &file->tensors[file->count];
        file->count++;
    }
    TRY(check_tiling(file, data, fault));
    qsort(file->by_name, file->count, sizeof(struct safetensors_tensor *), compare_names);
    return OK;
}

static enum status parse(struct safetensors *file, struct fault *fault)
{
    uint64_t header_bytes = 0;
    if (file->length < LENGTH_BYTES)
        return fault_set(fault, STATUS_CORRUPT, "too short for a safetensors file");
    memcpy(&header_bytes, file->data, sizeof header_bytes);
    if (header_bytes > HEADER_BYTES_MAX || header_bytes > file->length - LENGTH_BYTES)
        return fault_set(fault, STATUS_CORRUPT,
                         "a header of %" PRIu64 " bytes is beyond the file or the limit of %d",
                         header_bytes, HEADER_BYTES_MAX);
    json_error_t error;
    const char *text = (const char *)file->data + LENGTH_BYTES;
    file->header = json_loadb(text, (size_t)header_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(file->header))
        return fault_set(fault, STATUS_CORRUPT, "the header is no JSON object: %s",
                         file->header ? "another kind" : error.text);
    return read_tensors(file, file->data + LENGTH_BYTES + header_bytes, fault);
}

enum status safetensors_open_memory(struct safetensors **file, const void *data, size_t length,
                                    struct fault *fault)
{
    *file = NULL;
    struct safetensors *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory to open a file");
    fresh->data = data;
    fresh->length = length;
    enum status status = parse(fresh, fault);
    if (status == OK)
        *file = fresh;
    else
        safetensors_close(fresh);
    return status;
}

enum status safetensors_open(struct safetensors **file, const char *path, struct fault *fault)
{
    *file = NULL;
    struct file_map map;
    TRY(file_map_open(&map, path, fault));
    enum status status = safetensors_open_memory(file, map.data, map.length, fault);
    if (*file) {
        (*file)->map = map;
    } else {
        file_map_close(&map);
        fault_prefix(fault, "%s", path);
    }
    return status;
}

void safetensors_close(struct safetensors *file)
{
    if (!file) return;
    json_decref(file->header);
    free(file->tensors);
    free(file->by_name);
    if (file->map.length) file_map_close(&file->map);
    free(file);
}

/* ---- looking up ---- */

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t index)
{
    assert(index < file->count);
    return &file->tensors[index];
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    const struct safetensors_tensor wanted = {.name = text_of(name)}, *wanted_at = &wanted;
    const struct safetensors_tensor **found = bsearch(
        &wanted_at, file->by_name, file->count, sizeof(struct safetensors_tensor *), compare_names);
    return found ? *found : NULL;
}

bool safetensors_is_float(const struct safetensors_tensor *tensor)
{
    return tensor->dtype <= SAFETENSORS_BF16;
}

void safetensors_floats(const struct safetensors_tensor *tensor, uint64_t from, size_t count,
                        float *out)
{
    assert(safetensors_is_float(tensor) && from <= tensor->values &&
           count <= tensor->values - from);
    const unsigned char *data =
        (const unsigned char *)tensor->data + from * dtypes[tensor->dtype].bytes;
    switch (tensor->dtype) {
    case SAFETENSORS_F32: dequantise_row(TENSOR_F32, data, out, count); return;
    case SAFETENSORS_F16: dequantise_row(TENSOR_F16, data, out, count); return;
    case SAFETENSORS_BF16: dequantise_row(TENSOR_BF16, data, out, count); return;
    default:
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
    }
}
