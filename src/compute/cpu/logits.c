/* logits.c - a row of logits, on the thread that asks. Tested by tools/check_kernels (logits),
 * against a reference in double and between instruction sets. */
#include <assert.h>
#include <math.h>

#include "compute/cpu/cpu.h"

float compute_logits_largest(const struct compute *compute, const float *logits, size_t n)
{
    return compute->kernels->largest_logit(logits, n);
}

double compute_logits_weigh(const struct compute *compute, const float *logits, size_t n,
                            float largest, float scale, float *weights, float *block_sums)
{
    assert(largest > -INFINITY && scale < INFINITY);
    double sum = 0;
    for (size_t from = 0, block = 0; from < n; from += WEIGHT_BLOCK, block++) {
        size_t count = n - from < WEIGHT_BLOCK ? n - from : WEIGHT_BLOCK;
        block_sums[block] =
            compute->kernels->weigh_logits(logits + from, count, largest, scale, weights + from);
        sum += (double)block_sums[block];
    }
    return sum;
}

double compute_weights_above(const struct compute *compute, const float *weights, size_t n,
                             float threshold)
{
    assert(threshold >= 0);
    double sum = 0;
    for (size_t from = 0; from < n; from += WEIGHT_BLOCK) {
        size_t count = n - from < WEIGHT_BLOCK ? n - from : WEIGHT_BLOCK;
        sum += (double)compute->kernels->weight_above(weights + from, count, threshold);
    }
    return sum;
}

void compute_weights_cut(const struct compute *compute, float *weights, size_t n, float threshold,
                         float *block_sums)
{
    assert(threshold >= 0);
    for (size_t from = 0; from < n; from += WEIGHT_BLOCK) {
        size_t count = n - from < WEIGHT_BLOCK ? n - from : WEIGHT_BLOCK;
        block_sums[from / WEIGHT_BLOCK] =
            compute->kernels->cut_weights(weights + from, count, threshold);
    }
}
