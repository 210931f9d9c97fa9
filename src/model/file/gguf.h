/* gguf.h - reading (mapped, nothing copied) and writing GGUF files, versions 2 and 3.
 *
 * The file is hostile until proven: every offset, count, length and type is checked against the
 * file's size before use; what passes gguf_open can be read without further checks.
 * docs/format-gguf.md tells the format. */
#ifndef LIMINAL_MODEL_GGUF_H
#define LIMINAL_MODEL_GGUF_H

#include "base/status.h"
#include "base/text.h"
#include "compute/tensor_type.h"

enum gguf_kind { /* numbers of the format */
                 GGUF_U8,
                 GGUF_I8,
                 GGUF_U16,
                 GGUF_I16,
                 GGUF_U32,
                 GGUF_I32,
                 GGUF_F32,
                 GGUF_BOOL,
                 GGUF_STRING,
                 GGUF_ARRAY,
                 GGUF_U64,
                 GGUF_I64,
                 GGUF_F64
};

/* Bytes of one number of this kind; 0 for strings, arrays and unknown kinds. */
size_t gguf_kind_bytes(uint32_t kind);

struct gguf_value {
    enum gguf_kind kind;
    union {
        uint64_t u; /* unsigned kinds and bool */
        int64_t i;  /* signed kinds */
        double f;   /* float kinds */
        struct text string;
        struct {
            enum gguf_kind kind; /* never GGUF_ARRAY: nested arrays are refused */
            uint64_t count;
            const unsigned char *data;  /* packed numbers, unaligned */
            const struct text *strings; /* when kind is GGUF_STRING */
        } array;
    };
};

struct gguf_entry {
    struct text key;
    struct gguf_value value;
};

struct gguf_tensor {
    struct text name;
    enum tensor_type type;
    uint32_t dimension_count;
    uint64_t dimensions[4]; /* [0] is the contiguous one (columns); unused ones are 1 */
    const void *data;       /* in the map */
    uint64_t bytes;
};

struct gguf;
/* Map and check. STATUS_CORRUPT names what is wrong and where. */
enum status gguf_open(struct gguf **gguf, const char *path, struct fault *fault) MUST_USE;
/* The same over bytes in memory (tests, fuzzing); the bytes must outlive it. */
enum status gguf_open_memory(struct gguf **gguf, const void *data, size_t length,
                             struct fault *fault) MUST_USE;
void gguf_close(struct gguf *gguf);
/* Let the kernel drop the tensor's pages once they have been repacked. */
void gguf_release_tensor(const struct gguf *gguf, const struct gguf_tensor *tensor);

uint32_t gguf_version(const struct gguf *gguf);
size_t gguf_entry_count(const struct gguf *gguf);
const struct gguf_entry *gguf_entry_at(const struct gguf *gguf, size_t index);
size_t gguf_tensor_count(const struct gguf *gguf);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index);
/* NULL when absent. Sorted, not scanned. */
const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf, const char *name);

/* Typed look-ups: the default when the key is absent; STATUS_CORRUPT naming key and kinds when it
 * has another kind or (u32) does not fit. Any integer kind serves for u32, any float for f32. */
enum status gguf_u32(const struct gguf *gguf, const char *key, uint32_t fallback, uint32_t *out,
                     struct fault *fault) MUST_USE;
enum status gguf_f32(const struct gguf *gguf, const char *key, float fallback, float *out,
                     struct fault *fault) MUST_USE;
enum status gguf_bool(const struct gguf *gguf, const char *key, bool fallback, bool *out,
                      struct fault *fault) MUST_USE;
enum status gguf_string(const struct gguf *gguf, const char *key, struct text fallback,
                        struct text *out, struct fault *fault) MUST_USE;

/* ---- writing ---- add all entries, then declare all tensors, then write their data in order. */
struct gguf_writer;
enum status gguf_writer_open(struct gguf_writer **writer, const char *path,
                             struct fault *fault) MUST_USE;
void gguf_writer_add_u32(struct gguf_writer *writer, const char *key, uint32_t value);
void gguf_writer_add_f32(struct gguf_writer *writer, const char *key, float value);
void gguf_writer_add_bool(struct gguf_writer *writer, const char *key, bool value);
void gguf_writer_add_string(struct gguf_writer *writer, const char *key, struct text value);
void gguf_writer_add_strings(struct gguf_writer *writer, const char *key, const struct text *values,
                             uint64_t count);
void gguf_writer_add_i32s(struct gguf_writer *writer, const char *key, const int32_t *values,
                          uint64_t count);
void gguf_writer_add_f32s(struct gguf_writer *writer, const char *key, const float *values,
                          uint64_t count);
/* Copy an entry of another file. */
void gguf_writer_add_value(struct gguf_writer *writer, struct text key,
                           const struct gguf_value *value);
void gguf_writer_declare(struct gguf_writer *writer, struct text name, enum tensor_type type,
                         const uint64_t *dimensions, uint32_t dimension_count);
/* Bytes of the next declared tensor, in pieces if wished; padding is added between tensors. */
enum status gguf_writer_data(struct gguf_writer *writer, const void *data, size_t length,
                             struct fault *fault) MUST_USE;
/* fsync and rename into place; on any earlier failure the half-made file is removed. */
enum status gguf_writer_finish(struct gguf_writer *writer, struct fault *fault) MUST_USE;
void gguf_writer_abort(struct gguf_writer *writer);

#endif
