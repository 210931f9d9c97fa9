/* model_private.h - what a model is made of; for the files of this folder only. */
#ifndef LIMINAL_MODEL_PRIVATE_H
#define LIMINAL_MODEL_PRIVATE_H

#include "model/file/gguf.h"
#include "model/hyperparameters.h"
#include "model/model.h"
#include "model/rope.h"
#include "model/tokenizer/tokenizer.h"
#include "model/weights.h"

enum { BATCH_LIMIT = 512 };

/* Activations of one batch, one row per token; allocated once, reused by every layer. */
struct scratch {
    float *residual;    /* width: the stream that blocks add to */
    float *normed;      /* max(width, query): input of a product group, output of attention */
    float *sum;         /* width: what a block adds */
    float *q, *k, *v;   /* of attention */
    float *gate, *up;   /* of the feed-forward; share their memory with q, k, v */
    int32_t *positions; /* of the rows that go on in the last layer */
    void *const **pages;
    void *memory;
};

struct model {
    struct compute *compute;
    struct gguf *gguf; /* stays open: names and the chat template live in its map */
    struct tokenizer *tokenizer;
    const struct architecture *architecture;
    struct hyperparameters parameters;
    struct weights weights;
    struct rope_table rope, local_rope;
    struct model_info info;
    size_t batch_limit;
    struct scratch scratch;
};

/* Run all blocks over the batch (already checked). Afterwards the first `return value` rows of
 * scratch.residual belong to the rows that want logits, in order, before the final norm. An encoder
 * gives all rows, and each row sees the batch->lengths[row] rows of its text. */
size_t forward_blocks(struct model *model, const struct model_batch *batch);
/* The final norm of n rows of scratch.residual, into scratch.normed. */
void forward_final_norm(struct model *model, size_t n);

/* Keys and values of one sequence that is computed outside the engine's cache (long embeddings,
 * benches): `count` tokens, from 0. */
struct private_sequence {
    void **pages;
    void *memory;
    size_t memory_bytes;
    /* rows for model_batch */
    void *const **row_pages;
    int32_t *positions;
};
enum status private_sequence_init(struct private_sequence *sequence, const struct model *model,
                                  size_t count, struct fault *fault) MUST_USE;
void private_sequence_deinit(struct private_sequence *sequence);

#endif
