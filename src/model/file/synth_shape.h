/* synth_shape.h - the shapes that synth.h knows: sizes, settings and the list of tensors. Pure
 * tables. */
#ifndef LIMINAL_MODEL_SYNTH_SHAPE_H
#define LIMINAL_MODEL_SYNTH_SHAPE_H

#include "base/arena.h"
#include "model/file/gguf.h"

enum synth_architecture { /* bits, so that a tensor can name all that have it */
                          SYNTH_LLAMA = 1,
                          SYNTH_QWEN2 = 2,
                          SYNTH_QWEN3 = 4,
                          SYNTH_GEMMA2 = 8,
                          SYNTH_GEMMA3 = 16,
                          SYNTH_PHI3 = 32,
                          SYNTH_BERT = 64
};

struct synth_shape {
    const char *name;
    enum synth_architecture architecture;
    uint32_t layers, width, heads, kv_heads, head_width, feed_forward, vocabulary, context;
    float rope_theta;
    float llama3_rope_factor; /* 0: no rope_freqs */
    uint32_t rope_original_context;
    bool untied; /* has an output matrix of its own */
};

const struct synth_shape *synth_shape_at(size_t index);                /* NULL beyond the last */
const char *synth_shape_architecture(const struct synth_shape *shape); /* "llama" */
void synth_shape_add_entries(const struct synth_shape *shape, struct gguf_writer *writer);

enum synth_content {
    SYNTH_RANDOM,       /* weights and biases */
    SYNTH_ONES,         /* norms */
    SYNTH_SIGNS,        /* the last norm: 1 or -1, else a tied output would repeat its input */
    SYNTH_ROPE_FACTORS, /* Llama 3's */
};

struct synth_tensor {
    struct text name;
    enum synth_content content;
    uint64_t dimensions[2]; /* columns, rows */
    uint32_t dimension_count;
};

/* All tensors in the order of the file. */
enum status synth_shape_tensors(const struct synth_shape *shape, struct arena *arena,
                                struct synth_tensor **tensors, size_t *count,
                                struct fault *fault) MUST_USE;

#endif
