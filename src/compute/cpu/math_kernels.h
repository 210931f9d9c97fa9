/* math_kernels.h - template, compiled per instruction set: exp, sin and cos of sixteen lanes. */

/* e^x within 1.2e-7 (relative); 0 below -87.3, e^88 above 88. Polynomial of Cephes' expf. */
ALWAYS_INLINE f32x16 f32_exp(f32x16 x)
{
    const f32x16 lowest = f32_all(-87.3f);
    /* In this order of arguments what is not a number stays so. */
    f32x16 inside = f32_min(f32_all(88.0f), f32_max(lowest, x));
    f32x16 n = f32_round(f32_mul(inside, f32_all(1.44269504f)));
    f32x16 r = f32_fma(n, f32_all(-0.693359375f), inside);
    r = f32_fma(n, f32_all(2.12194440e-4f), r);
    f32x16 p = f32_fma(f32_all(1.9875691500e-4f), r, f32_all(1.3981999507e-3f));
    p = f32_fma(p, r, f32_all(8.3334519073e-3f));
    p = f32_fma(p, r, f32_all(4.1665795894e-2f));
    p = f32_fma(p, r, f32_all(1.6666665459e-1f));
    p = f32_fma(p, r, f32_all(5.0000001201e-1f));
    p = f32_fma(p, f32_mul(r, r), f32_add(r, f32_all(1)));
    return f32_if_less(x, lowest, f32_all(0), f32_mul(p, f32_power_of_two(n)));
}

/* 1 / (1 + e^-x) */
ALWAYS_INLINE f32x16 f32_sigmoid(f32x16 x)
{
    return f32_div(f32_all(1), f32_add(f32_all(1), f32_exp(f32_negate(x))));
}

/* tanh(x) = 2 sigmoid(2x) - 1, within 1e-7 (absolute) */
ALWAYS_INLINE f32x16 f32_tanh(f32x16 x)
{
    return f32_fma(f32_all(2), f32_sigmoid(f32_add(x, x)), f32_all(-1));
}

/* The error function within 1.5e-7 (absolute): Abramowitz and Stegun 7.1.26. */
ALWAYS_INLINE f32x16 f32_erf(f32x16 x)
{
    f32x16 z = f32_abs(x);
    f32x16 t = f32_div(f32_all(1), f32_fma(f32_all(0.3275911f), z, f32_all(1)));
    f32x16 p = f32_fma(f32_all(1.061405429f), t, f32_all(-1.453152027f));
    p = f32_fma(p, t, f32_all(1.421413741f));
    p = f32_fma(p, t, f32_all(-0.284496736f));
    p = f32_fma(p, t, f32_all(0.254829592f));
    f32x16 y = f32_sub(f32_all(1), f32_mul(f32_mul(p, t), f32_exp(f32_negate(f32_mul(z, z)))));
    return f32_if_less(x, f32_all(0), f32_negate(y), y);
}

/* Sine and cosine of an angle in turns, -0.5..0.5, within 1e-7: reduced to an eighth of a turn,
 * polynomials of Cephes' sinf and cosf. */
ALWAYS_INLINE void f32_sin_cos(f32x16 turns, f32x16 *sine, f32x16 *cosine)
{
    f32x16 quarters = f32_round(f32_mul(turns, f32_all(4)));
    f32x16 rest = f32_fma(quarters, f32_all(-0.25f), turns);
    f32x16 x = f32_mul(rest, f32_all(6.28318531f)), xx = f32_mul(x, x);
    f32x16 s = f32_fma(f32_all(-1.9515295891e-4f), xx, f32_all(8.3321608736e-3f));
    s = f32_fma(s, xx, f32_all(-1.6666654611e-1f));
    s = f32_fma(f32_mul(s, xx), x, x);
    f32x16 c = f32_fma(f32_all(2.443315711809948e-5f), xx, f32_all(-1.388731625493765e-3f));
    c = f32_fma(c, xx, f32_all(4.166664568298827e-2f));
    c = f32_fma(c, f32_mul(xx, xx), f32_fma(f32_all(-0.5f), xx, f32_all(1)));
    /* One quarter on, sine and cosine change places; signs by the quarter, -2..2. */
    const f32x16 half = f32_all(0.5f), none = f32_all(0);
    f32x16 from_odd = f32_abs(f32_sub(f32_abs(quarters), f32_all(1)));
    f32x16 sin_size = f32_if_less(from_odd, half, c, s);
    f32x16 cos_size = f32_if_less(from_odd, half, s, c);
    f32x16 sin_away = f32_abs(f32_sub(quarters, half)); /* 1, or less for 0 and 1 */
    f32x16 cos_away = f32_abs(f32_add(quarters, half)); /* the same for 0 and -1 */
    *sine = f32_if_less(sin_away, f32_all(1), sin_size, f32_sub(none, sin_size));
    *cosine = f32_if_less(cos_away, f32_all(1), cos_size, f32_sub(none, cos_size));
}
