/* weights.h - the tensors of a model, checked against its shape and packed for the machine.
 *
 * Which tensors there are, what they are called and how large they must be is one table in
 * weights.c. Matrices are packed for the kernels; vectors become floats. A tensor that a file lacks
 * is NULL here (packed == NULL for a matrix), and only optional ones may be. */
#ifndef LIMINAL_MODEL_WEIGHTS_H
#define LIMINAL_MODEL_WEIGHTS_H

#include "base/arena.h"
#include "compute/compute.h"
#include "model/hyperparameters.h"

struct gguf;
struct model_options;

struct layer {
    /* attention */
    float *attention_norm;      /* before */
    float *attention_post_norm; /* after */
    float *attention_sum_norm, *attention_sum_norm_bias;
    struct matrix q, k, v, o;
    float *q_bias, *k_bias, *v_bias, *o_bias;
    float *q_norm, *k_norm; /* head_width each */
    /* feed-forward */
    float *feed_forward_norm;
    float *feed_forward_post_norm;
    float *feed_forward_sum_norm, *feed_forward_sum_norm_bias;
    struct matrix gate, up, down;
    float *gate_bias, *up_bias, *down_bias;
};

struct weights {
    struct matrix embedding; /* vocabulary x width */
    struct matrix output;    /* not packed when the embedding serves */
    struct matrix positions; /* context x width */
    struct matrix token_types;
    float *embedding_norm, *embedding_norm_bias;
    float *output_norm;
    float *rope_factors, *rope_factors_long, *rope_factors_short; /* rope.width / 2 each */
    struct layer *layers;
    uint32_t layer_count;
    struct arena vectors; /* all the floats above */
    void *matrix_memory;  /* all the matrices, side by side */

    uint32_t widest_cols;  /* of a matrix */
    uint64_t packed_bytes; /* of all matrices: matrix_memory is as large */
    uint64_t parameters;   /* values in all tensors */
    uint64_t read_bytes;   /* of the file's format, read to decode one token */
    /* multiply-adds of one token */
    uint64_t block_products;     /* all layers, attention's scores not counted */
    uint64_t last_rest_products; /* of these, the last layer's after its keys and values */
    uint64_t output_products;
    enum tensor_type main_type; /* what most bytes are */
};

/* Check every tensor of the file, then pack. On failure the weights are as after deinit. */
enum status weights_load(struct weights *weights, struct compute *compute,
                         const struct architecture *architecture,
                         const struct hyperparameters *parameters, const struct gguf *gguf,
                         const struct model_options *options, struct fault *fault) MUST_USE;
void weights_deinit(struct weights *weights);

/* The matrix that makes logits. */
static inline const struct matrix *weights_output(const struct weights *weights)
{
    return weights->output.packed ? &weights->output : &weights->embedding;
}

#endif
