/* model.h - a language model ready to compute: its description, its weights, its forward pass.
 *
 * One forward step serves rows of any mixture of sequences: prefill chunks and single decodes.
 * Owned by one thread (the engine's). What a model file says of itself is checked here. */
#ifndef LIMINAL_MODEL_H
#define LIMINAL_MODEL_H

#include "base/status.h"
#include "base/text.h"
#include "compute/compute.h"

struct model;
struct gguf;
struct tokenizer;

struct model_info {
    char name[128];        /* general.name, else the file's name */
    char architecture[32]; /* "llama" */
    char file_type[32];    /* "Q4_K_M", "IQ2_XXS", ...: what most bytes are */
    uint64_t parameters;
    uint64_t file_bytes;
    uint64_t weight_bytes; /* read per decoded token */
    uint64_t memory_bytes; /* that the packed weights take */
    uint32_t layers, width, heads, kv_heads, head_width, feed_forward, vocabulary;
    uint32_t context_length; /* trained */
    bool is_embedding;       /* bert: only model_embed */
    size_t kv_page_bytes;    /* all layers of KV_PAGE_TOKENS tokens */
};

struct model_options {
    /* Called with 0..1 while weights are repacked; may be NULL. */
    void (*progress)(void *argument, double done);
    void *progress_argument;
    /* Positions stay below this; 0: the trained context. LongRoPE (phi3) rotates by it. */
    uint32_t context_length;
    /* May be NULL; once it is true, opening ends with STATUS_CANCELLED. */
    const _Atomic(bool) *abandoned;
};

enum status model_open(struct model **model, struct compute *compute, const char *path,
                       const struct model_options *options, struct fault *fault) MUST_USE;
void model_close(struct model *model);
const struct model_info *model_info(const struct model *model);
const struct tokenizer *model_tokenizer(const struct model *model);
/* From now on it computes on `compute`, whose instruction set must be the same. Between the calls
 * of both. So a model can be opened on threads that keep out of the way of those in use. */
enum status model_move(struct model *model, struct compute *compute, struct fault *fault) MUST_USE;
/* The threads it computes on, free between its calls. */
struct compute *model_compute(const struct model *model);
/* tokenizer.chat_template, or empty. */
struct text model_chat_template(const struct model *model);

/* One row per token. */
struct model_batch {
    size_t count;
    const int32_t *tokens;
    const int32_t *positions;    /* in its sequence, from 0 */
    void *const *const *pages;   /* per row: the page table of its sequence; the page of this
                                    position must be present and writable */
    const uint8_t *wants_logits; /* per row */
    const int32_t *lengths;      /* per row: of its text; encoders only */
};
/* Rows one call may carry. */
size_t model_batch_limit(const struct model *model);
/* Compute the batch, write its keys and values into the pages, and the logits of the rows that want
 * them, in order, vocabulary floats each. */
enum status model_forward(struct model *model, const struct model_batch *batch, float *logits,
                          struct fault *fault) MUST_USE;

/* One text to embed; `vector` has room for `width` floats. */
struct embedding_text {
    const int32_t *tokens;
    size_t count;
    float *vector;
};
/* A unit-length vector for each text: bert by its pooling; a decoder by its last token or mean as
 * the file says. Texts share forward passes, up to model_batch_limit rows each; a vector is the
 * same, to the bit, whatever else is embedded. Needs no pages of the caller. STATUS_TOO_LARGE
 * beyond the context, STATUS_INVALID without tokens. */
enum status model_embed_texts(struct model *model, const struct embedding_text *texts, size_t count,
                              struct fault *fault) MUST_USE;
enum status model_embed(struct model *model, const int32_t *tokens, size_t count, float *vector,
                        struct fault *fault) MUST_USE;

#endif
