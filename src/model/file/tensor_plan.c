/* tensor_plan.c - see tensor_plan.h.
 *
 * A tensor is worked through in chunks of rows. Threads share a chunk's rows; the caller's thread
 * takes part, writes the chunk, and reports. What a row becomes depends on the row alone, so the
 * file does not depend on the number of threads. */
#include "model/file/tensor_plan.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { CHUNK_VALUES = 4 << 20, THREADS_MAX = 64 };

struct chunk {
    const struct tensor_plan *plan;
    size_t row_bytes; /* in the file */
    uint64_t first_row;
    size_t rows;
    unsigned char *out;
};

/* Every `threads`-th row of a chunk from `thread` on. */
struct share {
    const struct chunk *chunk;
    unsigned thread, threads;
    float *row;
    enum status status;
    struct fault fault;
};

static enum status check_row(const struct tensor_plan *plan, uint64_t index, const float *row,
                             struct fault *fault)
{
    float largest = 0;
    for (uint64_t i = 0; i < plan->dimensions[0]; i++) {
        if (!isfinite(row[i]))
            return fault_set(fault, STATUS_CORRUPT,
                             "tensor \"%.*s\" holds a value that is not finite in row %" PRIu64,
                             TEXT_FORMAT(plan->name), index);
        largest = fmaxf(largest, fabsf(row[i]));
    }
    if (plan->type != TENSOR_F32 && plan->type != TENSOR_BF16 && largest > 65504.0f)
        return fault_set(fault, STATUS_CORRUPT,
                         "tensor \"%.*s\" holds %g, beyond the range of F16; choose BF16 or F32",
                         TEXT_FORMAT(plan->name), (double)largest);
    return OK;
}

static void *work_on_share(void *argument)
{
    struct share *share = argument;
    const struct chunk *chunk = share->chunk;
    const struct tensor_plan *plan = chunk->plan;
    for (size_t i = share->thread; i < chunk->rows && share->status == OK; i += share->threads) {
        uint64_t index = chunk->first_row + i;
        plan->read_row(plan->argument, index, share->row);
        share->status = check_row(plan, index, share->row, &share->fault);
        if (share->status == OK)
            share->status =
                quantise_row(plan->type, share->row, NULL, chunk->out + i * chunk->row_bytes,
                             (size_t)plan->dimensions[0], &share->fault);
    }
    return NULL;
}

/* The share of a thread that cannot be started is done by the caller's. */
static enum status work_on_chunk(struct share *shares, unsigned threads, struct fault *fault)
{
    pthread_t workers[THREADS_MAX];
    bool started[THREADS_MAX] = {false};
    for (unsigned t = 1; t < threads; t++)
        started[t] = pthread_create(&workers[t], NULL, work_on_share, &shares[t]) == 0;
    for (unsigned t = 0; t < threads; t++)
        if (!started[t]) work_on_share(&shares[t]);
    for (unsigned t = 1; t < threads; t++)
        if (started[t]) pthread_join(workers[t], NULL);
    for (unsigned t = 0; t < threads; t++)
        if (shares[t].status != OK) {
            if (fault) *fault = shares[t].fault;
            return shares[t].status;
        }
    return OK;
}

/* ---- one tensor ---- */

struct output {
    struct gguf_writer *writer;
    unsigned threads;
    const struct progress *progress;
    double values_done, values_total;
};

static uint64_t plan_rows(const struct tensor_plan *plan)
{
    uint64_t rows = 1;
    for (uint32_t i = 1; i < plan->dimension_count; i++) rows *= plan->dimensions[i];
    return rows;
}

static enum status write_chunks(struct output *output, struct chunk *chunk, struct share *shares,
                                unsigned threads, size_t chunk_rows, struct fault *fault)
{
    uint64_t rows = plan_rows(chunk->plan);
    for (uint64_t row = 0; row < rows; row += chunk->rows) {
        chunk->first_row = row;
        chunk->rows = rows - row < chunk_rows ? (size_t)(rows - row) : chunk_rows;
        TRY(work_on_chunk(shares, threads, fault));
        TRY(gguf_writer_data(output->writer, chunk->out, chunk->rows * chunk->row_bytes, fault));
        output->values_done += (double)chunk->rows * (double)chunk->plan->dimensions[0];
        progress_report(output->progress, output->values_done / output->values_total);
    }
    return OK;
}

static enum status write_tensor(struct output *output, const struct tensor_plan *plan,
                                struct fault *fault)
{
    size_t columns = (size_t)plan->dimensions[0];
    uint64_t rows = plan_rows(plan), row_bytes = 0;
    size_t chunk_rows = columns < CHUNK_VALUES ? CHUNK_VALUES / columns : 1;
    if (chunk_rows > rows) chunk_rows = (size_t)rows;
    assert(columns > 0 && chunk_rows > 0 && output->threads > 0);
    unsigned threads = output->threads < chunk_rows ? output->threads : (unsigned)chunk_rows;
    if (!tensor_type_bytes(plan->type, columns, &row_bytes))
        return fault_set(fault, STATUS_INVALID, "%zu columns do not divide into %s blocks", columns,
                         tensor_type_info(plan->type)->name);

    struct chunk chunk = {.plan = plan, .row_bytes = (size_t)row_bytes};
    chunk.out = calloc(chunk_rows, chunk.row_bytes);
    float *row_space = calloc(threads, columns * sizeof *row_space);
    struct share *shares = calloc(threads, sizeof *shares);
    enum status status = OK;
    if (!chunk.out || !row_space || !shares) {
        status = fault_set(fault, STATUS_NO_MEMORY, "not enough memory to convert a tensor");
        goto done;
    }
    for (unsigned t = 0; t < threads; t++) {
        shares[t].chunk = &chunk;
        shares[t].thread = t;
        shares[t].threads = threads;
        shares[t].row = row_space + t * columns;
    }
    status = write_chunks(output, &chunk, shares, threads, chunk_rows, fault);
done:
    free(shares);
    free(row_space);
    free(chunk.out);
    return status;
}

/* ---- all tensors ---- */

/* How many tensors fell back from one type to another, and the first of them. */
struct fallback {
    uint32_t count;
    struct text first;
};
struct fallbacks {
    struct fallback pairs[TENSOR_TYPE_COUNT][TENSOR_TYPE_COUNT]; /* [wanted][type] */
};

static void choose_type(struct tensor_plan *plan, const struct file_type *file_type,
                        const struct file_type_model *model, struct fallbacks *fallbacks)
{
    struct file_type_choice choice =
        file_type_choose(file_type, model, plan->name, plan->dimensions[0], plan->dimension_count);
    plan->type = choice.type;
    struct fallback *fallback = &fallbacks->pairs[choice.wanted][choice.type];
    if (choice.type != choice.wanted && fallback->count++ == 0) fallback->first = plan->name;
}

static void tell_fallbacks(const struct fallbacks *fallbacks, const struct progress *progress)
{
    for (int wanted = 0; wanted < TENSOR_TYPE_COUNT; wanted++)
        for (int type = 0; type < TENSOR_TYPE_COUNT; type++) {
            const struct fallback *fallback = &fallbacks->pairs[wanted][type];
            if (fallback->count)
                progress_note(progress,
                              "%" PRIu32
                              " %s %s instead of %s, because rows do not divide into "
                              "blocks of %" PRIu32 " values (first: %.*s)",
                              fallback->count, fallback->count == 1 ? "tensor is" : "tensors are",
                              tensor_type_info(type)->name, tensor_type_info(wanted)->name,
                              tensor_type_info(wanted)->block_values, TEXT_FORMAT(fallback->first));
        }
}

enum status tensor_plans_write(struct tensor_plan *plans, size_t count,
                               const struct file_type *file_type,
                               const struct file_type_model *model, unsigned threads,
                               struct gguf_writer *writer, const struct progress *progress,
                               struct fault *fault)
{
    struct output output = {.writer = writer, .threads = threads, .progress = progress};
    if (output.threads < 1) output.threads = 1;
    if (output.threads > THREADS_MAX) output.threads = THREADS_MAX;
    struct fallbacks fallbacks = {0};
    for (size_t i = 0; i < count; i++) {
        struct tensor_plan *plan = &plans[i];
        choose_type(plan, file_type, model, &fallbacks);
        gguf_writer_declare(writer, plan->name, plan->type, plan->dimensions,
                            plan->dimension_count);
        output.values_total += (double)plan_rows(plan) * (double)plan->dimensions[0];
    }
    tell_fallbacks(&fallbacks, progress);
    for (size_t i = 0; i < count; i++) TRY(write_tensor(&output, &plans[i], fault));
    return OK;
}
