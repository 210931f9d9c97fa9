/* hf_rope.c - see hf_rope.h.
 *
 * Settings live in "rope_theta" and "rope_scaling", or in newer files in "rope_parameters", which
 * may hold one object for full and one for sliding attention. */
#include "model/file/hf_rope.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "model/file/architecture_keys.h"
#include "model/file/hf_folder.h"

struct rope {
    const char *type;         /* "default", "linear", "llama3", "yarn", "longrope" */
    float theta, local_theta; /* 0: not given */
    float factor;
    uint32_t original_context;
    uint32_t width; /* rotated values of a head */
    const json_t *scaling;
};

static enum status read_rope(const json_t *config, const struct hf_sizes *sizes, struct rope *rope,
                             struct fault *fault)
{
    const json_t *parameters = json_object_get(config, "rope_parameters");
    const json_t *full = json_object_get(parameters, "full_attention");
    const json_t *sliding = json_object_get(parameters, "sliding_attention");
    const json_t *old = json_object_get(config, "rope_scaling");
    *rope = (struct rope){.factor = 1, .scaling = full ? full : parameters ? parameters : old};
    rope->type = hf_string(rope->scaling, "rope_type");
    if (!rope->type) rope->type = hf_string(rope->scaling, "type");
    if (!rope->type) rope->type = "default";
    if (strcmp(rope->type, "su") == 0) rope->type = "longrope";

    TRY(hf_f32(config, "rope_theta", &rope->theta, fault));
    TRY(hf_f32(rope->scaling, "rope_theta", &rope->theta, fault));
    TRY(hf_f32(config, "rope_local_base_freq", &rope->local_theta, fault));
    TRY(hf_f32(sliding, "rope_theta", &rope->local_theta, fault));
    TRY(hf_f32(rope->scaling, "factor", &rope->factor, fault));
    TRY(hf_u32(config, "max_position_embeddings", &rope->original_context, fault));
    TRY(hf_u32(config, "original_max_position_embeddings", &rope->original_context, fault));
    TRY(hf_u32(rope->scaling, "original_max_position_embeddings", &rope->original_context, fault));
    float partial = 1;
    TRY(hf_f32(config, "partial_rotary_factor", &partial, fault));
    TRY(hf_f32(rope->scaling, "partial_rotary_factor", &partial, fault));
    rope->width = (uint32_t)(partial * (float)sizes->head_width);
    if (rope->width < 2 || rope->width > sizes->head_width || rope->width % 2)
        return fault_set(fault, STATUS_CORRUPT,
                         "config.json: %" PRIu32
                         " rotated values do not fit into a head of %" PRIu32,
                         rope->width, sizes->head_width);
    return OK;
}

/* Numbers of YaRN that config.json may give. */
static enum status add_yarn(struct gguf_writer *writer, const char *architecture,
                            const struct rope *rope, struct fault *fault)
{
    static const struct {
        const char *config, *gguf;
    } numbers[] = {
        {"extrapolation_factor", "rope.scaling.yarn_ext_factor"},
        {"attention_factor", "rope.scaling.yarn_attn_factor"},
        {"beta_fast", "rope.scaling.yarn_beta_fast"},
        {"beta_slow", "rope.scaling.yarn_beta_slow"},
    };
    architecture_add_string(writer, architecture, "rope.scaling.type", "yarn");
    architecture_add_f32(writer, architecture, "rope.scaling.factor", rope->factor);
    architecture_add_u32(writer, architecture, "rope.scaling.original_context_length",
                         rope->original_context);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        float number = NAN;
        TRY(hf_f32(rope->scaling, numbers[i].config, &number, fault));
        if (!isnan(number)) architecture_add_f32(writer, architecture, numbers[i].gguf, number);
    }
    return OK;
}

/* Phi 3 compensates the attention for a context longer than it was first trained on. */
static enum status add_longrope(struct gguf_writer *writer, const char *architecture,
                                const json_t *config, const struct rope *rope, struct fault *fault)
{
    uint32_t context = rope->original_context;
    TRY(hf_u32(config, "max_position_embeddings", &context, fault));
    float scale = rope->original_context ? (float)context / (float)rope->original_context : 1;
    architecture_add_string(writer, architecture, "rope.scaling.type", "longrope");
    architecture_add_f32(
        writer, architecture, "rope.scaling.attn_factor",
        scale > 1 ? sqrtf(1 + logf(scale) / logf((float)rope->original_context)) : 1);
    return OK;
}

enum status hf_rope_add_entries(const char *architecture, const json_t *config,
                                const struct hf_sizes *sizes, struct gguf_writer *writer,
                                struct fault *fault)
{
    struct rope rope;
    TRY(read_rope(config, sizes, &rope, fault));
    bool is_phi3 = strcmp(architecture, "phi3") == 0, is_llama = strcmp(architecture, "llama") == 0;
    float theta = rope.theta;
    if (theta == 0) theta = strcmp(architecture, "gemma3") == 0 ? 1000000.0f : 10000.0f;
    architecture_add_f32(writer, architecture, "rope.freq_base", theta);
    if (rope.local_theta != 0)
        architecture_add_f32(writer, architecture, "rope.freq_base_swa", rope.local_theta);
    if (is_llama || is_phi3)
        architecture_add_u32(writer, architecture, "rope.dimension_count", rope.width);
    if (is_phi3)
        architecture_add_u32(writer, architecture, "rope.scaling.original_context_length",
                             rope.original_context);

    if (strcmp(rope.type, "default") == 0 || strcmp(rope.type, "llama3") == 0) return OK;
    if (strcmp(rope.type, "linear") == 0) {
        architecture_add_string(writer, architecture, "rope.scaling.type", "linear");
        architecture_add_f32(writer, architecture, "rope.scaling.factor", rope.factor);
        return OK;
    }
    if (strcmp(rope.type, "yarn") == 0) return add_yarn(writer, architecture, &rope, fault);
    if (strcmp(rope.type, "longrope") == 0 && is_phi3)
        return add_longrope(writer, architecture, config, &rope, fault);
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "rope scaling of type \"%.40s\" is not supported in %s", rope.type,
                     architecture);
}

/* ---- factors kept as tensors ---- */

float llama3_rope_factor(uint32_t index, uint32_t rope_width, float theta, float factor,
                         float low_factor, float high_factor, float original_context)
{
    double turn = pow(theta, 2.0 * index / rope_width);
    float wave = (float)(2 * M_PI * turn);
    if (wave < original_context / high_factor) return 1;
    if (wave > original_context / low_factor) return factor;
    float smooth = (original_context / wave - low_factor) / (high_factor - low_factor);
    return 1 / ((1 - smooth) / factor + smooth);
}

static enum status llama3_factors(const struct rope *rope, struct arena *arena,
                                  struct hf_factors *factors, struct fault *fault)
{
    float low = 1, high = 4;
    TRY(hf_f32(rope->scaling, "low_freq_factor", &low, fault));
    TRY(hf_f32(rope->scaling, "high_freq_factor", &high, fault));
    if (low <= 0 || high <= low || rope->factor <= 0 || rope->theta <= 1)
        return fault_set(fault, STATUS_CORRUPT, "config.json: rope_scaling makes no sense");
    *factors = (struct hf_factors){"rope_freqs.weight", NULL, rope->width / 2};
    factors->values = arena_alloc_array(arena, factors->count, sizeof *factors->values);
    if (!factors->values) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory");
    for (uint32_t i = 0; i < factors->count; i++)
        factors->values[i] = llama3_rope_factor(i, rope->width, rope->theta, rope->factor, low,
                                                high, (float)rope->original_context);
    return OK;
}

static enum status listed_factors(const struct rope *rope, const char *config_name,
                                  const char *tensor_name, struct arena *arena,
                                  struct hf_factors *factors, struct fault *fault)
{
    const json_t *list = json_object_get(rope->scaling, config_name);
    *factors = (struct hf_factors){tensor_name, NULL, rope->width / 2};
    if (json_array_size(list) != factors->count)
        return fault_set(fault, STATUS_CORRUPT, "config.json: %s should list %" PRIu32 " numbers",
                         config_name, factors->count);
    factors->values = arena_alloc_array(arena, factors->count, sizeof *factors->values);
    if (!factors->values) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory");
    for (uint32_t i = 0; i < factors->count; i++)
        factors->values[i] = (float)json_number_value(json_array_get(list, i));
    return OK;
}

enum status hf_rope_factors(const char *architecture, const json_t *config,
                            const struct hf_sizes *sizes, struct arena *arena,
                            struct hf_factors factors[HF_FACTORS_MAX], struct fault *fault)
{
    struct rope rope;
    TRY(read_rope(config, sizes, &rope, fault));
    if (strcmp(rope.type, "llama3") == 0) return llama3_factors(&rope, arena, factors, fault);
    if (strcmp(rope.type, "longrope") != 0) return OK;
    TRY(listed_factors(&rope, "long_factor", "rope_factors_long.weight", arena, &factors[0],
                       fault));
    return listed_factors(&rope, "short_factor", "rope_factors_short.weight", arena, &factors[1],
                          fault);
}
