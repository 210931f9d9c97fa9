/* pair_kernels.h - template, compiled per instruction set: products of BF16 weights with
 * activations that are rounded to BF16 too.
 *
 * The order is that of the instruction that multiplies pairs of BF16 (VDPBF16PS, measured on Zen
 * 5): of each pair of columns first the second, then the first, each a fused multiply-add. It takes
 * denormal numbers for zeros; tile.h and round_pairs see to it that there are none, so that every
 * instruction set gives the same bits. */

/* Smaller activations count as zeros: together with PAIR_EXPONENT_MIN of the weights, products are
 * multiples of the smallest normal number, and so are their sums. */
#define PAIR_SMALLEST 0x1p-56f

/* To nearest, ties to even. Written for the compiler to make vectors of. */
static void round_pairs(const float *x, size_t cols, uint16_t *y)
{
    for (size_t c = 0; c < cols; c++) {
        uint32_t bits;
        memcpy(&bits, &x[c], sizeof bits);
        const uint32_t magnitude = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
        const uint32_t rounded = (magnitude + 0x7fff + (bits >> 16 & 1)) >> 16;
        y[c] = (uint16_t)(fabsf(x[c]) < PAIR_SMALLEST ? 0
                          : magnitude > 0x7f800000    ? 0x7fc0 /* not a number */
                                                      : sign | rounded);
    }
}

ALWAYS_INLINE f32x16 f32_all_bf16(uint16_t value)
{
    const uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return f32_all(wide);
}

/* `tokens` x `count` sums; `native` means the processor's own instruction. All are constants where
 * this is inlined. */
ALWAYS_INLINE void dot_pairs_tiles(const bool native, const uint8_t *tiles, size_t stride,
                                   int count, const uint16_t *x, size_t x_stride, int tokens,
                                   size_t pairs, float *out, size_t out_stride)
{
    f32x16 sums[FLOAT_TILES_MAX][TOKEN_GROUP];
    for (int i = 0; i < count; i++)
        for (int t = 0; t < tokens; t++)
            sums[i][t] = f32_load(out + i * out_stride + t * TILE_ROWS);
    for (size_t c = 0; c < pairs; c++, tiles += GROUP_BYTES, x += 2) {
#if defined(LANES_BF16)
        if (native) {
            u8x64 weights[FLOAT_TILES_MAX];
            for (int i = 0; i < count; i++) weights[i] = u8_load(tiles + i * stride);
            for (int t = 0; t < tokens; t++) {
                int32_t pair;
                memcpy(&pair, x + t * x_stride, sizeof pair);
                for (int i = 0; i < count; i++)
                    sums[i][t] = f32_dot_bf16(sums[i][t], weights[i], pair);
            }
            continue;
        }
#endif
        f32x16 first[FLOAT_TILES_MAX], second[FLOAT_TILES_MAX];
        for (int i = 0; i < count; i++) {
            first[i] = f32_load_pair_first((const uint16_t *)(tiles + i * stride));
            second[i] = f32_load_pair_second((const uint16_t *)(tiles + i * stride));
        }
        for (int t = 0; t < tokens; t++) {
            const f32x16 x_first = f32_all_bf16(x[t * x_stride]);
            const f32x16 x_second = f32_all_bf16(x[t * x_stride + 1]);
            for (int i = 0; i < count; i++) {
                sums[i][t] = f32_fma(second[i], x_second, sums[i][t]);
                sums[i][t] = f32_fma(first[i], x_first, sums[i][t]);
            }
        }
    }
    for (int i = 0; i < count; i++)
        for (int t = 0; t < tokens; t++)
            f32_store(out + i * out_stride + t * TILE_ROWS, sums[i][t]);
}

/* A copy of the code for each number of tokens whose sums stay in registers. */
ALWAYS_INLINE void dot_pairs_tokens(const bool native, const uint8_t *tiles, size_t stride,
                                    int count, const uint16_t *x, size_t x_stride, unsigned tokens,
                                    size_t pairs, float *out, size_t out_stride){
#define DOT(T) dot_pairs_tiles(native, tiles, stride, count, x, x_stride, T, pairs, out, out_stride)
    EACH_TOKENS(tokens, DOT)
#undef DOT
}

ALWAYS_INLINE void dot_pairs_count(const bool native, const uint8_t *tiles, size_t stride,
                                   unsigned count, const uint16_t *x, size_t x_stride,
                                   unsigned tokens, size_t pairs, float *out, size_t out_stride)
{
    if (LANES_FLOAT_TILES == 4 && count == 4) {
        dot_pairs_tokens(native, tiles, stride, 4, x, x_stride, tokens, pairs, out, out_stride);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        dot_pairs_tokens(native, tiles + i * stride, stride, 1, x, x_stride, tokens, pairs,
                         out + i * out_stride, out_stride);
}

static void dot_pairs(const uint8_t *tiles, size_t stride, unsigned count, const uint16_t *x,
                      size_t x_stride, unsigned tokens, size_t pairs, float *sums,
                      size_t sums_stride)
{
    dot_pairs_count(false, tiles, stride, count, x, x_stride, tokens, pairs, sums, sums_stride);
}

#if defined(LANES_BF16)
static void dot_pairs_native(const uint8_t *tiles, size_t stride, unsigned count, const uint16_t *x,
                             size_t x_stride, unsigned tokens, size_t pairs, float *sums,
                             size_t sums_stride)
{
    dot_pairs_count(true, tiles, stride, count, x, x_stride, tokens, pairs, sums, sums_stride);
}
#endif
