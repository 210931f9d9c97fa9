/* matrix.c - weights on their way from the file into tiles, and single rows back out of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

static uint32_t matrix_tiles(uint32_t rows)
{
    return rows / TILE_ROWS + (rows % TILE_ROWS != 0);
}

enum { PAGE_BYTES = 4096, PIECE_BYTES = 256 << 10, PIECES_FETCHED = 32 };

struct pack_job {
    struct compute *compute;
    const struct matrix *matrix;
    const uint8_t *data;
    size_t row_bytes, tile_bytes;
    uint32_t tiles;
    uint32_t end; /* of the piece at hand */
};

static void pack_work(void *argument, unsigned thread, unsigned threads)
{
    struct pack_job *job = argument;
    const struct matrix *m = job->matrix;
    for (;;) {
        uint32_t tile = atomic_fetch_add(&job->compute->next_item, 1);
        if (tile >= job->end) return;
        uint32_t row = tile * TILE_ROWS;
        unsigned rows = m->rows - row < TILE_ROWS ? m->rows - row : TILE_ROWS;
        tile_pack(m->type, (enum tile_layout)m->layout, job->data + row * job->row_bytes,
                  job->row_bytes, rows, m->cols, (uint8_t *)m->packed + tile * job->tile_bytes);
    }
}

/* Have the pages of these rows in memory: waiting for a disk is nothing to do inside the gate. */
static void fetch_rows(const struct pack_job *job, uint32_t from_tile, uint32_t to_tile)
{
    uint32_t rows = job->matrix->rows, end = to_tile * TILE_ROWS;
    const volatile uint8_t *data = job->data;
    size_t to = (end < rows ? end : rows) * job->row_bytes;
    for (size_t at = from_tile * TILE_ROWS * job->row_bytes; at < to; at += PAGE_BYTES)
        (void)data[at];
}

static void pack_tiles(struct pack_job *job, uint32_t from, uint32_t to)
{
    job->end = to;
    atomic_store(&job->compute->next_item, from);
    thread_pool_run(job->compute->pool, pack_work, job);
}

static void pack_through_gate(struct pack_job *job)
{
    const struct compute_gate *gate = &job->compute->gate;
    uint32_t piece = 1 + (uint32_t)(PIECE_BYTES / job->tile_bytes), fetched = 0;
    for (uint32_t from = 0, to; from < job->tiles; from = to) {
        if (from == fetched) {
            if (from) gate->leave(gate->argument);
            uint32_t more = piece * PIECES_FETCHED;
            fetched = job->tiles - from < more ? job->tiles : from + more;
            fetch_rows(job, from, fetched);
        }
        to = fetched - from < piece ? fetched : from + piece;
        gate->enter(gate->argument);
        pack_tiles(job, from, to);
    }
    gate->leave(gate->argument);
}

/* The layout for these values: weights of 16 bits that fit are multiplied as pairs of BF16. That is
 * the rule also for F16, because what was trained in BF16 is often handed on in F16. On the calling
 * thread, as fast as memory: others may have the pool. */
static enum tile_layout choose_layout(enum tensor_type type, uint32_t rows, uint32_t cols,
                                      const uint8_t *data)
{
    enum { STEP = 1 << 16 };
    const enum tile_layout layout = tile_layout_of(type);
    if ((layout != TILE_F16 && layout != TILE_BF16) || cols % 2 != 0) return layout;
    const size_t count = (size_t)rows * cols;
    for (size_t i = 0; i < count; i += STEP)
        if (!tile_fits_pairs(type, data + i * sizeof(uint16_t),
                             count - i < STEP ? count - i : STEP))
            return layout;
    return TILE_PAIRS;
}

enum status matrix_pack_bytes(enum tensor_type type, uint32_t rows, uint32_t cols, size_t *bytes,
                              struct fault *fault)
{
    *bytes = 0;
    enum tile_layout layout = tile_layout_of(type);
    if (layout == TILE_LAYOUT_COUNT)
        return fault_set(fault, STATUS_UNSUPPORTED, "tensor type %d has no kernel", (int)type);
    uint64_t row_bytes;
    if (!rows || !cols || !tensor_type_bytes(type, cols, &row_bytes))
        return fault_set(fault, STATUS_CORRUPT,
                         "a %s matrix of %u rows of %u values has no meaning",
                         tensor_type_info(type)->name, rows, cols);
    size_t packed;
    if (__builtin_mul_overflow((size_t)matrix_tiles(rows), tile_bytes(layout, cols), &packed) ||
        __builtin_add_overflow(packed, MATRIX_ALIGNMENT - 1, &packed))
        return fault_set(fault, STATUS_TOO_LARGE, "a %u x %u matrix is too large", rows, cols);
    *bytes = packed / MATRIX_ALIGNMENT * MATRIX_ALIGNMENT;
    return OK;
}

enum status matrix_pack_into(struct compute *compute, struct matrix *matrix, void *memory,
                             enum tensor_type type, uint32_t rows, uint32_t cols, const void *data,
                             struct fault *fault)
{
    *matrix = (struct matrix){0};
    size_t bytes;
    TRY(matrix_pack_bytes(type, rows, cols, &bytes, fault));
    TRY(compute_reserve(compute, cols, fault));
    enum tile_layout layout = choose_layout(type, rows, cols, data);
    uint64_t row_bytes = 0;
    (void)tensor_type_bytes(type, cols, &row_bytes); /* looked at before */
    *matrix = (struct matrix){.type = type,
                              .rows = rows,
                              .cols = cols,
                              .layout = (int)layout,
                              .packed = memory,
                              .packed_bytes = bytes,
                              .kernels = compute->kernels};
    struct pack_job job = {.compute = compute,
                           .matrix = matrix,
                           .data = data,
                           .row_bytes = (size_t)row_bytes,
                           .tile_bytes = tile_bytes(layout, cols),
                           .tiles = matrix_tiles(rows)};
    if (compute->gate.enter)
        pack_through_gate(&job);
    else
        pack_tiles(&job, 0, job.tiles);
    return OK;
}

enum status matrix_pack(struct compute *compute, struct matrix *matrix, enum tensor_type type,
                        uint32_t rows, uint32_t cols, const void *data, struct fault *fault)
{
    *matrix = (struct matrix){0};
    size_t bytes;
    TRY(matrix_pack_bytes(type, rows, cols, &bytes, fault));
    void *memory = aligned_alloc(MATRIX_ALIGNMENT, bytes);
    if (!memory)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a %u x %u matrix of %zu MB", rows,
                         cols, bytes >> 20);
    enum status status = matrix_pack_into(compute, matrix, memory, type, rows, cols, data, fault);
    if (status == OK)
        matrix->is_owner = true;
    else
        free(memory);
    return status;
}

void matrix_free(struct matrix *matrix)
{
    if (matrix->is_owner) free(matrix->packed);
    *matrix = (struct matrix){0};
}

static void float_row(const struct matrix *m, const uint8_t *tile, unsigned lane, float *values)
{
    for (uint32_t c = 0; c < m->cols; c++) {
        size_t at = (size_t)c * TILE_ROWS + lane;
        switch (m->layout) {
        case TILE_F16: values[c] = f16_to_f32(((const uint16_t *)tile)[at]); break;
        case TILE_PAIRS:
            at = ((size_t)c / 2 * TILE_ROWS + lane) * 2 + c % 2;
            values[c] = bf16_to_f32(((const uint16_t *)tile)[at]);
            break;
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
        for (unsigned i = 0; i < f->unit_blocks * (unsigned)BLOCK_COLS; i++) {
            unsigned block = i / BLOCK_COLS, group = i % BLOCK_COLS / 4;
            unsigned c = block * BLOCK_COLS + tile_group_column(f, group, i % 4);
            uint8_t byte = panel.weights[block][group][4 * lane + i % 4];
            size_t at = c * f->block_scales / BLOCK_COLS;
            float value = panel.scales[at][lane] *
                          (float)(int8_t)(uint8_t)(byte - matrix->kernels->weight_bias);
            values[col + c] = f->minimums ? value + panel.minimums[at][lane] : value;
        }
    }
}
