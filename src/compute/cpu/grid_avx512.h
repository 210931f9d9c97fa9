/* grid_avx512.h - the IQ2_XXS codebook as byte shuffles: 512 weights from 128 bytes without a
 * table walk.
 *
 * A grid entry is eight of three magnitudes, 2 bits each: two planes of 256 bytes, four weights in
 * a byte. VPERMI2B looks up 64 indices at once in 128 entries. Then, per group of four columns,
 * VPMULTISHIFTQB spreads a row's codes over four bytes, another its signs, and VPERMB turns both
 * into 128 + value. */
#include <pthread.h>

#include "compute/iq_codebooks.h"

/* Codes of the first and of the last four weights of each grid entry; the eight signs of each
 * index of seven bits. Filled by grid_prepare. */
static _Alignas(64) uint8_t grid_codes[2][256];
static _Alignas(64) uint8_t grid_signs[128];

static void grid_fill(void)
{
    for (int entry = 0; entry < 256; entry++)
        for (int half = 0; half < 2; half++) {
            unsigned byte = 0;
            for (int j = 0; j < 4; j++) {
                unsigned magnitude = iq2_xxs_grid[entry] >> (32 * half + 8 * j) & 255;
                unsigned code = magnitude == 8 ? 0 : magnitude == 25 ? 1 : 2;
                byte |= code << (2 * j);
            }
            grid_codes[half][entry] = (uint8_t)byte;
        }
    for (unsigned index = 0; index < 128; index++) grid_signs[index] = iq_signs(index);
}

static void grid_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, grid_fill);
}

/* 1 + 2 x the four scale bits of each row. */
ALWAYS_INLINE f32x16 grid_factors(const uint8_t *block)
{
    __m512i scale = _mm512_srli_epi32(_mm512_loadu_si512(block + GROUP_BYTES), 28);
    return _mm512_cvtepi32_ps(
        _mm512_add_epi32(_mm512_add_epi32(scale, scale), _mm512_set1_epi32(1)));
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

ALWAYS_INLINE void grid_weights(const uint8_t *block, u8x64 weights[BLOCK_GROUPS])
{
    /* Four times 8 bits of each row's word, from bits 0, 7, 14 and 21 (the top one is dropped). */
    const __m512i sevens = _mm512_set1_epi64(0x352e2720150e0700);
    /* Of two rows of four bytes each: where the 2 bits of the first byte's four codes begin, and,
     * two bits earlier, its lower four bits. The shifts go around in 64 bits. */
    const __m512i codes_at = _mm512_set1_epi64(0x2624222006040200);
    const __m512i signs_at = _mm512_set1_epi64(0x21201f1e01003f3e);
    /* By two bits of code and one of sign; higher bits of an index do not matter. */
    const __m512i values = _mm512_set1_epi64(0x0055677800ab9988);
    __m512i indices = _mm512_loadu_si512(block);
    __m512i codes[2] = {grid_look_up(grid_codes[0], indices), grid_look_up(grid_codes[1], indices)};
    __m512i seven_bits =
        _mm512_multishift_epi64_epi8(sevens, _mm512_loadu_si512(block + GROUP_BYTES));
    __m512i signs = _mm512_permutex2var_epi8(_mm512_load_si512(grid_signs), seven_bits,
                                             _mm512_load_si512(grid_signs + 64));
    for (int octet = 0; octet < 4; octet++)
        for (int half = 0; half < 2; half++) {
            char code_bit = (char)(8 * octet), sign_bit = (char)(8 * octet + 4 * half);
            __m512i code = _mm512_multishift_epi64_epi8(
                _mm512_add_epi8(codes_at, _mm512_set1_epi8(code_bit)), codes[half]);
            __m512i sign = _mm512_multishift_epi64_epi8(
                _mm512_add_epi8(signs_at, _mm512_set1_epi8(sign_bit)), signs);
            /* The lowest two bits of code, the others of sign. */
            __m512i index = _mm512_ternarylogic_epi32(_mm512_set1_epi8(3), code, sign, 0xca);
            weights[2 * octet + half] = _mm512_permutexvar_epi8(index, values);
        }
}
