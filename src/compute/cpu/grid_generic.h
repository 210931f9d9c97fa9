/* grid_generic.h - the IQ2_XXS codebook where there are no byte shuffles over 256 entries: a table
 * walk per eight weights (tile.h says how they lie). */
#include "compute/iq_codebooks.h"

typedef uint8_t grid_bytes __attribute__((vector_size(BLOCK_COLS)));

static void grid_prepare(void)
{
}

/* Byte 8o + j goes to 4j + o. */
ALWAYS_INLINE void grid_transpose(const void *from, void *to)
{
    grid_bytes v;
    memcpy(&v, from, sizeof v);
    v = __builtin_shufflevector(v, v, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4,
                                12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    memcpy(to, &v, sizeof v);
}

ALWAYS_INLINE void grid_order(const int8_t quants[BLOCK_COLS], int8_t grid_quants[BLOCK_COLS])
{
    grid_transpose(quants, grid_quants);
}

/* base x (1 + 2 x the four scale bits of each row), exactly. */
ALWAYS_INLINE f32x16 grid_scale(f32x16 base, const uint8_t *block)
{
    float factors[TILE_ROWS];
    for (int r = 0; r < TILE_ROWS; r++) {
        unsigned scale = 0;
        for (int entry = 0; entry < 4; entry++)
            if (block[GRID_SIGNS_AT + 4 * r + entry] & GRID_FACTOR_BIT) scale |= 1u << entry;
        factors[r] = (float)(1 + 2 * scale);
    }
    return f32_mul(base, f32_load(factors));
}

/* A block half way to its weights: nothing is gained by beginning early. */
struct grid_block {
    const uint8_t *bytes;
};

ALWAYS_INLINE struct grid_block grid_begin(const uint8_t *block)
{
    return (struct grid_block){block};
}

ALWAYS_INLINE void grid_weights(const struct grid_block *begun, u8x64 weights[BLOCK_GROUPS])
{
    const uint8_t *block = begun->bytes;
    uint8_t bytes[BLOCK_GROUPS][GROUP_BYTES];
    for (int r = 0; r < TILE_ROWS; r++) {
        uint64_t entries[4];
        uint32_t signs = 0, words[BLOCK_GROUPS];
        for (int entry = 0; entry < 4; entry++) {
            entries[entry] = iq2_xxs_grid[block[4 * r + entry]];
            signs |= (uint32_t)iq_signs(grid_byte_signs(block[GRID_SIGNS_AT + 4 * r + entry]))
                     << (8 * entry);
        }
        grid_transpose(entries, words);
        for (int g = 0; g < BLOCK_GROUPS; g++) {
            uint32_t negative = signs >> g & 0x01010101u;
            /* -m = ~m + 1; magnitudes are not 0, so no carry leaves a byte. */
            uint32_t word = (words[g] ^ negative * 255) + negative;
            memcpy(&bytes[g][4 * r], &word, sizeof word);
        }
    }
    for (int g = 0; g < BLOCK_GROUPS; g++) weights[g] = u8_add(u8_load(bytes[g]), LANES_BIAS);
}
