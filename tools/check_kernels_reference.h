/* check_kernels_reference.h - every operation of compute.h in its plainest form, in double: the
 * judge of what the kernels mean. Used by check_kernels only. */
#ifndef LIMINAL_TOOLS_CHECK_KERNELS_REFERENCE_H
#define LIMINAL_TOOLS_CHECK_KERNELS_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/compute.h"

/* y[t][r] = sum of w[r][c] x[t][c]; magnitude[t][r] = the sum of |w x|, to scale errors by. */
static void reference_multiply(const float *w, uint32_t rows, uint32_t cols, const float *x,
                               size_t n, double *y, double *magnitude)
{
    for (size_t t = 0; t < n; t++)
        for (uint32_t r = 0; r < rows; r++) {
            double sum = 0, size = 0;
            for (uint32_t c = 0; c < cols; c++) {
                double product = (double)w[(size_t)r * cols + c] * (double)x[t * cols + c];
                sum += product;
                size += fabs(product);
            }
            y[t * rows + r] = sum;
            magnitude[t * rows + r] = size;
        }
}

static void reference_rms_norm(const float *x, const float *w, double epsilon, double *y,
                               size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++) sum += (double)x[i] * (double)x[i];
    double scale = 1 / sqrt(sum / (double)width + epsilon);
    for (size_t i = 0; i < width; i++) y[i] = (double)x[i] * scale * (w ? (double)w[i] : 1);
}

static void reference_layer_norm(const float *x, const float *w, const float *bias, double epsilon,
                                 double *y, size_t width)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < width; i++) sum += (double)x[i];
    double mean = sum / (double)width;
    for (size_t i = 0; i < width; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    double scale = 1 / sqrt(squares / (double)width + epsilon);
    for (size_t i = 0; i < width; i++)
        y[i] =
            ((double)x[i] - mean) * scale * (w ? (double)w[i] : 1) + (bias ? (double)bias[i] : 0);
}

/* y: a weight per logit, the sum of each WEIGHT_BLOCK, both without what does not exceed `cut`; the
 * largest logit, the sum of all weights, the sum of those above `threshold`. */
static void reference_weigh_logits(const float *logits, size_t width, double scale,
                                   double threshold, double cut, double *y)
{
    double *sums = y + width, *largest = sums + (width + WEIGHT_BLOCK - 1) / WEIGHT_BLOCK;
    memset(sums, 0, (size_t)(largest + 3 - sums) * sizeof *sums);
    *largest = -INFINITY;
    for (size_t i = 0; i < width; i++)
        if (isfinite(logits[i])) *largest = fmax(*largest, (double)logits[i]);
    for (size_t i = 0; i < width; i++) {
        double weight = isfinite(logits[i]) ? exp(scale * ((double)logits[i] - *largest)) : 0;
        largest[1] += weight;
        if (weight > threshold) largest[2] += weight;
        y[i] = weight > cut ? weight : 0;
        sums[i / WEIGHT_BLOCK] += y[i];
    }
}

static double reference_activation(enum activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_SILU: return x / (1 + exp(-x));
    case ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case ACTIVATION_GELU_ERF: break;
    }
    return 0.5 * x * (1 + erf(x * 0.7071067811865476));
}

/* One head of one row. */
static void reference_rope(const float *x, double *y, int32_t position, uint32_t head_width,
                           uint32_t rope_width, const float *frequencies, double magnitude,
                           bool halves)
{
    for (uint32_t i = 0; i < head_width; i++) y[i] = (double)x[i];
    for (uint32_t i = 0; i < rope_width / 2; i++) {
        double angle = (double)position * (double)frequencies[i];
        double c = cos(angle) * magnitude, s = sin(angle) * magnitude;
        uint32_t a = halves ? i : 2 * i, b = halves ? i + rope_width / 2 : 2 * i + 1;
        y[a] = (double)x[a] * c - (double)x[b] * s;
        y[b] = (double)x[a] * s + (double)x[b] * c;
    }
}

/* One head of one row over positions begin..end-1; k and v are [position][head_width], as stored
 * (rounded to F16). */
static void reference_attention(const float *q, const float *k, const float *v, size_t kv_stride,
                                uint32_t head_width, int32_t begin, int32_t end, double scale,
                                double softcap, double *out)
{
    double *scores = calloc((size_t)end + 1, sizeof *scores), largest = -INFINITY, sum = 0;
    for (int32_t p = begin; p < end; p++) {
        for (uint32_t i = 0; i < head_width; i++)
            scores[p] += (double)q[i] * (double)k[(size_t)p * kv_stride + i];
        scores[p] *= scale;
        if (softcap > 0) scores[p] = softcap * tanh(scores[p] / softcap);
        if (scores[p] > largest) largest = scores[p];
    }
    memset(out, 0, head_width * sizeof *out);
    for (int32_t p = begin; p < end; p++) {
        double weight = exp(scores[p] - largest);
        sum += weight;
        for (uint32_t i = 0; i < head_width; i++)
            out[i] += weight * (double)v[(size_t)p * kv_stride + i];
    }
    for (uint32_t i = 0; i < head_width; i++) out[i] = sum > 0 ? out[i] / sum : 0;
    free(scores);
}

#endif
