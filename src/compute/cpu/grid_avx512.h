/* grid_avx512.h - the IQ2_XXS codebook as byte shuffles: 512 weights from 128 bytes without a
 * table walk (tile.h says how they lie).
 *
 * A grid entry is eight of three magnitudes, 2 bits each: two planes of 256 bytes, four weights in
 * a byte. VPERMI2B looks up 64 entries at once in half a plane. GF2P8AFFINEQB moves the bits of two
 * weights' codes and signs to where VPERMB, which sees six bits of an index, makes weights of them.
 */
#include <pthread.h>

#include "compute/iq_codebooks.h"

/* Codes of the first and of the last four weights of each grid entry. Filled by grid_prepare. */
static _Alignas(64) uint8_t grid_codes[2][256];
/* LANES_BIAS + the weight whose code is in bits 0-1 and whose sign is in bit 2 of an index; with
 * bits 3-4 and 5. */
static _Alignas(64) uint8_t grid_values[2][64];

static void grid_fill(void)
{
    static const int magnitudes[4] = {8, 25, 43};
    for (int entry = 0; entry < 256; entry++)
        for (int half = 0; half < 2; half++) {
            unsigned byte = 0;
            for (int j = 0; j < 4; j++) {
                int magnitude = (int)(iq2_xxs_grid[entry] >> (32 * half + 8 * j) & 255);
                unsigned code = magnitude == 8 ? 0 : magnitude == 25 ? 1 : 2;
                byte |= code << (2 * j);
            }
            grid_codes[half][entry] = (uint8_t)byte;
        }
    for (int which = 0; which < 2; which++)
        for (int index = 0; index < 64; index++) {
            int bits = index >> (3 * which) & 7, magnitude = magnitudes[bits & 3];
            grid_values[which][index] = (uint8_t)(LANES_BIAS + (bits & 4 ? -magnitude : magnitude));
        }
}

static void grid_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, grid_fill);
}

/* 1 + 2 x the four scale bits of each row. */
ALWAYS_INLINE f32x16 grid_factors(const uint8_t *block)
{
    __m512i bits = _mm512_and_si512(_mm512_loadu_si512(block + GRID_SIGNS_AT),
                                    _mm512_set1_epi8((char)GRID_FACTOR_BIT));
    __m512i scale =
        _mm512_dpbusd_epi32(_mm512_setzero_si512(), bits, _mm512_set1_epi32(0x08040201));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(scale), _mm512_set1_ps(2.0f / GRID_FACTOR_BIT),
                           _mm512_set1_ps(1));
}

/* table[indices], 256 entries. */
ALWAYS_INLINE __m512i grid_look_up(const uint8_t table[256], __m512i indices)
{
    __m512i low =
        _mm512_permutex2var_epi8(_mm512_load_si512(table), indices, _mm512_load_si512(table + 64));
    __m512i high = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), indices,
                                            _mm512_load_si512(table + 192));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(indices), low, high);
}

/* One row of a matrix over bits: bit `to` of a result is the parity of a byte's bits in `from`. */
#define GRID_BIT(to, from) ((uint64_t)(from) << (8 * (7 - (to))))

ALWAYS_INLINE __m512i grid_move_bits(__m512i bytes, uint64_t matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(bytes, _mm512_set1_epi64((long long)matrix), 0);
}

ALWAYS_INLINE void grid_weights(const uint8_t *block, u8x64 weights[BLOCK_GROUPS])
{
    const uint64_t codes_to_index[2] = {
        GRID_BIT(0, 1) | GRID_BIT(1, 2) | GRID_BIT(3, 4) | GRID_BIT(4, 8),
        GRID_BIT(0, 16) | GRID_BIT(1, 32) | GRID_BIT(3, 64) | GRID_BIT(4, 128)};
    const uint64_t signs_to_index[4] = {
        GRID_BIT(2, 1) | GRID_BIT(5, 2), GRID_BIT(2, 4) | GRID_BIT(5, 8),
        GRID_BIT(2, 16) | GRID_BIT(5, 32), GRID_BIT(2, 64) | GRID_BIT(5, 127)};
    const __m512i first = _mm512_load_si512(grid_values[0]);
    const __m512i second = _mm512_load_si512(grid_values[1]);
    __m512i indices = _mm512_loadu_si512(block);
    __m512i signs = _mm512_loadu_si512(block + GRID_SIGNS_AT);
    for (int half = 0; half < 2; half++) {
        __m512i codes = grid_look_up(grid_codes[half], indices);
        for (int pair = 0; pair < 2; pair++) {
            int group = 4 * half + 2 * pair;
            __m512i index = _mm512_or_si512(grid_move_bits(codes, codes_to_index[pair]),
                                            grid_move_bits(signs, signs_to_index[group / 2]));
            weights[group] = _mm512_permutexvar_epi8(index, first);
            weights[group + 1] = _mm512_permutexvar_epi8(index, second);
        }
    }
}

ALWAYS_INLINE void grid_order(const int8_t quants[BLOCK_COLS], int8_t grid_quants[BLOCK_COLS])
{
    const __m256i from =
        _mm256_setr_epi8(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4, 12, 20, 28, 5,
                         13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)quants);
    _mm256_storeu_si256((__m256i *)grid_quants, _mm256_permutexvar_epi8(from, bytes));
}
