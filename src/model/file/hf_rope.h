/* hf_rope.h - the settings of rotary embeddings, from config.json to GGUF. */
#ifndef LIMINAL_MODEL_HF_ROPE_H
#define LIMINAL_MODEL_HF_ROPE_H

#include "model/file/hf_architecture.h"

enum status hf_rope_add_entries(const char *architecture, const json_t *config,
                                const struct hf_sizes *sizes, struct gguf_writer *writer,
                                struct fault *fault) MUST_USE;
enum status hf_rope_factors(const char *architecture, const json_t *config,
                            const struct hf_sizes *sizes, struct arena *arena,
                            struct hf_factors factors[HF_FACTORS_MAX],
                            struct fault *fault) MUST_USE;
/* The factor by which Llama 3 divides the frequency of pair `index` of rope_width / 2: 1 for short
 * waves, `factor` for those longer than the context it was first trained on, smooth between. */
float llama3_rope_factor(uint32_t index, uint32_t rope_width, float theta, float factor,
                         float low_factor, float high_factor, float original_context);

#endif
