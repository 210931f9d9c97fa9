/* rope.c - one table of frequencies per kind of layer.
 *
 * Sources: RoFormer (arXiv:2104.09864); YaRN (arXiv:2309.00071), sections 3.2 to 3.4; LongRoPE
 * (arXiv:2402.13753); Llama 3's factors come with the file, one divisor per frequency. */
#include "model/rope.h"

#include <math.h>

/* The pair (as a real number) that turns `rotations` times within the original context. */
static double pair_with_rotations(const struct rope_parameters *rope, float base, double rotations)
{
    return rope->width * log(rope->original_context / (rotations * 2 * M_PI)) / (2 * log(base));
}

/* 1 for fast pairs, which keep their frequency; 0 for slow ones, which are stretched. */
static double yarn_kept_share(double pair, double low, double high)
{
    double span = high - low > 1e-3 ? high - low : 1e-3;
    double position = (pair - low) / span;
    return 1 - fmin(1, fmax(0, position));
}

static void stretch_yarn(struct rope_table *table, const struct rope_parameters *rope, float base)
{
    double low = fmax(0, floor(pair_with_rotations(rope, base, rope->yarn_beta_fast)));
    double high =
        fmin(rope->width - 1, ceil(pair_with_rotations(rope, base, rope->yarn_beta_slow)));
    for (uint32_t i = 0; i < rope->width / 2; i++) {
        double kept = yarn_kept_share(i, low, high);
        table->frequencies[i] *= (float)(kept + (1 - kept) / rope->factor);
    }
    if (rope->factor <= 1) return;
    double growth = 1 + 0.1 * log(rope->factor);
    double divisor =
        rope->yarn_log_multiplier > 0 ? 1 + 0.1 * rope->yarn_log_multiplier * log(rope->factor) : 1;
    table->magnitude *= (float)(growth / divisor);
}

static const float *choose_factors(const struct rope_parameters *rope,
                                   const struct weights *weights, uint32_t context)
{
    if (weights->rope_factors) return weights->rope_factors;
    return context > rope->original_context ? weights->rope_factors_long
                                            : weights->rope_factors_short;
}

void rope_table_fill(struct rope_table *table, const struct rope_parameters *rope,
                     const struct weights *weights, bool is_local, uint32_t context)
{
    float base = is_local ? rope->local_base : rope->base;
    table->magnitude = rope->magnitude;
    for (uint32_t i = 0; i < rope->width / 2; i++)
        table->frequencies[i] = (float)pow(base, -2.0 * i / rope->width);

    bool stretched = !is_local || !rope->local_is_plain;
    if (stretched && rope->scaling == ROPE_SCALING_YARN)
        stretch_yarn(table, rope, base);
    else if (stretched)
        for (uint32_t i = 0; i < rope->width / 2; i++) table->frequencies[i] /= rope->factor;

    const float *factors = choose_factors(rope, weights, context);
    for (uint32_t i = 0; factors && i < rope->width / 2; i++) table->frequencies[i] /= factors[i];
}
