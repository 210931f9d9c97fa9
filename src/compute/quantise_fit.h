/* quantise_fit.h - finding the scale with which a few values lose least when they become small
 * integers: weighted least squares over a search of candidate scales. Shared by the quantisers. */
#ifndef LIMINAL_COMPUTE_QUANTISE_FIT_H
#define LIMINAL_COMPUTE_QUANTISE_FIT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

static inline int quantise_nearest(float value, int low, int high)
{
    int nearest = (int)lrintf(value);
    return nearest < low ? low : nearest > high ? high : nearest;
}

/* What to multiply by to divide by a scale; 0 for the scale of values that are all 0. */
static inline float quantise_inverse(float scale)
{
    return scale != 0 ? 1 / scale : 0;
}

static inline const float *quantise_importance_at(const float *importance, size_t index)
{
    return importance ? importance + index : NULL;
}

/* x ~ scale * q with low <= q <= high; low is the side with more room. 0 when all x are 0. */
float quantise_fit_scale(const float *x, const float *weights, size_t count, int low, int high);

/* x ~ scale * q - minimum with 0 <= q <= high, and both not negative. */
struct affine {
    float scale, minimum;
};
struct affine quantise_fit_affine(const float *x, const float *weights, size_t count, int high);

/* x ~ scale * iq4_values[q]; and the q whose value is nearest. */
float quantise_fit_iq4(const float *x, const float *weights, size_t count);
unsigned quantise_nearest_iq4(float value);

/* What is lost on large weights costs a model more than what is lost on small ones: each value
 * counts by its size beside the spread of its neighbours, and by the activations it will meet
 * (`importance`, may be NULL). */
void quantise_weigh(const float *x, const float *importance, size_t count, float *weights);

/* The writers of blocks; n values, `importance` may be NULL. */
void quantise_q4_0(const float *x, const float *importance, void *blocks, size_t n);
void quantise_q5_0(const float *x, const float *importance, void *blocks, size_t n);
void quantise_q5_1(const float *x, const float *importance, void *blocks, size_t n);
void quantise_q8_0(const float *x, void *blocks, size_t n);
void quantise_q4_k(const float *x, const float *importance, void *blocks, size_t n);
void quantise_q5_k(const float *x, const float *importance, void *blocks, size_t n);
void quantise_q6_k(const float *x, const float *importance, void *blocks, size_t n);
void quantise_iq4_nl(const float *x, const float *importance, void *blocks, size_t n);
void quantise_iq4_xs(const float *x, const float *importance, void *blocks, size_t n);

#endif
