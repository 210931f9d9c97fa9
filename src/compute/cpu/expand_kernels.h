/* expand_kernels.h - template, compiled per instruction set: blocks of a tile become bytes.
 *
 * tile.h says how the codes lie. The functions are inlined with a constant format, so that each
 * layout gets code of its own. */
#include "compute/cpu/kernels.h"
#include "compute/cpu/lanes.h"

#if defined(LANES_AVX512)
#include "compute/cpu/grid_avx512.h"
#else
#include "compute/cpu/grid_generic.h"
#endif

/* `bits` bits of the codes of all eight groups, at bit `to` of each byte. */
ALWAYS_INLINE void plane_codes(const uint8_t *plane, int bits, int to, u8x64 codes[BLOCK_GROUPS])
{
    int shared = 8 / bits;
    uint8_t mask = (uint8_t)(((1 << bits) - 1) << to);
    for (int vector = 0; vector < bits; vector++) {
        u8x64 packed = u8_load(plane + vector * GROUP_BYTES);
        for (int i = 0; i < shared; i++) {
            int shift = i * bits - to;
            u8x64 moved = shift == 0  ? packed
                          : shift > 0 ? u8_shift_right(packed, shift)
                                      : u8_shift_left(packed, -shift);
            codes[vector * shared + i] = u8_and(moved, mask);
        }
    }
}

/* The codes of one block, one byte each. */
ALWAYS_INLINE void block_codes(const struct tile_format *f, const uint8_t *block,
                               u8x64 codes[BLOCK_GROUPS])
{
    if (f->low_bits == 8)
        for (int g = 0; g < BLOCK_GROUPS; g++) codes[g] = u8_load(block + g * GROUP_BYTES);
    else
        plane_codes(block, f->low_bits, 0, codes);
    if (f->high_bits) {
        u8x64 high[BLOCK_GROUPS];
        plane_codes(block + f->low_bits * GROUP_BYTES, f->high_bits, f->low_bits, high);
        for (int g = 0; g < BLOCK_GROUPS; g++) codes[g] = u8_or(codes[g], high[g]);
    }
}

/* The weights of one block, one byte each, plus LANES_BIAS. */
ALWAYS_INLINE void block_weights(const struct tile_format *f, const uint8_t *block,
                                 u8x64 weights[BLOCK_GROUPS])
{
    if (f->factors == FACTORS_IN_GRID) {
        const struct grid_block begun = grid_begin(block);
        grid_weights(&begun, weights);
        return;
    }
    block_codes(f, block, weights);
    for (int g = 0; g < BLOCK_GROUPS; g++) {
        if (f->table)
            weights[g] = u8_table((const uint8_t *)f->table, weights[g]);
        else
            weights[g] = u8_add(weights[g], (uint8_t)f->offset);
        weights[g] = u8_add(weights[g], LANES_BIAS);
    }
}

/* Scale and minimum `index` (block * block_scales + half) of the unit. */
ALWAYS_INLINE void block_scale(const struct tile_format *f, const uint8_t *unit, size_t index,
                               f32x16 *scale, f32x16 *minimum)
{
    f32x16 base = f32_load_f16((const uint16_t *)unit);
    f32x16 base_minimum = f32_all(0);
    if (f->minimums) base_minimum = f32_load_f16((const uint16_t *)unit + TILE_ROWS);
    const uint8_t *factors = unit + tile_factors_at(f) + index * TILE_ROWS;
    switch (f->factors) {
    case FACTORS_NONE:
        *scale = base;
        *minimum = base_minimum;
        return;
    case FACTORS_BYTES:
        if (f->scale_unit != 1) base = f32_mul(base, f32_all(f->scale_unit));
        *scale = f32_mul(base, f32_load_i8((const int8_t *)factors));
        if (f->minimums)
            *minimum = f32_mul(f32_negate(base_minimum),
                               f32_load_i8((const int8_t *)factors + tile_factors_bytes(f)));
        return;
    case FACTORS_NIBBLES:
        *scale = f32_mul(base, f32_load_nibbles(factors, 0));
        *minimum = f32_mul(f32_negate(base_minimum), f32_load_nibbles(factors, 4));
        return;
    case FACTORS_IN_GRID:
        base = f32_mul(base, f32_all(f->scale_unit));
        *scale = grid_scale(base, unit + tile_header_bytes(f) + index * tile_block_bytes(f));
        return;
    }
}

ALWAYS_INLINE void expand(const struct tile_format *f, const uint8_t *tile, unsigned blocks,
                          struct panel *panel)
{
    for (unsigned first = 0; first < blocks; first += f->unit_blocks) {
        const uint8_t *block = tile + tile_header_bytes(f);
        for (unsigned b = 0; b < f->unit_blocks; b++, block += tile_block_bytes(f)) {
            u8x64 weights[BLOCK_GROUPS];
            block_weights(f, block, weights);
            for (int g = 0; g < BLOCK_GROUPS; g++)
                u8_store(panel->weights[first + b][g], weights[g]);
            for (unsigned half = 0; half < f->block_scales; half++) {
                f32x16 scale, minimum;
                size_t at = (size_t)b * f->block_scales + half;
                block_scale(f, tile, at, &scale, &minimum);
                f32_store(panel->scales[first * f->block_scales + at], scale);
                if (f->minimums) f32_store(panel->minimums[first * f->block_scales + at], minimum);
            }
        }
        tile += tile_unit_bytes(f);
    }
}
