/* multiply.c - y = W x for a group of matrices: quantises the input once, shares out the tiles.
 *
 * A thread takes a run of tiles at a time. For few tokens it streams each tile through dot_few. For
 * more it expands a chunk of 512 columns of two tiles into panels in the first-level cache and
 * passes all tokens by them, five at a time; then the next two tiles, then the next columns:
 *
 *        columns ->
 *       +-------+-------+----        x: token groups    [5][5][5]... (L2, for all tiles of the run)
 *  tile | panel |  ...                       |
 *  pair | (L1)  |             sums (L2): [token][16 rows], added to panel by panel
 *       +-------+-------+----
 *  next pair ...
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

enum {
    FLOAT_CHUNK_COLS = 128, /* of float weights at a time: 4 tiles x 128 x 4 bytes fill L1 */
    PAIR_CHUNK_COLS = 256,  /* of BF16 in pairs */
    FEW_PASSES = 6,         /* of dot_few over a tile, which the first leaves in the cache */
    PREPARE_ALONE = 2048,   /* values that are prepared before the threads begin */
    CACHE_LINE_BYTES = 64,
};

/* ---- scratch ---- */

/* Bytes of the activations of n tokens. */
static size_t activations_bytes(size_t n, size_t blocks)
{
    return n * blocks * (2 * BLOCK_COLS + 8 * sizeof(float));
}

/* Whether n tokens go straight through dot_few. Where that takes one at a time, a second pass would
 * expand the weights for one token again. */
static bool is_few(const struct compute *compute, size_t n)
{
    const unsigned most = compute->kernels->few_tokens;
    return n <= (most > 1 ? FEW_PASSES * most : most);
}

/* How the quantised activations of a batch are cut. */
struct cut {
    char *memory;
    size_t tokens, blocks;
    size_t group; /* tokens of a group: evenly, so that none is left alone at the end */
    /* Blocks whose activations lie together, of all groups: what a panel holds, so that the tokens
     * pass by it in the order of memory. Few tokens go through all blocks at once. */
    size_t chunk;
    bool in_grid; /* some matrix wants them in the order of IQ2_XXS's columns */
};

static struct cut cut_activations(const struct compute *compute, size_t n, uint32_t cols)
{
    const bool few = is_few(compute, n);
    const size_t most = few ? compute->kernels->few_tokens : TOKEN_GROUP;
    const size_t groups = (n + most - 1) / most, blocks = cols / BLOCK_COLS;
    return (struct cut){.memory = compute->activation_memory,
                        .tokens = n,
                        .blocks = blocks,
                        .group = (n + groups - 1) / groups,
                        .chunk = few || blocks < PANEL_BLOCKS ? blocks : PANEL_BLOCKS};
}

/* The arrays of group `g` for the chunk that begins with block `first`, in one piece of memory. */
static struct activations activation_group(const struct cut *cut, size_t first, size_t g)
{
    const size_t rest = cut->tokens - g * cut->group, left = cut->blocks - first;
    const size_t tokens = rest < cut->group ? rest : cut->group;
    const size_t count = left < cut->chunk ? left : cut->chunk;
    char *memory = cut->memory + activations_bytes(cut->tokens, first) +
                   activations_bytes(g * cut->group, count);
    size_t values = tokens * count;
    float *scales = (float *)(memory + 2 * values * BLOCK_COLS);
    return (struct activations){.tokens = (unsigned)tokens,
                                .quants = (int8_t *)memory,
                                .grid_quants = (int8_t *)memory + values * BLOCK_COLS,
                                .scales = scales,
                                .starts = (int32_t *)(scales + values),
                                .half_starts = (int32_t *)(scales + 2 * values),
                                .sums = scales + 4 * values,
                                .half_sums = scales + 5 * values};
}

static void multiply_free_activations(struct compute *compute)
{
    free(compute->activation_memory);
    free(compute->pair_memory);
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
    void *pairs = aligned_alloc(64, BATCH_TOKENS * blocks * BLOCK_COLS * sizeof(uint16_t));
    if (!memory || !pairs) {
        free(memory);
        free(pairs);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for products of %u columns", cols);
    }
    multiply_free_activations(compute);
    compute->activation_memory = memory;
    compute->pair_memory = pairs;
    compute->widest_cols = cols;
    return OK;
}

void multiply_deinit(struct compute *compute)
{
    multiply_free_activations(compute);
    free(compute->multiply_scratch);
}

/* ---- the work of one thread ---- */

struct multiply_job {
    struct compute *compute;
    const float *x;
    size_t x_stride, n;
    const struct product *group;
    size_t group_count;
    struct cut cut;
    bool quantised, pairs; /* what the matrices of the group want to see of x */
    bool prepare;          /* the threads do it, then meet at a barrier */
    void (*dot_pairs)(const uint8_t *tiles, size_t tile_stride, unsigned tile_count,
                      const uint16_t *x, size_t x_stride, unsigned tokens, size_t pairs,
                      float *sums, size_t sums_stride);
    uint32_t items; /* some tiles each, all products after each other */
    uint32_t most;  /* items that a thread takes at once */
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

/* Ask for one of `parts` parts of weights that are read next, so that they come while the tokens
 * pass by the panels: all at once they would wait for each other. */
static void prefetch_part(const uint8_t *from, size_t bytes, size_t part, size_t parts)
{
    const size_t lines = bytes / CACHE_LINE_BYTES + 1;
    for (size_t line = lines * part / parts; line < lines * (part + 1) / parts; line++)
        __builtin_prefetch(from + line * CACHE_LINE_BYTES, 0, 2);
}

/* `tiles` tiles of quantised weights (at most RUN_TILES) with all tokens. Chunk by chunk of the
 * columns, so that the tokens' part of a chunk stays in the second-level cache for all tiles. */
static void multiply_many(const struct multiply_job *job, const struct product *product,
                          uint32_t tile, unsigned tiles, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const struct kernels *k = job->compute->kernels;
    const struct tile_format *f = &tile_formats[m->layout];
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const uint8_t *packed = (const uint8_t *)m->packed + tile * bytes;
    const size_t blocks = job->cut.blocks, whole = job->cut.group;
    const size_t groups = (job->n + whole - 1) / whole;
    const size_t chunk_bytes = PANEL_BLOCKS / f->unit_blocks * tile_unit_bytes(f);
    for (size_t first = 0; first < blocks; first += PANEL_BLOCKS) {
        size_t rest = blocks - first;
        unsigned count = rest < PANEL_BLOCKS ? (unsigned)rest : PANEL_BLOCKS;
        const uint8_t *units = packed + first / f->unit_blocks * tile_unit_bytes(f);
        for (unsigned i = 0; i < tiles; i += PANEL_PAIR) {
            unsigned pair = tiles - i < PANEL_PAIR ? tiles - i : PANEL_PAIR;
            for (unsigned p = 0; p < pair; p++)
                k->expand[m->layout](units + (i + p) * bytes, count, &scratch->panels[p]);
            /* Next are the following tiles, else the next columns of the first ones. */
            const uint8_t *next = i + PANEL_PAIR < tiles          ? units + (i + PANEL_PAIR) * bytes
                                  : first + PANEL_BLOCKS < blocks ? units + chunk_bytes
                                                                  : packed + tiles * bytes;
            for (size_t g = 0; g < groups; g++) {
                struct activations group = activation_group(&job->cut, first, g);
                if (f->factors == FACTORS_IN_GRID) group.quants = group.grid_quants;
                float(*sums)[TILE_ROWS] = &scratch->sums[i][g * whole];
                for (unsigned p = 0; p < pair; p++)
                    prefetch_part(next + p * bytes, chunk_bytes, g, groups);
                for (unsigned p = 0; p < pair && first == 0; p++)
                    memset(sums + p * BATCH_TOKENS, 0, group.tokens * sizeof *sums);
                k->dot[m->layout](scratch->panels, pair, count, &group, sums[0],
                                  BATCH_TOKENS * TILE_ROWS);
                /* Here and there, so that the stores take their time beside the products. */
                for (unsigned p = 0; p < pair && first + count == blocks; p++)
                    store_sums(product, tile + i + p, scratch->sums[i + p], g * whole,
                               group.tokens);
            }
        }
    }
}

/* Activations in BF16, from column `col` on, which begins a chunk: those of a chunk lie together.
 */
static uint16_t *pair_row(const struct compute *compute, size_t n, size_t cols, size_t col,
                          size_t token)
{
    size_t chunk = cols - col < PAIR_CHUNK_COLS ? cols - col : PAIR_CHUNK_COLS;
    return compute->pair_memory + col * n + token * chunk;
}

/* `tiles` (1, 2 or 4) tiles of float weights with all tokens. */
static void multiply_float(const struct multiply_job *job, const struct product *product,
                           uint32_t tile, unsigned tiles, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const struct kernels *k = job->compute->kernels;
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const size_t col_bytes = bytes / m->cols, n = job->n, sums_stride = BATCH_TOKENS * TILE_ROWS;
    const uint8_t *packed = (const uint8_t *)m->packed + tile * bytes;
    const bool pairs = m->layout == TILE_PAIRS;
    const size_t chunk = pairs ? PAIR_CHUNK_COLS : FLOAT_CHUNK_COLS;
    for (unsigned i = 0; i < tiles; i++)
        memset(scratch->sums[i], 0, n * sizeof scratch->sums[i][0]);
    for (size_t col = 0; col < m->cols; col += chunk) {
        const size_t cols = m->cols - col < chunk ? m->cols - col : chunk;
        const uint8_t *weights = packed + col * col_bytes;
        for (size_t t = 0; t < n; t += TOKEN_GROUP) {
            const unsigned tokens = n - t < TOKEN_GROUP ? (unsigned)(n - t) : TOKEN_GROUP;
            if (pairs)
                job->dot_pairs(weights, bytes, tiles, pair_row(job->compute, n, m->cols, col, t),
                               cols, tokens, cols / 2, scratch->sums[0][t], sums_stride);
            else
                k->dot_float[m->layout](weights, bytes, tiles, job->x + t * job->x_stride + col,
                                        job->x_stride, tokens, cols, scratch->sums[0][t],
                                        sums_stride);
        }
    }
    for (unsigned i = 0; i < tiles; i++) store_tile(job, product, tile + i, scratch->sums[i]);
}

/* `tiles` tiles of quantised weights with few tokens, each tile read once. */
static void multiply_few(const struct multiply_job *job, const struct product *product,
                         uint32_t tile, uint32_t tiles, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    const size_t bytes = tile_bytes((enum tile_layout)m->layout, m->cols);
    const size_t whole = job->cut.group, blocks = job->cut.blocks;
    const uint8_t *packed = (const uint8_t *)m->packed + tile * bytes;
    for (const uint32_t end = tile + tiles; tile < end; tile++, packed += bytes) {
        for (size_t g = 0; g * whole < job->n; g++) {
            struct activations group = activation_group(&job->cut, 0, g);
            job->compute->kernels->dot_few[m->layout](packed, blocks, &group,
                                                      scratch->sums[0][g * whole]);
        }
        store_tile(job, product, tile, scratch->sums[0]);
    }
}

/* Items first..first+count-1 of one product. */
static void multiply_items(const struct multiply_job *job, const struct product *product,
                           uint32_t first, uint32_t count, struct multiply_scratch *scratch)
{
    const struct matrix *m = product->matrix;
    uint32_t tile = first * item_tiles(m), end = tile + count * item_tiles(m);
    if (end > matrix_tiles(m)) end = matrix_tiles(m);
    while (tile < end) {
        uint32_t tiles = end - tile;
        if (m->layout < TILE_FLOAT_COUNT) {
            tiles = tiles >= 4 ? 4 : tiles >= 2 ? 2 : 1; /* what the kernels take */
            multiply_float(job, product, tile, tiles, scratch);
        } else if (is_few(job->compute, job->n)) {
            multiply_few(job, product, tile, tiles, scratch);
        } else {
            if (tiles > RUN_TILES) tiles = RUN_TILES;
            multiply_many(job, product, tile, tiles, scratch);
        }
        tile += tiles;
    }
}

/* Threads share the columns, not the tokens: those of a group lie in the same cache lines. */
static void quantise_share(const struct multiply_job *job, unsigned thread, unsigned threads)
{
    const struct cut *cut = &job->cut;
    const size_t end = cut->blocks * (thread + 1) / threads;
    for (size_t g = 0; g * cut->group < job->n; g++) {
        const float *x = job->x + g * cut->group * job->x_stride;
        for (size_t first = cut->blocks * thread / threads, next; first < end; first = next) {
            const size_t chunk_first = first / cut->chunk * cut->chunk;
            next = chunk_first + cut->chunk < end ? chunk_first + cut->chunk : end;
            struct activations group = activation_group(cut, chunk_first, g);
            struct activations share = activations_from(&group, first - chunk_first);
            if (!cut->in_grid) share.grid_quants = NULL;
            job->compute->kernels->quantise(x + first * BLOCK_COLS, job->x_stride, next - first,
                                            &share);
        }
    }
}

/* Threads share the chunks. */
static void round_share(const struct multiply_job *job, unsigned thread, unsigned threads)
{
    const size_t cols = job->group[0].matrix->cols;
    for (size_t col = thread * (size_t)PAIR_CHUNK_COLS; col < cols;
         col += threads * (size_t)PAIR_CHUNK_COLS) {
        size_t count = cols - col < PAIR_CHUNK_COLS ? cols - col : PAIR_CHUNK_COLS;
        for (size_t t = 0; t < job->n; t++)
            job->compute->kernels->round_pairs(job->x + t * job->x_stride + col, count,
                                               pair_row(job->compute, job->n, cols, col, t));
    }
}

static void prepare_share(const struct multiply_job *job, unsigned thread, unsigned threads)
{
    if (job->quantised) quantise_share(job, thread, threads);
    if (job->pairs) round_share(job, thread, threads);
}

static uint64_t item_range(uint32_t first, uint32_t end)
{
    return (uint64_t)end << 32 | first;
}

/* Every thread has a share of neighbouring items: memory is read fastest in long runs. */
static void share_items(const struct multiply_job *job)
{
    const uint64_t threads = thread_pool_threads(job->compute->pool);
    for (uint64_t t = 0; t < threads; t++) {
        const uint64_t range = item_range((uint32_t)(job->items * t / threads),
                                          (uint32_t)(job->items * (t + 1) / threads));
        atomic_store_explicit(&job->compute->multiply_scratch[t].items, range,
                              memory_order_relaxed);
    }
}

/* Half of the items from `range`, at most `most`, from its front or its back. Returns how many. */
static uint32_t take_half(_Atomic uint64_t *range, bool from_back, uint32_t most, uint32_t *item)
{
    uint64_t old = atomic_load_explicit(range, memory_order_relaxed), new;
    uint32_t count;
    do {
        const uint32_t first = (uint32_t)old, end = (uint32_t)(old >> 32);
        if (first >= end) return 0;
        count = (end - first + 1) / 2;
        if (count > most) count = most;
        *item = from_back ? end - count : first;
        new = from_back ? item_range(first, end - count) : item_range(first + count, end);
    } while (!atomic_compare_exchange_weak_explicit(range, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
    return count;
}

/* The next items of the thread's own, or what it takes over from others, so that all finish
 * together. Returns how many. */
static uint32_t take_items(const struct multiply_job *job, unsigned thread, unsigned threads,
                           uint32_t *item)
{
    struct multiply_scratch *scratch = job->compute->multiply_scratch;
    uint32_t count = take_half(&scratch[thread].items, false, job->most, item);
    for (unsigned other = 1; other < threads && !count; other++)
        count = take_half(&scratch[(thread + other) % threads].items, true, job->most, item);
    return count;
}

static void multiply_work(void *argument, unsigned thread, unsigned threads)
{
    struct multiply_job *job = argument;
    struct compute *compute = job->compute;
    if (job->prepare) {
        prepare_share(job, thread, threads);
        thread_pool_barrier(compute->pool);
    }
    uint32_t item, count;
    while ((count = take_items(job, thread, threads, &item)) != 0) {
        const struct product *product = job->group;
        uint32_t before = 0; /* items of the products before this one */
        while (count) {
            while (item - before >= matrix_items(product->matrix))
                before += matrix_items(product++->matrix);
            uint32_t rest = matrix_items(product->matrix) - (item - before);
            uint32_t now = count < rest ? count : rest;
            multiply_items(job, product, item - before, now, &compute->multiply_scratch[thread]);
            item += now;
            count -= now;
        }
    }
}

static void multiply_batch(struct multiply_job *job)
{
    job->cut = cut_activations(job->compute, job->n, job->group[0].matrix->cols);
    for (size_t p = 0; p < job->group_count; p++)
        job->cut.in_grid |= job->group[p].matrix->layout == TILE_IQ2_XXS;
    /* One short token is prepared sooner than the threads have met. */
    const bool much = job->n * job->group[0].matrix->cols > PREPARE_ALONE;
    job->prepare = (job->quantised || job->pairs) && much;
    if (!job->prepare) prepare_share(job, 0, 1);
    job->most = is_few(job->compute, job->n) ? job->items : RUN_TILES / PANEL_PAIR;
    share_items(job);
    thread_pool_run(job->compute->pool, multiply_work, job);
}

void compute_multiply(struct compute *compute, const float *x, size_t x_stride, size_t n,
                      const struct product *group, size_t group_count)
{
    if (!n || !group_count) return;
    struct multiply_job job = {
        .compute = compute, .x_stride = x_stride, .group_count = group_count};
    const struct kernels *k = compute->kernels;
    job.dot_pairs = k->dot_pairs_native && kernels_have_bf16() ? k->dot_pairs_native : k->dot_pairs;
    for (size_t p = 0; p < group_count; p++) {
        const struct matrix *m = group[p].matrix;
        assert(m->cols == group[0].matrix->cols && m->cols <= compute->widest_cols);
        job.items += matrix_items(m);
        job.quantised |= m->layout >= TILE_FLOAT_COUNT;
        job.pairs |= m->layout == TILE_PAIRS;
    }

    struct product moved[MULTIPLY_GROUP_MAX];
    assert(group_count <= MULTIPLY_GROUP_MAX);
    memcpy(moved, group, group_count * sizeof *group);
    job.group = moved;
    for (size_t done = 0; done < n; done += BATCH_TOKENS) {
        job.n = n - done < BATCH_TOKENS ? n - done : BATCH_TOKENS;
        job.x = x + done * x_stride;
        for (size_t p = 0; p < group_count; p++) moved[p].y = group[p].y + done * group[p].y_stride;
        multiply_batch(&job);
    }
}
