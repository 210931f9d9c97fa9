/* plain.c - every operation in its plainest form. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"

void compute_rms_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                      float epsilon, float *y, size_t y_stride, size_t n, size_t width)
{
    for (size_t r = 0; r < n; r++) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) sum += (double)x[r * x_stride + i] * x[r * x_stride + i];
        float scale = (float)(1 / sqrt(sum / (double)width + (double)epsilon));
        for (size_t i = 0; i < width; i++)
            y[r * y_stride + i] = x[r * x_stride + i] * scale * (w ? w[i] : 1);
    }
}

void compute_layer_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                        const float *bias, float epsilon, float *y, size_t y_stride, size_t n,
                        size_t width)
{
    for (size_t r = 0; r < n; r++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < width; i++) sum += (double)x[r * x_stride + i];
        float mean = (float)(sum / (double)width);
        for (size_t i = 0; i < width; i++) {
            double d = (double)(x[r * x_stride + i] - mean);
            squares += d * d;
        }
        float scale = (float)(1 / sqrt(squares / (double)width + (double)epsilon));
        for (size_t i = 0; i < width; i++)
            y[r * y_stride + i] =
                (x[r * x_stride + i] - mean) * scale * (w ? w[i] : 1) + (bias ? bias[i] : 0);
    }
}

void compute_add_bias(struct compute *compute, float *y, size_t y_stride, const float *bias,
                      size_t n, size_t width)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++) y[r * y_stride + i] += bias[i];
}

void compute_add(struct compute *compute, float *y, size_t y_stride, const float *x,
                 size_t x_stride, size_t n, size_t width)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++) y[r * y_stride + i] += x[r * x_stride + i];
}

static float activate(enum activation activation, float x)
{
    switch (activation) {
    case ACTIVATION_SILU: return x / (1 + expf(-x));
    case ACTIVATION_GELU_TANH:
        return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case ACTIVATION_GELU_ERF: return 0.5f * x * (1 + erff(x * 0.70710678f));
    }
    return x;
}

void compute_activate(struct compute *compute, enum activation activation, float *gate,
                      size_t gate_stride, const float *up, size_t up_stride, size_t n, size_t width)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++) {
            float *g = &gate[r * gate_stride + i];
            *g = activate(activation, *g) * (up ? up[r * up_stride + i] : 1);
        }
}

void compute_rope(struct compute *compute, float *x, size_t x_stride, const int32_t *positions,
                  size_t n, uint32_t heads, uint32_t head_width, uint32_t rope_width,
                  const float *frequencies, float magnitude, bool neox)
{
    uint32_t half = rope_width / 2;
    for (size_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < half; i++) {
            double angle = (double)positions[r] * (double)frequencies[i];
            float c = (float)cos(angle) * magnitude, s = (float)sin(angle) * magnitude;
            for (uint32_t h = 0; h < heads; h++) {
                float *head = x + r * x_stride + (size_t)h * head_width;
                float *a = &head[neox ? i : 2 * i], *b = &head[neox ? i + half : 2 * i + 1];
                float x0 = *a, x1 = *b;
                *a = x0 * c - x1 * s;
                *b = x0 * s + x1 * c;
            }
        }
}

size_t compute_kv_layer_bytes(uint32_t kv_heads, uint32_t head_width)
{
    return (size_t)kv_heads * head_width * KV_PAGE_TOKENS * 2 * sizeof(uint16_t);
}

static uint16_t *kv_at(const struct kv_shape *shape, void *const *pages, uint32_t head,
                       int32_t position, bool value)
{
    uint16_t *layer = (uint16_t *)((char *)pages[position / KV_PAGE_TOKENS] + shape->layer_offset);
    size_t at = ((size_t)head * 2 + value) * KV_PAGE_TOKENS + (size_t)position % KV_PAGE_TOKENS;
    return layer + at * shape->head_width;
}

void compute_kv_store(struct compute *compute, const struct kv_shape *shape, const float *k,
                      size_t k_stride, const float *v, size_t v_stride, void *const *const *pages,
                      const int32_t *positions, size_t n)
{
    for (size_t r = 0; r < n; r++)
        for (uint32_t h = 0; h < shape->kv_heads; h++) {
            uint16_t *key = kv_at(shape, pages[r], h, positions[r], false);
            uint16_t *value = kv_at(shape, pages[r], h, positions[r], true);
            for (uint32_t i = 0; i < shape->head_width; i++) {
                key[i] = f32_to_f16(k[r * k_stride + h * shape->head_width + i]);
                value[i] = f32_to_f16(v[r * v_stride + h * shape->head_width + i]);
            }
        }
}

struct attention_job {
    const struct attention *attention;
    const struct kv_shape *shape;
    const float *q;
    float *out;
    size_t q_stride, out_stride, n;
    void *const *const *pages;
    const int32_t *positions, *lengths;
};

static void attend(const struct attention_job *job, size_t r, uint32_t h)
{
    const struct attention *a = job->attention;
    uint32_t width = job->shape->head_width, kv_head = h / (a->heads / job->shape->kv_heads);
    const float *q = job->q + r * job->q_stride + (size_t)h * width;
    float *out = job->out + r * job->out_stride + (size_t)h * width;
    int32_t end = a->causal ? job->positions[r] + 1 : job->lengths[r];
    int32_t begin = 0;
    if (a->window && job->positions[r] + 1 > (int32_t)a->window)
        begin = job->positions[r] + 1 - (int32_t)a->window;
    float max = -INFINITY, sum = 0;
    memset(out, 0, width * sizeof *out);
    for (int32_t p = begin; p < end; p++) {
        const uint16_t *key = kv_at(job->shape, job->pages[r], kv_head, p, false);
        const uint16_t *value = kv_at(job->shape, job->pages[r], kv_head, p, true);
        float score = 0;
        for (uint32_t i = 0; i < width; i++) score += q[i] * f16_to_f32(key[i]);
        score *= a->scale;
        if (a->softcap > 0) score = a->softcap * tanhf(score / a->softcap);
        float new_max = score > max ? score : max;
        float keep = expf(max - new_max), weight = expf(score - new_max);
        sum = sum * keep + weight;
        for (uint32_t i = 0; i < width; i++) out[i] = out[i] * keep + weight * f16_to_f32(value[i]);
        max = new_max;
    }
    for (uint32_t i = 0; i < width; i++) out[i] = sum > 0 ? out[i] / sum : 0;
}

static void attention_work(void *argument, unsigned thread, unsigned threads)
{
    const struct attention_job *job = argument;
    size_t items = job->n * job->attention->heads;
    for (size_t i = thread; i < items; i += threads)
        attend(job, i / job->attention->heads, (uint32_t)(i % job->attention->heads));
}

void compute_attention(struct compute *compute, const struct attention *attention,
                       const struct kv_shape *shape, const float *q, size_t q_stride, float *out,
                       size_t out_stride, void *const *const *pages, const int32_t *positions,
                       const int32_t *lengths, size_t n)
{
    struct attention_job job = {attention,  shape, q,     out,       q_stride,
                                out_stride, n,     pages, positions, lengths};
    thread_pool_run(compute->pool, attention_work, &job);
}
