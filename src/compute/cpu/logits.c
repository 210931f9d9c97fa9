/* logits.c - a row of logits, on the thread that asks. */
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
