/* file_type.h - what "Q4_K_M" means: a file type names the type of most matrices and the rules by
 * which the others differ. Names, numbers and rules are those of llama.cpp, so that files compare.
 * Pure: knows names and widths, no files. */
#ifndef LIMINAL_MODEL_FILE_TYPE_H
#define LIMINAL_MODEL_FILE_TYPE_H

#include "base/status.h"
#include "base/text.h"
#include "compute/tensor_type.h"

struct file_type {
    const char *name;        /* "Q4_K_M" */
    uint32_t number;         /* general.file_type */
    enum tensor_type matrix; /* of most matrices */
    bool can_quantise;       /* there are quantisers for all that it needs */
};

/* What the rules need to know of the model. */
struct file_type_model {
    uint32_t layers;
    uint32_t queries_per_key; /* heads / key-value heads */
    bool tied;                /* the token embedding is the output matrix too */
};

struct file_type_choice {
    enum tensor_type wanted; /* by the rules of the file type */
    enum tensor_type type;   /* what the width allows */
};

/* By name without case; "Q4_K" and "Q5_K" mean their _M mixes. STATUS_INVALID lists all
 * that can be read. */
enum status file_type_find(const char *name, const struct file_type **type,
                           struct fault *fault) MUST_USE;
/* The same for writing: STATUS_UNSUPPORTED for a type that we only read. Both faults list those
 * that can be written. */
enum status file_type_find_writable(const char *name, const struct file_type **type,
                                    struct fault *fault) MUST_USE;
/* Index 0, 1, ...; NULL beyond the last. */
const struct file_type *file_type_at(size_t index);

/* The type for a tensor: F32 for what is no matrix (norms, biases, position tables); otherwise the
 * rule's type, or its fallback when `columns` is no multiple of its block: K and IQ types of 256
 * fall back to one of 32 of about the same size, and those to F16. */
struct file_type_choice file_type_choose(const struct file_type *type,
                                         const struct file_type_model *model, struct text name,
                                         uint64_t columns, uint32_t dimension_count);

#endif
