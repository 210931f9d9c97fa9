/* tile.h - how weights lie in memory once packed: tiles of 16 rows, one vector lane per row.
 *
 * A file stores row after row. A product with one vector lane per row wants the same four columns
 * of 16 rows side by side, so that one load feeds sixteen dot products and no lane is ever summed
 * across. docs/format-tiles.md has the pictures; in short, for a matrix of quantised weights:
 *
 *   matrix   tile 0 (rows 0-15) | tile 1 (rows 16-31) | ...
 *   tile     unit | unit | ...               a unit is 32 columns, or 256 for the K and IQ types
 *   unit     header | block | block ...      a block is 32 columns
 *   header   16 F16 scales [16 F16 minimums] [factors of the scales, 16 bytes each] [... minimums]
 *   block    planes of bits: per group of 4 columns and per row the 4 codes' bits
 *
 * A plane of 4 bits is 4 x 64 bytes: byte 4r+c of vector k holds, for row r, column 8k+c in its low
 * and column 8k+4+c in its high half. A plane of 2 bits packs four groups into a vector, a plane of
 * 1 bit all eight. The bytes per weight are those of the file, or within 4% of them.
 *
 * IQ2_XXS keeps the grid's indices. A grid entry is eight neighbouring columns; its j-th value, of
 * all four entries of a block, makes a group: group j has the columns j, 8+j, 16+j and 24+j, so
 * that one look-up gives a byte for each of its weights. A block is 64 bytes of indices
 * [row][entry], then 64 of seven signs and one of the row's four scale bits, likewise (an entry's
 * eighth sign is the parity of the others; grid_byte has their order).
 *
 * Float weights have no header: a tile is [column][16 rows], of pairs [2 columns][16 rows][2]. */
#ifndef LIMINAL_COMPUTE_CPU_TILE_H
#define LIMINAL_COMPUTE_CPU_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compute/tensor_type.h"

enum {
    TILE_ROWS = 16,
    BLOCK_COLS = 32,
    BLOCK_GROUPS = 8,  /* of 4 columns */
    GROUP_BYTES = 64,  /* 16 rows x 4 columns */
    PANEL_BLOCKS = 16, /* columns expanded at a time: 512 */
};

enum tile_layout {
    TILE_F32,
    TILE_F16,
    TILE_BF16,
    TILE_PAIRS,       /* BF16 in pairs of columns, of BF16 or F16 that fit (tile_fits_pairs) */
    TILE_FLOAT_COUNT, /* the layouts from here on are quantised */
    TILE_Q8_0 = TILE_FLOAT_COUNT,
    TILE_Q4_0,
    TILE_Q4_1,
    TILE_Q5_0,
    TILE_Q5_1,
    TILE_Q2_K,
    TILE_Q3_K,
    TILE_Q4_K,
    TILE_Q5_K,
    TILE_Q6_K,
    TILE_IQ4_NL,
    TILE_IQ4_XS,
    TILE_IQ2_XXS,
    TILE_IQ2,     /* IQ2_XS and IQ2_S as sign and index of the magnitude */
    TILE_IQ3_XXS, /* these two likewise */
    TILE_IQ3_S,
    TILE_LAYOUT_COUNT
};

/* How the header's scales become the scale of a block. */
enum tile_factors {
    FACTORS_NONE,    /* the F16 is the scale */
    FACTORS_BYTES,   /* F16 x signed byte; minimums likewise with a byte of their own */
    FACTORS_NIBBLES, /* F16 x low half of a byte; minimum: x high half */
    FACTORS_IN_GRID, /* F16 x 4 bits beside the signs of the block (IQ2_XXS) */
};

struct tile_format {
    uint8_t unit_blocks;         /* blocks under one header: 1 or 8 */
    uint8_t block_scales;        /* 1: one scale per 32 columns, 2: one per 16 */
    uint8_t low_bits, high_bits; /* of the two planes of codes */
    bool minimums;               /* value = scale x weight + minimum */
    enum tile_factors factors;
    int8_t offset;       /* weight = code + offset, unless there is a table */
    const int8_t *table; /* weight = table[code] */
    float scale_unit;    /* of FACTORS_*: a power of two */
};

#define TILE_TABLE_BYTES 16
static const int8_t tile_table_iq4[TILE_TABLE_BYTES] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                        1,    13,   25,  38,  53,  69,  89,  113};
/* Codes of the last three: bit 3 is the sign, the rest the index of the magnitude. */
static const int8_t tile_table_iq2[TILE_TABLE_BYTES] = {8, 25, 43, 0, 0, 0, 0, 0, -8, -25, -43};
static const int8_t tile_table_iq3_xxs[TILE_TABLE_BYTES] = {4,  12,  20,  28,  36,  44,  52,  62,
                                                            -4, -12, -20, -28, -36, -44, -52, -62};
static const int8_t tile_table_iq3_s[TILE_TABLE_BYTES] = {1,  3,  5,  7,  9,  11,  13,  15,
                                                          -1, -3, -5, -7, -9, -11, -13, -15};

/* unit, scales, planes, minimums, factors, offset, table, scale unit */
static const struct tile_format tile_formats[TILE_LAYOUT_COUNT] = {
    [TILE_Q8_0] = {1, 1, 8, 0, false, FACTORS_NONE, 0, 0, 1},
    [TILE_Q4_0] = {1, 1, 4, 0, false, FACTORS_NONE, -8, 0, 1},
    [TILE_Q4_1] = {1, 1, 4, 0, true, FACTORS_NONE, 0, 0, 1},
    [TILE_Q5_0] = {1, 1, 4, 1, false, FACTORS_NONE, -16, 0, 1},
    [TILE_Q5_1] = {1, 1, 4, 1, true, FACTORS_NONE, 0, 0, 1},
    [TILE_Q2_K] = {8, 2, 2, 0, true, FACTORS_NIBBLES, 0, 0, 1},
    [TILE_Q3_K] = {8, 2, 2, 1, false, FACTORS_BYTES, -4, 0, 1},
    [TILE_Q4_K] = {8, 1, 4, 0, true, FACTORS_BYTES, 0, 0, 1},
    [TILE_Q5_K] = {8, 1, 4, 1, true, FACTORS_BYTES, 0, 0, 1},
    [TILE_Q6_K] = {8, 2, 4, 2, false, FACTORS_BYTES, -32, 0, 1},
    [TILE_IQ4_NL] = {1, 1, 4, 0, false, FACTORS_NONE, 0, tile_table_iq4, 1},
    [TILE_IQ4_XS] = {8, 1, 4, 0, false, FACTORS_BYTES, 0, tile_table_iq4, 1},
    [TILE_IQ2_XXS] = {8, 1, 2, 0, false, FACTORS_IN_GRID, 0, 0, 0.125f},
    [TILE_IQ2] = {8, 2, 4, 0, false, FACTORS_BYTES, 0, tile_table_iq2, 0.125f},
    [TILE_IQ3_XXS] = {8, 1, 4, 0, false, FACTORS_BYTES, 0, tile_table_iq3_xxs, 0.25f},
    [TILE_IQ3_S] = {8, 1, 4, 0, false, FACTORS_BYTES, 0, tile_table_iq3_s, 1},
};

/* In a block of IQ2_XXS. */
enum { GRID_SIGNS_AT = GROUP_BYTES, GRID_FACTOR_BIT = 8 };

/* Seven signs and a scale bit, in the order that grid_avx512.h wants: signs 2 and 3, sign 6, the
 * scale bit, signs 0 and 1, signs 4 and 5. */
static inline unsigned grid_byte(unsigned signs, bool factor)
{
    return (signs >> 2 & 3) | (signs >> 6 & 1) << 2 | (factor ? GRID_FACTOR_BIT : 0) |
           (signs & 3) << 4 | (signs >> 4 & 3) << 6;
}
static inline unsigned grid_byte_signs(unsigned byte)
{
    return (byte >> 4 & 3) | (byte & 3) << 2 | (byte >> 6 & 3) << 4 | (byte >> 2 & 1) << 6;
}

/* Offsets inside a unit, all multiples of 16 bytes. */
static inline size_t tile_factors_at(const struct tile_format *f)
{
    return (f->minimums ? 2 : 1) * TILE_ROWS * sizeof(uint16_t);
}
static inline size_t tile_factors_bytes(const struct tile_format *f)
{
    bool stored = f->factors == FACTORS_BYTES || f->factors == FACTORS_NIBBLES;
    return stored ? (size_t)f->unit_blocks * f->block_scales * TILE_ROWS : 0;
}
static inline size_t tile_header_bytes(const struct tile_format *f)
{
    bool twice = f->minimums && f->factors == FACTORS_BYTES;
    return tile_factors_at(f) + tile_factors_bytes(f) * (twice ? 2 : 1);
}
static inline size_t tile_block_bytes(const struct tile_format *f)
{
    return (size_t)(f->low_bits + f->high_bits) * GROUP_BYTES;
}
static inline size_t tile_unit_bytes(const struct tile_format *f)
{
    return tile_header_bytes(f) + f->unit_blocks * tile_block_bytes(f);
}

/* Column of byte c of group g of a block. */
static inline unsigned tile_group_column(const struct tile_format *f, unsigned g, unsigned c)
{
    return f->factors == FACTORS_IN_GRID ? BLOCK_GROUPS * c + g : 4 * g + c;
}

/* One tile's weights over up to PANEL_BLOCKS blocks, expanded for the dot products: a byte per
 * weight (plus LANES_BIAS), float scales, and minimums to be added. Index of a scale:
 * block * block_scales + half. */
struct panel {
    _Alignas(64) uint8_t weights[PANEL_BLOCKS][BLOCK_GROUPS][GROUP_BYTES];
    float scales[PANEL_BLOCKS * 2][TILE_ROWS];
    float minimums[PANEL_BLOCKS * 2][TILE_ROWS];
};

/* The layout for a type of the file; TILE_LAYOUT_COUNT when there is none. */
enum tile_layout tile_layout_of(enum tensor_type type);
/* Whether BF16 holds each of `count` F16 or BF16 values exactly, and none is so small that its
 * products could become denormal numbers: |value| >= 2^-56, or 0. */
bool tile_fits_pairs(enum tensor_type type, const uint8_t *data, size_t count);
/* Bytes of one tile of `cols` columns. */
size_t tile_bytes(enum tile_layout layout, uint32_t cols);
/* Pack `rows` (1..16) rows, row_bytes apart in the file's form; missing rows become zeros. The
 * layout is the type's, or TILE_PAIRS. */
void tile_pack(enum tensor_type type, enum tile_layout layout, const uint8_t *data,
               size_t row_bytes, unsigned rows, uint32_t cols, uint8_t *tile);

#endif
