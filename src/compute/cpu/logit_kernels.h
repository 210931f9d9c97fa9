/* logit_kernels.h - template, compiled per instruction set: a row of logits, for the sampler. A
 * vocabulary is long (128k and more), and every token walks through all of it. */

/* -inf stands for what is no finite number. */
ALWAYS_INLINE f32x16 load_logits(const float *from, size_t count)
{
    f32x16 v = f32_range(load_part(from, count), f32_all(-INFINITY), 0, (int)count);
    return f32_if_less(v, f32_all(INFINITY), v, f32_all(-INFINITY));
}

static float largest_logit(const float *logits, size_t width)
{
    f32x16 largest = f32_all(-INFINITY);
    EACH_VECTOR(width)
    {
        largest = f32_max(largest, load_logits(logits + at, count));
    }
    return f32_largest(largest);
}

/* weights = e^(scale (logits - largest)); returns their sum. */
static float weigh_logits(const float *logits, size_t width, float largest, float scale,
                          float *weights)
{
    f32x16 sum = f32_all(0);
    EACH_VECTOR(width)
    {
        f32x16 distance = f32_sub(load_logits(logits + at, count), f32_all(largest));
        f32x16 weight = f32_exp(f32_mul(distance, f32_all(scale)));
        sum = f32_add(sum, weight);
        store_part(weights + at, weight, count);
    }
    return f32_sum(sum);
}

/* The sum of the weights that are greater than a threshold. */
static float weight_above(const float *weights, size_t width, float threshold)
{
    f32x16 sum = f32_all(0);
    EACH_VECTOR(width)
    {
        f32x16 weight = load_part(weights + at, count);
        sum = f32_add(sum, f32_if_less(f32_all(threshold), weight, weight, f32_all(0)));
    }
    return f32_sum(sum);
}

/* What does not weigh more than the threshold weighs nothing; returns the sum of the rest. */
static float cut_weights(float *weights, size_t width, float threshold)
{
    f32x16 sum = f32_all(0);
    EACH_VECTOR(width)
    {
        f32x16 weight = load_part(weights + at, count);
        weight = f32_if_less(f32_all(threshold), weight, weight, f32_all(0));
        sum = f32_add(sum, weight);
        store_part(weights + at, weight, count);
    }
    return f32_sum(sum);
}
