/* embed.c - one vector for a text: the last layer's rows, pooled and brought to unit length. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"

/* ---- a sequence of its own ---- */

enum status private_sequence_init(struct private_sequence *sequence, const struct model *model,
                                  size_t count, struct fault *fault)
{
    size_t page_count = (count + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
    size_t page_bytes = model->info.kv_page_bytes, memory_bytes;
    *sequence = (struct private_sequence){0};
    if (!__builtin_mul_overflow(page_count, page_bytes, &memory_bytes))
        sequence->memory = aligned_alloc(64, (memory_bytes + 63) / 64 * 64);
    sequence->pages = calloc(page_count, sizeof *sequence->pages);
    sequence->row_pages = calloc(count, sizeof *sequence->row_pages);
    sequence->positions = calloc(count, sizeof *sequence->positions);
    if (!sequence->memory || !sequence->pages || !sequence->row_pages || !sequence->positions) {
        private_sequence_deinit(sequence);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the keys and values of %zu tokens",
                         count);
    }
    for (size_t i = 0; i < page_count; i++)
        sequence->pages[i] = (char *)sequence->memory + i * page_bytes;
    for (size_t i = 0; i < count; i++) {
        sequence->row_pages[i] = sequence->pages;
        sequence->positions[i] = (int32_t)i;
    }
    return OK;
}

void private_sequence_deinit(struct private_sequence *sequence)
{
    free(sequence->memory);
    free(sequence->pages);
    free(sequence->row_pages);
    free(sequence->positions);
    *sequence = (struct private_sequence){0};
}

/* ---- pooling ---- */

static void add_rows(const float *rows, size_t n, size_t width, float *vector)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++) vector[i] += rows[r * width + i];
}

static void scale_to_unit_length(float *vector, size_t width)
{
    double square = 0;
    for (size_t i = 0; i < width; i++) square += (double)vector[i] * vector[i];
    float scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
    for (size_t i = 0; i < width; i++) vector[i] *= scale;
}

/* The first token is in the first chunk, the last in the last, the mean takes all. */
static void pool_chunk(const struct model *model, const float *rows, size_t n, bool is_first,
                       bool is_last, float *vector)
{
    size_t width = model->parameters.width;
    switch (model->parameters.pooling) {
    case POOLING_NONE: break; /* hyperparameters_read chose another */
    case POOLING_MEAN: add_rows(rows, n, width, vector); break;
    case POOLING_CLS:
        if (is_first) add_rows(rows, 1, width, vector);
        break;
    case POOLING_LAST:
        if (is_last) add_rows(rows + (n - 1) * width, 1, width, vector);
        break;
    }
}

static void embed_chunks(struct model *model, const int32_t *tokens, size_t count,
                         const struct private_sequence *sequence, const uint8_t *wanted,
                         float *vector)
{
    for (size_t from = 0; from < count; from += model->batch_limit) {
        size_t n = count - from < model->batch_limit ? count - from : model->batch_limit;
        const struct model_batch batch = {.count = n,
                                          .tokens = tokens + from,
                                          .positions = sequence->positions + from,
                                          .pages = sequence->row_pages + from,
                                          .wants_logits = wanted};
        const float *rows = model->scratch.residual;
        forward_blocks(model, &batch);
        if (model->weights.output_norm) {
            forward_final_norm(model, n);
            rows = model->scratch.normed;
        }
        pool_chunk(model, rows, n, from == 0, from + n == count, vector);
    }
}

enum status model_embed(struct model *model, const int32_t *tokens, size_t count, float *vector,
                        struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    if (count == 0) return fault_set(fault, STATUS_INVALID, "nothing to embed: no tokens");
    if (count > p->context)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the text has %zu tokens; %s takes at most %u at once", count,
                         model->info.name, p->context);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= p->vocabulary)
            return fault_set(fault, STATUS_INVALID, "token %d is not in the vocabulary of %u",
                             tokens[i], p->vocabulary);

    struct private_sequence sequence;
    TRY(private_sequence_init(&sequence, model, count, fault));
    uint8_t *wanted = malloc(model->batch_limit);
    if (!wanted) {
        private_sequence_deinit(&sequence);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to embed %zu tokens", count);
    }
    memset(wanted, 1, model->batch_limit);
    memset(vector, 0, p->width * sizeof *vector);
    embed_chunks(model, tokens, count, &sequence, wanted, vector);
    scale_to_unit_length(vector, p->width);
    free(wanted);
    private_sequence_deinit(&sequence);
    return OK;
}
