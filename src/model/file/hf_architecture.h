/* hf_architecture.h - what the architectures of Hugging Face are called in GGUF: their settings and
 * their tensors. Pure tables and look-ups. */
#ifndef LIMINAL_MODEL_HF_ARCHITECTURE_H
#define LIMINAL_MODEL_HF_ARCHITECTURE_H

#include <jansson.h>

#include "base/arena.h"
#include "model/file/file_type.h"
#include "model/file/gguf.h"

struct hf_architecture;

/* By config.json's model_type. STATUS_UNSUPPORTED names it and those that are known. */
enum status hf_architecture_find(const json_t *config, const struct hf_architecture **architecture,
                                 struct fault *fault) MUST_USE;
const char *hf_architecture_name(const struct hf_architecture *architecture); /* in GGUF */

/* The sizes that converting needs itself. */
struct hf_sizes {
    uint32_t layers, width, heads, kv_heads, head_width;
};
/* Check the settings and add them as `<architecture>.*` entries. */
enum status hf_architecture_add_entries(const struct hf_architecture *architecture,
                                        const json_t *config, struct gguf_writer *writer,
                                        struct hf_sizes *sizes, struct fault *fault) MUST_USE;

/* What becomes of one tensor. */
struct hf_tensor_rule {
    const char *name;        /* in GGUF; NULL: not needed, leave it out */
    uint32_t permuted_heads; /* 0, or: the rotary halves of each of these heads are interleaved */
    float add;               /* to every value */
};
/* STATUS_UNSUPPORTED for a tensor that the architecture does not have. */
enum status hf_architecture_tensor(const struct hf_architecture *architecture, const json_t *config,
                                   const struct hf_sizes *sizes, const char *name,
                                   struct arena *arena, struct hf_tensor_rule *rule,
                                   struct fault *fault) MUST_USE;

/* Factors of rotary frequencies that GGUF keeps as tensors; count 0: none. */
struct hf_factors {
    const char *name; /* "rope_freqs.weight" */
    float *values;
    uint32_t count;
};
enum { HF_FACTORS_MAX = 2 };
enum status hf_architecture_factors(const struct hf_architecture *architecture,
                                    const json_t *config, const struct hf_sizes *sizes,
                                    struct arena *arena, struct hf_factors factors[HF_FACTORS_MAX],
                                    struct fault *fault) MUST_USE;

#endif
