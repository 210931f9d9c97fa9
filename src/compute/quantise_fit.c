/* quantise_fit.c - see quantise_fit.h. */
#include "compute/quantise_fit.h"

#include <assert.h>

#include "compute/iq_codebooks.h"

/* Below this, values are as good as zero: their scale would not survive as F16. */
static const float TINY = 1e-15f;

static float largest_by_magnitude(const float *x, size_t count)
{
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabsf(x[i]) > fabsf(largest)) largest = x[i];
    return largest;
}

void quantise_weigh(const float *x, const float *importance, size_t count, float *weights)
{
    float squares = 0;
    for (size_t i = 0; i < count; i++) squares += x[i] * x[i];
    float mean_square = squares / (float)count, spread = sqrtf(mean_square);
    for (size_t i = 0; i < count; i++)
        weights[i] =
            importance ? importance[i] * sqrtf(mean_square + x[i] * x[i]) : spread + fabsf(x[i]);
}

/* For fixed q the best scale is sum(w q x) / sum(w q q), and the error falls by the square of the
 * first sum over the second. So: try scales around the one that maps the largest value to the end
 * of the range, and keep the best. */
float quantise_fit_scale(const float *x, const float *weights, size_t count, int low, int high)
{
    enum { STEPS = 9 }; /* of a tenth, to both sides */
    float largest = largest_by_magnitude(x, count);
    if (fabsf(largest) < TINY) return 0;
    float best_merit = 0, best_scale = 0;
    for (int step = -STEPS; step <= STEPS; step++) {
        float inverse = ((float)low - 0.1f * (float)step) / largest;
        float qx = 0, qq = 0;
        for (size_t i = 0; i < count; i++) {
            float q = (float)quantise_nearest(inverse * x[i], low, high);
            qx += weights[i] * q * x[i];
            qq += weights[i] * q * q;
        }
        if (qq > 0 && qx * qx > best_merit * qq) {
            best_merit = qx * qx / qq;
            best_scale = qx / qq;
        }
    }
    return best_scale;
}

/* Sums over one assignment of q, enough to solve for scale and minimum and to know the error. */
struct affine_sums {
    double w, x, xx, q, qq, qx;
};

static struct affine_sums sum_up(const float *x, const float *weights, size_t count, float low,
                                 float inverse, int high)
{
    float w = 0, wx = 0, wxx = 0, wq = 0, wqq = 0, wqx = 0;
    for (size_t i = 0; i < count; i++) {
        float q = (float)quantise_nearest(inverse * (x[i] - low), 0, high);
        w += weights[i];
        wx += weights[i] * x[i];
        wxx += weights[i] * x[i] * x[i];
        wq += weights[i] * q;
        wqq += weights[i] * q * q;
        wqx += weights[i] * q * x[i];
    }
    return (struct affine_sums){w, wx, wxx, wq, wqq, wqx};
}

/* The least-squares solution of x ~ scale * q + offset with offset <= 0, and its error. */
static double solve_affine(const struct affine_sums *s, double *scale, double *offset)
{
    double determinant = s->w * s->qq - s->q * s->q;
    *scale = *offset = 0;
    if (determinant > 0) {
        *scale = (s->w * s->qx - s->x * s->q) / determinant;
        *offset = (s->qq * s->x - s->q * s->qx) / determinant;
    }
    if (determinant <= 0 || *offset > 0) {
        *offset = 0;
        *scale = s->qq > 0 ? s->qx / s->qq : 0;
    }
    return *scale * *scale * s->qq + *offset * *offset * s->w + s->xx - 2 * *scale * s->qx -
           2 * *offset * s->x + 2 * *scale * *offset * s->q;
}

struct affine quantise_fit_affine(const float *x, const float *weights, size_t count, int high)
{
    enum { STEPS = 20 };
    float smallest = 0, largest = x[0];
    for (size_t i = 0; i < count; i++) {
        smallest = fminf(smallest, x[i]);
        largest = fmaxf(largest, x[i]);
    }
    if (largest - smallest < TINY) return (struct affine){0, -smallest};
    double best_error = HUGE_VAL;
    struct affine best = {(largest - smallest) / (float)high, -smallest};
    for (int step = 0; step <= STEPS; step++) {
        float inverse = ((float)high - 1 + 0.1f * (float)step) / (largest - smallest);
        struct affine_sums sums = sum_up(x, weights, count, smallest, inverse, high);
        double scale, offset;
        double error = solve_affine(&sums, &scale, &offset);
        if (error < best_error && scale >= 0) {
            best_error = error;
            best = (struct affine){(float)scale, (float)-offset};
        }
    }
    return best;
}

/* ---- IQ4's sixteen levels ---- */

unsigned quantise_nearest_iq4(float value)
{
    unsigned low = 0; /* binary search for the last level whose lower border is below the value */
    for (unsigned step = 8; step; step /= 2) {
        float border = 0.5f * (float)(iq4_values[low + step - 1] + iq4_values[low + step]);
        if (value > border) low += step;
    }
    return low;
}

enum { LEVELS = 16, FIT_VALUES_MAX = 32 };

/* The level nearest to each scaled value: starting from the lowest, every border that lies below
 * the value adds a step. Without branches, so that compilers do many values at once. */
static void nearest_levels(const float *x, float inverse, size_t count, float *levels)
{
    for (size_t i = 0; i < count; i++) levels[i] = iq4_values[0];
    for (int k = 0; k + 1 < LEVELS; k++) {
        float border = 0.5f * (float)(iq4_values[k] + iq4_values[k + 1]);
        float step = (float)(iq4_values[k + 1] - iq4_values[k]);
        for (size_t i = 0; i < count; i++) levels[i] += inverse * x[i] > border ? step : 0;
    }
}

float quantise_fit_iq4(const float *x, const float *weights, size_t count)
{
    enum { STEPS = 7 };
    assert(count <= FIT_VALUES_MAX);
    float largest = largest_by_magnitude(x, count);
    if (fabsf(largest) < TINY) return 0;
    float best_merit = 0, best_scale = 0;
    for (int step = -STEPS; step <= STEPS; step++) {
        float levels[FIT_VALUES_MAX];
        nearest_levels(x, (float)(iq4_values[0] + step) / largest, count, levels);
        float qx = 0, qq = 0;
        for (size_t i = 0; i < count; i++) {
            qx += weights[i] * levels[i] * x[i];
            qq += weights[i] * levels[i] * levels[i];
        }
        if (qq > 0 && qx * qx > best_merit * qq) {
            best_merit = qx * qx / qq;
            best_scale = qx / qq;
        }
    }
    return best_scale;
}
