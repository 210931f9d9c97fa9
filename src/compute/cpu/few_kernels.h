/* few_kernels.h - template, compiled per instruction set: products of few tokens with quantised
 * weights, which memory bounds: each weight is expanded in registers, meets all tokens there, and
 * is never stored.
 *
 * The additions are those of dot_kernels.h, in the same order. */

/* How far ahead of the products weights are asked for. The processor's own guesses are too timid
 * for a stream that is used as fast as memory delivers it. */
enum { PREFETCH_BYTES = 8192 };

/* Weights of IQ2_XXS are long on their way: up to so many tokens have two integer sums each, as one
 * alone would wait for itself. */
enum { FEW_CHAINED = 2 };

/* Ask for what comes so far behind these bytes, a line at a time. */
ALWAYS_INLINE void prefetch_behind(const uint8_t *from, size_t bytes)
{
    for (size_t line = 0; line < bytes; line += GROUP_BYTES)
        __builtin_prefetch(from + line + PREFETCH_BYTES);
}

/* What a weight byte of the layout has on top of its value here. Where an offset is all that makes
 * a code a weight and bytes are unsigned anyway, it is left out: the start of the sum makes up for
 * it at no cost. */
ALWAYS_INLINE int few_bias(const struct tile_format *f)
{
    bool plain = f->low_bits < 8 && !f->table && f->factors != FACTORS_IN_GRID;
    return LANES_BIAS != 0 && plain ? -f->offset : LANES_BIAS;
}

ALWAYS_INLINE void few_weights(const struct tile_format *f, const uint8_t *block,
                               u8x64 weights[BLOCK_GROUPS])
{
    if (few_bias(f) == LANES_BIAS)
        block_weights(f, block, weights);
    else
        block_codes(f, block, weights);
}

/* Where the integer sum of a token starts: -bias x sum of quants, made from -LANES_BIAS x that.
 * Both are powers of two, or 0. */
ALWAYS_INLINE i32x16 few_start(int bias, int32_t start)
{
    if (bias == 0) return i32_all(0);
    return i32_shift_right(i32_all(start),
                           __builtin_ctz(LANES_BIAS) - __builtin_ctz((unsigned)bias));
}

/* Shares of block `b`, like dot_half's: of all of it, or of its first half, to which the second is
 * added. Like `tokens`, `half` is a constant where this is inlined. */
ALWAYS_INLINE void few_half(const struct tile_format *f, const uint8_t *unit, size_t in_unit,
                            const u8x64 *weights, size_t b, const int half,
                            const struct activations *a, const int tokens,
                            f32x16 shares[FEW_TOKENS])
{
    const int halves = f->block_scales, groups = BLOCK_GROUPS / halves;
    const size_t first = b * (size_t)tokens;
    const bool in_grid = f->factors == FACTORS_IN_GRID;
    const int8_t *quants = in_grid ? a->grid_quants : a->quants;
    const int8_t *x = quants + first * BLOCK_COLS;
    const int32_t *starts = halves == 1 ? a->starts + first : a->half_starts + 2 * first + half;
    const float *x_sums = halves == 1 ? a->sums + first : a->half_sums + 2 * first + half;
    const int chains = LANES_FEW_TOKENS > 1 && in_grid && tokens <= FEW_CHAINED ? 2 : 1;
    i32x16 dots[FEW_TOKENS], others[FEW_TOKENS];
    for (int t = 0; t < tokens; t++) {
        dots[t] = few_start(few_bias(f), starts[t * halves]);
        others[t] = i32_all(0);
    }
    for (int g = half * groups; g < (half + 1) * groups; g += chains)
        for (int t = 0; t < tokens; t++) {
            const int8_t *quad = x + t * BLOCK_COLS + 4 * g;
            if (chains == 1) {
                dots[t] = i32_dot(dots[t], weights[g], load_quad(quad));
                continue;
            }
            dots[t] = i32_dot_quad(dots[t], weights[g], quad);
            others[t] = i32_dot_quad(others[t], weights[g + 1], quad + 4);
        }
    for (int t = 0; t < tokens && chains == 2; t++) dots[t] = i32_add(dots[t], others[t]);
    f32x16 scale, minimum;
    block_scale(f, unit, in_unit * (size_t)halves + (size_t)half, &scale, &minimum);
    for (int t = 0; t < tokens; t++) {
        f32x16 dot = f32_of_i32(dots[t]);
        shares[t] = half ? f32_fma(dot, scale, shares[t]) : f32_mul(dot, scale);
        if (f->minimums) shares[t] = f32_fma(minimum, f32_all(x_sums[t * halves]), shares[t]);
    }
}

/* The block after this, the i-th of its unit; this one when there are no more. */
ALWAYS_INLINE const uint8_t *few_next(const struct tile_format *f, const uint8_t *block, size_t i,
                                      bool more)
{
    size_t header = i + 1 == f->unit_blocks ? tile_header_bytes(f) : 0;
    return more ? block + tile_block_bytes(f) + header : block;
}

ALWAYS_INLINE void few_tile(const struct tile_format *f, const uint8_t *tile, size_t blocks,
                            const struct activations *a, int tokens, float *out)
{
    f32x16 sums[FEW_TOKENS];
    for (int t = 0; t < tokens; t++) sums[t] = f32_all(0);
    const bool in_grid = f->factors == FACTORS_IN_GRID;
    struct grid_block begun;
    if (in_grid) begun = grid_begin(tile + tile_header_bytes(f));
    for (size_t first = 0; first < blocks; first += f->unit_blocks, tile += tile_unit_bytes(f)) {
        const uint8_t *block = tile + tile_header_bytes(f);
        prefetch_behind(tile, tile_header_bytes(f));
        for (size_t i = 0; i < f->unit_blocks; i++, block += tile_block_bytes(f)) {
            prefetch_behind(block, tile_block_bytes(f));
            u8x64 weights[BLOCK_GROUPS];
            if (in_grid) { /* the next block's look-ups fly beside this one's products */
                const struct grid_block now = begun;
                begun = grid_begin(few_next(f, block, i, first + i + 1 < blocks));
                grid_weights(&now, weights);
            } else {
                few_weights(f, block, weights);
            }
            f32x16 shares[FEW_TOKENS];
            few_half(f, tile, i, weights, first + i, 0, a, tokens, shares);
            if (f->block_scales == 2)
                few_half(f, tile, i, weights, first + i, 1, a, tokens, shares);
            const float *scales = a->scales + (first + i) * (size_t)tokens;
            for (int t = 0; t < tokens; t++)
                sums[t] = f32_fma(shares[t], f32_all(scales[t]), sums[t]);
        }
    }
    for (int t = 0; t < tokens; t++) f32_store(out + t * TILE_ROWS, sums[t]);
}

/* A copy of the code for each number of tokens whose sums stay in registers. */
ALWAYS_INLINE void dot_few(const struct tile_format *f, const uint8_t *tile, size_t blocks,
                           const struct activations *a, float *out)
{
#define TOKENS(T)                                                        \
    case T:                                                              \
        if (T <= LANES_FEW_TOKENS) few_tile(f, tile, blocks, a, T, out); \
        return
    switch (LANES_CONSTANT_COUNTS ? a->tokens : 0) {
        TOKENS(1);
        TOKENS(2);
        TOKENS(3);
        TOKENS(4);
        TOKENS(5);
        TOKENS(6);
        TOKENS(7);
        TOKENS(8);
    default: few_tile(f, tile, blocks, a, (int)a->tokens, out);
    }
#undef TOKENS
}
