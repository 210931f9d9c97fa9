/* matrix.c - weights on their way from the file into tiles, and single rows back out of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compute/cpu/cpu.h"

enum { HUGE_PAGE_BYTES = 2 << 20, CACHE_LINE_BYTES = 64 };

/* Memory for packed weights, by huge pages when it is worth them: reads of weights touch each page
 * once per token, and a 4 KB page is read faster than its translation is found. What does not fill
 * a huge page at the end stays in small ones. */
static void *weights_alloc(size_t bytes)
{
    bool large = bytes >= HUGE_PAGE_BYTES;
    void *memory = NULL;
    if (posix_memalign(&memory, large ? HUGE_PAGE_BYTES : CACHE_LINE_BYTES, bytes) != 0)
        return NULL;
    /* Advice: where it is refused, small pages do. */
    if (large) (void)madvise(memory, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
    return memory;
}

struct pack_job {
    struct compute *compute;
    const struct matrix *matrix;
    const uint8_t *data;
    size_t row_bytes, tile_bytes;
    uint32_t tiles;
};

static void pack_work(void *argument, unsigned thread, unsigned threads)
{
    struct pack_job *job = argument;
    const struct matrix *m = job->matrix;
    for (;;) {
        uint32_t tile = atomic_fetch_add(&job->compute->next_item, 1);
        if (tile >= job->tiles) return;
        uint32_t row = tile * TILE_ROWS;
        unsigned rows = m->rows - row < TILE_ROWS ? m->rows - row : TILE_ROWS;
        tile_pack(m->type, job->data + row * job->row_bytes, job->row_bytes, rows, m->cols,
                  (uint8_t *)m->packed + tile * job->tile_bytes);
    }
}

enum status matrix_pack(struct compute *compute, struct matrix *matrix, enum tensor_type type,
                        uint32_t rows, uint32_t cols, const void *data, struct fault *fault)
{
    *matrix = (struct matrix){0};
    enum tile_layout layout = tile_layout_of(type);
    if (layout == TILE_LAYOUT_COUNT)
        return fault_set(fault, STATUS_UNSUPPORTED, "tensor type %d has no kernel", (int)type);
    uint64_t row_bytes;
    if (!rows || !cols || !tensor_type_bytes(type, cols, &row_bytes))
        return fault_set(fault, STATUS_CORRUPT,
                         "a %s matrix of %u rows of %u values has no meaning",
                         tensor_type_info(type)->name, rows, cols);
    uint32_t tiles = rows / TILE_ROWS + (rows % TILE_ROWS != 0);
    size_t bytes;
    if (__builtin_mul_overflow((size_t)tiles, tile_bytes(layout, cols), &bytes))
        return fault_set(fault, STATUS_TOO_LARGE, "a %u x %u matrix is too large", rows, cols);
    TRY(compute_reserve(compute, cols, fault));
    void *packed = weights_alloc(bytes);
    if (!packed)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a %u x %u matrix of %zu MB", rows,
                         cols, bytes >> 20);
    *matrix = (struct matrix){.type = type,
                              .rows = rows,
                              .cols = cols,
                              .layout = (int)layout,
                              .packed = packed,
                              .packed_bytes = bytes,
                              .kernels = compute->kernels};
    struct pack_job job = {.compute = compute,
                           .matrix = matrix,
                           .data = data,
                           .row_bytes = (size_t)row_bytes,
                           .tile_bytes = tile_bytes(layout, cols),
                           .tiles = tiles};
    atomic_store(&compute->next_item, 0);
    thread_pool_run(compute->pool, pack_work, &job);
    return OK;
}

void matrix_free(struct matrix *matrix)
{
    free(matrix->packed);
    *matrix = (struct matrix){0};
}

static void float_row(const struct matrix *m, const uint8_t *tile, unsigned lane, float *values)
{
    for (uint32_t c = 0; c < m->cols; c++) {
        size_t at = (size_t)c * TILE_ROWS + lane;
        switch (m->layout) {
        case TILE_F16: values[c] = f16_to_f32(((const uint16_t *)tile)[at]); break;
        case TILE_BF16: values[c] = bf16_to_f32(((const uint16_t *)tile)[at]); break;
        default: values[c] = ((const float *)tile)[at];
        }
    }
}

void matrix_row(const struct matrix *matrix, uint32_t row, float *values)
{
    assert(row < matrix->rows);
    unsigned lane = row % TILE_ROWS;
    const uint8_t *tile =
        (const uint8_t *)matrix->packed +
        row / TILE_ROWS * tile_bytes((enum tile_layout)matrix->layout, matrix->cols);
    if (matrix->layout < TILE_FLOAT_COUNT) {
        float_row(matrix, tile, lane, values);
        return;
    }
    const struct tile_format *f = &tile_formats[matrix->layout];
    struct panel panel;
    for (uint32_t col = 0; col < matrix->cols; col += f->unit_blocks * BLOCK_COLS) {
        matrix->kernels->expand[matrix->layout](tile, f->unit_blocks, &panel);
        tile += tile_unit_bytes(f);
        for (uint32_t c = 0; c < (uint32_t)f->unit_blocks * BLOCK_COLS; c++) {
            uint8_t byte = panel.weights[c / BLOCK_COLS][c % BLOCK_COLS / 4][4 * lane + c % 4];
            size_t at = c * f->block_scales / BLOCK_COLS;
            float value = panel.scales[at][lane] *
                          (float)(int8_t)(uint8_t)(byte - matrix->kernels->weight_bias);
            values[col + c] = f->minimums ? value + panel.minimums[at][lane] : value;
        }
    }
}
