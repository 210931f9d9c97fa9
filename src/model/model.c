/* model.c - opening a model file: recognise, check, pack, describe; and closing it. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"
#include "platform/platform.h"

/* ---- description ---- */

/* general.file_type: numbers of the format, for the mixes that have a name of their own. */
static const char *file_type_name(uint32_t number)
{
    static const struct {
        uint32_t number;
        const char *name;
    } names[] = {
        {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"},  {13, "Q3_K_L"},  {14, "Q4_K_S"},
        {15, "Q4_K_M"}, {16, "Q5_K_S"}, {17, "Q5_K_M"},  {19, "IQ2_XXS"}, {20, "IQ2_XS"},
        {21, "Q2_K_S"}, {22, "IQ3_XS"}, {23, "IQ3_XXS"}, {26, "IQ3_S"},   {27, "IQ3_M"},
        {28, "IQ2_S"},  {29, "IQ2_M"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (names[i].number == number) return names[i].name;
    return NULL;
}

static void copy_text(char *out, size_t capacity, struct text t)
{
    if (t.length > capacity - 1) t = text_slice(t, 0, capacity - 1);
    t.length = utf8_complete_prefix(t);
    if (t.length) memcpy(out, t.data, t.length);
    out[t.length] = '\0';
}

static struct text base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return text_of(slash ? slash + 1 : path);
}

static enum status describe(struct model *model, const char *path, struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    struct model_info *info = &model->info;
    struct text name;
    TRY(gguf_string(model->gguf, "general.name", TEXT(""), &name, fault));
    name = text_trim(name);
    copy_text(info->name, sizeof info->name, name.length ? name : base_name(path));
    snprintf(info->architecture, sizeof info->architecture, "%s", model->architecture->name);

    uint32_t file_type;
    TRY(gguf_u32(model->gguf, "general.file_type", UINT32_MAX, &file_type, fault));
    const char *type = file_type_name(file_type);
    if (!type) type = tensor_type_info(model->weights.main_type)->name;
    snprintf(info->file_type, sizeof info->file_type, "%s", type);

    int64_t bytes = file_size(path);
    info->file_bytes = bytes > 0 ? (uint64_t)bytes : 0;
    info->parameters = model->weights.parameters;
    info->weight_bytes = model->weights.read_bytes;
    info->memory_bytes = model->weights.packed_bytes;
    info->layers = p->layers;
    info->width = p->width;
    info->heads = p->heads;
    info->kv_heads = p->kv_heads;
    info->head_width = p->head_width;
    info->feed_forward = p->feed_forward;
    info->vocabulary = p->vocabulary;
    info->context_length = p->context;
    info->is_embedding = model->architecture->encoder;
    /* an encoder goes through its layers once: they share one place */
    info->kv_page_bytes = compute_kv_layer_bytes(p->kv_heads, p->head_width) *
                          (model->architecture->encoder ? 1 : p->layers);
    return OK;
}

/* ---- parts ---- */

static enum status find_architecture(struct model *model, struct fault *fault)
{
    struct text name;
    TRY(gguf_string(model->gguf, "general.architecture", TEXT(""), &name, fault));
    model->architecture = architecture_find(name);
    if (model->architecture) return OK;
    struct buffer names;
    buffer_init(&names);
    architecture_names(&names);
    if (name.length == 0)
        fault_set(fault, STATUS_CORRUPT, "the file lacks general.architecture");
    else
        fault_set(fault, STATUS_UNSUPPORTED,
                  "architecture \"%.*s\" is not supported; supported are %.*s",
                  TEXT_FORMAT(text_slice(name, 0, 60)), TEXT_FORMAT(buffer_text(&names)));
    buffer_deinit(&names);
    return name.length == 0 ? STATUS_CORRUPT : STATUS_UNSUPPORTED;
}

static enum status open_tokenizer(struct model *model, struct fault *fault)
{
    TRY(tokenizer_from_gguf(&model->tokenizer, model->gguf, fault));
    if (tokenizer_size(model->tokenizer) != model->parameters.vocabulary)
        return fault_set(fault, STATUS_CORRUPT,
                         "the tokenizer knows %u tokens, the model's vocabulary has %u",
                         tokenizer_size(model->tokenizer), model->parameters.vocabulary);
    return OK;
}

static enum status make_rope_tables(struct model *model, uint32_t context, struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    if (model->architecture->rope == ROPE_NONE) return OK;
    size_t bytes = p->rope.width / 2 * sizeof(float);
    struct rope_table *tables[] = {&model->rope, &model->local_rope};
    for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
        tables[i]->frequencies = malloc(bytes);
        if (!tables[i]->frequencies)
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the rotary frequencies");
        rope_table_fill(tables[i], &p->rope, &model->weights, i == 1, context);
    }
    return OK;
}

/* One allocation, cut into rows. Only what a batch touches is ever backed by memory. */
static enum status allocate_scratch(struct model *model, struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    struct scratch *s = &model->scratch;
    size_t query = (size_t)p->heads * p->head_width, key = (size_t)p->kv_heads * p->head_width;
    size_t wide = p->width > query ? p->width : query;
    size_t attention = query + 2 * key, feed_forward = 2 * (size_t)p->feed_forward;
    size_t shared = attention > feed_forward ? attention : feed_forward;
    size_t n = model->batch_limit;

    size_t floats = n * (2 * (size_t)p->width + wide + shared);
    size_t row_bytes = sizeof *s->pages + sizeof *s->positions;
    size_t bytes = floats * sizeof(float) + n * row_bytes;
    s->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!s->memory)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for activations (%zu MiB)",
                         bytes >> 20);
    s->residual = s->memory;
    s->sum = s->residual + n * p->width;
    s->normed = s->sum + n * p->width;
    s->q = s->normed + n * wide;
    s->k = s->q + n * query;
    s->v = s->k + n * key;
    s->gate = s->q;
    s->up = s->gate + n * p->feed_forward;
    s->pages = (void *const **)(void *)(s->q + n * shared);
    s->positions = (int32_t *)(void *)(s->pages + n);
    return OK;
}

/* ---- the model ---- */

static enum status assemble(struct model *model, const char *path,
                            const struct model_options *options, struct fault *fault)
{
    TRY(find_architecture(model, fault));
    TRY(hyperparameters_read(&model->parameters, model->architecture, model->gguf, fault));
    TRY(open_tokenizer(model, fault));
    TRY(weights_load(&model->weights, model->compute, model->architecture, &model->parameters,
                     model->gguf, options, fault));
    uint32_t context =
        options && options->context_length ? options->context_length : model->parameters.context;
    TRY(make_rope_tables(model, context, fault));
    /* an encoder's rows see each other: a text must fit into one batch */
    model->batch_limit = BATCH_LIMIT;
    if (model->architecture->encoder && model->parameters.context > BATCH_LIMIT)
        model->batch_limit = model->parameters.context;
    TRY(allocate_scratch(model, fault));
    return describe(model, path, fault);
}

enum status model_open(struct model **out, struct compute *compute, const char *path,
                       const struct model_options *options, struct fault *fault)
{
    struct model *model = calloc(1, sizeof *model);
    if (!model) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the model");
    model->compute = compute;
    enum status status = gguf_open(&model->gguf, path, fault); /* its faults name the path */
    if (status == OK) {
        status = assemble(model, path, options, fault);
        if (status != OK) fault_prefix(fault, "%s", path);
    }
    if (status == OK)
        *out = model;
    else
        model_close(model);
    return status;
}

enum status model_move(struct model *model, struct compute *compute, struct fault *fault)
{
    assert(strcmp(compute_isa_name(compute), compute_isa_name(model->compute)) == 0);
    TRY(compute_reserve(compute, model->weights.widest_cols, fault));
    model->compute = compute;
    return OK;
}

void model_close(struct model *model)
{
    if (!model) return;
    weights_deinit(&model->weights);
    tokenizer_free(model->tokenizer);
    gguf_close(model->gguf);
    free(model->rope.frequencies);
    free(model->local_rope.frequencies);
    free(model->scratch.memory);
    free(model);
}

const struct model_info *model_info(const struct model *model)
{
    return &model->info;
}

const struct tokenizer *model_tokenizer(const struct model *model)
{
    return model->tokenizer;
}

struct compute *model_compute(const struct model *model)
{
    return model->compute;
}

size_t model_batch_limit(const struct model *model)
{
    return model->batch_limit;
}

struct text model_chat_template(const struct model *model)
{
    const struct gguf_value *value = gguf_find(model->gguf, "tokenizer.chat_template");
    return value && value->kind == GGUF_STRING ? value->string : TEXT("");
}
