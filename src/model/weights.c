/* weights.c - loading by the table of tensors: first everything is checked, then packed. */
#include "model/weights.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/file/gguf.h"
#include "model/model.h"
#include "model/tensor_table.h"
#include "platform/platform.h"

/* Tensors that some files carry and inference has no use for. */
static const char *const ignored_prefixes[] = {
    "cls.", "cls_", "pooler.", /* heads that bert was trained with */
};

struct loader {
    struct weights *weights;
    struct compute *compute;
    const struct architecture *architecture;
    const struct hyperparameters *parameters;
    const struct gguf *gguf;
    const struct model_options *options;
    uint64_t total_bytes, loaded_bytes; /* of the file */
    char *free_memory;                  /* the rest of weights->matrix_memory */
    uint64_t bytes_by_type[TENSOR_TYPE_COUNT];
    struct fault *fault;
};

/* What a slot is applied to: every tensor once for checking, once for loading. */
typedef enum status slot_visit(struct loader *loader, const struct tensor_slot *slot, void *base,
                               const struct gguf_tensor *tensor);

static uint32_t extent_value(const struct hyperparameters *p, enum extent extent)
{
    switch (extent) {
    case EXTENT_NONE: return 1;
    case EXTENT_WIDTH: return p->width;
    case EXTENT_QUERY: return p->heads * p->head_width;
    case EXTENT_KEY: return p->kv_heads * p->head_width;
    case EXTENT_HEAD: return p->head_width;
    case EXTENT_FEED_FORWARD: return p->feed_forward;
    case EXTENT_VOCABULARY: return p->vocabulary;
    case EXTENT_CONTEXT: return p->context;
    case EXTENT_TOKEN_TYPES: return p->token_types;
    case EXTENT_ROPE_PAIRS: return p->rope.width / 2;
    }
    return 0;
}

/* Rows of a matrix, values of a vector. */
static uint64_t slot_length(const struct hyperparameters *p, const struct tensor_slot *slot)
{
    uint64_t length = 0;
    for (int i = 0; i < PARTS && slot->parts[i].extent != EXTENT_NONE; i++)
        length += extent_value(p, slot->parts[i].extent);
    return length;
}

static bool is_vector(const struct tensor_slot *slot)
{
    return slot->columns == EXTENT_NONE;
}

/* How much memory its matrices take. */
static enum status check_matrix(struct loader *loader, const struct tensor_slot *slot,
                                const struct gguf_tensor *tensor)
{
    uint32_t columns = extent_value(loader->parameters, slot->columns);
    for (int i = 0; i < PARTS && slot->parts[i].extent != EXTENT_NONE; i++) {
        uint32_t rows = extent_value(loader->parameters, slot->parts[i].extent);
        size_t bytes;
        enum status status = matrix_pack_bytes(tensor->type, rows, columns, &bytes, loader->fault);
        if (status != OK) {
            fault_prefix(loader->fault, "tensor %.*s", TEXT_FORMAT(tensor->name));
            return status;
        }
        loader->weights->packed_bytes += bytes;
    }
    return OK;
}

static enum status check_tensor(struct loader *loader, const struct tensor_slot *slot, void *base,
                                const struct gguf_tensor *tensor)
{
    uint64_t length = slot_length(loader->parameters, slot);
    uint64_t columns = is_vector(slot) ? length : extent_value(loader->parameters, slot->columns);
    uint64_t rows = is_vector(slot) ? 1 : length;
    const uint64_t *have = tensor->dimensions;
    if (have[0] != columns || have[1] != rows || have[2] != 1 || have[3] != 1)
        return fault_set(loader->fault, STATUS_CORRUPT,
                         "tensor %.*s is %llu x %llu; by the model's shape it must be %llu x %llu",
                         TEXT_FORMAT(tensor->name), (unsigned long long)have[0],
                         (unsigned long long)have[1], (unsigned long long)columns,
                         (unsigned long long)rows);
    const struct tensor_type_info *type = tensor_type_info(tensor->type);
    if (columns % type->block_values != 0 || (is_vector(slot) && type->block_values != 1))
        return fault_set(loader->fault, STATUS_CORRUPT,
                         "tensor %.*s has %llu columns, which its type %s cannot hold",
                         TEXT_FORMAT(tensor->name), (unsigned long long)columns, type->name);
    if (!is_vector(slot)) TRY(check_matrix(loader, slot, tensor));
    loader->total_bytes += tensor->bytes;
    loader->bytes_by_type[tensor->type] += tensor->bytes;
    loader->weights->parameters += columns * rows;
    return OK;
}

static enum status load_vector(struct loader *loader, const struct tensor_slot *slot, void *base,
                               const struct gguf_tensor *tensor)
{
    float *values =
        arena_alloc_array(&loader->weights->vectors, tensor->dimensions[0], sizeof *values);
    if (!values) return fault_set(loader->fault, STATUS_NO_MEMORY, "no memory for the weights");
    dequantise_row(tensor->type, tensor->data, values, tensor->dimensions[0]);
    for (int i = 0; i < PARTS && slot->parts[i].extent != EXTENT_NONE; i++) {
        *(float **)((char *)base + slot->parts[i].offset) = values;
        values += extent_value(loader->parameters, slot->parts[i].extent);
    }
    return OK;
}

static enum status load_matrix(struct loader *loader, const struct tensor_slot *slot, void *base,
                               const struct gguf_tensor *tensor)
{
    uint32_t columns = extent_value(loader->parameters, slot->columns);
    uint64_t row_bytes = tensor->bytes / tensor->dimensions[1];
    const unsigned char *data = tensor->data;
    for (int i = 0; i < PARTS && slot->parts[i].extent != EXTENT_NONE; i++) {
        uint32_t rows = extent_value(loader->parameters, slot->parts[i].extent);
        struct matrix *matrix = (struct matrix *)((char *)base + slot->parts[i].offset);
        TRY(matrix_pack_into(loader->compute, matrix, loader->free_memory, tensor->type, rows,
                             columns, data, loader->fault));
        loader->free_memory += matrix->packed_bytes;
        if (columns > loader->weights->widest_cols) loader->weights->widest_cols = columns;
        data += rows * row_bytes;
    }
    gguf_release_tensor(loader->gguf, tensor);
    return OK;
}

static enum status load_tensor(struct loader *loader, const struct tensor_slot *slot, void *base,
                               const struct gguf_tensor *tensor)
{
    const struct model_options *options = loader->options;
    if (options && options->abandoned && atomic_load(options->abandoned))
        return fault_set(loader->fault, STATUS_CANCELLED, "loading was abandoned");
    TRY((is_vector(slot) ? load_vector : load_matrix)(loader, slot, base, tensor));
    loader->loaded_bytes += tensor->bytes;
    if (options && options->progress)
        options->progress(options->progress_argument,
                          (double)loader->loaded_bytes / (double)loader->total_bytes);
    return OK;
}

/* Apply `visit` to every tensor of the table that the architecture has and the file holds. */
static enum status visit_slots(struct loader *loader, const struct tensor_slot *slots, size_t count,
                               const char *name_prefix, void *base, slot_visit *visit)
{
    const struct architecture *architecture = loader->architecture;
    for (size_t i = 0; i < count; i++) {
        const struct tensor_slot *slot = &slots[i];
        bool required = !slot->features || (slot->features & architecture->required);
        if (!required && !(slot->features & architecture->optional)) continue;
        char name[96];
        snprintf(name, sizeof name, "%s%s", name_prefix, slot->name);
        const struct gguf_tensor *tensor = gguf_find_tensor(loader->gguf, name);
        if (tensor)
            TRY(visit(loader, slot, base, tensor));
        else if (required && !(slot->features & MAY_BE_ABSENT))
            return fault_set(loader->fault, STATUS_CORRUPT,
                             "the file lacks tensor %s, which architecture %s needs", name,
                             architecture->name);
    }
    return OK;
}

static enum status visit_all(struct loader *loader, slot_visit *visit)
{
    struct weights *weights = loader->weights;
    TRY(visit_slots(loader, whole_slots, whole_slot_count, "", weights, visit));
    for (uint32_t i = 0; i < weights->layer_count; i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "blk.%u.", i);
        TRY(visit_slots(loader, layer_slots, layer_slot_count, prefix, &weights->layers[i], visit));
    }
    return OK;
}

static bool slot_names(const struct tensor_slot *slots, size_t count, const struct loader *loader,
                       struct text name)
{
    uint32_t features = loader->architecture->required | loader->architecture->optional;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].features && !(slots[i].features & features)) continue;
        if (text_equal(name, text_of(slots[i].name))) return true;
    }
    return false;
}

/* "blk.12.attn_q.weight" of a layer that exists: the name after the number is in the table. */
static bool is_layer_tensor(const struct loader *loader, struct text name)
{
    if (!text_starts_with(name, TEXT("blk."))) return false;
    uint64_t layer = 0;
    size_t at = 4;
    for (; at < name.length && at < 10 && name.data[at] >= '0' && name.data[at] <= '9'; at++)
        layer = layer * 10 + (uint64_t)(name.data[at] - '0');
    if (at == 4 || at == name.length || name.data[at] != '.') return false;
    return layer < loader->weights->layer_count &&
           slot_names(layer_slots, layer_slot_count, loader, text_slice(name, at + 1, name.length));
}

/* A tensor that nothing here would use means that the file is not what we take it for: computing
 * without it would give wrong answers in silence. */
static enum status refuse_strangers(const struct loader *loader)
{
    for (size_t i = 0; i < gguf_tensor_count(loader->gguf); i++) {
        struct text name = gguf_tensor_at(loader->gguf, i)->name;
        bool known = slot_names(whole_slots, whole_slot_count, loader, name) ||
                     is_layer_tensor(loader, name);
        for (size_t j = 0; !known && j < ARRAY_COUNT(ignored_prefixes); j++)
            known = text_starts_with(name, text_of(ignored_prefixes[j]));
        if (!known)
            return fault_set(loader->fault, STATUS_UNSUPPORTED,
                             "tensor %.*s is not part of architecture %s as Liminal knows it",
                             TEXT_FORMAT(text_slice(name, 0, 100)), loader->architecture->name);
    }
    return OK;
}

/* The file's own bytes are released tensor by tensor, so that this is all that stays. */
static enum status map_matrix_memory(struct loader *loader)
{
    struct weights *weights = loader->weights;
    uint64_t available_bytes = machine_memory_available();
    if (weights->packed_bytes > available_bytes)
        return fault_set(loader->fault, STATUS_NO_MEMORY,
                         "the weights take %llu MB of memory, and %llu MB are available: choose a "
                         "smaller model or type",
                         (unsigned long long)(weights->packed_bytes / 1000000),
                         (unsigned long long)(available_bytes / 1000000));
    weights->matrix_memory = large_memory_map(weights->packed_bytes);
    if (!weights->matrix_memory)
        return fault_set(loader->fault, STATUS_NO_MEMORY, "no memory for %llu MB of weights",
                         (unsigned long long)(weights->packed_bytes / 1000000));
    loader->free_memory = weights->matrix_memory;
    return OK;
}

static uint64_t products(const struct matrix *matrix)
{
    return (uint64_t)matrix->rows * matrix->cols;
}

static uint64_t format_bytes(const struct matrix *matrix)
{
    uint64_t bytes = 0;
    if (matrix->packed && !tensor_type_bytes(matrix->type, products(matrix), &bytes)) bytes = 0;
    return bytes;
}

/* What one token costs, for benches and the person who asks. */
static void count_work(struct weights *weights)
{
    for (uint32_t i = 0; i < weights->layer_count; i++) {
        const struct layer *layer = &weights->layers[i];
        const struct matrix *matrices[] = {&layer->q,    &layer->k,  &layer->v,   &layer->o,
                                           &layer->gate, &layer->up, &layer->down};
        for (size_t j = 0; j < ARRAY_COUNT(matrices); j++) {
            weights->block_products += products(matrices[j]);
            weights->read_bytes += format_bytes(matrices[j]);
        }
        weights->last_rest_products = products(&layer->o) + products(&layer->gate) +
                                      products(&layer->up) + products(&layer->down);
    }
    if (!weights->output_norm) return; /* an encoder: the embedding is only looked up */
    weights->output_products = products(weights_output(weights));
    weights->read_bytes += format_bytes(weights_output(weights));
}

static enum tensor_type most_bytes(const struct loader *loader)
{
    int most = 0;
    for (int i = 0; i < TENSOR_TYPE_COUNT; i++)
        if (loader->bytes_by_type[i] > loader->bytes_by_type[most]) most = i;
    return (enum tensor_type)most;
}

enum status weights_load(struct weights *weights, struct compute *compute,
                         const struct architecture *architecture,
                         const struct hyperparameters *parameters, const struct gguf *gguf,
                         const struct model_options *options, struct fault *fault)
{
    *weights = (struct weights){0};
    arena_init(&weights->vectors, 0);
    if (parameters->layers > gguf_tensor_count(gguf))
        return fault_set(fault, STATUS_CORRUPT, "%u layers cannot come from %zu tensors",
                         parameters->layers, gguf_tensor_count(gguf));
    weights->layers = calloc(parameters->layers, sizeof *weights->layers);
    if (!weights->layers) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the weights");
    weights->layer_count = parameters->layers;

    struct loader loader = {.weights = weights,
                            .compute = compute,
                            .architecture = architecture,
                            .parameters = parameters,
                            .gguf = gguf,
                            .options = options,
                            .fault = fault};
    enum status status;
    TRY_DONE(visit_all(&loader, check_tensor));
    TRY_DONE(refuse_strangers(&loader));
    TRY_DONE(map_matrix_memory(&loader));
    TRY_DONE(visit_all(&loader, load_tensor));
    count_work(weights);
    weights->main_type = most_bytes(&loader);
done:
    if (status != OK) weights_deinit(weights);
    return status;
}

void weights_deinit(struct weights *weights)
{
    large_memory_unmap(weights->matrix_memory, weights->packed_bytes);
    free(weights->layers);
    arena_deinit(&weights->vectors);
    *weights = (struct weights){0};
}
