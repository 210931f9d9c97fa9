/* synth.c - see synth.h.
 *
 * A gigabyte of fresh random numbers would take minutes, and a benchmark does not need them: for
 * each type a pool of random blocks is made once, and every tensor is written from pieces of it. A
 * block gets random bytes, and then the scale (and minimum) that give its values the wanted mean
 * and spread; this serves all types alike, also those that nobody here can quantise to. */
#include "model/file/synth.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/tensor_blocks.h"
#include "model/file/file_type.h"
#include "model/file/hf_rope.h"
#include "model/file/name_list.h"
#include "model/file/synth_shape.h"
#include "model/file/synth_tokenizer.h"

enum { POOL_BYTES = 4 << 20, PIECE_BLOCKS = 8191 /* prime: rows start at ever new places */ };

struct pool {
    unsigned char *bytes; /* NULL until needed */
    size_t blocks;
};

struct synthesis {
    const struct synth_shape *shape;
    const struct file_type *file_type;
    struct gguf_writer *writer;
    struct pool pools[TENSOR_TYPE_COUNT];
    uint64_t random; /* state; never 0 */
    float spread;    /* standard deviation of the weights */
};

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016 */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1D;
}

/* Roughly normal with variance 1: the sum of four uniform numbers. */
static float random_normal(uint64_t *state)
{
    uint64_t bits = next_random(state);
    int32_t sum = (int32_t)(bits & 0xffff) + (int32_t)(bits >> 16 & 0xffff) +
                  (int32_t)(bits >> 32 & 0xffff) + (int32_t)(bits >> 48);
    return (float)(sum - 2 * 65535) * (1.7320508f / 65536.0f);
}

/* ---- blocks ---- */

enum { NO_MINIMUM = -1 };

/* Where a block keeps the F16 numbers that stretch and shift all of its values. */
static const struct block_knobs {
    int scale, minimum; /* byte offsets */
} knobs[TENSOR_TYPE_COUNT] = {
    [TENSOR_Q4_0] = {offsetof(struct block_q4_0, scale), NO_MINIMUM},
    [TENSOR_Q4_1] = {offsetof(struct block_q4_1, scale), offsetof(struct block_q4_1, minimum)},
    [TENSOR_Q5_0] = {offsetof(struct block_q5_0, scale), NO_MINIMUM},
    [TENSOR_Q5_1] = {offsetof(struct block_q5_1, scale), offsetof(struct block_q5_1, minimum)},
    [TENSOR_Q8_0] = {offsetof(struct block_q8_0, scale), NO_MINIMUM},
    [TENSOR_Q2_K] = {offsetof(struct block_q2_k, scale), offsetof(struct block_q2_k, minimum)},
    [TENSOR_Q3_K] = {offsetof(struct block_q3_k, scale), NO_MINIMUM},
    [TENSOR_Q4_K] = {offsetof(struct block_q4_k, scale), offsetof(struct block_q4_k, minimum)},
    [TENSOR_Q5_K] = {offsetof(struct block_q5_k, scale), offsetof(struct block_q5_k, minimum)},
    [TENSOR_Q6_K] = {offsetof(struct block_q6_k, scale), NO_MINIMUM},
    [TENSOR_IQ2_XXS] = {offsetof(struct block_iq2_xxs, scale), NO_MINIMUM},
    [TENSOR_IQ2_XS] = {offsetof(struct block_iq2_xs, scale), NO_MINIMUM},
    [TENSOR_IQ2_S] = {offsetof(struct block_iq2_s, scale), NO_MINIMUM},
    [TENSOR_IQ3_XXS] = {offsetof(struct block_iq3_xxs, scale), NO_MINIMUM},
    [TENSOR_IQ3_S] = {offsetof(struct block_iq3_s, scale), NO_MINIMUM},
    [TENSOR_IQ4_NL] = {offsetof(struct block_iq4_nl, scale), NO_MINIMUM},
    [TENSOR_IQ4_XS] = {offsetof(struct block_iq4_xs, scale), NO_MINIMUM},
};

static void turn_knobs(enum tensor_type type, unsigned char *block, float scale, float minimum)
{
    uint16_t half = f32_to_f16(scale);
    memcpy(block + knobs[type].scale, &half, sizeof half);
    if (knobs[type].minimum == NO_MINIMUM) return;
    half = f32_to_f16(minimum);
    memcpy(block + knobs[type].minimum, &half, sizeof half);
}

static float mean_of(const float *values, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    return sum / (float)count;
}

static float spread_of(const float *values, size_t count)
{
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i] * values[i];
    return sqrtf(sum / (float)count);
}

/* Values are linear in scale and minimum, so two trials tell what to set. */
static void balance_block(enum tensor_type type, unsigned char *block, float spread)
{
    size_t count = tensor_type_info(type)->block_values;
    float values[SUPER_VALUES];
    float minimum = 0;
    if (knobs[type].minimum != NO_MINIMUM) {
        turn_knobs(type, block, 0, 1);
        dequantise_row(type, block, values, count);
        float shift = mean_of(values, count);
        turn_knobs(type, block, 1, 0);
        dequantise_row(type, block, values, count);
        minimum = shift != 0 ? -mean_of(values, count) / shift : 0;
    }
    turn_knobs(type, block, 1, minimum);
    dequantise_row(type, block, values, count);
    float trial = spread_of(values, count);
    float scale = trial > 0 ? spread / trial : 0;
    turn_knobs(type, block, scale, scale * minimum);
}

static void random_block(enum tensor_type type, unsigned char *block, float spread, uint64_t *state)
{
    size_t bytes = tensor_type_info(type)->block_bytes;
    if (tensor_type_info(type)->block_values == 1) {
        float value = spread * random_normal(state);
        /* Like most models that are handed on in F16: trained in BF16, so that both hold them. */
        if (type == TENSOR_F16) value = bf16_to_f32(f32_to_bf16(value));
        uint16_t half = type == TENSOR_BF16 ? f32_to_bf16(value) : f32_to_f16(value);
        memcpy(block, type == TENSOR_F32 ? (const void *)&value : &half, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t bits = next_random(state);
        memcpy(block + i, &bits, bytes - i < sizeof bits ? bytes - i : sizeof bits);
    }
    balance_block(type, block, spread);
}

static enum status fill_pool(struct synthesis *synthesis, enum tensor_type type,
                             struct fault *fault)
{
    struct pool *pool = &synthesis->pools[type];
    if (pool->bytes) return OK;
    size_t block_bytes = tensor_type_info(type)->block_bytes;
    pool->blocks = POOL_BYTES / block_bytes;
    pool->bytes = malloc(pool->blocks * block_bytes);
    if (!pool->bytes) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for weights");
    for (size_t i = 0; i < pool->blocks; i++)
        random_block(type, pool->bytes + i * block_bytes, synthesis->spread, &synthesis->random);
    return OK;
}

/* ---- tensors ---- */

static enum status write_random(struct synthesis *synthesis, enum tensor_type type, uint64_t blocks,
                                struct fault *fault)
{
    TRY(fill_pool(synthesis, type, fault));
    const struct pool *pool = &synthesis->pools[type];
    size_t block_bytes = tensor_type_info(type)->block_bytes;
    /* What fits goes in one piece, so that no two rows of a small tensor are the same. */
    uint64_t piece = blocks <= pool->blocks ? blocks : PIECE_BLOCKS;
    while (blocks) {
        if (piece > blocks) piece = blocks;
        size_t from = next_random(&synthesis->random) % (pool->blocks - piece + 1);
        TRY(gguf_writer_data(synthesis->writer, pool->bytes + from * block_bytes,
                             (size_t)piece * block_bytes, fault));
        blocks -= piece;
    }
    return OK;
}

/* Ones, or ones of random sign. */
static enum status write_units(struct synthesis *synthesis, bool with_signs, uint64_t count,
                               struct fault *fault)
{
    for (uint64_t i = 0; i < count; i++) {
        bool negative = with_signs && next_random(&synthesis->random) >> 63;
        float unit = negative ? -1 : 1;
        TRY(gguf_writer_data(synthesis->writer, &unit, sizeof unit, fault));
    }
    return OK;
}

static enum status write_rope_factors(struct synthesis *synthesis, struct fault *fault)
{
    const struct synth_shape *shape = synthesis->shape;
    for (uint32_t i = 0; i < shape->head_width / 2; i++) {
        float factor =
            llama3_rope_factor(i, shape->head_width, shape->rope_theta, shape->llama3_rope_factor,
                               1, 4, (float)shape->rope_original_context);
        TRY(gguf_writer_data(synthesis->writer, &factor, sizeof factor, fault));
    }
    return OK;
}

static enum status write_tensor(struct synthesis *synthesis, const struct synth_tensor *tensor,
                                enum tensor_type type, struct fault *fault)
{
    uint64_t values = tensor->dimensions[0] * tensor->dimensions[1];
    switch (tensor->content) {
    case SYNTH_ONES: return write_units(synthesis, false, values, fault);
    case SYNTH_SIGNS: return write_units(synthesis, true, values, fault);
    case SYNTH_ROPE_FACTORS: return write_rope_factors(synthesis, fault);
    case SYNTH_RANDOM: break;
    }
    return write_random(synthesis, type, values / tensor_type_info(type)->block_values, fault);
}

static enum status write_tensors(struct synthesis *synthesis, const struct synth_tensor *tensors,
                                 size_t count, const struct progress *progress, struct fault *fault)
{
    const struct synth_shape *shape = synthesis->shape;
    const struct file_type_model model = {
        .layers = shape->layers,
        .queries_per_key = shape->heads / shape->kv_heads,
        .tied = !shape->untied,
    };
    for (size_t i = 0; i < count; i++)
        gguf_writer_declare(synthesis->writer, tensors[i].name,
                            file_type_choose(synthesis->file_type, &model, tensors[i].name,
                                             tensors[i].dimensions[0], tensors[i].dimension_count)
                                .type,
                            tensors[i].dimensions, tensors[i].dimension_count);
    for (size_t i = 0; i < count; i++) {
        struct file_type_choice choice =
            file_type_choose(synthesis->file_type, &model, tensors[i].name,
                             tensors[i].dimensions[0], tensors[i].dimension_count);
        TRY(write_tensor(synthesis, &tensors[i], choice.type, fault));
        progress_report(progress, (double)(i + 1) / (double)count);
    }
    return OK;
}

/* ---- the whole ---- */

static enum status write_model(struct synthesis *synthesis, struct arena *arena,
                               const struct progress *progress, struct fault *fault)
{
    const struct synth_shape *shape = synthesis->shape;
    struct gguf_writer *writer = synthesis->writer;
    const char *architecture = synth_shape_architecture(shape);
    gguf_writer_add_string(writer, "general.architecture", text_of(architecture));
    gguf_writer_add_string(writer, "general.type", TEXT("model"));
    gguf_writer_add_string(writer, "general.name", text_of(shape->name));
    gguf_writer_add_string(writer, "general.description", TEXT("random weights"));
    gguf_writer_add_u32(writer, "general.file_type", synthesis->file_type->number);
    gguf_writer_add_u32(writer, "general.quantization_version", 2);
    synth_shape_add_entries(shape, writer);
    TRY(synth_tokenizer_add_entries(shape->vocabulary, shape->architecture == SYNTH_BERT, writer,
                                    arena, fault));
    struct synth_tensor *tensors = NULL;
    size_t count = 0;
    TRY(synth_shape_tensors(shape, arena, &tensors, &count, fault));
    return write_tensors(synthesis, tensors, count, progress, fault);
}

static enum status find_shape(const char *name, const struct synth_shape **shape,
                              struct fault *fault)
{
    struct name_list known = {""};
    for (size_t i = 0; (*shape = synth_shape_at(i)); i++) {
        if (strcmp((*shape)->name, name) == 0) return OK;
        name_list_add(&known, (*shape)->name);
    }
    return fault_set(fault, STATUS_NOT_FOUND, "there is no shape \"%.60s\"; these exist: %s", name,
                     known.text);
}

const char *synth_shape_name(size_t index)
{
    const struct synth_shape *shape = synth_shape_at(index);
    return shape ? shape->name : NULL;
}

enum status synth_model(const char *shape_name, const char *type, const char *out_path,
                        const struct progress *progress, struct fault *fault)
{
    struct synthesis synthesis = {.random = 0x9E3779B97F4A7C15};
    TRY(find_shape(shape_name, &synthesis.shape, fault));
    TRY(file_type_find(type, &synthesis.file_type, fault));
    TRY(gguf_writer_open(&synthesis.writer, out_path, fault));
    synthesis.spread =
        0.8f / sqrtf((float)synthesis.shape->width); /* activations keep their size */
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = write_model(&synthesis, &arena, progress, fault);
    if (status == OK)
        status = gguf_writer_finish(synthesis.writer, fault);
    else
        gguf_writer_abort(synthesis.writer);
    arena_deinit(&arena);
    for (int i = 0; i < TENSOR_TYPE_COUNT; i++) free(synthesis.pools[i].bytes);
    return status;
}
