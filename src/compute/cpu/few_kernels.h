/* few_kernels.h - template, compiled per instruction set: products of few tokens with quantised
 * weights, which memory bounds: each weight is expanded in registers, used, and never stored.
 *
 * The additions are those of dot_kernels.h, in the same order. */

/* How far ahead of the products weights are asked for. The processor's own guesses are too timid
 * for a stream that is used as fast as memory delivers it. */
enum { PREFETCH_BYTES = 8192 };

/* One token: weights are expanded in registers and never stored. */
ALWAYS_INLINE void dot_one(const struct tile_format *f, const uint8_t *tile, size_t blocks,
                           const struct activations *a, float *out)
{
    f32x16 sum = f32_all(0);
    const int halves = f->block_scales;
    for (size_t first = 0; first < blocks; first += f->unit_blocks, tile += tile_unit_bytes(f)) {
        const uint8_t *block = tile + tile_header_bytes(f);
        for (size_t i = 0; i < f->unit_blocks; i++, block += tile_block_bytes(f)) {
            size_t b = first + i;
            for (size_t line = 0; line < tile_block_bytes(f); line += GROUP_BYTES)
                __builtin_prefetch(block + line + PREFETCH_BYTES);
            u8x64 weights[BLOCK_GROUPS];
            block_weights(f, block, weights);
            for (int half = 0; half < halves; half++) {
                i32x16 dots = i32_all(!LANES_BIAS   ? 0
                                      : halves == 1 ? a->starts[b]
                                                    : a->half_starts[2 * b + (size_t)half]);
                for (int g = half * BLOCK_GROUPS / halves; g < (half + 1) * BLOCK_GROUPS / halves;
                     g++)
                    dots = i32_dot(dots, weights[g], load_quad(a->quants + b * BLOCK_COLS + 4 * g));
                f32x16 scale, minimum;
                block_scale(f, tile, i * halves + (size_t)half, &scale, &minimum);
                sum = f32_fma(f32_of_i32(dots), f32_mul(scale, f32_all(a->scales[b])), sum);
                if (f->minimums)
                    sum = f32_fma(
                        minimum,
                        f32_all(halves == 1 ? a->sums[b] : a->half_sums[2 * b + (size_t)half]),
                        sum);
            }
        }
    }
    f32_store(out, sum);
}
