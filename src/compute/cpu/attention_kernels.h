/* attention_kernels.h - template, compiled per instruction set: attention of a few queries over one
 * chunk of a paged cache.
 *
 * A page holds, for one kv head, keys with the 16 tokens in the lanes, so that a score never sums
 * across lanes, and values with 16 channels in the lanes, for the same reason:
 *
 *     keys   [head_width][16 tokens] F16      values   [16 tokens][value_width] F16
 *
 * value_width is head_width rounded up to 16. All queries of a call share the kv head: the query
 * heads of its group, and neighbouring rows of a prompt. So a key is loaded once for all of them.
 */

/* Channels of a value with those that fill its last vector. */
ALWAYS_INLINE size_t padded_values(size_t head_width)
{
    return (head_width + LANES - 1) / LANES * LANES;
}

/* scores[query][page x 16 + token] of `pages` pages for `count` queries. */
ALWAYS_INLINE void page_scores(const uint16_t *const *keys, int pages, size_t head_width,
                               const float *queries, int count, float *scores)
{
    f32x16 sums[ATTENTION_SCORE_QUERIES][LANES_PAGES];
    for (int q = 0; q < count; q++)
        for (int p = 0; p < pages; p++) sums[q][p] = f32_all(0);
    for (size_t d = 0; d < head_width; d++) {
        f32x16 key[LANES_PAGES];
        for (int p = 0; p < pages; p++) key[p] = f32_load_f16(keys[p] + d * KV_PAGE_TOKENS);
        for (int q = 0; q < count; q++) {
            f32x16 x = f32_all(queries[(size_t)q * ATTENTION_HEAD_MAX + d]);
            for (int p = 0; p < pages; p++) sums[q][p] = f32_fma(key[p], x, sums[q][p]);
        }
    }
    for (int q = 0; q < count; q++)
        for (int p = 0; p < pages; p++)
            f32_store(scores + (size_t)q * ATTENTION_CHUNK + p * KV_PAGE_TOKENS, sums[q][p]);
}

static void page_scores_of(const uint16_t *const *keys, int pages, size_t head_width,
                           const float *queries, unsigned count, float *scores)
{
#define SHAPE(Q, P)                                                                 \
    case (Q)*4 + (P):                                                               \
        if (P <= LANES_PAGES) page_scores(keys, P, head_width, queries, Q, scores); \
        return
#define QUERIES(Q) \
    SHAPE(Q, 1);   \
    SHAPE(Q, 2)
    switch (LANES_CONSTANT_COUNTS ? count * 4 + (unsigned)pages : 0) {
        QUERIES(1);
        QUERIES(2);
        QUERIES(3);
        QUERIES(4);
        QUERIES(5);
        QUERIES(6);
        QUERIES(7);
        QUERIES(8);
    default: page_scores(keys, pages, head_width, queries, (int)count, scores);
    }
#undef QUERIES
#undef SHAPE
}

/* Where the chunk's keys in page `page` begin; its values follow them. */
ALWAYS_INLINE const uint16_t *chunk_page(const struct attention_chunk *chunk, int32_t page)
{
    return (const uint16_t *)((const char *)chunk->pages[page] + chunk->offset);
}

/* out[query][16 x vectors channels] = sum of weight x value, token by token, over the positions
 * begin..end-1, which lie in the chunk; channels are those from `channel` on. */
ALWAYS_INLINE void chunk_values(const struct attention_chunk *chunk, int32_t begin, int32_t end,
                                size_t channel, const float *weights, int count, int vectors,
                                float *out)
{
    const size_t value_width = padded_values(chunk->head_width);
    const size_t values_at = chunk->head_width * KV_PAGE_TOKENS + channel;
    f32x16 sums[ATTENTION_VALUE_QUERIES][ATTENTION_VALUE_VECTORS];
    for (int q = 0; q < count; q++)
        for (int v = 0; v < vectors; v++) sums[q][v] = f32_all(0);
    for (int32_t position = begin, next; position < end; position = next) {
        const int32_t page = position / KV_PAGE_TOKENS, after = (page + 1) * KV_PAGE_TOKENS;
        const uint16_t *values = chunk_page(chunk, page) + values_at;
        next = after < end ? after : end;
        for (int32_t at = position; at < next; at++) {
            const uint16_t *of_token = values + (size_t)(at % KV_PAGE_TOKENS) * value_width;
            f32x16 value[ATTENTION_VALUE_VECTORS];
            for (int v = 0; v < vectors; v++) value[v] = f32_load_f16(of_token + v * LANES);
            for (int q = 0; q < count; q++) {
                f32x16 weight = f32_all(weights[q * ATTENTION_CHUNK + (at - chunk->begin)]);
                for (int v = 0; v < vectors; v++)
                    sums[q][v] = f32_fma(weight, value[v], sums[q][v]);
            }
        }
    }
    for (int q = 0; q < count; q++)
        for (int v = 0; v < vectors; v++)
            f32_store(out + (size_t)q * ATTENTION_HEAD_MAX + v * LANES, sums[q][v]);
}

static void chunk_values_of(const struct attention_chunk *chunk, int32_t begin, int32_t end,
                            size_t channel, const float *weights, unsigned count, size_t vectors,
                            float *out)
{
#define SHAPE(Q, V)                                                   \
    case (Q)*8 + (V):                                                 \
        chunk_values(chunk, begin, end, channel, weights, Q, V, out); \
        return
#define SHAPES(Q) \
    SHAPE(Q, 1);  \
    SHAPE(Q, 2);  \
    SHAPE(Q, 3);  \
    SHAPE(Q, 4)
    switch (LANES_CONSTANT_COUNTS ? count * 8 + vectors : 0) {
        SHAPES(1);
        SHAPES(2);
        SHAPES(3);
        SHAPES(4);
    default: chunk_values(chunk, begin, end, channel, weights, (int)count, (int)vectors, out);
    }
#undef SHAPES
#undef SHAPE
}

/* Scale aside (the queries carry it): soft cap and the limits of what a query may see. */
ALWAYS_INLINE f32x16 limit_scores(f32x16 scores, float softcap, int from, int to)
{
    if (softcap > 0)
        scores = f32_mul(f32_all(softcap), f32_tanh(f32_div(scores, f32_all(softcap))));
    return f32_range(scores, f32_all(-INFINITY), from, to);
}

static int clamp_lane(int64_t lane)
{
    return lane < 0 ? 0 : lane > LANES ? LANES : (int)lane;
}

/* Largest score, weights e^(score - largest) in place of the scores, and their sum. */
static void soften_query(const struct attention_chunk *chunk, const struct attention_query *query,
                         int32_t first_page, int32_t end_page, float *scores, float *largest,
                         float *sum)
{
    f32x16 top = f32_all(-INFINITY), total = f32_all(0);
    for (int32_t page = first_page; page < end_page; page++) {
        int64_t position = (int64_t)page * KV_PAGE_TOKENS;
        float *of_page = scores + (position - chunk->begin);
        f32x16 limited = f32_load(of_page);
        if (position < query->begin || position + KV_PAGE_TOKENS > query->end ||
            chunk->softcap > 0) {
            limited = limit_scores(limited, chunk->softcap, clamp_lane(query->begin - position),
                                   clamp_lane(query->end - position));
            f32_store(of_page, limited);
        }
        top = f32_max(top, limited);
    }
    *largest = f32_largest(top);
    const f32x16 shift = f32_all(*largest == -INFINITY ? 0 : *largest);
    for (int32_t page = first_page; page < end_page; page++) {
        float *of_page = scores + ((int64_t)page * KV_PAGE_TOKENS - chunk->begin);
        f32x16 weights = f32_exp(f32_sub(f32_load(of_page), shift));
        f32_store(of_page, weights);
        total = f32_add(total, weights);
    }
    *sum = f32_sum(total);
}

/* Two softmax parts into one: the first becomes their union. */
static void merge_part(struct attention_part *a, float *a_out, const struct attention_part *b,
                       const float *b_out, size_t vectors)
{
    if (b->largest == -INFINITY) return;
    float largest = a->largest > b->largest ? a->largest : b->largest;
    f32x16 keep_a = f32_exp(f32_all(a->largest - largest));
    f32x16 keep_b = f32_exp(f32_all(b->largest - largest));
    float factor_a[LANES], factor_b[LANES];
    f32_store(factor_a, keep_a);
    f32_store(factor_b, keep_b);
    a->sum = a->sum * factor_a[0] + b->sum * factor_b[0];
    a->largest = largest;
    for (size_t v = 0; v < vectors; v++) {
        f32x16 kept = f32_mul(f32_load(a_out + v * LANES), keep_a);
        f32_store(a_out + v * LANES, f32_fma(f32_load(b_out + v * LANES), keep_b, kept));
    }
}

/* Pages lie here and there: ask for the next ones' keys and values while others are at work. */
static void prefetch_pages(const struct attention_chunk *chunk, int32_t page, int32_t end_page)
{
    const size_t value_width = padded_values(chunk->head_width);
    const size_t bytes = KV_PAGE_TOKENS * (chunk->head_width + value_width) * sizeof(uint16_t);
    for (int p = 0; p < LANES_PAGES && page + p < end_page; p++)
        for (size_t at = 0; at < bytes; at += GROUP_BYTES)
            __builtin_prefetch((const char *)chunk_page(chunk, page + p) + at);
}

static void attend_chunk(const struct attention_chunk *chunk, struct attention_scratch *scratch)
{
    const size_t vectors = padded_values(chunk->head_width) / LANES;
    int32_t begin = INT32_MAX, end = 0;
    for (unsigned q = 0; q < chunk->count; q++) {
        const struct attention_query *query = &chunk->queries[q];
        if (query->begin < begin) begin = query->begin;
        if (query->end > end) end = query->end;
    }
    if (begin < chunk->begin) begin = chunk->begin;
    if (end > chunk->begin + ATTENTION_CHUNK) end = chunk->begin + ATTENTION_CHUNK;
    const int32_t first_page = begin / KV_PAGE_TOKENS;
    const int32_t end_page = (end + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;

    int pages = LANES_PAGES;
    prefetch_pages(chunk, first_page, end_page);
    for (int32_t page = first_page; page < end_page; page += pages) {
        const uint16_t *keys[LANES_PAGES];
        if (end_page - page < pages) pages = end_page - page;
        for (int p = 0; p < pages; p++) keys[p] = chunk_page(chunk, page + p);
        prefetch_pages(chunk, page + pages, end_page);
        for (unsigned q = 0; q < chunk->count; q += ATTENTION_SCORE_QUERIES) {
            unsigned count = chunk->count - q;
            if (count > ATTENTION_SCORE_QUERIES) count = ATTENTION_SCORE_QUERIES;
            page_scores_of(keys, pages, chunk->head_width, scratch->queries[q], count,
                           scratch->scores[q] + (page * KV_PAGE_TOKENS - chunk->begin));
        }
    }
    for (unsigned q = 0; q < chunk->count; q++)
        soften_query(chunk, &chunk->queries[q], first_page, end_page, scratch->scores[q],
                     &scratch->parts[q].largest, &scratch->parts[q].sum);
    for (unsigned q = 0; q < chunk->count; q += ATTENTION_VALUE_QUERIES) {
        unsigned count = chunk->count - q;
        if (count > ATTENTION_VALUE_QUERIES) count = ATTENTION_VALUE_QUERIES;
        for (size_t v = 0; v < vectors; v += ATTENTION_VALUE_VECTORS) {
            size_t some = vectors - v;
            if (some > ATTENTION_VALUE_VECTORS) some = ATTENTION_VALUE_VECTORS;
            chunk_values_of(chunk, begin, end, v * LANES, scratch->scores[q], count, some,
                            scratch->outs[q] + v * LANES);
        }
    }
}

/* One row's key and value of one kv head to token `token` of a page. */
static void store_kv(uint16_t *page, size_t head_width, unsigned token, const float *key,
                     const float *value)
{
    uint16_t halves[LANES];
    const size_t value_width = padded_values(head_width);
    uint16_t *values = page + head_width * KV_PAGE_TOKENS + token * value_width;
    EACH_VECTOR(head_width)
    {
        f32_store_f16(halves, load_part(key + at, count));
        for (size_t i = 0; i < count; i++) page[(at + i) * KV_PAGE_TOKENS + token] = halves[i];
        f32_store_f16(values + at, load_part(value + at, count));
    }
}
