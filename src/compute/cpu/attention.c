/* attention.c - attention over the paged cache, shared out over rows, kv heads and positions.
 *
 * A softmax over positions is computed in parts of ATTENTION_CHUNK positions that are merged in
 * order, whoever computes them: so a row's result does not depend on how the work was shared.
 *
 * A task is a block of neighbouring rows of one sequence and one kv head; its queries (rows x the
 * query heads of the kv head) go through the chunks together. When there are few tasks and long
 * sequences (decoding for one user), each chunk is a piece of work of its own and a second round
 * merges. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

enum {
    BATCH_ROWS = 1024,          /* rows of one round; more are done in several */
    PARTS_BYTES = 4 << 20,      /* for chunks computed apart */
    TASKS_PER_THREAD = 4,       /* fewer than this are split by chunks */
    STORE_SHARE_VALUES = 16384, /* of kv_store */
};

/* Rows first .. first+rows-1 share a page table and follow each other. */
struct row_block {
    uint32_t first, rows;
};

struct attention_state {
    struct row_block blocks[BATCH_ROWS];
    struct attention_scratch *scratch; /* one per thread */
    float *parts;                      /* PARTS_BYTES */
};

static size_t padded_width(size_t head_width)
{
    return (head_width + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
}

/* Bytes of one kv head in a page. */
static size_t kv_head_bytes(size_t head_width)
{
    return KV_PAGE_TOKENS * (head_width + padded_width(head_width)) * sizeof(uint16_t);
}

size_t compute_kv_layer_bytes(uint32_t kv_heads, uint32_t head_width)
{
    return kv_heads * kv_head_bytes(head_width);
}

enum status attention_init(struct compute *compute, struct fault *fault)
{
    struct attention_state *state = calloc(1, sizeof *state);
    if (state) {
        state->scratch =
            aligned_alloc(64, thread_pool_threads(compute->pool) * sizeof *state->scratch);
        state->parts = aligned_alloc(64, PARTS_BYTES);
    }
    compute->attention = state;
    if (!state || !state->scratch || !state->parts)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for attention");
    return OK;
}

void attention_deinit(struct compute *compute)
{
    if (!compute->attention) return;
    free(compute->attention->scratch);
    free(compute->attention->parts);
    free(compute->attention);
}

/* ---- storing ---- */

struct store_job {
    const struct compute *compute;
    const struct kv_shape *shape;
    const float *k, *v;
    size_t k_stride, v_stride, n;
    void *const *const *pages;
    const int32_t *positions;
};

static void store_work(void *argument, unsigned thread, unsigned threads)
{
    const struct store_job *job = argument;
    const struct kv_shape *shape = job->shape;
    for (size_t r = job->n * thread / threads; r < job->n * (thread + 1) / threads; r++) {
        char *layer =
            (char *)job->pages[r][job->positions[r] / KV_PAGE_TOKENS] + shape->layer_offset;
        for (uint32_t h = 0; h < shape->kv_heads; h++)
            job->compute->kernels->store_kv(
                (uint16_t *)(layer + h * kv_head_bytes(shape->head_width)), shape->head_width,
                (unsigned)job->positions[r] % KV_PAGE_TOKENS,
                job->k + r * job->k_stride + (size_t)h * shape->head_width,
                job->v + r * job->v_stride + (size_t)h * shape->head_width);
    }
}

void compute_kv_store(struct compute *compute, const struct kv_shape *shape, const float *k,
                      size_t k_stride, const float *v, size_t v_stride, void *const *const *pages,
                      const int32_t *positions, size_t n)
{
    struct store_job job = {compute, shape, k, v, k_stride, v_stride, n, pages, positions};
    if (n * shape->kv_heads * shape->head_width < STORE_SHARE_VALUES)
        store_work(&job, 0, 1);
    else
        thread_pool_run(compute->pool, store_work, &job);
}

/* ---- attending ---- */

struct attention_job {
    struct compute *compute;
    const struct attention *attention;
    const struct kv_shape *shape;
    const float *q;
    float *out;
    size_t q_stride, out_stride, n;
    void *const *const *pages;
    const int32_t *positions, *lengths;

    uint32_t group;  /* query heads of a kv head */
    uint32_t slice;  /* of them in one task (all, unless there are very many) */
    uint32_t slices; /* tasks of a kv head */
    uint32_t tasks;  /* blocks x kv heads x slices */
    uint32_t chunks; /* of the longest row; 0: tasks are not split */
};

/* A block of rows and some heads. */
struct task {
    struct row_block block;
    uint32_t kv_head, first_head, heads;
    unsigned count; /* queries */
    struct attention_query queries[ATTENTION_QUERIES];
    int32_t begin, end; /* what all of them together see */
};

static struct task task_of(const struct attention_job *job, uint32_t index)
{
    const struct attention *a = job->attention;
    struct task task = {.begin = INT32_MAX};
    uint32_t per_block = job->shape->kv_heads * job->slices;
    task.block = job->compute->attention->blocks[index / per_block];
    task.kv_head = index % per_block / job->slices;
    uint32_t first = index % job->slices * job->slice;
    task.heads = job->group - first < job->slice ? job->group - first : job->slice;
    task.first_head = task.kv_head * job->group + first;
    for (uint32_t r = task.block.first; r < task.block.first + task.block.rows; r++) {
        int32_t end = a->causal ? job->positions[r] + 1 : job->lengths[r];
        int32_t begin = 0;
        if (a->window && (uint32_t)job->positions[r] >= a->window)
            begin = job->positions[r] - (int32_t)a->window + 1;
        if (begin < task.begin) task.begin = begin;
        if (end > task.end) task.end = end;
        for (uint32_t h = 0; h < task.heads; h++)
            task.queries[task.count++] = (struct attention_query){begin, end};
    }
    return task;
}

/* The task's query vectors, times the scale, to where the kernels read them. */
static void load_queries(const struct attention_job *job, const struct task *task,
                         struct attention_scratch *scratch)
{
    const size_t width = job->shape->head_width;
    unsigned query = 0;
    for (uint32_t r = task->block.first; r < task->block.first + task->block.rows; r++)
        for (uint32_t h = task->first_head; h < task->first_head + task->heads; h++, query++)
            job->compute->kernels->scale(job->q + r * job->q_stride + h * width,
                                         job->attention->scale, scratch->queries[query], width);
}

static void attend(const struct attention_job *job, const struct task *task, uint32_t chunk,
                   struct attention_scratch *scratch)
{
    struct attention_chunk work = {
        .pages = (const void *const *)job->pages[task->block.first],
        .offset = job->shape->layer_offset + task->kv_head * kv_head_bytes(job->shape->head_width),
        .head_width = job->shape->head_width,
        .softcap = job->attention->softcap,
        .begin = (int32_t)chunk * ATTENTION_CHUNK,
        .count = task->count,
        .queries = task->queries};
    job->compute->kernels->attend_chunk(&work, scratch);
}

static void start_merging(const struct task *task, size_t width, struct attention_scratch *scratch)
{
    for (unsigned q = 0; q < task->count; q++) {
        scratch->merged[q] = (struct attention_part){.largest = -INFINITY};
        memset(scratch->merged_outs[q], 0, width * sizeof(float));
    }
}

static void finish_merging(const struct attention_job *job, const struct task *task,
                           const struct attention_scratch *scratch)
{
    const size_t width = job->shape->head_width;
    unsigned query = 0;
    for (uint32_t r = task->block.first; r < task->block.first + task->block.rows; r++)
        for (uint32_t h = task->first_head; h < task->first_head + task->heads; h++, query++) {
            float sum = scratch->merged[query].sum;
            float inverse = sum > 0 ? 1 / sum : sum; /* nothing seen: zeros */
            job->compute->kernels->scale(scratch->merged_outs[query], inverse,
                                         job->out + r * job->out_stride + h * width, width);
        }
}

/* All chunks of a task, one after the other. */
static void run_task(const struct attention_job *job, uint32_t index,
                     struct attention_scratch *scratch)
{
    const struct kernels *k = job->compute->kernels;
    const size_t width = padded_width(job->shape->head_width);
    struct task task = task_of(job, index);
    load_queries(job, &task, scratch);
    start_merging(&task, width, scratch);
    for (int32_t chunk = task.begin / ATTENTION_CHUNK; chunk * ATTENTION_CHUNK < task.end;
         chunk++) {
        attend(job, &task, (uint32_t)chunk, scratch);
        for (unsigned q = 0; q < task.count; q++)
            k->merge_part(&scratch->merged[q], scratch->merged_outs[q], &scratch->parts[q],
                          scratch->outs[q], width / TILE_ROWS);
    }
    finish_merging(job, &task, scratch);
}

/* Where a chunk computed apart leaves its parts: per query the part, then the out. */
static float *part_of(const struct attention_job *job, uint32_t index, uint32_t chunk,
                      unsigned query)
{
    size_t floats = padded_width(job->shape->head_width) + TILE_ROWS;
    size_t at = ((size_t)index * job->chunks + chunk) * ATTENTION_QUERIES + query;
    return job->compute->attention->parts + at * floats;
}

static void run_chunk(const struct attention_job *job, uint32_t index, uint32_t chunk,
                      struct attention_scratch *scratch)
{
    struct task task = task_of(job, index);
    if ((int32_t)chunk < task.begin / ATTENTION_CHUNK ||
        (int32_t)chunk * ATTENTION_CHUNK >= task.end)
        return;
    load_queries(job, &task, scratch);
    attend(job, &task, chunk, scratch);
    for (unsigned q = 0; q < task.count; q++) {
        float *part = part_of(job, index, chunk, q);
        memcpy(part, &scratch->parts[q], sizeof scratch->parts[q]);
        memcpy(part + TILE_ROWS, scratch->outs[q],
               padded_width(job->shape->head_width) * sizeof(float));
    }
}

static void merge_chunks(const struct attention_job *job, uint32_t index,
                         struct attention_scratch *scratch)
{
    const size_t width = padded_width(job->shape->head_width);
    struct task task = task_of(job, index);
    start_merging(&task, width, scratch);
    for (int32_t chunk = task.begin / ATTENTION_CHUNK; chunk * ATTENTION_CHUNK < task.end; chunk++)
        for (unsigned q = 0; q < task.count; q++) {
            const float *stored = part_of(job, index, (uint32_t)chunk, q);
            struct attention_part part;
            memcpy(&part, stored, sizeof part);
            job->compute->kernels->merge_part(&scratch->merged[q], scratch->merged_outs[q], &part,
                                              stored + TILE_ROWS, width / TILE_ROWS);
        }
    finish_merging(job, &task, scratch);
}

static void attention_work(void *argument, unsigned thread, unsigned threads)
{
    const struct attention_job *job = argument;
    struct compute *compute = job->compute;
    struct attention_scratch *scratch = &compute->attention->scratch[thread];
    uint32_t items = job->tasks * (job->chunks ? job->chunks : 1);
    for (;;) {
        uint32_t item = atomic_fetch_add_explicit(&compute->next_item, 1, memory_order_relaxed);
        if (item >= items) break;
        if (job->chunks)
            run_chunk(job, item / job->chunks, item % job->chunks, scratch);
        else
            run_task(job, item, scratch);
    }
    if (!job->chunks) return;
    thread_pool_barrier(compute->pool);
    for (uint32_t task = thread; task < job->tasks; task += threads)
        merge_chunks(job, task, scratch);
}

/* Cut the rows into blocks; returns how many. */
static uint32_t find_blocks(const struct attention_job *job, uint32_t rows_max,
                            struct row_block *blocks)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < job->n; r++) {
        struct row_block *last = count ? &blocks[count - 1] : NULL;
        if (last && last->rows < rows_max && job->pages[last->first] == job->pages[r])
            last->rows++;
        else
            blocks[count++] = (struct row_block){r, 1};
    }
    return count;
}

static void attend_rows(struct attention_job *job)
{
    struct compute *compute = job->compute;
    const uint32_t threads = thread_pool_threads(compute->pool);
    job->group = job->attention->heads / job->shape->kv_heads;
    job->slice = job->group < ATTENTION_QUERIES ? job->group : ATTENTION_QUERIES;
    job->slices = (job->group + job->slice - 1) / job->slice;
    uint32_t blocks = find_blocks(job, ATTENTION_QUERIES / job->slice, compute->attention->blocks);
    job->tasks = blocks * job->shape->kv_heads * job->slices;

    int32_t longest = 0;
    for (size_t r = 0; r < job->n; r++) {
        int32_t end = job->attention->causal ? job->positions[r] + 1 : job->lengths[r];
        if (end > longest) longest = end;
    }
    job->chunks = ((uint32_t)longest + ATTENTION_CHUNK - 1) / ATTENTION_CHUNK;
    size_t part_bytes = (padded_width(job->shape->head_width) + TILE_ROWS) * sizeof(float);
    bool few = job->tasks < threads * TASKS_PER_THREAD && threads > 1 && job->chunks > 1;
    bool fits = (size_t)job->tasks * job->chunks * ATTENTION_QUERIES * part_bytes <= PARTS_BYTES;
    if (!few || !fits) job->chunks = 0;

    atomic_store_explicit(&compute->next_item, 0, memory_order_relaxed);
    if (job->tasks == 1 && !job->chunks)
        attention_work(job, 0, 1);
    else
        thread_pool_run(compute->pool, attention_work, job);
}

void compute_attention(struct compute *compute, const struct attention *attention,
                       const struct kv_shape *shape, const float *q, size_t q_stride, float *out,
                       size_t out_stride, void *const *const *pages, const int32_t *positions,
                       const int32_t *lengths, size_t n)
{
    assert(shape->head_width <= COMPUTE_HEAD_WIDTH_MAX);
    assert(attention->heads % shape->kv_heads == 0);
    for (size_t done = 0; done < n; done += BATCH_ROWS) {
        struct attention_job job = {.compute = compute,
                                    .attention = attention,
                                    .shape = shape,
                                    .q = q + done * q_stride,
                                    .q_stride = q_stride,
                                    .out = out + done * out_stride,
                                    .out_stride = out_stride,
                                    .pages = pages + done,
                                    .positions = positions + done,
                                    .lengths = lengths ? lengths + done : NULL,
                                    .n = n - done < BATCH_ROWS ? n - done : BATCH_ROWS};
        attend_rows(&job);
    }
}
