/* hf_architecture.c - see hf_architecture.h. The names on the left are those of the transformers
 * library, those on the right what llama.cpp writes. */
#include "model/file/hf_architecture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/file/architecture_keys.h"
#include "model/file/hf_folder.h"
#include "model/file/hf_rope.h"
#include "model/file/name_list.h"

/* ---- settings ---- */

enum setting_kind { SETTING_U32, SETTING_F32 };

struct setting {
    const char *config, *gguf;
    enum setting_kind kind;
    double fallback; /* what the library takes when config.json is silent */
};

enum { REQUIRED = -1, OMITTED = -2 }; /* fallbacks: a fault, no entry */

static const struct setting llama_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 2048},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", SETTING_F32, 1e-6},
    {"head_dim", "attention.key_length", SETTING_U32, OMITTED},
    {"head_dim", "attention.value_length", SETTING_U32, OMITTED},
    {"vocab_size", "vocab_size", SETTING_U32, OMITTED},
    {0},
};
static const struct setting qwen_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 32768},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", SETTING_F32, 1e-6},
    {"head_dim", "attention.key_length", SETTING_U32, OMITTED},
    {"head_dim", "attention.value_length", SETTING_U32, OMITTED},
    {0},
};
static const struct setting gemma2_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 8192},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", SETTING_F32, 1e-6},
    {"head_dim", "attention.key_length", SETTING_U32, 256},
    {"head_dim", "attention.value_length", SETTING_U32, 256},
    {"attn_logit_softcapping", "attn_logit_softcapping", SETTING_F32, 50},
    {"final_logit_softcapping", "final_logit_softcapping", SETTING_F32, 30},
    {"sliding_window", "attention.sliding_window", SETTING_U32, 4096},
    {0},
};
static const struct setting gemma3_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 131072},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", SETTING_F32, 1e-6},
    {"head_dim", "attention.key_length", SETTING_U32, 256},
    {"head_dim", "attention.value_length", SETTING_U32, 256},
    {"final_logit_softcapping", "final_logit_softcapping", SETTING_F32, OMITTED},
    {"sliding_window", "attention.sliding_window", SETTING_U32, 4096},
    {0},
};
static const struct setting phi3_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 4096},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", SETTING_F32, 1e-5},
    {"sliding_window", "attention.sliding_window", SETTING_U32, 0},
    {0},
};
static const struct setting bert_settings[] = {
    {"max_position_embeddings", "context_length", SETTING_U32, 512},
    {"intermediate_size", "feed_forward_length", SETTING_U32, REQUIRED},
    {"layer_norm_eps", "attention.layer_norm_epsilon", SETTING_F32, 1e-12},
    {0},
};

/* ---- tensors ---- */

struct rename {
    const char *from, *to; /* `to` NULL: left out */
};

/* Both with what follows (".weight", ".bias") kept. */
static const struct rename decoder_globals[] = {
    {"embed_tokens", "token_embd"},
    {"norm", "output_norm"},
    {"lm_head", "output"},
    {0},
};
static const struct rename llama_layers[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.rotary_emb.inv_freq", NULL},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {0},
};
static const struct rename gemma_layers[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {0},
};
static const struct rename phi3_layers[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.o_proj", "attn_output"},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {0},
};
static const struct rename bert_globals[] = {
    {"embeddings.word_embeddings", "token_embd"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.token_type_embeddings", "token_types"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"embeddings.position_ids", NULL},
    {"pooler.dense", NULL},
    {0},
};
static const struct rename bert_layers[] = {
    {"attention.self.query", "attn_q"},
    {"attention.self.key", "attn_k"},
    {"attention.self.value", "attn_v"},
    {"attention.output.dense", "attn_output"},
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"intermediate.dense", "ffn_up"},
    {"output.dense", "ffn_down"},
    {"output.LayerNorm", "layer_output_norm"},
    {0},
};

/* ---- architectures ---- */

enum trait {
    INTERLEAVED_ROPE = 1, /* GGUF has rotary pairs side by side where transformers has halves */
    NORMS_PLUS_ONE = 2,   /* GGUF stores what multiplies, 1 + w */
    NEVER_UNTIED = 4,     /* there is no output matrix, whatever the folder holds */
    ENCODER = 8,
};

struct hf_architecture {
    const char *model_type, *gguf;
    const char *activation; /* hidden_act must start with it */
    const struct setting *settings;
    const struct rename *globals, *layers;
    int traits;
};

enum { GEMMA = NORMS_PLUS_ONE | NEVER_UNTIED };

static const struct hf_architecture architectures[] = {
    {"llama", "llama", "silu", llama_settings, decoder_globals, llama_layers, INTERLEAVED_ROPE},
    {"mistral", "llama", "silu", llama_settings, decoder_globals, llama_layers, INTERLEAVED_ROPE},
    {"qwen2", "qwen2", "silu", qwen_settings, decoder_globals, llama_layers, 0},
    {"qwen3", "qwen3", "silu", qwen_settings, decoder_globals, llama_layers, 0},
    {"gemma2", "gemma2", "gelu", gemma2_settings, decoder_globals, gemma_layers, GEMMA},
    {"gemma3_text", "gemma3", "gelu", gemma3_settings, decoder_globals, gemma_layers, GEMMA},
    {"gemma3", "gemma3", "gelu", gemma3_settings, decoder_globals, gemma_layers, GEMMA},
    {"phi3", "phi3", "silu", phi3_settings, decoder_globals, phi3_layers, 0},
    {"bert", "bert", "gelu", bert_settings, bert_globals, bert_layers, ENCODER},
};

enum status hf_architecture_find(const json_t *config, const struct hf_architecture **architecture,
                                 struct fault *fault)
{
    const char *model_type = hf_string(config, "model_type");
    if (!model_type) return fault_set(fault, STATUS_CORRUPT, "config.json names no model_type");
    struct name_list known = {""};
    for (size_t i = 0; i < ARRAY_COUNT(architectures); i++) {
        *architecture = &architectures[i];
        if (strcmp(architectures[i].model_type, model_type) == 0) return OK;
        name_list_add(&known, architectures[i].model_type);
    }
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "models of type \"%.60s\" cannot be converted; these can: %s", model_type,
                     known.text);
}

const char *hf_architecture_name(const struct hf_architecture *architecture)
{
    return architecture->gguf;
}

/* ---- settings to entries ---- */

static enum status add_setting(const struct hf_architecture *architecture,
                               const struct setting *setting, const json_t *config,
                               struct gguf_writer *writer, struct fault *fault)
{
    const json_t *value = json_object_get(config, setting->config);
    bool absent = !value || json_is_null(value);
    if (absent && setting->fallback == OMITTED) return OK;
    if (absent && setting->fallback == REQUIRED)
        return fault_set(fault, STATUS_CORRUPT, "config.json lacks \"%s\"", setting->config);
    if (setting->kind == SETTING_U32) {
        uint32_t number = absent ? (uint32_t)setting->fallback : 0;
        TRY(hf_u32(config, setting->config, &number, fault));
        architecture_add_u32(writer, architecture->gguf, setting->gguf, number);
    } else {
        float number = (float)setting->fallback;
        TRY(hf_f32(config, setting->config, &number, fault));
        architecture_add_f32(writer, architecture->gguf, setting->gguf, number);
    }
    return OK;
}

/* Sizes that config.json of a Gemma may leave to the library. */
static const struct hf_sizes gemma_defaults = {.heads = 8, .kv_heads = 4, .head_width = 256};

static enum status read_sizes(const struct hf_architecture *architecture, const json_t *config,
                              struct hf_sizes *sizes, struct fault *fault)
{
    bool is_gemma = architecture->traits & NORMS_PLUS_ONE;
    *sizes = is_gemma ? gemma_defaults : (struct hf_sizes){0};
    TRY(hf_u32(config, "num_hidden_layers", &sizes->layers, fault));
    TRY(hf_u32(config, "hidden_size", &sizes->width, fault));
    TRY(hf_u32(config, "num_attention_heads", &sizes->heads, fault));
    if (!is_gemma) sizes->kv_heads = sizes->heads;
    TRY(hf_u32(config, "num_key_value_heads", &sizes->kv_heads, fault));
    if (!sizes->layers || !sizes->width || !sizes->heads || !sizes->kv_heads)
        return fault_set(fault, STATUS_CORRUPT,
                         "config.json lacks num_hidden_layers, hidden_size or "
                         "num_attention_heads");
    if (sizes->heads % sizes->kv_heads != 0)
        return fault_set(fault, STATUS_CORRUPT,
                         "%" PRIu32 " heads do not share %" PRIu32 " key-value heads evenly",
                         sizes->heads, sizes->kv_heads);
    if (!is_gemma) sizes->head_width = sizes->width / sizes->heads;
    return hf_u32(config, "head_dim", &sizes->head_width, fault);
}

static enum status check_activation(const struct hf_architecture *architecture,
                                    const json_t *config, struct fault *fault)
{
    const char *activation = hf_string(config, "hidden_activation");
    if (!activation) activation = hf_string(config, "hidden_act");
    if (!activation ||
        strncmp(activation, architecture->activation, strlen(architecture->activation)) == 0)
        return OK;
    return fault_set(fault, STATUS_UNSUPPORTED, "the activation \"%.40s\" is not supported in %s",
                     activation, architecture->gguf);
}

enum status hf_architecture_add_entries(const struct hf_architecture *architecture,
                                        const json_t *config, struct gguf_writer *writer,
                                        struct hf_sizes *sizes, struct fault *fault)
{
    TRY(check_activation(architecture, config, fault));
    TRY(read_sizes(architecture, config, sizes, fault));
    const char *name = architecture->gguf;
    architecture_add_u32(writer, name, "block_count", sizes->layers);
    architecture_add_u32(writer, name, "embedding_length", sizes->width);
    architecture_add_u32(writer, name, "attention.head_count", sizes->heads);
    architecture_add_u32(writer, name, "attention.head_count_kv", sizes->kv_heads);
    for (const struct setting *setting = architecture->settings; setting->config; setting++)
        TRY(add_setting(architecture, setting, config, writer, fault));
    if (architecture->traits & ENCODER) {
        const char *positions = hf_string(config, "position_embedding_type");
        if (positions && strcmp(positions, "absolute") != 0)
            return fault_set(fault, STATUS_UNSUPPORTED,
                             "the position embedding \"%.40s\" is not supported", positions);
        architecture_add_bool(writer, name, "attention.causal", false);
        return OK;
    }
    return hf_rope_add_entries(name, config, sizes, writer, fault);
}

/* ---- renaming ---- */

/* The part of `name` after `prefix`, or NULL. */
static const char *after(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

/* Model classes wrap the plain model in names of their own. */
static const char *unwrap(const char *name)
{
    static const char *const wrappers[] = {"language_model.", "bert.", "model."};
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < ARRAY_COUNT(wrappers) && !found; i++) {
            const char *rest = after(name, wrappers[i]);
            if (rest) name = rest;
            found = rest != NULL;
        }
    }
    return name;
}

/* What a text model has no use for. */
static bool is_foreign_part(const char *name)
{
    return strstr(name, "vision_tower.") || strstr(name, "multi_modal_projector.") ||
           after(name, "cls.");
}

/* Match "from" or "from.weight", and give the rest (".weight"). */
static const struct rename *match(const struct rename *renames, const char *name, const char **rest)
{
    for (; renames->from; renames++) {
        *rest = after(name, renames->from);
        if (*rest && (**rest == '\0' || **rest == '.')) return renames;
    }
    return NULL;
}

/* "layers.3.mlp.up_proj.weight": the layer, and what follows it; NULL for a global name. */
static const char *layer_part(const char *name, uint32_t *layer)
{
    const char *number = after(name, "layers.");
    if (!number) number = after(name, "encoder.layer.");
    if (!number || *number < '0' || *number > '9') return NULL;
    char *end;
    unsigned long value = strtoul(number, &end, 10);
    *layer = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    return *end == '.' ? end + 1 : NULL;
}

static float value_to_add(const struct hf_architecture *architecture, const char *name)
{
    bool is_norm = text_ends_with(text_of(name), TEXT("norm.weight"));
    return architecture->traits & NORMS_PLUS_ONE && is_norm ? 1.0f : 0.0f;
}

static uint32_t heads_to_permute(const struct hf_architecture *architecture,
                                 const struct hf_sizes *sizes, const char *local_name)
{
    if (!(architecture->traits & INTERLEAVED_ROPE)) return 0;
    if (after(local_name, "self_attn.q_proj.")) return sizes->heads;
    return after(local_name, "self_attn.k_proj.") ? sizes->kv_heads : 0;
}

enum status hf_architecture_tensor(const struct hf_architecture *architecture, const json_t *config,
                                   const struct hf_sizes *sizes, const char *name,
                                   struct arena *arena, struct hf_tensor_rule *rule,
                                   struct fault *fault)
{
    *rule = (struct hf_tensor_rule){0};
    if (is_foreign_part(name)) return OK;
    const char *plain = unwrap(name), *rest;
    bool tied = json_is_true(json_object_get(config, "tie_word_embeddings")) ||
                architecture->traits & NEVER_UNTIED;
    if (after(plain, "lm_head.") && tied) return OK;
    uint32_t layer = 0;
    const char *local = layer_part(plain, &layer);
    const struct rename *rename = local ? match(architecture->layers, local, &rest)
                                        : match(architecture->globals, plain, &rest);
    if (!rename || (local && layer >= sizes->layers))
        return fault_set(fault, STATUS_UNSUPPORTED, "the tensor \"%.100s\" has no place in a %s",
                         name, architecture->gguf);
    if (!rename->to) return OK;
    rule->name = local ? arena_printf(arena, "blk.%" PRIu32 ".%s%s", layer, rename->to, rest)
                       : arena_printf(arena, "%s%s", rename->to, rest);
    if (!rule->name) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for names");
    rule->permuted_heads = local ? heads_to_permute(architecture, sizes, local) : 0;
    rule->add = value_to_add(architecture, name);
    return OK;
}

enum status hf_architecture_factors(const struct hf_architecture *architecture,
                                    const json_t *config, const struct hf_sizes *sizes,
                                    struct arena *arena, struct hf_factors factors[HF_FACTORS_MAX],
                                    struct fault *fault)
{
    if (architecture->traits & ENCODER) return OK;
    return hf_rope_factors(architecture->gguf, config, sizes, arena, factors, fault);
}
