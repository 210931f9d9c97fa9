/* dot_kernels.h - template, compiled per instruction set: products with quantised weights.
 *
 * For a row and a token, block by block in order:
 *     dot   = sum of weight bytes x activation bytes      (exact, in integers)
 *     share = float(dot) x weight scale                   (its halves added, where they have
 * scales)
 *           + minimum x sum of activation bytes           (where the type has minimums)
 *     sum  += share x activation scale
 * Nothing else touches `sum`, so it does not depend on how many tokens or panels run beside it. */

/* Shares of a block, without the activation scale: of all of it, or of its first half, to which the
 * second is added. */
ALWAYS_INLINE void dot_half(const struct tile_format *f, const struct panel *panels, int count,
                            int tokens, int first_token, unsigned b, const int half,
                            const struct activations *a, f32x16 shares[PANEL_PAIR][TOKEN_GROUP])
{
    const int halves = f->block_scales, groups = BLOCK_GROUPS / halves;
    const int group = (int)LANES_TOKENS == (int)TOKEN_GROUP ? tokens : (int)a->tokens;
    const size_t first = (size_t)b * group + first_token;
    const int8_t *x = a->quants + first * BLOCK_COLS + half * groups * 4;
    const int32_t *starts = halves == 1 ? a->starts + first : a->half_starts + 2 * first + half;
    const float *x_sums = halves == 1 ? a->sums + first : a->half_sums + 2 * first + half;
    i32x16 dots[PANEL_PAIR][TOKEN_GROUP];
    for (int t = 0; t < tokens; t++)
        for (int p = 0; p < count; p++) dots[p][t] = i32_all(LANES_BIAS ? starts[t * halves] : 0);
    for (int g = 0; g < groups; g++) {
        u8x64 weights[PANEL_PAIR];
        for (int p = 0; p < count; p++)
            weights[p] = u8_load(panels[p].weights[b][half * groups + g]);
        for (int t = 0; t < tokens; t++) {
            int32_t quad = load_quad(x + t * BLOCK_COLS + 4 * g);
            for (int p = 0; p < count; p++) dots[p][t] = i32_dot(dots[p][t], weights[p], quad);
        }
    }
    for (int p = 0; p < count; p++) {
        f32x16 scale = f32_load(panels[p].scales[b * halves + half]);
        for (int t = 0; t < tokens; t++)
            shares[p][t] = half ? f32_fma(f32_of_i32(dots[p][t]), scale, shares[p][t])
                                : f32_mul(f32_of_i32(dots[p][t]), scale);
        if (!f->minimums) continue;
        f32x16 minimum = f32_load(panels[p].minimums[b * halves + half]);
        for (int t = 0; t < tokens; t++)
            shares[p][t] = f32_fma(minimum, f32_all(x_sums[t * halves]), shares[p][t]);
    }
}

ALWAYS_INLINE void dot_block(const struct tile_format *f, const struct panel *panels, int count,
                             int tokens, int first_token, unsigned b, const struct activations *a,
                             f32x16 sums[PANEL_PAIR][TOKEN_GROUP])
{
    const int group = (int)LANES_TOKENS == (int)TOKEN_GROUP ? tokens : (int)a->tokens;
    const float *scales = a->scales + (size_t)b * group + first_token;
    f32x16 shares[PANEL_PAIR][TOKEN_GROUP];
    dot_half(f, panels, count, tokens, first_token, b, 0, a, shares);
    if (f->block_scales == 2) dot_half(f, panels, count, tokens, first_token, b, 1, a, shares);
    for (int t = 0; t < tokens; t++)
        for (int p = 0; p < count; p++)
            sums[p][t] = f32_fma(shares[p][t], f32_all(scales[t]), sums[p][t]);
}

/* `tokens` x `count` sums; both are constants where this is inlined. */
ALWAYS_INLINE void dot_panels(const struct tile_format *f, const struct panel *panels, int count,
                              int tokens, int first_token, unsigned blocks,
                              const struct activations *a, float *out, size_t panel_stride)
{
    f32x16 sums[PANEL_PAIR][TOKEN_GROUP];
    out += first_token * TILE_ROWS;
    for (int p = 0; p < count; p++)
        for (int t = 0; t < tokens; t++)
            sums[p][t] = f32_load(out + p * panel_stride + t * TILE_ROWS);
    for (unsigned b = 0; b < blocks; b++)
        dot_block(f, panels, count, tokens, first_token, b, a, sums);
    for (int p = 0; p < count; p++)
        for (int t = 0; t < tokens; t++)
            f32_store(out + p * panel_stride + t * TILE_ROWS, sums[p][t]);
}

/* A copy of the code for each pair of counts whose sums fit in registers. */
ALWAYS_INLINE void dot_counts(const struct tile_format *f, const struct panel *panels, int count,
                              int tokens, int first_token, unsigned blocks,
                              const struct activations *a, float *out, size_t panel_stride)
{
#define COUNTS(P, T)                                                                \
    case P * 8 + T:                                                                 \
        if (P <= LANES_PANELS && T <= LANES_TOKENS)                                 \
            dot_panels(f, panels, P, T, first_token, blocks, a, out, panel_stride); \
        return
    switch (LANES_CONSTANT_COUNTS ? count * 8 + tokens : 0) {
        COUNTS(1, 1);
        COUNTS(1, 2);
        COUNTS(1, 3);
        COUNTS(1, 4);
        COUNTS(1, 5);
        COUNTS(2, 1);
        COUNTS(2, 2);
        COUNTS(2, 3);
        COUNTS(2, 4);
        COUNTS(2, 5);
    default: dot_panels(f, panels, count, tokens, first_token, blocks, a, out, panel_stride);
    }
#undef COUNTS
}

ALWAYS_INLINE void dot(const struct tile_format *f, const struct panel *panels, int panel_count,
                       unsigned blocks, const struct activations *a, float *out,
                       size_t panel_stride)
{
    _Static_assert(TOKEN_GROUP == 5 && PANEL_PAIR == 2, "dot_counts has a case for each");
    const int tokens = (int)a->tokens;
    for (int p = 0; p < panel_count; p += LANES_PANELS) {
        int panels_now = panel_count - p < LANES_PANELS ? panel_count - p : LANES_PANELS;
        for (int t = 0; t < tokens; t += LANES_TOKENS) {
            int tokens_now = tokens - t < LANES_TOKENS ? tokens - t : LANES_TOKENS;
            dot_counts(f, panels + p, panels_now, tokens_now, t, blocks, a, out + p * panel_stride,
                       panel_stride);
        }
    }
}

/* A block whose values are all smaller than this counts as zeros: 127 / it must not overflow. */
#define SMALLEST_MAGNITUDE 1e-30f

ALWAYS_INLINE void quantise_block(const float *x, const struct activations *group, size_t at)
{
    f32x16 low = f32_load(x), high = f32_load(x + LANES);
    float largest = f32_largest(f32_max(f32_abs(low), f32_abs(high)));
    bool zero = largest < SMALLEST_MAGNITUDE;
    f32x16 inverse = f32_all(zero ? 0 : 127.0f / largest);
    i32x16 first = i32_of_f32(f32_mul(low, inverse)), second = i32_of_f32(f32_mul(high, inverse));
    int8_t *quants = group->quants + at * BLOCK_COLS;
    i32_store_i8(quants, first);
    i32_store_i8(quants + LANES, second);
    int32_t first_sum = i32_sum(first), second_sum = i32_sum(second);
    group->scales[at] = zero ? 0 : largest / 127.0f;
    group->starts[at] = -LANES_BIAS * (first_sum + second_sum);
    group->half_starts[2 * at] = -LANES_BIAS * first_sum;
    group->half_starts[2 * at + 1] = -LANES_BIAS * second_sum;
    group->sums[at] = (float)(first_sum + second_sum);
    group->half_sums[2 * at] = (float)first_sum;
    group->half_sums[2 * at + 1] = (float)second_sum;
}

static void quantise(const float *x, size_t x_stride, size_t blocks,
                     const struct activations *group)
{
    for (size_t b = 0; b < blocks; b++)
        for (size_t t = 0; t < group->tokens; t++)
            quantise_block(x + t * x_stride + b * BLOCK_COLS, group, b * group->tokens + t);
    /* In a pass of its own: bytes just stored in pieces are slow to load as a whole. */
    for (size_t i = 0; group->grid_quants && i < blocks * group->tokens; i++)
        grid_order(group->quants + i * BLOCK_COLS, group->grid_quants + i * BLOCK_COLS);
}
