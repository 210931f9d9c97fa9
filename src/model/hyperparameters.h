/* hyperparameters.h - the numbers that shape a model, read from its file and checked: whatever
 * passes here is within bounds and consistent with itself, so that later code may multiply the
 * numbers without fear. */
#ifndef LIMINAL_MODEL_HYPERPARAMETERS_H
#define LIMINAL_MODEL_HYPERPARAMETERS_H

#include "base/status.h"
#include "model/architecture.h"

struct gguf;

enum { LAYERS_LIMIT = 1024 };

enum pooling { POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST }; /* numbers of the format */

enum rope_scaling { ROPE_SCALING_NONE, ROPE_SCALING_LINEAR, ROPE_SCALING_YARN, ROPE_SCALING_LONG };

struct rope_parameters {
    uint32_t width; /* values of a head that turn */
    float base, local_base;
    bool local_is_plain; /* scaling is not for local layers */
    enum rope_scaling scaling;
    float factor;              /* of the context's extension; 1: none */
    uint32_t original_context; /* before it was extended */
    float magnitude;           /* attn_factor */
    float yarn_log_multiplier, yarn_beta_fast, yarn_beta_slow;
};

struct hyperparameters {
    uint32_t layers, width, heads, kv_heads, head_width, feed_forward, vocabulary, context;
    uint32_t token_types;
    float norm_epsilon;
    float embedding_scale;
    float attention_scale; /* of q.k */
    float attention_softcap, logit_softcap;
    uint32_t window; /* of local layers */
    bool is_local[LAYERS_LIMIT];
    struct rope_parameters rope;
    enum pooling pooling;
};

/* STATUS_CORRUPT or STATUS_UNSUPPORTED with a fault that names the key. */
enum status hyperparameters_read(struct hyperparameters *parameters,
                                 const struct architecture *architecture, const struct gguf *gguf,
                                 struct fault *fault) MUST_USE;

#endif
