/* row_kernels.h - template, compiled per instruction set: what is done to one row of activations.
 *
 * Rows need not be a multiple of 16 wide: the last vector is loaded and stored in part. */

/* Run the statement with `at` and `count` (16, at the end fewer) over a row. */
#define EACH_VECTOR(width)         \
    for (size_t at = 0, count = 0; \
         at < (width) && (count = (width)-at < LANES ? (width)-at : LANES); at += LANES)

ALWAYS_INLINE f32x16 load_part(const float *from, size_t count)
{
    return count == LANES ? f32_load(from) : f32_load_first(from, count);
}

ALWAYS_INLINE void store_part(float *to, f32x16 v, size_t count)
{
    if (count == LANES)
        f32_store(to, v);
    else
        f32_store_first(to, v, count);
}

static void rms_norm(const float *x, const float *w, float epsilon, float *y, size_t width)
{
    f32x16 squares = f32_all(0);
    EACH_VECTOR(width)
    {
        f32x16 v = load_part(x + at, count);
        squares = f32_fma(v, v, squares);
    }
    float scale = 1 / sqrtf(f32_sum(squares) / (float)width + epsilon);
    EACH_VECTOR(width)
    {
        f32x16 v = f32_mul(load_part(x + at, count), f32_all(scale));
        store_part(y + at, w ? f32_mul(v, load_part(w + at, count)) : v, count);
    }
}

static void layer_norm(const float *x, const float *w, const float *bias, float epsilon, float *y,
                       size_t width)
{
    f32x16 sums = f32_all(0), squares = f32_all(0);
    EACH_VECTOR(width)
    {
        sums = f32_add(sums, load_part(x + at, count));
    }
    const f32x16 mean = f32_all(f32_sum(sums) / (float)width);
    EACH_VECTOR(width)
    {
        f32x16 v = f32_range(f32_sub(load_part(x + at, count), mean), f32_all(0), 0, (int)count);
        squares = f32_fma(v, v, squares);
    }
    float scale = 1 / sqrtf(f32_sum(squares) / (float)width + epsilon);
    EACH_VECTOR(width)
    {
        f32x16 v = f32_mul(f32_sub(load_part(x + at, count), mean), f32_all(scale));
        if (w) v = f32_mul(v, load_part(w + at, count));
        if (bias) v = f32_add(v, load_part(bias + at, count));
        store_part(y + at, v, count);
    }
}

static void scale_row(const float *x, float factor, float *y, size_t width)
{
    EACH_VECTOR(width)
    {
        store_part(y + at, f32_mul(load_part(x + at, count), f32_all(factor)), count);
    }
}

static void add_row(float *y, const float *x, size_t width)
{
    EACH_VECTOR(width)
    {
        store_part(y + at, f32_add(load_part(y + at, count), load_part(x + at, count)), count);
    }
}

ALWAYS_INLINE f32x16 activation_of(enum activation activation, f32x16 x)
{
    switch (activation) {
    case ACTIVATION_SILU: return f32_mul(x, f32_sigmoid(x));
    case ACTIVATION_GELU_TANH: { /* 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi)(x + ...) */
        f32x16 cubic = f32_fma(f32_mul(f32_all(0.044715f), f32_mul(x, x)), x, x);
        return f32_mul(x, f32_sigmoid(f32_mul(f32_all(2 * 0.79788456f), cubic)));
    }
    case ACTIVATION_GELU_ERF: break;
    }
    f32x16 half = f32_mul(f32_all(0.5f), x);
    return f32_fma(half, f32_erf(f32_mul(x, f32_all(0.70710678f))), half);
}

ALWAYS_INLINE void activate_as(enum activation activation, float *gate, const float *up,
                               size_t width)
{
    EACH_VECTOR(width)
    {
        f32x16 v = activation_of(activation, load_part(gate + at, count));
        store_part(gate + at, up ? f32_mul(v, load_part(up + at, count)) : v, count);
    }
}

static void activate(enum activation activation, float *gate, const float *up, size_t width)
{
    switch (activation) {
    case ACTIVATION_SILU: activate_as(ACTIVATION_SILU, gate, up, width); return;
    case ACTIVATION_GELU_TANH: activate_as(ACTIVATION_GELU_TANH, gate, up, width); return;
    case ACTIVATION_GELU_ERF: activate_as(ACTIVATION_GELU_ERF, gate, up, width); return;
    }
}

/* Sines and cosines of position x frequency, times magnitude. The angle is reduced in double: at
 * position 100,000 a float has lost a hundredth of a turn. */
static void rope_angles(int32_t position, const float *frequencies, size_t count_angles,
                        float magnitude, float *sines, float *cosines)
{
    for (size_t i = 0; i < count_angles; i++) {
        double turns = (double)position * (double)frequencies[i] * 0.15915494309189535;
        sines[i] = (float)(turns - rint(turns));
    }
    EACH_VECTOR(count_angles)
    {
        f32x16 s, c;
        f32_sin_cos(load_part(sines + at, count), &s, &c);
        store_part(sines + at, f32_mul(s, f32_all(magnitude)), count);
        store_part(cosines + at, f32_mul(c, f32_all(magnitude)), count);
    }
}

/* Turn the pairs (i, i + half) of one head. */
static void rope_halves(float *head, size_t half, const float *sines, const float *cosines)
{
    EACH_VECTOR(half)
    {
        f32x16 a = load_part(head + at, count), b = load_part(head + half + at, count);
        f32x16 s = load_part(sines + at, count), c = load_part(cosines + at, count);
        store_part(head + at, f32_fma(a, c, f32_negate(f32_mul(b, s))), count);
        store_part(head + half + at, f32_fma(a, s, f32_mul(b, c)), count);
    }
}

/* Turn the pairs (2i, 2i+1); the tables have each cosine twice, and each sine as -sin, sin. */
static void rope_neighbours(float *head, size_t width, const float *sines, const float *cosines)
{
    EACH_VECTOR(width)
    {
        f32x16 v = load_part(head + at, count);
        f32x16 turned = f32_mul(f32_swap_neighbours(v), load_part(sines + at, count));
        store_part(head + at, f32_fma(v, load_part(cosines + at, count), turned), count);
    }
}
