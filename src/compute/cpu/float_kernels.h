/* float_kernels.h - template, compiled per instruction set: products with F32, F16, BF16 weights.
 *
 * sum += weight x activation, column by column in order, rounded once each: exact weights, and the
 * same bits whatever runs beside. */

ALWAYS_INLINE f32x16 float_weights(enum tile_layout layout, const uint8_t *tile, size_t col)
{
    size_t at = col * TILE_ROWS;
    switch (layout) {
    case TILE_F16: return f32_load_f16((const uint16_t *)tile + at);
    case TILE_BF16: return f32_load_bf16((const uint16_t *)tile + at);
    default: return f32_load((const float *)tile + at);
    }
}

ALWAYS_INLINE void dot_float_tiles(enum tile_layout layout, const uint8_t *tiles, size_t stride,
                                   int count, const float *x, size_t x_stride, int tokens,
                                   size_t cols, float *out, size_t out_stride)
{
    f32x16 sums[FLOAT_TILES_MAX][TOKEN_GROUP];
    for (int i = 0; i < count; i++)
        for (int t = 0; t < tokens; t++)
            sums[i][t] = f32_load(out + i * out_stride + t * TILE_ROWS);
    for (size_t c = 0; c < cols; c++) {
        f32x16 weights[FLOAT_TILES_MAX];
        for (int i = 0; i < count; i++) weights[i] = float_weights(layout, tiles + i * stride, c);
        for (int t = 0; t < tokens; t++) {
            f32x16 value = f32_all(x[t * x_stride + c]);
            for (int i = 0; i < count; i++) sums[i][t] = f32_fma(weights[i], value, sums[i][t]);
        }
    }
    for (int i = 0; i < count; i++)
        for (int t = 0; t < tokens; t++)
            f32_store(out + i * out_stride + t * TILE_ROWS, sums[i][t]);
}

ALWAYS_INLINE void dot_float_tokens(enum tile_layout layout, const uint8_t *tiles, size_t stride,
                                    int count, const float *x, size_t x_stride, unsigned tokens,
                                    size_t cols, float *out, size_t out_stride){
#define DOT(T) dot_float_tiles(layout, tiles, stride, count, x, x_stride, T, cols, out, out_stride)
    EACH_TOKENS(tokens, DOT)
#undef DOT
}

ALWAYS_INLINE void dot_float(enum tile_layout layout, const uint8_t *tiles, size_t stride,
                             unsigned count, const float *x, size_t x_stride, unsigned tokens,
                             size_t cols, float *out, size_t out_stride)
{
    if (count > LANES_FLOAT_TILES) {
        for (unsigned i = 0; i < count; i++)
            dot_float_tokens(layout, tiles + i * stride, stride, 1, x, x_stride, tokens, cols,
                             out + i * out_stride, out_stride);
        return;
    }
#define COUNT(C)                                                                       \
    case C:                                                                            \
        if (C <= LANES_FLOAT_TILES)                                                    \
            dot_float_tokens(layout, tiles, stride, C, x, x_stride, tokens, cols, out, \
                             out_stride);                                              \
        return
    switch (LANES_CONSTANT_COUNTS ? count : 0) {
        COUNT(1);
        COUNT(2);
        COUNT(4);
    default:
        dot_float_tokens(layout, tiles, stride, (int)count, x, x_stride, tokens, cols, out,
                         out_stride);
    }
#undef COUNT
}
