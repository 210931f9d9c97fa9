/* grid_generic.h - the IQ2_XXS codebook where there are no byte shuffles over 256 entries: a table
 * walk per eight weights. */
#include "compute/iq_codebooks.h"

static void grid_prepare(void)
{
}

/* 1 + 2 x the four scale bits of each row. */
ALWAYS_INLINE f32x16 grid_factors(const uint8_t *block)
{
    float factors[TILE_ROWS];
    for (int r = 0; r < TILE_ROWS; r++)
        factors[r] = (float)(1 + 2 * (block[GROUP_BYTES + 4 * r + 3] >> 4));
    return f32_load(factors);
}

/* Eight magnitudes, a byte each, negated where a bit of `signs` is set. */
static inline uint64_t negate_bytes(uint64_t magnitudes, uint8_t signs)
{
    const uint64_t ones = 0x0101010101010101u;
    /* Bit j of signs, alone in byte j, carries into the top bit of the byte. */
    uint64_t bits = (signs * ones) & 0x8040201008040201u;
    uint64_t negative = (bits + 0x7f7f7f7f7f7f7f7fu) >> 7 & ones;
    /* -m = ~m + 1; magnitudes are not 0, so no carry leaves a byte. */
    return (magnitudes ^ negative * 255) + negative;
}

ALWAYS_INLINE void grid_weights(const uint8_t *block, u8x64 weights[BLOCK_GROUPS])
{
    uint8_t bytes[BLOCK_GROUPS][GROUP_BYTES];
    for (int r = 0; r < TILE_ROWS; r++) {
        uint32_t signs;
        memcpy(&signs, block + GROUP_BYTES + 4 * r, sizeof signs);
        for (int octet = 0; octet < 4; octet++) {
            uint64_t values =
                negate_bytes(iq2_xxs_grid[block[4 * r + octet]], iq_signs(signs >> (7 * octet)));
            uint32_t low = (uint32_t)values, high = (uint32_t)(values >> 32);
            memcpy(&bytes[2 * octet][4 * r], &low, sizeof low);
            memcpy(&bytes[2 * octet + 1][4 * r], &high, sizeof high);
        }
    }
    for (int g = 0; g < BLOCK_GROUPS; g++) weights[g] = u8_add(u8_load(bytes[g]), LANES_BIAS);
}
