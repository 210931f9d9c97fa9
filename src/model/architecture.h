/* architecture.h - what distinguishes one family of transformers from another, as data.
 *
 * An architecture is a row of traits: which tensors its block has (features) and how they are
 * used. The forward pass asks the traits and the tensors that are there; it never asks for a name.
 * README.md tells how to add one. */
#ifndef LIMINAL_MODEL_ARCHITECTURE_H
#define LIMINAL_MODEL_ARCHITECTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "compute/compute.h"

/* Groups of tensors that a file has or has not. */
enum feature {
    /* of the block */
    FEATURE_NORM_BEFORE = 1 << 0, /* RMS norm of what goes into attention and feed-forward */
    FEATURE_NORM_AFTER = 1 << 1,  /* RMS norm of what comes out, before it is added */
    FEATURE_NORM_SUM = 1 << 2,    /* layer norm of the sum (the original transformer, bert) */
    FEATURE_QKV = 1 << 3,         /* query, key, value matrices */
    FEATURE_QKV_FUSED = 1 << 4,   /* the three as the rows of one */
    FEATURE_QKV_BIAS = 1 << 5,
    FEATURE_QK_NORM = 1 << 6, /* RMS norm of every query and key head */
    FEATURE_OUTPUT_BIAS = 1 << 7,
    FEATURE_GATED = 1 << 8,       /* down(activation(gate x) * up x) */
    FEATURE_GATED_FUSED = 1 << 9, /* gate and up as the rows of one */
    FEATURE_PLAIN = 1 << 10,      /* down(activation(up x)) */
    FEATURE_FEED_FORWARD_BIAS = 1 << 11,
    /* of the whole */
    FEATURE_OUTPUT = 1 << 12,   /* final norm; the output matrix, else the embedding serves */
    FEATURE_POSITION = 1 << 13, /* learned positions, token types, norm of their sum */
    FEATURE_ROPE_FACTORS = 1 << 14,
};

enum rope_style {
    ROPE_NONE,
    ROPE_ADJACENT, /* pairs (2i, 2i+1) */
    ROPE_HALVES,   /* pairs (i, i + width/2), "neox" */
};

struct architecture {
    const char *name;            /* general.architecture */
    uint32_t required, optional; /* features */
    enum rope_style rope;
    enum activation activation;
    bool encoder;         /* every token sees all others; no output matrix */
    bool scale_embedding; /* by sqrt(width) */
    /* Sliding window: every n-th layer sees all, the others the window; 0: all see the window. */
    uint32_t window_period;
    uint32_t default_window; /* when the file names none; 0: no window */
    float local_rope_base;   /* of windowed layers; 0: as the others */
    float attention_softcap; /* when the file names none; 0: no softcap, also below */
    float logit_softcap;
    /* Gemma's 27B, known by its layers, scales queries by sqrt(width / heads) */
    uint32_t layers_scaled_by_width;
};

/* NULL when unknown. */
const struct architecture *architecture_find(struct text name);
/* "llama, qwen2, ..." for messages. */
void architecture_names(struct buffer *out);

#endif
