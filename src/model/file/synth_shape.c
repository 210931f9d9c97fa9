/* synth_shape.c - see synth_shape.h. */
#include "model/file/synth_shape.h"

#include <inttypes.h>
#include <string.h>

#include "model/file/architecture_keys.h"

/* clang-format off */
static const struct synth_shape shapes[] = {
    /* layers, width, heads, key-value heads, head width, feed-forward, vocabulary, context,
     * rope theta, rope factor and its context, untied */
    {"llama-3.2-1b", SYNTH_LLAMA,  16, 2048, 32, 8, 64, 8192, 128256, 131072,  500000, 32, 8192, false},
    {"qwen2.5-0.5b", SYNTH_QWEN2,  24,  896, 14, 2, 64, 4864, 151936,  32768, 1000000,  0,    0, false},
    {"smollm2-135m", SYNTH_LLAMA,  30,  576,  9, 3, 64, 1536,  49152,   8192,  100000,  0,    0, false},
    /* For tests: the rows of most take blocks of 256; those of tiny-phi3 and tiny-bert do not, so
     * that fallbacks are met too. */
    {"tiny-llama",   SYNTH_LLAMA,   2,  256,  4, 2, 64,  512,   1024,   2048,   10000,  8,  256,  true},
    {"tiny-qwen2",   SYNTH_QWEN2,   2,  256,  8, 2, 32,  768,   1024,   2048, 1000000,  0,    0, false},
    {"tiny-qwen3",   SYNTH_QWEN3,   2,  256,  8, 2, 64,  512,   1024,   2048, 1000000,  0,    0, false},
    {"tiny-gemma2",  SYNTH_GEMMA2,  4,  256,  4, 2, 64,  512,   1024,   2048,   10000,  0,    0, false},
    {"tiny-gemma3",  SYNTH_GEMMA3,  7,  256,  4, 1, 64,  512,   1024,   2048, 1000000,  0,    0, false},
    {"tiny-phi3",    SYNTH_PHI3,    2,  192,  6, 6, 32,  512,   1024,   2048,   10000,  0,    0,  true},
    {"tiny-bert",    SYNTH_BERT,    2,  128,  4, 4, 32,  512,   1024,    512,       0,  0,    0, false},
};
/* clang-format on */

const struct synth_shape *synth_shape_at(size_t index)
{
    return index < ARRAY_COUNT(shapes) ? &shapes[index] : NULL;
}

const char *synth_shape_architecture(const struct synth_shape *shape)
{
    switch (shape->architecture) {
    case SYNTH_LLAMA: return "llama";
    case SYNTH_QWEN2: return "qwen2";
    case SYNTH_QWEN3: return "qwen3";
    case SYNTH_GEMMA2: return "gemma2";
    case SYNTH_GEMMA3: return "gemma3";
    case SYNTH_PHI3: return "phi3";
    case SYNTH_BERT: return "bert";
    }
    return NULL;
}

/* ---- entries ---- */

enum { WINDOW = 32 /* small, so that tests cross it */ };

static void add_decoder_entries(const struct synth_shape *shape, struct gguf_writer *writer)
{
    const char *name = synth_shape_architecture(shape);
    architecture_add_f32(writer, name, "attention.layer_norm_rms_epsilon", 1e-5f);
    architecture_add_f32(writer, name, "rope.freq_base", shape->rope_theta);
    architecture_add_u32(writer, name, "rope.dimension_count", shape->head_width);
    architecture_add_u32(writer, name, "attention.key_length", shape->head_width);
    architecture_add_u32(writer, name, "attention.value_length", shape->head_width);
    if (shape->architecture & (SYNTH_GEMMA2 | SYNTH_GEMMA3))
        architecture_add_u32(writer, name, "attention.sliding_window", WINDOW);
    if (shape->architecture == SYNTH_GEMMA2) {
        architecture_add_f32(writer, name, "attn_logit_softcapping", 50);
        architecture_add_f32(writer, name, "final_logit_softcapping", 30);
    }
    if (shape->architecture == SYNTH_GEMMA3)
        architecture_add_f32(writer, name, "rope.freq_base_swa", 10000);
    if (shape->architecture == SYNTH_PHI3) {
        architecture_add_u32(writer, name, "rope.scaling.original_context_length", shape->context);
        architecture_add_u32(writer, name, "attention.sliding_window", shape->context);
    }
}

static void add_encoder_entries(const struct synth_shape *shape, struct gguf_writer *writer)
{
    const char *name = synth_shape_architecture(shape);
    architecture_add_bool(writer, name, "attention.causal", false);
    architecture_add_f32(writer, name, "attention.layer_norm_epsilon", 1e-12f);
    architecture_add_u32(writer, name, "pooling_type", 1); /* mean */
    gguf_writer_add_u32(writer, "tokenizer.ggml.token_type_count", 2);
}

void synth_shape_add_entries(const struct synth_shape *shape, struct gguf_writer *writer)
{
    const char *name = synth_shape_architecture(shape);
    architecture_add_u32(writer, name, "block_count", shape->layers);
    architecture_add_u32(writer, name, "context_length", shape->context);
    architecture_add_u32(writer, name, "embedding_length", shape->width);
    architecture_add_u32(writer, name, "feed_forward_length", shape->feed_forward);
    architecture_add_u32(writer, name, "attention.head_count", shape->heads);
    architecture_add_u32(writer, name, "attention.head_count_kv", shape->kv_heads);
    if (shape->architecture == SYNTH_LLAMA)
        architecture_add_u32(writer, name, "vocab_size", shape->vocabulary);
    if (shape->architecture == SYNTH_BERT)
        add_encoder_entries(shape, writer);
    else
        add_decoder_entries(shape, writer);
}

/* ---- tensors ---- */

enum extent {
    NONE, /* no second dimension: a vector */
    WIDTH,
    QUERIES, /* heads x head width */
    KEYS,    /* the same of key-value heads */
    FUSED_QKV,
    HEAD,
    FEED,
    FEED_TWICE, /* gate and up in one */
    VOCABULARY,
    CONTEXT,
    SEGMENTS, /* BERT's token types */
    ROPE_PAIRS,
};

enum {
    DECODERS = SYNTH_LLAMA | SYNTH_QWEN2 | SYNTH_QWEN3 | SYNTH_GEMMA2 | SYNTH_GEMMA3 | SYNTH_PHI3,
    ALL = DECODERS | SYNTH_BERT,
    GEMMAS = SYNTH_GEMMA2 | SYNTH_GEMMA3,
    HEAD_NORMED = SYNTH_QWEN3 | SYNTH_GEMMA3,
    BIASED_QKV = SYNTH_QWEN2 | SYNTH_BERT,
};

struct tensor_row {
    const char *name;
    enum synth_content content;
    enum extent columns, rows;
    int architectures;
};

static const struct tensor_row before_layers[] = {
    {"token_embd.weight", SYNTH_RANDOM, WIDTH, VOCABULARY, ALL},
    {"position_embd.weight", SYNTH_RANDOM, WIDTH, CONTEXT, SYNTH_BERT},
    {"token_types.weight", SYNTH_RANDOM, WIDTH, SEGMENTS, SYNTH_BERT},
    {"token_embd_norm.weight", SYNTH_ONES, WIDTH, NONE, SYNTH_BERT},
    {"token_embd_norm.bias", SYNTH_RANDOM, WIDTH, NONE, SYNTH_BERT},
    {"rope_freqs.weight", SYNTH_ROPE_FACTORS, ROPE_PAIRS, NONE, SYNTH_LLAMA},
};
static const struct tensor_row in_layers[] = {
    {"attn_norm.weight", SYNTH_ONES, WIDTH, NONE, DECODERS},
    {"attn_qkv.weight", SYNTH_RANDOM, WIDTH, FUSED_QKV, SYNTH_PHI3},
    {"attn_q.weight", SYNTH_RANDOM, WIDTH, QUERIES, ALL & ~SYNTH_PHI3},
    {"attn_q.bias", SYNTH_RANDOM, QUERIES, NONE, BIASED_QKV},
    {"attn_k.weight", SYNTH_RANDOM, WIDTH, KEYS, ALL & ~SYNTH_PHI3},
    {"attn_k.bias", SYNTH_RANDOM, KEYS, NONE, BIASED_QKV},
    {"attn_v.weight", SYNTH_RANDOM, WIDTH, KEYS, ALL & ~SYNTH_PHI3},
    {"attn_v.bias", SYNTH_RANDOM, KEYS, NONE, BIASED_QKV},
    {"attn_q_norm.weight", SYNTH_ONES, HEAD, NONE, HEAD_NORMED},
    {"attn_k_norm.weight", SYNTH_ONES, HEAD, NONE, HEAD_NORMED},
    {"attn_output.weight", SYNTH_RANDOM, QUERIES, WIDTH, ALL},
    {"attn_output.bias", SYNTH_RANDOM, WIDTH, NONE, SYNTH_BERT},
    {"attn_output_norm.weight", SYNTH_ONES, WIDTH, NONE, SYNTH_BERT},
    {"attn_output_norm.bias", SYNTH_RANDOM, WIDTH, NONE, SYNTH_BERT},
    {"post_attention_norm.weight", SYNTH_ONES, WIDTH, NONE, GEMMAS},
    {"ffn_norm.weight", SYNTH_ONES, WIDTH, NONE, DECODERS},
    {"ffn_gate.weight", SYNTH_RANDOM, WIDTH, FEED, DECODERS & ~SYNTH_PHI3},
    {"ffn_up.weight", SYNTH_RANDOM, WIDTH, FEED, ALL & ~SYNTH_PHI3},
    {"ffn_up.weight", SYNTH_RANDOM, WIDTH, FEED_TWICE, SYNTH_PHI3},
    {"ffn_up.bias", SYNTH_RANDOM, FEED, NONE, SYNTH_BERT},
    {"ffn_down.weight", SYNTH_RANDOM, FEED, WIDTH, ALL},
    {"ffn_down.bias", SYNTH_RANDOM, WIDTH, NONE, SYNTH_BERT},
    {"layer_output_norm.weight", SYNTH_ONES, WIDTH, NONE, SYNTH_BERT},
    {"layer_output_norm.bias", SYNTH_RANDOM, WIDTH, NONE, SYNTH_BERT},
    {"post_ffw_norm.weight", SYNTH_ONES, WIDTH, NONE, GEMMAS},
};
static const struct tensor_row after_layers[] = {
    {"output_norm.weight", SYNTH_SIGNS, WIDTH, NONE, DECODERS},
    {"output.weight", SYNTH_RANDOM, WIDTH, VOCABULARY, DECODERS},
};

static uint64_t extent_size(const struct synth_shape *shape, enum extent extent)
{
    switch (extent) {
    case NONE: return 1;
    case WIDTH: return shape->width;
    case QUERIES: return shape->heads * shape->head_width;
    case KEYS: return shape->kv_heads * shape->head_width;
    case FUSED_QKV: return (shape->heads + 2 * shape->kv_heads) * shape->head_width;
    case HEAD: return shape->head_width;
    case FEED: return shape->feed_forward;
    case FEED_TWICE: return 2 * shape->feed_forward;
    case VOCABULARY: return shape->vocabulary;
    case CONTEXT: return shape->context;
    case SEGMENTS: return 2;
    case ROPE_PAIRS: return shape->head_width / 2;
    }
    return 0;
}

static bool shape_has(const struct synth_shape *shape, const struct tensor_row *row)
{
    if (!(row->architectures & (int)shape->architecture)) return false;
    if (row->content == SYNTH_ROPE_FACTORS) return shape->llama3_rope_factor != 0;
    return shape->untied || strcmp(row->name, "output.weight") != 0;
}

struct tensor_list {
    const struct synth_shape *shape;
    struct arena *arena;
    struct synth_tensor *tensors;
    size_t count;
};

/* `layer` -1: a name of the whole model. */
static enum status append_rows(struct tensor_list *list, const struct tensor_row *rows,
                               size_t count, int64_t layer, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        const struct tensor_row *row = &rows[i];
        if (!shape_has(list->shape, row)) continue;
        const char *name = layer < 0
                               ? row->name
                               : arena_printf(list->arena, "blk.%" PRId64 ".%s", layer, row->name);
        if (!name) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for names");
        list->tensors[list->count++] = (struct synth_tensor){
            .name = text_of(name),
            .content = row->content,
            .dimensions = {extent_size(list->shape, row->columns),
                           extent_size(list->shape, row->rows)},
            .dimension_count = row->rows == NONE ? 1 : 2,
        };
    }
    return OK;
}

enum status synth_shape_tensors(const struct synth_shape *shape, struct arena *arena,
                                struct synth_tensor **tensors, size_t *count, struct fault *fault)
{
    struct tensor_list list = {.shape = shape, .arena = arena};
    size_t most = ARRAY_COUNT(before_layers) + ARRAY_COUNT(in_layers) * shape->layers +
                  ARRAY_COUNT(after_layers);
    list.tensors = arena_alloc_array(arena, most, sizeof *list.tensors);
    if (!list.tensors) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for tensors");
    TRY(append_rows(&list, before_layers, ARRAY_COUNT(before_layers), -1, fault));
    for (uint32_t layer = 0; layer < shape->layers; layer++)
        TRY(append_rows(&list, in_layers, ARRAY_COUNT(in_layers), layer, fault));
    TRY(append_rows(&list, after_layers, ARRAY_COUNT(after_layers), -1, fault));
    *tensors = list.tensors;
    *count = list.count;
    return OK;
}
