/* multiply.c - y = W x for a group of matrices: quantises the input once, shares out the tiles.
 *
 * A thread takes a few tiles at a time. For few tokens it streams each tile through dot_few. For
 * more it expands 512 columns of two tiles into panels in the first-level cache and passes all
 * tokens by them, five at a time, before going on to the next columns:
 *
 *        columns ->
 *       +-------+-------+----        x: token groups    [5][5][5]...
 *  tile | panel |  ...                       |
 *  pair | (L1)  |             sums (L2): [token][16 rows], added to panel by panel
 *       +-------+-------+----
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

enum {
    FLOAT_CHUNK_COLS = 128, /* of float weights at a time: 4 tiles x 128 x 4 bytes fill L1 */
    FEW_PASSES = 6,         /* of dot_few over a tile, which the first leaves in the cache */
    AHEAD_BYTES = 4608,     /* how far ahead of the expansion weights are asked for (measured) */
    ITEMS_PER_THREAD = 16,  /* how finely work is shared when there is plenty */
};

/* ---- scratch ---- */

/* Bytes of the activations of n tokens. */
static size_t activations_bytes(size_t n, size_t blocks)
{
    return n * blocks * (BLOCK_COLS + 8 * sizeof(float));
}

/* Whether n tokens go straight through dot_few. Where that takes one at a time, a second pass would
 * expand the weights for one token again. */
static bool is_few(const struct compute *compute, size_t n)
{
    const unsigned most = compute->kernels->few_tokens;
    return n <= (most > 1 ? FEW_PASSES * most : most);
}

/* Tokens of a group of activations: cut evenly, so that none is left alone at the end. */
static size_t group_tokens(const struct compute *compute, size_t n)
{
    size_t most = is_few(compute, n) ? compute->kernels->few_tokens : TOKEN_GROUP;
    size_t groups = (n + most - 1) / most;
    return (n + groups - 1) / groups;
}

/* The arrays of group `g`, in one piece of memory. */
static struct activations activation_group(const struct compute *compute, size_t n, size_t blocks,
                                           size_t g)
{
    const size_t whole = group_tokens(compute, n), rest = n - g * whole;
    unsigned tokens = (unsigned)(rest < whole ? rest : whole);
    char *memory = (char *)compute->activation_memory + activations_bytes(g * whole, blocks);
    size_t values = tokens * blocks;
    float *scales = (float *)(memory + values * BLOCK_COLS);
    return (struct activations){.tokens = tokens,
                                .quants = (int8_t *)memory,
                                .scales = scales,
                                .starts = (int32_t *)(scales + values),
                                .half_starts = (int32_t *)(scales + 2 * values),
                                .sums = scales + 4 * values,
                                .half_sums = scales + 5 * values};
}

enum status compute_reserve(struct compute *compute, uint32_t cols, struct fault *fault)
{
    if (!compute->multiply_scratch) {
        compute->multiply_scratch = aligned_alloc(
            64, thread_pool_threads(compute->pool) * sizeof *compute->multiply_scratch);
        if (!compute->multiply_scratch)
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for matrix products");
    }
    if (cols <= compute->widest_cols) return OK;
    size_t blocks = (cols + BLOCK_COLS - 1) / BLOCK_COLS;
    size_t bytes = (activations_bytes(BATCH_TOKENS, blocks) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (!memory)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for products of %u columns", cols);
    free(compute->activation_memory);
    compute->activation_memory = memory;
    compute->widest_cols = cols;
    return OK;
}

void multiply_deinit(struct compute *compute)
{
    free(compute->activation_memory);
    free(compute->multiply_scratch);
}

/* ---- the work of one thread ---- */

struct multiply_job {
    struct compute *compute;
    const float *x;
    size_t x_stride, n;
    const struct product *group;
    size_t group_count;
    bool quantise;        /* the threads do it, then meet at a barrier */
    uint32_t items, step; /* some tiles each, all products after each other */
};

static uint32_t matrix_tiles(const struct matrix *m)
{
    return m->rows / TILE_ROWS + (m->rows % TILE_ROWS != 0);
}

static uint32_t item_tiles(const struct matrix *m)
{
    return m->layout < TILE_FLOAT_COUNT ? FLOAT_TILES_MAX : PANEL_PAIR;
}

static uint32_t matrix_items(const struct matrix *m)
{
    return (matrix_tiles(m) + item_tiles(m) - 1) / item_tiles(m);
}

/* sums[token][row] of tile `tile` to their place in y, for `count` tokens from `first` on. */
static void store_sums(const struct product *product, uint32_t tile, float (*sums)[TILE_ROWS],
                       size_t first, size_t count)
{
    uint32_t row = tile * TILE_ROWS;
    uint32_t rows = product->matrix->rows - row;
    float *y = product->y + first * product->y_stride + row;
    for (size_t t = first; t < first + count; t++, y += product->y_stride) {
        if (rows >= TILE_ROWS) /* of a size that the compiler knows */
            memcpy(y, sums[t], sizeof sums[t]);
        else
            memcpy(y, sums[t], rows * sizeof(float));
    }
}

static void store_tile(const struct multiply_job *job, const struct product *product, uint32_t tile,
                       float (*sums)[TILE_ROWS])
{
    store_sums(product, tile, sums, 0, job->n);
}

/* Ask for memory that is read next, while the tokens pass by the panel. */
static void prefetch(const uint8_t *from, size_t bytes)
{
    for (size_t line = 0; line < bytes; line += GROUP_BYTES) __builtin_prefetch(from + line);
}

/* 1 or 2 tiles of quantised weights with all tokens. */
static void multiply_pair(const struct multiply_job *job, const struct product *product,
                          uint32_t tile, unsigned tiles, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const struct kernels *k = job->compute->kernels;
    const struct tile_format *f = &tile_formats[m->layout];
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const uint8_t *packed = (const uint8_t *)m->packed + tile * bytes;
    const size_t blocks = m->cols / BLOCK_COLS, n = job->n, whole = group_tokens(job->compute, n);
    const size_t chunk_bytes = PANEL_BLOCKS / f->unit_blocks * tile_unit_bytes(f);
    for (size_t first = 0; first < blocks; first += PANEL_BLOCKS) {
        size_t rest = blocks - first;
        unsigned count = rest < PANEL_BLOCKS ? (unsigned)rest : PANEL_BLOCKS;
        const uint8_t *units = packed + first / f->unit_blocks * tile_unit_bytes(f);
        for (unsigned i = 0; i < tiles; i++) {
            k->expand[m->layout](units + i * bytes, count, &scratch->panels[i]);
            prefetch(units + i * bytes + AHEAD_BYTES, chunk_bytes);
        }
        for (size_t g = 0; g * whole < n; g++) {
            struct activations group = activation_group(job->compute, n, blocks, g);
            struct activations from = activations_from(&group, first);
            const size_t token = g * whole;
            for (unsigned i = 0; i < tiles && first == 0; i++)
                memset(scratch->sums[i][token], 0, group.tokens * sizeof scratch->sums[i][0]);
            k->dot[m->layout](scratch->panels, tiles, count, &from, scratch->sums[0][token],
                              BATCH_TOKENS * TILE_ROWS);
            /* Stored one by one: the stores take their time while the next tokens are multiplied.
             */
            for (unsigned i = 0; i < tiles && first + count == blocks; i++)
                store_sums(product, tile + i, scratch->sums[i], token, group.tokens);
        }
    }
}

/* `tiles` (1, 2 or 4) tiles of float weights with all tokens. */
static void multiply_float(const struct multiply_job *job, const struct product *product,
                           uint32_t tile, unsigned tiles, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const size_t col_bytes = bytes / m->cols;
    const uint8_t *packed = (const uint8_t *)m->packed + tile * bytes;
    for (unsigned i = 0; i < tiles; i++)
        memset(scratch->sums[i], 0, job->n * sizeof scratch->sums[i][0]);
    for (size_t col = 0; col < m->cols; col += FLOAT_CHUNK_COLS) {
        size_t cols = m->cols - col < FLOAT_CHUNK_COLS ? m->cols - col : FLOAT_CHUNK_COLS;
        for (size_t t = 0; t < job->n; t += TOKEN_GROUP) {
            size_t tokens = job->n - t < TOKEN_GROUP ? job->n - t : TOKEN_GROUP;
            job->compute->kernels->dot_float[m->layout](
                packed + col * col_bytes, bytes, tiles, job->x + t * job->x_stride + col,
                job->x_stride, (unsigned)tokens, cols, scratch->sums[0][t],
                BATCH_TOKENS * TILE_ROWS);
        }
    }
    for (unsigned i = 0; i < tiles; i++) store_tile(job, product, tile + i, scratch->sums[i]);
}

static void multiply_few(const struct multiply_job *job, const struct product *product,
                         uint32_t tile, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const size_t blocks = m->cols / BLOCK_COLS, whole = group_tokens(job->compute, job->n);
    for (size_t g = 0; g * whole < job->n; g++) {
        struct activations group = activation_group(job->compute, job->n, blocks, g);
        job->compute->kernels->dot_few[m->layout]((const uint8_t *)m->packed + tile * bytes, blocks,
                                                  &group, scratch->sums[0][g * whole]);
    }
    store_tile(job, product, tile, scratch->sums[0]);
}

static void multiply_item(const struct multiply_job *job, const struct product *product,
                          uint32_t item, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    uint32_t tile = item * item_tiles(m), left = matrix_tiles(m) - tile;
    if (left > item_tiles(m)) left = item_tiles(m);
    if (m->layout < TILE_FLOAT_COUNT) {
        if (left == 3) { /* kernels take 1, 2 or 4 */
            multiply_float(job, product, tile++, 1, scratch);
            left = 2;
        }
        multiply_float(job, product, tile, left, scratch);
    } else if (is_few(job->compute, job->n)) {
        for (uint32_t i = 0; i < left; i++) multiply_few(job, product, tile + i, scratch);
    } else {
        multiply_pair(job, product, tile, left, scratch);
    }
}

/* Threads share the columns, not the tokens: those of a group lie in the same cache lines. */
static void quantise_share(const struct multiply_job *job, unsigned thread, unsigned threads)
{
    const size_t blocks = job->group[0].matrix->cols / BLOCK_COLS;
    const size_t first = blocks * thread / threads, end = blocks * (thread + 1) / threads;
    const size_t whole = group_tokens(job->compute, job->n);
    for (size_t g = 0; g * whole < job->n; g++) {
        struct activations group = activation_group(job->compute, job->n, blocks, g);
        struct activations share = activations_from(&group, first);
        job->compute->kernels->quantise(job->x + g * whole * job->x_stride + first * BLOCK_COLS,
                                        job->x_stride, end - first, &share);
    }
}

static void multiply_work(void *argument, unsigned thread, unsigned threads)
{
    struct multiply_job *job = argument;
    struct compute *compute = job->compute;
    if (job->quantise) {
        quantise_share(job, thread, threads);
        thread_pool_barrier(compute->pool);
    }
    for (;;) {
        uint32_t item =
            atomic_fetch_add_explicit(&compute->next_item, job->step, memory_order_relaxed);
        if (item >= job->items) return;
        uint32_t end = item + job->step < job->items ? item + job->step : job->items;
        const struct product *product = job->group;
        uint32_t before = 0;
        for (; item < end; item++) {
            while (item - before >= matrix_items(product->matrix))
                before += matrix_items(product++->matrix);
            multiply_item(job, product, item - before, &compute->multiply_scratch[thread]);
        }
    }
}

static void multiply_batch(struct multiply_job *job, bool quantised)
{
    /* One token is quantised sooner than the threads have met. */
    job->quantise = quantised && job->n > 1;
    if (quantised && job->n == 1) quantise_share(job, 0, 1);
    atomic_store_explicit(&job->compute->next_item, 0, memory_order_relaxed);
    thread_pool_run(job->compute->pool, multiply_work, job);
}

void compute_multiply(struct compute *compute, const float *x, size_t x_stride, size_t n,
                      const struct product *group, size_t group_count)
{
    if (!n || !group_count) return;
    struct multiply_job job = {
        .compute = compute, .x_stride = x_stride, .group_count = group_count};
    bool quantised = false;
    for (size_t p = 0; p < group_count; p++) {
        const struct matrix *m = group[p].matrix;
        assert(m->cols == group[0].matrix->cols && m->cols <= compute->widest_cols);
        job.items += matrix_items(m);
        quantised |= m->layout >= TILE_FLOAT_COUNT;
    }
    job.step = job.items / (thread_pool_threads(compute->pool) * ITEMS_PER_THREAD);
    if (!job.step) job.step = 1;

    struct product moved[MULTIPLY_GROUP_MAX];
    assert(group_count <= MULTIPLY_GROUP_MAX);
    memcpy(moved, group, group_count * sizeof *group);
    job.group = moved;
    for (size_t done = 0; done < n; done += BATCH_TOKENS) {
        job.n = n - done < BATCH_TOKENS ? n - done : BATCH_TOKENS;
        job.x = x + done * x_stride;
        for (size_t p = 0; p < group_count; p++) moved[p].y = group[p].y + done * group[p].y_stride;
        multiply_batch(&job, quantised);
    }
}
