/* architecture.c - the table of architectures. To add one, see README.md. */
#include "model/architecture.h"

static const struct architecture architectures[] = {
    {
        .name = "llama", /* Llama 1-3, TinyLlama, SmolLM2, Mistral */
        .required = FEATURE_NORM_BEFORE | FEATURE_QKV | FEATURE_GATED | FEATURE_OUTPUT,
        .optional = FEATURE_QKV_BIAS | FEATURE_OUTPUT_BIAS | FEATURE_FEED_FORWARD_BIAS |
                    FEATURE_ROPE_FACTORS,
        .rope = ROPE_ADJACENT,
        .activation = ACTIVATION_SILU,
    },
    {
        .name = "qwen2",
        .required =
            FEATURE_NORM_BEFORE | FEATURE_QKV | FEATURE_QKV_BIAS | FEATURE_GATED | FEATURE_OUTPUT,
        .rope = ROPE_HALVES,
        .activation = ACTIVATION_SILU,
    },
    {
        .name = "qwen3",
        .required =
            FEATURE_NORM_BEFORE | FEATURE_QKV | FEATURE_QK_NORM | FEATURE_GATED | FEATURE_OUTPUT,
        .optional = FEATURE_QKV_BIAS,
        .rope = ROPE_HALVES,
        .activation = ACTIVATION_SILU,
    },
    {
        .name = "gemma2",
        .required =
            FEATURE_NORM_BEFORE | FEATURE_NORM_AFTER | FEATURE_QKV | FEATURE_GATED | FEATURE_OUTPUT,
        .rope = ROPE_HALVES,
        .activation = ACTIVATION_GELU_TANH,
        .scale_embedding = true,
        .window_period = 2,
        .default_window = 4096,
        .attention_softcap = 50,
        .logit_softcap = 30,
        .layers_scaled_by_width = 46,
    },
    {
        .name = "gemma3",
        .required = FEATURE_NORM_BEFORE | FEATURE_NORM_AFTER | FEATURE_QKV | FEATURE_QK_NORM |
                    FEATURE_GATED | FEATURE_OUTPUT,
        .rope = ROPE_HALVES,
        .activation = ACTIVATION_GELU_TANH,
        .scale_embedding = true,
        .window_period = 6,
        .local_rope_base = 10000,
        .layers_scaled_by_width = 62,
    },
    {
        .name = "phi3",
        .required = FEATURE_NORM_BEFORE | FEATURE_QKV_FUSED | FEATURE_GATED_FUSED | FEATURE_OUTPUT,
        .optional = FEATURE_ROPE_FACTORS,
        .rope = ROPE_HALVES,
        .activation = ACTIVATION_SILU,
    },
    {
        .name = "bert", /* MiniLM, BGE */
        .required = FEATURE_NORM_SUM | FEATURE_QKV | FEATURE_QKV_BIAS | FEATURE_OUTPUT_BIAS |
                    FEATURE_PLAIN | FEATURE_FEED_FORWARD_BIAS | FEATURE_POSITION,
        .rope = ROPE_NONE,
        .activation = ACTIVATION_GELU_ERF,
        .encoder = true,
    },
};

const struct architecture *architecture_find(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(architectures); i++)
        if (text_equal(name, text_of(architectures[i].name))) return &architectures[i];
    return NULL;
}

void architecture_names(struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(architectures); i++)
        buffer_printf(out, "%s%s", i ? ", " : "", architectures[i].name);
}
