/* embed.c - a vector for each of several texts: the last layer's rows, pooled and brought to unit
 * length. Texts share forward passes, whole, one after the other, as many as fit; a row sees its
 * own text only, so that its vector is the same whatever is computed beside it. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"
#include "platform/platform.h"

/* ---- a sequence of its own ---- */

enum status private_sequence_init(struct private_sequence *sequence, const struct model *model,
                                  size_t count, struct fault *fault)
{
    size_t page_count = (count + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
    size_t page_bytes = model->info.kv_page_bytes, memory_bytes = 0;
    *sequence = (struct private_sequence){0};
    if (!__builtin_mul_overflow(page_count, page_bytes, &memory_bytes))
        sequence->memory = large_memory_map(memory_bytes);
    sequence->memory_bytes = memory_bytes;
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
    large_memory_unmap(sequence->memory, sequence->memory_bytes);
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

/* The first token is in the first chunk of a text, the last in the last, the mean takes all. */
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

/* ---- texts that share a forward pass ---- */

/* Room for the rows of one pass. */
struct pack {
    int32_t *tokens, *positions, *lengths;
    void *const **row_pages;
    uint8_t *wanted;
    void **pages; /* of all texts, one after the other */
    void *memory; /* what they point to */
    size_t row_limit, page_limit;
    size_t row_count, page_count;
};

static size_t pages_for(size_t tokens)
{
    return (tokens + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
}

static void pack_deinit(struct pack *pack)
{
    free(pack->tokens);
    free(pack->positions);
    free(pack->lengths);
    free(pack->row_pages);
    free(pack->wanted);
    free(pack->pages);
    free(pack->memory);
    *pack = (struct pack){0};
}

/* An encoder's layers use the same place, one after the other. */
static size_t page_bytes_of(const struct model *model)
{
    const struct hyperparameters *p = &model->parameters;
    return model->architecture->encoder ? compute_kv_layer_bytes(p->kv_heads, p->head_width)
                                        : model->info.kv_page_bytes;
}

/* No more than these texts need. Very short texts do not fill the rows: each takes a page. */
static enum status pack_init(struct pack *pack, const struct model *model,
                             const struct embedding_text *texts, size_t count, struct fault *fault)
{
    size_t rows = 0, pages = 0;
    for (size_t i = 0; i < count && rows < model->batch_limit; i++) {
        rows += texts[i].count;
        pages += pages_for(texts[i].count);
    }
    *pack = (struct pack){.row_limit = model->batch_limit,
                          .page_limit = 2 * pages_for(model->batch_limit)};
    if (pack->row_limit > rows) pack->row_limit = rows;
    if (pack->page_limit > pages) pack->page_limit = pages;
    size_t page_bytes = page_bytes_of(model), n = pack->row_limit;
    assert(n > 0 && pack->page_limit > 0);
    pack->tokens = calloc(n, sizeof *pack->tokens);
    pack->positions = calloc(n, sizeof *pack->positions);
    pack->lengths = calloc(n, sizeof *pack->lengths);
    pack->row_pages = calloc(n, sizeof *pack->row_pages);
    pack->wanted = malloc(n);
    pack->pages = calloc(pack->page_limit, sizeof *pack->pages);
    pack->memory = aligned_alloc(64, (pack->page_limit * page_bytes + 63) / 64 * 64);
    if (!pack->tokens || !pack->positions || !pack->lengths || !pack->row_pages || !pack->wanted ||
        !pack->pages || !pack->memory) {
        pack_deinit(pack);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to embed %zu texts", count);
    }
    memset(pack->wanted, 1, n);
    for (size_t i = 0; i < pack->page_limit; i++)
        pack->pages[i] = (char *)pack->memory + i * page_bytes;
    return OK;
}

static bool pack_add(struct pack *pack, const struct embedding_text *text)
{
    size_t pages = pages_for(text->count);
    if (pack->row_count + text->count > pack->row_limit ||
        pack->page_count + pages > pack->page_limit)
        return false;
    for (size_t i = 0; i < text->count; i++) {
        size_t row = pack->row_count++;
        pack->tokens[row] = text->tokens[i];
        pack->positions[row] = (int32_t)i;
        pack->lengths[row] = (int32_t)text->count;
        pack->row_pages[row] = pack->pages + pack->page_count;
    }
    pack->page_count += pages;
    return true;
}

/* The final rows of the batch. */
static const float *compute_rows(struct model *model, const struct model_batch *batch)
{
    forward_blocks(model, batch);
    if (!model->weights.output_norm) return model->scratch.residual;
    forward_final_norm(model, batch->count);
    return model->scratch.normed;
}

static void embed_packed(struct model *model, struct pack *pack, const struct embedding_text *texts,
                         size_t count)
{
    const struct model_batch batch = {.count = pack->row_count,
                                      .tokens = pack->tokens,
                                      .positions = pack->positions,
                                      .lengths = pack->lengths,
                                      .pages = pack->row_pages,
                                      .wants_logits = pack->wanted};
    const float *rows = compute_rows(model, &batch);
    size_t width = model->parameters.width;
    for (size_t i = 0; i < count; i++) {
        pool_chunk(model, rows, texts[i].count, true, true, texts[i].vector);
        rows += texts[i].count * width;
    }
    pack->row_count = pack->page_count = 0;
}

/* ---- a text that is longer than a pass: decoders only ---- */

static enum status embed_long(struct model *model, const struct embedding_text *text,
                              struct fault *fault)
{
    struct private_sequence sequence;
    TRY(private_sequence_init(&sequence, model, text->count, fault));
    uint8_t *wanted = malloc(model->batch_limit);
    if (!wanted) {
        private_sequence_deinit(&sequence);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to embed %zu tokens", text->count);
    }
    memset(wanted, 1, model->batch_limit);
    for (size_t from = 0; from < text->count; from += model->batch_limit) {
        size_t rest = text->count - from;
        size_t n = rest < model->batch_limit ? rest : model->batch_limit;
        const struct model_batch batch = {.count = n,
                                          .tokens = text->tokens + from,
                                          .positions = sequence.positions + from,
                                          .pages = sequence.row_pages + from,
                                          .wants_logits = wanted};
        pool_chunk(model, compute_rows(model, &batch), n, from == 0, n == rest, text->vector);
    }
    free(wanted);
    private_sequence_deinit(&sequence);
    return OK;
}

/* ---- all of them ---- */

static enum status check_text(const struct model *model, const struct embedding_text *text,
                              struct fault *fault)
{
    const struct hyperparameters *p = &model->parameters;
    if (text->count == 0) return fault_set(fault, STATUS_INVALID, "nothing to embed: no tokens");
    if (text->count > p->context)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the text has %zu tokens; %s takes at most %u at once", text->count,
                         model->info.name, p->context);
    for (size_t i = 0; i < text->count; i++)
        if (text->tokens[i] < 0 || (uint32_t)text->tokens[i] >= p->vocabulary)
            return fault_set(fault, STATUS_INVALID, "token %d is not in the vocabulary of %u",
                             text->tokens[i], p->vocabulary);
    return OK;
}

/* From texts[*done] on, as many as one pass takes. */
static enum status embed_some(struct model *model, struct pack *pack,
                              const struct embedding_text *texts, size_t count, size_t *done,
                              struct fault *fault)
{
    size_t from = *done, to = from;
    while (to < count && pack_add(pack, &texts[to])) to++;
    *done = to > from ? to : from + 1;
    if (to == from) return embed_long(model, &texts[from], fault);
    embed_packed(model, pack, texts + from, to - from);
    return OK;
}

enum status model_embed_texts(struct model *model, const struct embedding_text *texts, size_t count,
                              struct fault *fault)
{
    size_t width = model->parameters.width;
    for (size_t i = 0; i < count; i++) TRY(check_text(model, &texts[i], fault));
    if (count == 0) return OK;
    struct pack pack;
    TRY(pack_init(&pack, model, texts, count, fault));
    for (size_t i = 0; i < count; i++) memset(texts[i].vector, 0, width * sizeof(float));
    enum status status = OK;
    for (size_t done = 0; status == OK && done < count;)
        status = embed_some(model, &pack, texts, count, &done, fault);
    for (size_t i = 0; status == OK && i < count; i++) scale_to_unit_length(texts[i].vector, width);
    pack_deinit(&pack);
    return status;
}

enum status model_embed(struct model *model, const int32_t *tokens, size_t count, float *vector,
                        struct fault *fault)
{
    const struct embedding_text one = {tokens, count, vector};
    return model_embed_texts(model, &one, 1, fault);
}
