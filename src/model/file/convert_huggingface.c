/* convert_huggingface.c - a Hugging Face folder to GGUF: see convert.h.
 *
 * Brings together the folder (hf_folder), what its architecture calls things (hf_architecture), its
 * tokenizer (hf_tokenizer), and the writing of tensors (tensor_plan). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/file/architecture_keys.h"
#include "model/file/convert.h"
#include "model/file/hf_architecture.h"
#include "model/file/hf_folder.h"
#include "model/file/hf_tokenizer.h"
#include "model/file/tensor_plan.h"
#include "platform/platform.h"

struct conversion {
    struct hf_folder folder;
    const struct hf_architecture *architecture;
    struct hf_sizes sizes;
    struct arena arena;
    struct gguf_writer *writer;
    struct tensor_plan *plans;
    size_t plan_count;
    const struct file_type *type;
    const struct progress *progress;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory to convert a model");
}

/* ---- rows of tensors ---- */

struct source {
    const struct safetensors_tensor *tensor;
    uint64_t columns;
    uint32_t permuted_heads, head_width;
    float add;
};

/* transformers rotates the first half of a head against the second, GGUF's llama neighbours: row
 * 2j + s of a head comes from row s * half + j. */
static uint64_t permuted_row(const struct source *source, uint64_t row)
{
    uint64_t head = row / source->head_width, local = row % source->head_width;
    uint64_t half = source->head_width / 2;
    return head * source->head_width + local % 2 * half + local / 2;
}

static void read_row(const void *argument, uint64_t index, float *row)
{
    const struct source *source = argument;
    uint64_t from = source->permuted_heads ? permuted_row(source, index) : index;
    safetensors_floats(source->tensor, from * source->columns, (size_t)source->columns, row);
    if (source->add != 0)
        for (uint64_t i = 0; i < source->columns; i++) row[i] += source->add;
}

/* A bias has one row: its values are what is permuted. */
static void read_permuted_bias(const void *argument, uint64_t index, float *row)
{
    const struct source *source = argument;
    for (uint64_t i = 0; i < source->columns; i++)
        safetensors_floats(source->tensor, permuted_row(source, i), 1, &row[i]);
}

static void read_factors(const void *argument, uint64_t index, float *row)
{
    const struct hf_factors *factors = argument;
    memcpy(row, factors->values, factors->count * sizeof *row);
}

/* ---- plans ---- */

static enum status check_permutation(const struct conversion *c, const struct source *source,
                                     uint64_t outputs, struct fault *fault)
{
    if (!source->permuted_heads ||
        outputs == (uint64_t)source->permuted_heads * c->sizes.head_width)
        return OK;
    return fault_set(fault, STATUS_CORRUPT,
                     "\"%.80s\" has %" PRIu64 " outputs, not %" PRIu32 " heads of %" PRIu32,
                     source->tensor->name.data, outputs, source->permuted_heads,
                     c->sizes.head_width);
}

static enum status plan_tensor(struct conversion *c, const struct safetensors_tensor *tensor,
                               struct fault *fault)
{
    struct hf_tensor_rule rule;
    TRY(hf_architecture_tensor(c->architecture, c->folder.config, &c->sizes, tensor->name.data,
                               &c->arena, &rule, fault));
    if (!rule.name) return OK;
    if (!safetensors_is_float(tensor) || tensor->values == 0 || tensor->dimension_count < 1 ||
        tensor->dimension_count > 2)
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "\"%.80s\" is no vector or matrix of floats (quantised safetensors cannot "
                         "be converted)",
                         tensor->name.data);
    struct source *source = arena_alloc(&c->arena, sizeof *source);
    if (!source) return no_memory(fault);
    *source = (struct source){
        .tensor = tensor,
        .columns = tensor->shape[tensor->dimension_count - 1],
        .permuted_heads = rule.permuted_heads,
        .head_width = c->sizes.head_width,
        .add = rule.add,
    };
    TRY(check_permutation(c, source, tensor->shape[0], fault));
    bool is_bias = tensor->dimension_count == 1;
    c->plans[c->plan_count++] = (struct tensor_plan){
        .name = text_of(rule.name),
        .dimensions = {source->columns, is_bias ? 1 : tensor->shape[0], 1, 1},
        .dimension_count = tensor->dimension_count,
        .read_row = is_bias && rule.permuted_heads ? read_permuted_bias : read_row,
        .argument = source,
    };
    return OK;
}

static enum status plan_factors(struct conversion *c, struct fault *fault)
{
    struct hf_factors *factors = arena_alloc_array(&c->arena, HF_FACTORS_MAX, sizeof *factors);
    if (!factors) return no_memory(fault);
    TRY(hf_architecture_factors(c->architecture, c->folder.config, &c->sizes, &c->arena, factors,
                                fault));
    for (int i = 0; i < HF_FACTORS_MAX; i++)
        if (factors[i].count)
            c->plans[c->plan_count++] = (struct tensor_plan){
                .name = text_of(factors[i].name),
                .dimensions = {factors[i].count, 1, 1, 1},
                .dimension_count = 1,
                .read_row = read_factors,
                .argument = &factors[i],
            };
    return OK;
}

static enum status plan_tensors(struct conversion *c, struct fault *fault)
{
    size_t count = HF_FACTORS_MAX;
    for (size_t s = 0; s < c->folder.shard_count; s++)
        count += safetensors_count(c->folder.shards[s]);
    c->plans = arena_alloc_array(&c->arena, count, sizeof *c->plans);
    if (!c->plans) return no_memory(fault);
    for (size_t s = 0; s < c->folder.shard_count; s++)
        for (size_t i = 0; i < safetensors_count(c->folder.shards[s]); i++)
            TRY(plan_tensor(c, safetensors_at(c->folder.shards[s], i), fault));
    return plan_factors(c, fault);
}

static const struct tensor_plan *find_plan(const struct conversion *c, struct text name)
{
    for (size_t i = 0; i < c->plan_count; i++)
        if (text_equal(c->plans[i].name, name)) return &c->plans[i];
    return NULL;
}

/* Every layer must have what the first has: a missing shard is told here, not at loading. */
static enum status check_layers(const struct conversion *c, struct fault *fault)
{
    for (size_t i = 0; i < c->plan_count; i++) {
        struct text name = c->plans[i].name;
        if (!text_starts_with(name, TEXT("blk.0."))) continue;
        for (uint32_t layer = 1; layer < c->sizes.layers; layer++) {
            char wanted[160];
            snprintf(wanted, sizeof wanted, "blk.%" PRIu32 "%.*s", layer,
                     TEXT_FORMAT(text_slice(name, 5, name.length)));
            if (!find_plan(c, text_of(wanted)))
                return fault_set(fault, STATUS_CORRUPT,
                                 "the folder lacks %s, which layer 0 has; are all shards there?",
                                 wanted);
        }
    }
    return OK;
}

/* ---- entries ---- */

/* The model is called what its folder is called, also when that was given as "." or "model/". */
static void add_name(struct conversion *c)
{
    char *path = realpath(c->folder.path, NULL);
    const char *slash = path ? strrchr(path, '/') : NULL;
    gguf_writer_add_string(c->writer, "general.name", text_of(slash ? slash + 1 : c->folder.path));
    free(path);
}

static void add_general(struct conversion *c)
{
    const char *architecture = hf_architecture_name(c->architecture);
    gguf_writer_add_string(c->writer, "general.architecture", text_of(architecture));
    gguf_writer_add_string(c->writer, "general.type", TEXT("model"));
    add_name(c);
    gguf_writer_add_u32(c->writer, "general.file_type", c->type->number);
    gguf_writer_add_u32(c->writer, "general.quantization_version", 2);
}

/* GGUF's llama and qwen architectures attend to the whole context, as llama.cpp has it. */
static enum status note_lost_window(const struct conversion *c, struct fault *fault)
{
    const char *architecture = hf_architecture_name(c->architecture);
    bool keeps_window = strncmp(architecture, "gemma", 5) == 0 || strcmp(architecture, "phi3") == 0;
    uint32_t window = 0;
    TRY(hf_u32(c->folder.config, "sliding_window", &window, fault));
    bool unused = json_is_false(json_object_get(c->folder.config, "use_sliding_window"));
    if (window && !keeps_window && !unused)
        progress_note(c->progress,
                      "the sliding window of %" PRIu32
                      " tokens is lost: texts longer than it are "
                      "seen whole",
                      window);
    return OK;
}

enum pooling { POOLING_NONE = 0, POOLING_MEAN = 1, POOLING_CLS = 2, POOLING_LAST = 3 };

/* sentence-transformers say in a file of their own how token vectors become one. */
static enum status read_pooling(const struct conversion *c, enum pooling *pooling,
                                struct fault *fault)
{
    json_t *json;
    TRY(hf_folder_json(c->folder.path, "1_Pooling/config.json", &json, fault));
    *pooling = POOLING_NONE;
    if (json_is_true(json_object_get(json, "pooling_mode_mean_tokens"))) *pooling = POOLING_MEAN;
    if (json_is_true(json_object_get(json, "pooling_mode_cls_token"))) *pooling = POOLING_CLS;
    if (json_is_true(json_object_get(json, "pooling_mode_lasttoken"))) *pooling = POOLING_LAST;
    json_decref(json);
    return OK;
}

static enum status add_pooling(struct conversion *c, struct fault *fault)
{
    const char *architecture = hf_architecture_name(c->architecture);
    bool is_encoder = strcmp(architecture, "bert") == 0;
    enum pooling pooling;
    TRY(read_pooling(c, &pooling, fault));
    if (is_encoder && pooling == POOLING_NONE) {
        progress_note(c->progress, "%s has no 1_Pooling/config.json: mean pooling is assumed",
                      c->folder.path);
        pooling = POOLING_MEAN;
    }
    if (pooling != POOLING_NONE)
        architecture_add_u32(c->writer, architecture, "pooling_type", pooling);
    if (!is_encoder) return OK;
    uint32_t types = 2;
    TRY(hf_u32(c->folder.config, "type_vocab_size", &types, fault));
    gguf_writer_add_u32(c->writer, "tokenizer.ggml.token_type_count", types);
    return OK;
}

static enum status write_conversion(struct conversion *c, struct fault *fault)
{
    add_general(c);
    TRY(hf_architecture_add_entries(c->architecture, c->folder.config, c->writer, &c->sizes,
                                    fault));
    TRY(note_lost_window(c, fault));
    TRY(add_pooling(c, fault));
    TRY(plan_tensors(c, fault));
    TRY(check_layers(c, fault));
    const struct tensor_plan *embedding = find_plan(c, TEXT("token_embd.weight"));
    if (!embedding || embedding->dimension_count != 2 || embedding->dimensions[1] > INT32_MAX)
        return fault_set(fault, STATUS_CORRUPT, "the folder lacks a token embedding");
    TRY(hf_tokenizer_add_entries(&c->folder, (uint32_t)embedding->dimensions[1], c->writer,
                                 &c->arena, fault));
    const struct file_type_model model = {
        .layers = c->sizes.layers,
        .queries_per_key = c->sizes.heads / c->sizes.kv_heads,
        .tied = !find_plan(c, TEXT("output.weight")),
    };
    return tensor_plans_write(c->plans, c->plan_count, c->type, &model, machine_cores(), c->writer,
                              c->progress, fault);
}

enum status convert_huggingface(const char *folder, const char *out_path, const char *type,
                                const struct progress *progress, struct fault *fault)
{
    struct conversion c = {.progress = progress};
    TRY(file_type_find_writable(type, &c.type, fault));
    TRY(hf_folder_open(&c.folder, folder, fault));
    arena_init(&c.arena, 0);
    enum status status = hf_architecture_find(c.folder.config, &c.architecture, fault);
    if (status == OK) status = gguf_writer_open(&c.writer, out_path, fault);
    if (status == OK) {
        status = write_conversion(&c, fault);
        if (status == OK)
            status = gguf_writer_finish(c.writer, fault);
        else
            gguf_writer_abort(c.writer);
    }
    arena_deinit(&c.arena);
    hf_folder_close(&c.folder);
    return status;
}
