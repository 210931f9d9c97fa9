/* hyperparameters.c - reading ARCHITECTURE.some.key from a GGUF file with bounds on every value. */
#include "model/hyperparameters.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/file/gguf.h"

enum {
    WIDTH_LIMIT = 1 << 17,
    HEADS_LIMIT = 1024,
    FEED_FORWARD_LIMIT = 1 << 20,
    VOCABULARY_LIMIT = 1 << 22,
    CONTEXT_LIMIT = 1 << 24,
    TOKEN_TYPES_LIMIT = 1024,
    KEY_BYTES = 128,
};

/* Where values come from: keys are prefixed with the architecture's name. */
struct reader {
    const struct gguf *gguf;
    const char *prefix;
    struct fault *fault;
};

static const char *full_key(const struct reader *reader, const char *key, char out[KEY_BYTES])
{
    snprintf(out, KEY_BYTES, "%s.%s", reader->prefix, key);
    return out;
}

static const struct gguf_value *find(const struct reader *reader, const char *key)
{
    char full[KEY_BYTES];
    return gguf_find(reader->gguf, full_key(reader, key, full));
}

static enum status read_u32(const struct reader *reader, const char *key, uint32_t fallback,
                            uint32_t low, uint32_t high, uint32_t *out)
{
    char full[KEY_BYTES];
    TRY(gguf_u32(reader->gguf, full_key(reader, key, full), fallback, out, reader->fault));
    if (*out < low || *out > high)
        return fault_set(reader->fault, STATUS_CORRUPT, "%s is %u; it must be between %u and %u",
                         full, *out, low, high);
    return OK;
}

static enum status require_u32(const struct reader *reader, const char *key, uint32_t high,
                               uint32_t *out)
{
    char full[KEY_BYTES];
    if (!find(reader, key))
        return fault_set(reader->fault, STATUS_CORRUPT, "the file lacks %s",
                         full_key(reader, key, full));
    return read_u32(reader, key, 0, 1, high, out);
}

/* Any finite value in [low, high]. */
static enum status read_f32(const struct reader *reader, const char *key, float fallback, float low,
                            float high, float *out)
{
    char full[KEY_BYTES];
    TRY(gguf_f32(reader->gguf, full_key(reader, key, full), fallback, out, reader->fault));
    if (!(*out >= low && *out <= high))
        return fault_set(reader->fault, STATUS_CORRUPT, "%s is %g; it must be between %g and %g",
                         full, (double)*out, (double)low, (double)high);
    return OK;
}

static enum status read_shape(struct hyperparameters *p, const struct reader *reader)
{
    TRY(require_u32(reader, "block_count", LAYERS_LIMIT, &p->layers));
    TRY(require_u32(reader, "embedding_length", WIDTH_LIMIT, &p->width));
    TRY(require_u32(reader, "attention.head_count", HEADS_LIMIT, &p->heads));
    TRY(require_u32(reader, "feed_forward_length", FEED_FORWARD_LIMIT, &p->feed_forward));
    TRY(require_u32(reader, "context_length", CONTEXT_LIMIT, &p->context));
    TRY(read_u32(reader, "attention.head_count_kv", p->heads, 1, HEADS_LIMIT, &p->kv_heads));
    if (p->heads % p->kv_heads != 0)
        return fault_set(reader->fault, STATUS_CORRUPT,
                         "%u attention heads cannot share %u key/value heads evenly", p->heads,
                         p->kv_heads);

    if (!find(reader, "attention.key_length") && p->width % p->heads != 0)
        return fault_set(reader->fault, STATUS_CORRUPT,
                         "width %u does not divide into %u attention heads", p->width, p->heads);
    uint32_t value_width;
    TRY(read_u32(reader, "attention.key_length", p->width / p->heads, 1, COMPUTE_HEAD_WIDTH_MAX,
                 &p->head_width));
    TRY(read_u32(reader, "attention.value_length", p->head_width, 1, COMPUTE_HEAD_WIDTH_MAX,
                 &value_width));
    if (value_width != p->head_width)
        return fault_set(reader->fault, STATUS_UNSUPPORTED,
                         "keys of width %u with values of width %u are not supported",
                         p->head_width, value_width);
    if (p->heads * p->head_width > WIDTH_LIMIT)
        return fault_set(reader->fault, STATUS_CORRUPT,
                         "%u attention heads of width %u are beyond any known model", p->heads,
                         p->head_width);
    uint32_t experts;
    TRY(read_u32(reader, "expert_count", 0, 0, UINT32_MAX, &experts));
    if (experts > 0)
        return fault_set(reader->fault, STATUS_UNSUPPORTED,
                         "mixtures of experts are not supported (%s.expert_count is %u)",
                         reader->prefix, experts);
    return OK;
}

/* The vocabulary is as long as the list of tokens, whatever another key says. */
static enum status read_vocabulary(struct hyperparameters *p, const struct reader *reader)
{
    const struct gguf_value *tokens = gguf_find(reader->gguf, "tokenizer.ggml.tokens");
    if (!tokens || tokens->kind != GGUF_ARRAY)
        return fault_set(reader->fault, STATUS_CORRUPT, "the file lacks tokenizer.ggml.tokens");
    if (tokens->array.count == 0 || tokens->array.count > VOCABULARY_LIMIT)
        return fault_set(reader->fault, STATUS_CORRUPT,
                         "a vocabulary of %llu tokens; it must have between 1 and %d",
                         (unsigned long long)tokens->array.count, VOCABULARY_LIMIT);
    p->vocabulary = (uint32_t)tokens->array.count;
    const char *types_key = "tokenizer.ggml.token_type_count"; /* of bert's segments */
    TRY(gguf_u32(reader->gguf, types_key, 1, &p->token_types, reader->fault));
    if (p->token_types == 0 || p->token_types > TOKEN_TYPES_LIMIT)
        return fault_set(reader->fault, STATUS_CORRUPT, "%s is %u; it must be between 1 and %d",
                         types_key, p->token_types, TOKEN_TYPES_LIMIT);
    return OK;
}

static enum status read_attention(struct hyperparameters *p, const struct reader *reader,
                                  const struct architecture *architecture)
{
    const char *epsilon =
        architecture->encoder ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    char full[KEY_BYTES];
    if (!find(reader, epsilon))
        return fault_set(reader->fault, STATUS_CORRUPT, "the file lacks %s",
                         full_key(reader, epsilon, full));
    TRY(read_f32(reader, epsilon, 0, 1e-12F, 0.1F, &p->norm_epsilon));

    uint32_t scaled_width =
        p->layers == architecture->layers_scaled_by_width ? p->width / p->heads : p->head_width;
    float usual_scale = 1 / sqrtf((float)(scaled_width ? scaled_width : 1));
    TRY(read_f32(reader, "attention.scale", usual_scale, 0, 1e3F, &p->attention_scale));
    if (p->attention_scale == 0) p->attention_scale = usual_scale;
    TRY(read_f32(reader, "attn_logit_softcapping", architecture->attention_softcap, 0, 1e6F,
                 &p->attention_softcap));
    return read_f32(reader, "final_logit_softcapping", architecture->logit_softcap, 0, 1e6F,
                    &p->logit_softcap);
}

/* Which layers see only a window: by the file's list, by its period, or by the architecture's. */
static enum status read_window(struct hyperparameters *p, const struct reader *reader,
                               const struct architecture *architecture)
{
    TRY(read_u32(reader, "attention.sliding_window", architecture->default_window, 0, UINT32_MAX,
                 &p->window));
    if (p->window == 0) return OK;

    const char *pattern_key = "attention.sliding_window_pattern";
    const struct gguf_value *pattern = find(reader, pattern_key);
    if (pattern && pattern->kind == GGUF_ARRAY) {
        char full[KEY_BYTES];
        if (pattern->array.kind != GGUF_BOOL || pattern->array.count != p->layers)
            return fault_set(reader->fault, STATUS_CORRUPT,
                             "%s must have one truth value for each of the %u layers",
                             full_key(reader, pattern_key, full), p->layers);
        for (uint32_t i = 0; i < p->layers; i++) p->is_local[i] = pattern->array.data[i] != 0;
        return OK;
    }
    uint32_t period;
    TRY(read_u32(reader, pattern_key, architecture->window_period, 0, LAYERS_LIMIT, &period));
    for (uint32_t i = 0; i < p->layers; i++)
        p->is_local[i] = period == 0 || i % period != period - 1;
    return OK;
}

static enum status read_rope_scaling(struct rope_parameters *rope, const struct reader *reader)
{
    static const struct {
        const char *name;
        enum rope_scaling scaling;
    } known[] = {
        {"none", ROPE_SCALING_NONE},
        {"linear", ROPE_SCALING_LINEAR},
        {"yarn", ROPE_SCALING_YARN},
        {"longrope", ROPE_SCALING_LONG},
    };
    char full[KEY_BYTES];
    struct text name;
    TRY(gguf_string(reader->gguf, full_key(reader, "rope.scaling.type", full), TEXT("linear"),
                    &name, reader->fault));
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (!text_equal(name, text_of(known[i].name))) continue;
        rope->scaling = known[i].scaling;
        return OK;
    }
    return fault_set(reader->fault, STATUS_UNSUPPORTED,
                     "%s is \"%.*s\"; supported are none, linear, yarn and longrope", full,
                     TEXT_FORMAT(text_slice(name, 0, 40)));
}

static enum status read_rope(struct hyperparameters *p, const struct reader *reader,
                             const struct architecture *architecture)
{
    struct rope_parameters *rope = &p->rope;
    TRY(read_u32(reader, "rope.dimension_count", p->head_width, 2, p->head_width, &rope->width));
    if (rope->width % 2 != 0)
        return fault_set(reader->fault, STATUS_CORRUPT,
                         "%s.rope.dimension_count is %u; it must be even", reader->prefix,
                         rope->width);
    TRY(read_f32(reader, "rope.freq_base", 10000, 2, 1e12F, &rope->base));
    float local_base = architecture->local_rope_base ? architecture->local_rope_base : rope->base;
    TRY(read_f32(reader, "rope.freq_base_swa", local_base, 2, 1e12F, &rope->local_base));

    rope->local_is_plain = architecture->local_rope_base != 0;

    TRY(read_rope_scaling(rope, reader));
    float old_factor; /* the key's name before scaling types */
    TRY(read_f32(reader, "rope.scale_linear", 1, 0, 1e6F, &old_factor));
    TRY(read_f32(reader, "rope.scaling.factor", old_factor, 0, 1e6F, &rope->factor));
    if (rope->factor == 0 || rope->scaling == ROPE_SCALING_NONE) rope->factor = 1;
    TRY(read_u32(reader, "rope.scaling.original_context_length", p->context, 1, CONTEXT_LIMIT,
                 &rope->original_context));
    TRY(read_f32(reader, "rope.scaling.attn_factor", 1, 1e-3F, 1e3F, &rope->magnitude));
    TRY(read_f32(reader, "rope.scaling.yarn_log_multiplier", 0, 0, 1e3F,
                 &rope->yarn_log_multiplier));
    TRY(read_f32(reader, "rope.scaling.yarn_beta_fast", 32, 1e-3F, 1e4F, &rope->yarn_beta_fast));
    return read_f32(reader, "rope.scaling.yarn_beta_slow", 1, 1e-3F, 1e4F, &rope->yarn_beta_slow);
}

enum status hyperparameters_read(struct hyperparameters *parameters,
                                 const struct architecture *architecture, const struct gguf *gguf,
                                 struct fault *fault)
{
    const struct reader reader = {gguf, architecture->name, fault};
    *parameters = (struct hyperparameters){0};
    TRY(read_shape(parameters, &reader));
    TRY(read_vocabulary(parameters, &reader));
    TRY(read_attention(parameters, &reader, architecture));
    TRY(read_window(parameters, &reader, architecture));
    if (architecture->rope != ROPE_NONE) TRY(read_rope(parameters, &reader, architecture));
    parameters->embedding_scale =
        architecture->scale_embedding ? sqrtf((float)parameters->width) : 1;

    uint32_t pooling;
    const enum pooling usual = architecture->encoder ? POOLING_MEAN : POOLING_LAST;
    TRY(read_u32(&reader, "pooling_type", usual, POOLING_NONE, POOLING_LAST, &pooling));
    parameters->pooling = pooling == POOLING_NONE ? usual : (enum pooling)pooling;
    return OK;
}
