/* rows.c - norms, activations, sums and rotations of many rows, shared out by rows. */
#include <assert.h>

#include "compute/cpu/cpu.h"

/* Fewer values than this are done before another thread would have woken up. */
enum { SHARE_VALUES = 16384 };

/* One operation on rows first..end-1. */
struct row_job {
    void (*rows)(const struct row_job *job, size_t first, size_t end);
    const struct compute *compute;
    size_t n, width;
    float *y;
    const float *x, *w, *bias;
    size_t x_stride, y_stride;
    float epsilon;
    enum activation activation;
    /* rotation */
    const int32_t *positions;
    const float *frequencies;
    uint32_t heads, head_width;
    float magnitude;
    bool halves;
};

static void row_work(void *argument, unsigned thread, unsigned threads)
{
    const struct row_job *job = argument;
    job->rows(job, job->n * thread / threads, job->n * (thread + 1) / threads);
}

static void run_rows(struct compute *compute, const struct row_job *job)
{
    if (job->n < 2 || job->n * job->width < SHARE_VALUES)
        job->rows(job, 0, job->n);
    else
        thread_pool_run(compute->pool, row_work, (void *)job);
}

static void rms_norm_rows(const struct row_job *job, size_t first, size_t end)
{
    for (size_t r = first; r < end; r++)
        job->compute->kernels->rms_norm(job->x + r * job->x_stride, job->w, job->epsilon,
                                        job->y + r * job->y_stride, job->width);
}

void compute_rms_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                      float epsilon, float *y, size_t y_stride, size_t n, size_t width)
{
    run_rows(compute, &(struct row_job){.rows = rms_norm_rows,
                                        .compute = compute,
                                        .x = x,
                                        .x_stride = x_stride,
                                        .w = w,
                                        .epsilon = epsilon,
                                        .y = y,
                                        .y_stride = y_stride,
                                        .n = n,
                                        .width = width});
}

static void layer_norm_rows(const struct row_job *job, size_t first, size_t end)
{
    for (size_t r = first; r < end; r++)
        job->compute->kernels->layer_norm(job->x + r * job->x_stride, job->w, job->bias,
                                          job->epsilon, job->y + r * job->y_stride, job->width);
}

void compute_layer_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                        const float *bias, float epsilon, float *y, size_t y_stride, size_t n,
                        size_t width)
{
    run_rows(compute, &(struct row_job){.rows = layer_norm_rows,
                                        .compute = compute,
                                        .x = x,
                                        .x_stride = x_stride,
                                        .w = w,
                                        .bias = bias,
                                        .epsilon = epsilon,
                                        .y = y,
                                        .y_stride = y_stride,
                                        .n = n,
                                        .width = width});
}

static void add_rows(const struct row_job *job, size_t first, size_t end)
{
    for (size_t r = first; r < end; r++)
        job->compute->kernels->add(job->y + r * job->y_stride, job->x + r * job->x_stride,
                                   job->width);
}

void compute_add(struct compute *compute, float *y, size_t y_stride, const float *x,
                 size_t x_stride, size_t n, size_t width)
{
    run_rows(compute, &(struct row_job){.rows = add_rows,
                                        .compute = compute,
                                        .x = x,
                                        .x_stride = x_stride,
                                        .y = y,
                                        .y_stride = y_stride,
                                        .n = n,
                                        .width = width});
}

void compute_add_bias(struct compute *compute, float *y, size_t y_stride, const float *bias,
                      size_t n, size_t width)
{
    compute_add(compute, y, y_stride, bias, 0, n, width);
}

static void activate_rows(const struct row_job *job, size_t first, size_t end)
{
    for (size_t r = first; r < end; r++)
        job->compute->kernels->activate(job->activation, job->y + r * job->y_stride,
                                        job->x ? job->x + r * job->x_stride : NULL, job->width);
}

void compute_activate(struct compute *compute, enum activation activation, float *gate,
                      size_t gate_stride, const float *up, size_t up_stride, size_t n, size_t width)
{
    run_rows(compute, &(struct row_job){.rows = activate_rows,
                                        .compute = compute,
                                        .activation = activation,
                                        .x = up,
                                        .x_stride = up_stride,
                                        .y = gate,
                                        .y_stride = gate_stride,
                                        .n = n,
                                        .width = width});
}

static void rope_rows(const struct row_job *job, size_t first, size_t end)
{
    const struct kernels *k = job->compute->kernels;
    const size_t half = job->width / 2;
    float sines[COMPUTE_HEAD_WIDTH_MAX], cosines[COMPUTE_HEAD_WIDTH_MAX];
    for (size_t r = first; r < end; r++) {
        k->rope_angles(job->positions[r], job->frequencies, half, job->magnitude, sines, cosines);
        if (!job->halves)
            for (size_t i = half; i-- > 0;) { /* each twice, from the end so as not to overwrite */
                sines[2 * i + 1] = sines[i];
                sines[2 * i] = -sines[2 * i + 1];
                cosines[2 * i + 1] = cosines[i];
                cosines[2 * i] = cosines[2 * i + 1];
            }
        for (uint32_t h = 0; h < job->heads; h++) {
            float *head = job->y + r * job->y_stride + (size_t)h * job->head_width;
            if (job->halves)
                k->rope_halves(head, half, sines, cosines);
            else
                k->rope_neighbours(head, job->width, sines, cosines);
        }
    }
}

void compute_rope(struct compute *compute, float *x, size_t x_stride, const int32_t *positions,
                  size_t n, uint32_t heads, uint32_t head_width, uint32_t rope_width,
                  const float *frequencies, float magnitude, bool neox)
{
    assert(rope_width <= head_width && rope_width <= COMPUTE_HEAD_WIDTH_MAX);
    assert(rope_width % 2 == 0);
    run_rows(compute, &(struct row_job){.rows = rope_rows,
                                        .compute = compute,
                                        .y = x,
                                        .y_stride = x_stride,
                                        .n = n,
                                        .width = rope_width,
                                        .positions = positions,
                                        .frequencies = frequencies,
                                        .heads = heads,
                                        .head_width = head_width,
                                        .magnitude = magnitude,
                                        .halves = neox});
}
