/* forward.c - the forward pass: one description of a block for all architectures.
 *
 *   residual = embedding
 *   per layer:  residual += attention(norm(residual)); residual += feed_forward(norm(residual))
 *   logits = output(norm(residual))
 *
 * What an architecture adds (biases, norms elsewhere, soft caps, windows) happens where its tensor
 * or its number is present. No allocation here, and no knowledge of names. */
#include <math.h>
#include <string.h>

#include "model/model_private.h"

/* Rows of the batch as a layer sees them. */
struct rows {
    size_t count;
    const int32_t *positions;
    void *const *const *pages;
    const int32_t *lengths; /* encoders */
};

/* ---- entry: tokens to vectors ---- */

struct embedding_work {
    struct model *model;
    const struct model_batch *batch;
};

static void embed_share(void *argument, unsigned thread, unsigned threads)
{
    const struct embedding_work *work = argument;
    const struct model *model = work->model;
    size_t width = model->parameters.width;
    float scale = model->parameters.embedding_scale;
    size_t from = work->batch->count * thread / threads;
    size_t to = work->batch->count * (thread + 1) / threads;
    for (size_t r = from; r < to; r++) {
        float *row = model->scratch.residual + r * width;
        matrix_row(&model->weights.embedding, (uint32_t)work->batch->tokens[r], row);
        for (size_t i = 0; scale != 1 && i < width; i++) row[i] *= scale;
    }
}

/* Encoders add what they learned of positions and of the first segment's type, and norm the sum. */
static void add_learned_positions(struct model *model, const struct model_batch *batch)
{
    size_t width = model->parameters.width;
    const struct weights *weights = &model->weights;
    float *residual = model->scratch.residual, *row = model->scratch.normed;
    for (size_t r = 0; r < batch->count; r++) {
        matrix_row(&weights->positions, (uint32_t)batch->positions[r], row);
        compute_add(model->compute, residual + r * width, width, row, width, 1, width);
    }
    if (weights->token_types.packed) {
        matrix_row(&weights->token_types, 0, row);
        compute_add_bias(model->compute, residual, width, row, batch->count, width);
    }
    compute_layer_norm(model->compute, residual, width, weights->embedding_norm,
                       weights->embedding_norm_bias, model->parameters.norm_epsilon, residual,
                       width, batch->count, width);
}

static void embed_tokens(struct model *model, const struct model_batch *batch)
{
    struct embedding_work work = {model, batch};
    if (batch->count > 1)
        compute_parallel(model->compute, embed_share, &work);
    else
        embed_share(&work, 0, 1);
    if (model->weights.positions.packed) add_learned_positions(model, batch);
}

/* ---- parts of a block ---- */

static void add_bias(struct model *model, float *y, const float *bias, size_t n, size_t width)
{
    if (bias) compute_add_bias(model->compute, y, width, bias, n, width);
}

static void rms_norm(struct model *model, const float *x, const float *w, float *y, size_t n,
                     size_t width)
{
    compute_rms_norm(model->compute, x, width, w, model->parameters.norm_epsilon, y, width, n,
                     width);
}

/* What a block's matrices read: the residual, normed first where the architecture does. */
static const float *block_input(struct model *model, const float *norm, size_t n)
{
    if (!norm) return model->scratch.residual;
    rms_norm(model, model->scratch.residual, norm, model->scratch.normed, n,
             model->parameters.width);
    return model->scratch.normed;
}

/* residual += sum, with the norms that come after a block. */
static void block_output(struct model *model, const float *post_norm, const float *sum_norm,
                         const float *sum_norm_bias, size_t n)
{
    size_t width = model->parameters.width;
    float *residual = model->scratch.residual, *sum = model->scratch.sum;
    if (post_norm) rms_norm(model, sum, post_norm, sum, n, width);
    compute_add(model->compute, residual, width, sum, width, n, width);
    if (sum_norm)
        compute_layer_norm(model->compute, residual, width, sum_norm, sum_norm_bias,
                           model->parameters.norm_epsilon, residual, width, n, width);
}

static void make_queries_keys_values(struct model *model, const struct layer *layer,
                                     const float *input, const struct rows *rows, bool is_local)
{
    const struct hyperparameters *p = &model->parameters;
    const struct scratch *s = &model->scratch;
    size_t n = rows->count;
    size_t query = (size_t)p->heads * p->head_width, key = (size_t)p->kv_heads * p->head_width;
    const struct product group[] = {
        {&layer->q, s->q, query}, {&layer->k, s->k, key}, {&layer->v, s->v, key}};
    compute_multiply(model->compute, input, p->width, n, group, ARRAY_COUNT(group));
    add_bias(model, s->q, layer->q_bias, n, query);
    add_bias(model, s->k, layer->k_bias, n, key);
    add_bias(model, s->v, layer->v_bias, n, key);
    if (layer->q_norm) {
        rms_norm(model, s->q, layer->q_norm, s->q, n * p->heads, p->head_width);
        rms_norm(model, s->k, layer->k_norm, s->k, n * p->kv_heads, p->head_width);
    }
    if (model->architecture->rope == ROPE_NONE) return;
    const struct rope_table *rope = is_local ? &model->local_rope : &model->rope;
    bool neox = model->architecture->rope == ROPE_HALVES;
    compute_rope(model->compute, s->q, query, rows->positions, n, p->heads, p->head_width,
                 p->rope.width, rope->frequencies, rope->magnitude, neox);
    compute_rope(model->compute, s->k, key, rows->positions, n, p->kv_heads, p->head_width,
                 p->rope.width, rope->frequencies, rope->magnitude, neox);
}

static void attend(struct model *model, const struct layer *layer, const struct kv_shape *shape,
                   const struct rows *rows, bool is_local)
{
    const struct hyperparameters *p = &model->parameters;
    const struct scratch *s = &model->scratch;
    size_t n = rows->count, query = (size_t)p->heads * p->head_width;
    const struct attention attention = {
        .heads = p->heads,
        .scale = p->attention_scale,
        .softcap = p->attention_softcap,
        .window = is_local ? p->window : 0,
        .causal = !model->architecture->encoder,
    };
    compute_attention(model->compute, &attention, shape, s->q, query, s->normed, query, rows->pages,
                      rows->positions, rows->lengths, n);
    const struct product output = {&layer->o, s->sum, p->width};
    compute_multiply(model->compute, s->normed, query, n, &output, 1);
    add_bias(model, s->sum, layer->o_bias, n, p->width);
    block_output(model, layer->attention_post_norm, layer->attention_sum_norm,
                 layer->attention_sum_norm_bias, n);
}

static void feed_forward(struct model *model, const struct layer *layer, size_t n)
{
    const struct hyperparameters *p = &model->parameters;
    const struct scratch *s = &model->scratch;
    size_t inner = p->feed_forward;
    bool gated = layer->gate.packed != NULL;
    const struct product group[] = {{&layer->up, s->up, inner}, {&layer->gate, s->gate, inner}};
    const float *input = block_input(model, layer->feed_forward_norm, n);
    compute_multiply(model->compute, input, p->width, n, group, gated ? 2 : 1);
    add_bias(model, s->up, layer->up_bias, n, inner);
    if (gated) add_bias(model, s->gate, layer->gate_bias, n, inner);
    float *activated = gated ? s->gate : s->up;
    compute_activate(model->compute, model->architecture->activation, activated, inner,
                     gated ? s->up : NULL, inner, n, inner);
    const struct product down = {&layer->down, s->sum, p->width};
    compute_multiply(model->compute, activated, inner, n, &down, 1);
    add_bias(model, s->sum, layer->down_bias, n, p->width);
    block_output(model, layer->feed_forward_post_norm, layer->feed_forward_sum_norm,
                 layer->feed_forward_sum_norm_bias, n);
}

/* After the last layer's keys and values are stored, rows that want no logits have done their work:
 * move the others to the front and go on with them alone. */
static void keep_wanted_rows(struct model *model, const struct model_batch *batch,
                             struct rows *rows)
{
    const struct hyperparameters *p = &model->parameters;
    const struct scratch *s = &model->scratch;
    size_t query = (size_t)p->heads * p->head_width;
    size_t kept = 0;
    for (size_t r = 0; r < batch->count; r++) {
        if (!batch->wants_logits[r]) continue;
        if (kept < r) {
            memcpy(s->residual + kept * p->width, s->residual + r * p->width,
                   p->width * sizeof(float));
            memcpy(s->q + kept * query, s->q + r * query, query * sizeof(float));
        }
        s->positions[kept] = batch->positions[r];
        s->pages[kept] = batch->pages[r];
        kept++;
    }
    *rows = (struct rows){.count = kept, .positions = s->positions, .pages = s->pages};
}

size_t forward_blocks(struct model *model, const struct model_batch *batch)
{
    const struct hyperparameters *p = &model->parameters;
    const struct scratch *s = &model->scratch;
    const bool encoder = model->architecture->encoder;
    const size_t layer_bytes = compute_kv_layer_bytes(p->kv_heads, p->head_width);
    const size_t key = (size_t)p->kv_heads * p->head_width;
    struct rows rows = {.count = batch->count,
                        .positions = batch->positions,
                        .pages = batch->pages,
                        .lengths = batch->lengths};

    embed_tokens(model, batch);
    for (uint32_t l = 0; l < p->layers; l++) {
        const struct layer *layer = &model->weights.layers[l];
        /* an encoder never comes back to earlier layers' keys: one place serves all */
        const struct kv_shape shape = {p->kv_heads, p->head_width, encoder ? 0 : l * layer_bytes};
        const float *input = block_input(model, layer->attention_norm, rows.count);
        make_queries_keys_values(model, layer, input, &rows, p->is_local[l]);
        compute_kv_store(model->compute, &shape, s->k, key, s->v, key, rows.pages, rows.positions,
                         rows.count);
        if (l + 1 == p->layers && !encoder) keep_wanted_rows(model, batch, &rows);
        if (rows.count == 0) break;
        attend(model, layer, &shape, &rows, p->is_local[l]);
        feed_forward(model, layer, rows.count);
    }
    return rows.count;
}

/* ---- exit: vectors to logits ---- */

void forward_final_norm(struct model *model, size_t n)
{
    rms_norm(model, model->scratch.residual, model->weights.output_norm, model->scratch.normed, n,
             model->parameters.width);
}

struct softcap_work {
    float *logits;
    size_t count;
    float cap;
};

static void softcap_share(void *argument, unsigned thread, unsigned threads)
{
    const struct softcap_work *work = argument;
    size_t to = work->count * (thread + 1) / threads;
    for (size_t i = work->count * thread / threads; i < to; i++)
        work->logits[i] = work->cap * tanhf(work->logits[i] / work->cap);
}

static enum status check_batch(const struct model *model, const struct model_batch *batch,
                               struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    if (model->architecture->encoder)
        return fault_set(fault, STATUS_UNSUPPORTED, "%s is an embedding model: it writes no text",
                         model->info.name);
    if (batch->count > model->batch_limit)
        return fault_set(fault, STATUS_TOO_LARGE, "a batch of %zu rows; the limit is %zu",
                         batch->count, model->batch_limit);
    for (size_t r = 0; r < batch->count; r++) {
        if (batch->tokens[r] < 0 || (uint32_t)batch->tokens[r] >= p->vocabulary)
            return fault_set(fault, STATUS_INVALID, "token %d is not in the vocabulary of %u",
                             batch->tokens[r], p->vocabulary);
        if (batch->positions[r] < 0 || (uint32_t)batch->positions[r] >= p->context)
            return fault_set(fault, STATUS_TOO_LARGE, "position %d is beyond the context of %u",
                             batch->positions[r], p->context);
    }
    return OK;
}

enum status model_forward(struct model *model, const struct model_batch *batch, float *logits,
                          struct fault *fault)
{
    TRY(check_batch(model, batch, fault));
    size_t wanted = forward_blocks(model, batch);
    if (wanted == 0) return OK;
    const struct hyperparameters *p = &model->parameters;
    forward_final_norm(model, wanted);
    const struct product output = {weights_output(&model->weights), logits, p->vocabulary};
    compute_multiply(model->compute, model->scratch.normed, p->width, wanted, &output, 1);
    if (p->logit_softcap > 0) {
        struct softcap_work work = {logits, wanted * p->vocabulary, p->logit_softcap};
        compute_parallel(model->compute, softcap_share, &work);
    }
    return OK;
}
