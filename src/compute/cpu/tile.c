/* tile.c - from the blocks of a GGUF file to tiles (see tile.h). Runs once, at load.
 *
 * Each row's block is first taken apart into plain codes and factors, the same for all types; then
 * one routine writes the planes. Knows the file's formats, no instruction set. */
#include "compute/cpu/tile.h"

#include <assert.h>
#include <string.h>

#include "compute/iq_codebooks.h"
#include "compute/tensor_blocks.h"

enum { UNIT_VALUES_MAX = 256, UNIT_SCALES_MAX = 16 };

/* One row's unit (32 or 256 values), taken apart. */
struct parts {
    uint16_t scale, minimum; /* F16 */
    int8_t factors[UNIT_SCALES_MAX];
    int8_t minimum_factors[UNIT_SCALES_MAX];
    uint8_t codes[UNIT_VALUES_MAX];
};

enum tile_layout tile_layout_of(enum tensor_type type)
{
    switch (type) {
    case TENSOR_F32: return TILE_F32;
    case TENSOR_F16: return TILE_F16;
    case TENSOR_BF16: return TILE_BF16;
    case TENSOR_Q8_0: return TILE_Q8_0;
    case TENSOR_Q4_0: return TILE_Q4_0;
    case TENSOR_Q4_1: return TILE_Q4_1;
    case TENSOR_Q5_0: return TILE_Q5_0;
    case TENSOR_Q5_1: return TILE_Q5_1;
    case TENSOR_Q2_K: return TILE_Q2_K;
    case TENSOR_Q3_K: return TILE_Q3_K;
    case TENSOR_Q4_K: return TILE_Q4_K;
    case TENSOR_Q5_K: return TILE_Q5_K;
    case TENSOR_Q6_K: return TILE_Q6_K;
    case TENSOR_IQ4_NL: return TILE_IQ4_NL;
    case TENSOR_IQ4_XS: return TILE_IQ4_XS;
    case TENSOR_IQ2_XXS: return TILE_IQ2_XXS;
    case TENSOR_IQ2_XS:
    case TENSOR_IQ2_S: return TILE_IQ2;
    case TENSOR_IQ3_XXS: return TILE_IQ3_XXS;
    case TENSOR_IQ3_S: return TILE_IQ3_S;
    case TENSOR_TYPE_COUNT: break;
    }
    return TILE_LAYOUT_COUNT;
}

size_t tile_bytes(enum tile_layout layout, uint32_t cols)
{
    if (layout < TILE_FLOAT_COUNT)
        return (size_t)cols * TILE_ROWS * (layout == TILE_F32 ? sizeof(float) : sizeof(uint16_t));
    const struct tile_format *f = &tile_formats[layout];
    return cols / ((size_t)f->unit_blocks * BLOCK_COLS) * tile_unit_bytes(f);
}

/* ---- taking a block of the file apart ---- */

static void split_nibbles(const uint8_t quants[16], uint8_t codes[32])
{
    for (int j = 0; j < 16; j++) {
        codes[j] = quants[j] & 15;
        codes[j + 16] = quants[j] >> 4;
    }
}

static void add_fifth_bits(uint32_t high_bits, uint8_t codes[32])
{
    for (int j = 0; j < 32; j++) codes[j] |= (uint8_t)((high_bits >> j & 1) << 4);
}

static void take_q2_k(const struct block_q2_k *block, struct parts *p)
{
    p->scale = block->scale;
    p->minimum = block->minimum;
    memcpy(p->factors, block->scales, sizeof block->scales);
    for (int i = 0; i < SUPER_VALUES; i++)
        p->codes[i] = block->quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

static void take_q3_k(const struct block_q3_k *block, struct parts *p)
{
    p->scale = block->scale;
    for (unsigned j = 0; j < 16; j++) p->factors[j] = (int8_t)q3_k_scale(block->scales, j);
    for (int i = 0; i < SUPER_VALUES; i++) {
        int low = block->quants[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        p->codes[i] = (uint8_t)(low | (block->high_mask[i % 32] >> (i / 32) & 1) << 2);
    }
}

/* Q4_K and Q5_K: factors and the low four bits. */
static void take_k4(const uint8_t scales[12], const uint8_t quants[128], struct parts *p)
{
    for (unsigned j = 0; j < 8; j++) {
        p->factors[j] = (int8_t)k4_scale(scales, j);
        p->minimum_factors[j] = (int8_t)k4_minimum(scales, j);
    }
    for (int i = 0; i < SUPER_VALUES; i++)
        p->codes[i] = quants[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}

static void take_q5_k(const struct block_q5_k *block, struct parts *p)
{
    p->scale = block->scale;
    p->minimum = block->minimum;
    take_k4(block->scales, block->quants, p);
    for (int i = 0; i < SUPER_VALUES; i++)
        p->codes[i] |= (uint8_t)((block->high_bits[i % 32] >> (i / 32) & 1) << 4);
}

static void take_q6_k(const struct block_q6_k *block, struct parts *p)
{
    p->scale = block->scale;
    memcpy(p->factors, block->scales, sizeof block->scales);
    for (int i = 0; i < SUPER_VALUES; i++) {
        int half = i / 128, quarter = i % 128 / 32, l = i % 32;
        int low = block->low_bits[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
        int high = block->high_bits[half * 32 + l] >> (quarter * 2) & 3;
        p->codes[i] = (uint8_t)(low | high << 4);
    }
}

static void take_iq4_xs(const struct block_iq4_xs *block, struct parts *p)
{
    p->scale = block->scale;
    for (unsigned j = 0; j < 8; j++) {
        p->factors[j] = (int8_t)iq4_xs_scale(block, j);
        split_nibbles(block->quants + 16 * j, p->codes + 32 * j);
    }
}

/* Scales of the grid types are scale x (1 + 2 x four bits) x a power of two (tile_formats). */
static int8_t odd_factor(unsigned four_bits)
{
    return (int8_t)(1 + 2 * (four_bits & 15));
}

/* The magnitudes of a grid entry as codes: their index in `table`, bit 3 the sign. The magnitudes
 * are nearly evenly spaced (the last may be a little closer or farther), so a division finds it. */
static inline void take_grid(uint64_t entry, unsigned signs, int count, const int8_t *table,
                             uint8_t *codes)
{
    const unsigned first = (unsigned)table[0], step = (unsigned)(table[1] - table[0]);
    for (int j = 0; j < count; j++) {
        unsigned magnitude = entry >> (8 * j) & 255;
        codes[j] = (uint8_t)((magnitude - first) / step | (signs >> j & 1) << 3);
    }
}

static void take_iq2_xs(const struct block_iq2_xs *block, struct parts *p)
{
    p->scale = block->scale;
    for (int j = 0; j < 16; j++) p->factors[j] = odd_factor(block->scales[j / 2] >> (j % 2 * 4));
    for (int i = 0; i < 32; i++)
        take_grid(iq2_xs_grid[block->quants[i] & 511], iq_signs(block->quants[i] >> 9), 8,
                  tile_table_iq2, p->codes + 8 * i);
}

static void take_iq2_s(const struct block_iq2_s *block, struct parts *p)
{
    p->scale = block->scale;
    for (int j = 0; j < 16; j++) p->factors[j] = odd_factor(block->scales[j / 2] >> (j % 2 * 4));
    for (int i = 0; i < 32; i++) {
        int high = block->high_bits[i / 4] >> (i % 4 * 2) & 3;
        take_grid(iq2_s_grid[block->quants[i] | high << 8], block->signs[i], 8, tile_table_iq2,
                  p->codes + 8 * i);
    }
}

static void take_iq3_xxs(const struct block_iq3_xxs *block, struct parts *p)
{
    p->scale = block->scale;
    for (int i = 0; i < 64; i++) {
        uint32_t packed = block->signs_scales[i / 8];
        unsigned signs = iq_signs(packed >> (7 * (i % 8 / 2)));
        p->factors[i / 8] = odd_factor(packed >> 28);
        take_grid(iq3_xxs_grid[block->quants[i]], signs >> (4 * (i % 2)), 4, tile_table_iq3_xxs,
                  p->codes + 4 * i);
    }
}

static void take_iq3_s(const struct block_iq3_s *block, struct parts *p)
{
    p->scale = block->scale;
    for (int i = 0; i < 64; i++) {
        int high = block->high_bits[i / 8] >> (i % 8) & 1;
        p->factors[i / 8] = odd_factor(block->scales[i / 16] >> (i / 8 % 2 * 4));
        take_grid(iq3_s_grid[block->quants[i] | high << 8], block->signs[i / 2] >> (4 * (i % 2)), 4,
                  tile_table_iq3_s, p->codes + 4 * i);
    }
}

static void take_apart(enum tensor_type type, const void *data, struct parts *p)
{
    switch (type) {
    case TENSOR_Q8_0: {
        const struct block_q8_0 *block = data;
        p->scale = block->scale;
        memcpy(p->codes, block->quants, sizeof block->quants);
        return;
    }
    case TENSOR_Q4_0: {
        const struct block_q4_0 *block = data;
        p->scale = block->scale;
        split_nibbles(block->quants, p->codes);
        return;
    }
    case TENSOR_Q4_1: {
        const struct block_q4_1 *block = data;
        p->scale = block->scale;
        p->minimum = block->minimum;
        split_nibbles(block->quants, p->codes);
        return;
    }
    case TENSOR_Q5_0: {
        const struct block_q5_0 *block = data;
        p->scale = block->scale;
        split_nibbles(block->quants, p->codes);
        add_fifth_bits(block->high_bits, p->codes);
        return;
    }
    case TENSOR_Q5_1: {
        const struct block_q5_1 *block = data;
        p->scale = block->scale;
        p->minimum = block->minimum;
        split_nibbles(block->quants, p->codes);
        add_fifth_bits(block->high_bits, p->codes);
        return;
    }
    case TENSOR_IQ4_NL: {
        const struct block_iq4_nl *block = data;
        p->scale = block->scale;
        split_nibbles(block->quants, p->codes);
        return;
    }
    case TENSOR_Q4_K: {
        const struct block_q4_k *block = data;
        p->scale = block->scale;
        p->minimum = block->minimum;
        take_k4(block->scales, block->quants, p);
        return;
    }
    case TENSOR_Q2_K: take_q2_k(data, p); return;
    case TENSOR_Q3_K: take_q3_k(data, p); return;
    case TENSOR_Q5_K: take_q5_k(data, p); return;
    case TENSOR_Q6_K: take_q6_k(data, p); return;
    case TENSOR_IQ4_XS: take_iq4_xs(data, p); return;
    case TENSOR_IQ2_XS: take_iq2_xs(data, p); return;
    case TENSOR_IQ2_S: take_iq2_s(data, p); return;
    case TENSOR_IQ3_XXS: take_iq3_xxs(data, p); return;
    case TENSOR_IQ3_S: take_iq3_s(data, p); return;
    default: assert(!"a type that is not taken apart");
    }
}

/* ---- writing a unit ---- */

/* The four codes of one row and group as one word: byte c is column c of the group. */
static uint32_t group_word(const uint8_t *codes, int group)
{
    uint32_t word;
    memcpy(&word, codes + 4 * group, sizeof word);
    return word;
}

static void put_word(uint8_t *plane, int vector, unsigned row, uint32_t word)
{
    memcpy(plane + vector * GROUP_BYTES + 4 * row, &word, sizeof word);
}

/* Bits from..from+bits-1 of each code into a plane: 8/bits groups share a vector. */
static void put_plane(uint8_t *plane, unsigned row, const uint8_t *codes, int from, int bits)
{
    uint32_t mask = ((1u << bits) - 1) * 0x01010101u;
    int shared = 8 / bits;
    for (int vector = 0; vector < bits; vector++) {
        uint32_t word = 0;
        for (int i = 0; i < shared; i++)
            word |= (group_word(codes, vector * shared + i) >> from & mask) << (i * bits);
        put_word(plane, vector, row, word);
    }
}

static void put_unit(const struct tile_format *f, const struct parts *p, unsigned row,
                     uint8_t *unit)
{
    memcpy(unit + row * sizeof p->scale, &p->scale, sizeof p->scale);
    if (f->minimums)
        memcpy(unit + (TILE_ROWS + row) * sizeof p->minimum, &p->minimum, sizeof p->minimum);
    uint8_t *factors = unit + tile_factors_at(f);
    size_t factors_bytes = tile_factors_bytes(f);
    for (size_t i = 0; i < factors_bytes / TILE_ROWS; i++) {
        factors[i * TILE_ROWS + row] = (uint8_t)p->factors[i];
        if (f->minimums && f->factors == FACTORS_BYTES)
            factors[factors_bytes + i * TILE_ROWS + row] = (uint8_t)p->minimum_factors[i];
    }
    uint8_t *plane = unit + tile_header_bytes(f);
    for (int b = 0; b < f->unit_blocks; b++) {
        const uint8_t *codes = p->codes + b * BLOCK_COLS;
        put_plane(plane, row, codes, 0, f->low_bits);
        plane += f->low_bits * GROUP_BYTES;
        if (f->high_bits) put_plane(plane, row, codes, f->low_bits, f->high_bits);
        plane += f->high_bits * GROUP_BYTES;
    }
}

static void put_iq2_xxs(const struct block_iq2_xxs *block, unsigned row, uint8_t *unit)
{
    const struct tile_format *f = &tile_formats[TILE_IQ2_XXS];
    memcpy(unit + row * sizeof block->scale, &block->scale, sizeof block->scale);
    uint8_t *plane = unit + tile_header_bytes(f);
    for (int b = 0; b < f->unit_blocks; b++) {
        const uint32_t packed = group_word(block->quants, 2 * b + 1);
        uint32_t signs = 0;
        for (int entry = 0; entry < 4; entry++) {
            bool factor = packed >> (28 + entry) & 1;
            signs |= grid_byte(packed >> (7 * entry) & 127, factor) << (8 * entry);
        }
        put_word(plane, 2 * b, row, group_word(block->quants, 2 * b));
        put_word(plane, 2 * b + 1, row, signs);
    }
}

static void pack_quantised(enum tensor_type type, const uint8_t *data, size_t row_bytes,
                           unsigned rows, uint32_t cols, uint8_t *tile)
{
    const struct tile_format *f = &tile_formats[tile_layout_of(type)];
    const struct tensor_type_info *info = tensor_type_info(type);
    struct parts parts;
    size_t units = cols / info->block_values;
    for (size_t u = 0; u < units; u++, tile += tile_unit_bytes(f))
        for (unsigned r = 0; r < rows; r++) {
            const uint8_t *block = data + r * row_bytes + u * info->block_bytes;
            if (type == TENSOR_IQ2_XXS) {
                put_iq2_xxs((const void *)block, r, tile);
            } else {
                take_apart(type, block, &parts);
                put_unit(f, &parts, r, tile);
            }
        }
}

enum { BF16_EXPONENT_MIN = 127 - 56, F16_SMALLEST_NORMAL = 0x400, F16_INFINITE = 0x7c00 };

/* Eight significant bits are what BF16 has; F16 has eleven, fewer the smaller a denormal is. */
static bool f16_fits_pair(unsigned bits)
{
    const unsigned magnitude = bits & 0x7fff;
    const unsigned below = magnitude >= 0x400 ? 7 : magnitude >= 0x200 ? 3 : magnitude >= 0x100;
    return ((magnitude & below) == 0) & (magnitude < F16_INFINITE);
}

static bool bf16_fits_pair(unsigned bits)
{
    const unsigned magnitude = bits & 0x7fff;
    return (magnitude == 0) | (magnitude >= BF16_EXPONENT_MIN << 7);
}

bool tile_fits_pairs(enum tensor_type type, const uint8_t *data, size_t count)
{
    bool fits = true;
    for (size_t i = 0; i < count; i++) { /* without a way out, so that it becomes vectors */
        uint16_t bits;
        memcpy(&bits, data + i * sizeof bits, sizeof bits);
        fits &= type == TENSOR_F16 ? f16_fits_pair(bits) : bf16_fits_pair(bits);
    }
    return fits;
}

static uint16_t bf16_of_f16(uint16_t bits)
{
    const unsigned magnitude = bits & 0x7fff, sign = bits & 0x8000;
    if (magnitude >= F16_SMALLEST_NORMAL) /* three bits less, exponents counted from -127 */
        return (uint16_t)(sign | ((magnitude >> 3) + ((127 - 15) << 7)));
    return f32_to_bf16(f16_to_f32(bits));
}

/* The value's place in a tile of floats. */
static size_t float_place(enum tile_layout layout, size_t row, size_t col)
{
    if (layout == TILE_PAIRS) return (col / 2 * TILE_ROWS + row) * 2 + col % 2;
    return col * TILE_ROWS + row;
}

/* Columns in blocks whose part of the tile stays in the first-level cache. */
static void pack_floats(enum tensor_type type, enum tile_layout layout, const uint8_t *data,
                        size_t row_bytes, unsigned rows, uint32_t cols, uint8_t *tile)
{
    enum { BLOCK = 64 };
    const size_t size = layout == TILE_F32 ? sizeof(float) : sizeof(uint16_t);
    const bool converts = layout == TILE_PAIRS && type == TENSOR_F16;
    for (size_t first = 0; first < cols; first += BLOCK) {
        size_t end = first + BLOCK < cols ? first + BLOCK : cols;
        for (unsigned r = 0; r < rows; r++)
            for (size_t c = first; c < end; c++) {
                uint8_t *to = tile + float_place(layout, r, c) * size;
                const uint8_t *from = data + r * row_bytes + c * size;
                if (converts) {
                    uint16_t bits;
                    memcpy(&bits, from, sizeof bits);
                    bits = bf16_of_f16(bits);
                    memcpy(to, &bits, sizeof bits);
                } else {
                    memcpy(to, from, size);
                }
            }
    }
}

void tile_pack(enum tensor_type type, enum tile_layout layout, const uint8_t *data,
               size_t row_bytes, unsigned rows, uint32_t cols, uint8_t *tile)
{
    if (rows < TILE_ROWS) memset(tile, 0, tile_bytes(layout, cols));
    if (layout < TILE_FLOAT_COUNT)
        pack_floats(type, layout, data, row_bytes, rows, cols, tile);
    else
        pack_quantised(type, data, row_bytes, rows, cols, tile);
}
