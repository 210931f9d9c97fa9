/* quantise_file.c - see quantise_file.h. */
#include "model/file/quantise_file.h"

#include <stdio.h>

#include "base/arena.h"
#include "model/file/tensor_plan.h"
#include "platform/platform.h"

const char *quantise_file_types(void)
{
    return "F32, F16, BF16, Q8_0, Q4_0, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K, IQ4_XS";
}

static void read_tensor_row(const void *argument, uint64_t index, float *row)
{
    const struct gguf_tensor *tensor = argument;
    uint64_t row_bytes = 0;
    bool whole = tensor_type_bytes(tensor->type, tensor->dimensions[0], &row_bytes);
    if (whole)
        dequantise_row(tensor->type, (const unsigned char *)tensor->data + index * row_bytes, row,
                       (size_t)tensor->dimensions[0]);
}

static enum status describe_model(const struct gguf *in, struct file_type_model *model,
                                  struct fault *fault)
{
    struct text architecture;
    uint32_t heads = 1, kv_heads = 1;
    char key[128];
    TRY(gguf_string(in, "general.architecture", TEXT(""), &architecture, fault));
    snprintf(key, sizeof key, "%.*s.block_count", TEXT_FORMAT(architecture));
    TRY(gguf_u32(in, key, 0, &model->layers, fault));
    snprintf(key, sizeof key, "%.*s.attention.head_count", TEXT_FORMAT(architecture));
    TRY(gguf_u32(in, key, 1, &heads, fault));
    snprintf(key, sizeof key, "%.*s.attention.head_count_kv", TEXT_FORMAT(architecture));
    TRY(gguf_u32(in, key, heads, &kv_heads, fault));
    model->queries_per_key = kv_heads ? heads / kv_heads : 1;
    model->tied = !gguf_find_tensor(in, "output.weight");
    return OK;
}

/* All entries but those that this changes. */
static void copy_entries(const struct gguf *in, struct gguf_writer *writer,
                         const struct file_type *type)
{
    static const char *const changed[] = {"general.file_type", "general.quantization_version",
                                          "general.alignment"};
    for (size_t i = 0; i < gguf_entry_count(in); i++) {
        const struct gguf_entry *entry = gguf_entry_at(in, i);
        bool copy = true;
        for (size_t c = 0; c < ARRAY_COUNT(changed); c++)
            if (text_equal(entry->key, text_of(changed[c]))) copy = false;
        if (copy) gguf_writer_add_value(writer, entry->key, &entry->value);
    }
    gguf_writer_add_u32(writer, "general.file_type", type->number);
    gguf_writer_add_u32(writer, "general.quantization_version", 2);
}

static enum status plan_tensors(const struct gguf *in, struct arena *arena,
                                struct tensor_plan **plans, struct fault *fault)
{
    size_t count = gguf_tensor_count(in);
    *plans = arena_alloc_array(arena, count, sizeof **plans);
    if (!*plans) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory to quantise");
    for (size_t i = 0; i < count; i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(in, i);
        struct tensor_plan *plan = &(*plans)[i];
        *plan = (struct tensor_plan){.name = tensor->name,
                                     .dimension_count = tensor->dimension_count,
                                     .read_row = read_tensor_row,
                                     .argument = tensor};
        for (int d = 0; d < 4; d++) plan->dimensions[d] = tensor->dimensions[d];
    }
    return OK;
}

static enum status quantise_open(const struct gguf *in, const char *out_path,
                                 const struct file_type *type, unsigned threads,
                                 struct arena *arena, const struct progress *progress,
                                 struct fault *fault)
{
    struct file_type_model model;
    struct tensor_plan *plans;
    struct gguf_writer *writer;
    TRY(describe_model(in, &model, fault));
    TRY(plan_tensors(in, arena, &plans, fault));
    TRY(gguf_writer_open(&writer, out_path, fault));
    copy_entries(in, writer, type);
    enum status status = tensor_plans_write(plans, gguf_tensor_count(in), type, &model, threads,
                                            writer, progress, fault);
    if (status == OK) return gguf_writer_finish(writer, fault);
    gguf_writer_abort(writer);
    return status;
}

enum status quantise_file(const char *in_path, const char *out_path, const char *type,
                          unsigned threads, const struct progress *progress, struct fault *fault)
{
    const struct file_type *file_type;
    TRY(file_type_find_writable(type, &file_type, fault));
    struct gguf *in;
    TRY(gguf_open(&in, in_path, fault));
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = quantise_open(in, out_path, file_type, threads ? threads : machine_cores(),
                                       &arena, progress, fault);
    arena_deinit(&arena);
    gguf_close(in);
    return status;
}
