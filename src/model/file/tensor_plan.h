/* tensor_plan.h - tensors from anywhere, row by row as floats, into a GGUF writer in the types of a
 * file type, on several threads. What converting and quantising have in common. */
#ifndef LIMINAL_MODEL_TENSOR_PLAN_H
#define LIMINAL_MODEL_TENSOR_PLAN_H

#include "model/file/file_type.h"
#include "model/file/gguf.h"
#include "model/file/progress.h"

struct tensor_plan {
    struct text name;
    uint64_t dimensions[4]; /* [0]: columns */
    uint32_t dimension_count;
    /* Fill `row` with row `index` as floats. Called from several threads at once. */
    void (*read_row)(const void *argument, uint64_t index, float *row);
    const void *argument;
    enum tensor_type type; /* chosen by tensor_plans_write */
};

/* Choose the types, declare all tensors, then write their data. Tensors that could not take the
 * type they should have are told to progress->note. STATUS_CORRUPT when a value is not finite or
 * does not fit into its type. */
enum status tensor_plans_write(struct tensor_plan *plans, size_t count,
                               const struct file_type *file_type,
                               const struct file_type_model *model, unsigned threads,
                               struct gguf_writer *writer, const struct progress *progress,
                               struct fault *fault) MUST_USE;

#endif
