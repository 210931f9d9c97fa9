/* grid_avx512.h - the IQ2_XXS codebook as byte shuffles: 512 weights from 128 bytes without a
 * table walk (tile.h says how they lie).
 *
 * A grid entry is eight of three magnitudes, 2 bits each: two planes of 256 bytes, four weights in
 * a byte. VPERMI2B looks up 64 entries at once in half a plane. The codes of two weights and their
 * signs are an index of six bits, of which VPERMB, which ignores the other two, makes weights. */
#include <pthread.h>

#include "compute/iq_codebooks.h"

/* Codes of the first and of the last four weights of each grid entry. Filled by grid_prepare. */
static _Alignas(64) uint8_t grid_codes[2][256];
/* LANES_BIAS + weight j of four, looked up by an index that has its code and its sign where
 * grid_places says. */
static _Alignas(64) uint8_t grid_values[4][64];
static const struct {
    int code, sign; /* bits of an index */
} grid_places[4] = {{0, 4}, {2, 5}, {2, 0}, {4, 1}};

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
    for (int j = 0; j < 4; j++)
        for (int index = 0; index < 64; index++) {
            int magnitude = magnitudes[index >> grid_places[j].code & 3];
            bool negative = index >> grid_places[j].sign & 1;
            grid_values[j][index] = (uint8_t)(LANES_BIAS + (negative ? -magnitude : magnitude));
        }
}

static void grid_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, grid_fill);
}

/* base x (1 + 2 x the four scale bits of each row), exactly: a quarter of it x (4 + 8 x those). */
ALWAYS_INLINE f32x16 grid_scale(f32x16 base, const uint8_t *block)
{
    __m512i bits = _mm512_and_si512(_mm512_loadu_si512(block + GRID_SIGNS_AT),
                                    _mm512_set1_epi8(GRID_FACTOR_BIT));
    __m512i factor = _mm512_dpbusd_epi32(_mm512_set1_epi32(GRID_FACTOR_BIT / 2), bits,
                                         _mm512_set1_epi32(0x08040201));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(factor),
                         _mm512_mul_ps(base, _mm512_set1_ps(2.0f / GRID_FACTOR_BIT)));
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

/* Bits of a where `mask` has them, else of b. */
ALWAYS_INLINE __m512i grid_select(uint8_t mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi8((char)mask), a, b, 0xca);
}

/* A block half way to its weights. The whole way is longer than the processor looks ahead, so
 * few_kernels.h begins a block before it multiplies with the one before. */
struct grid_block {
    __m512i codes[2], signs;
};

ALWAYS_INLINE struct grid_block grid_begin(const uint8_t *block)
{
    const __m512i indices = _mm512_loadu_si512(block);
    return (struct grid_block){
        {grid_look_up(grid_codes[0], indices), grid_look_up(grid_codes[1], indices)},
        _mm512_loadu_si512(block + GRID_SIGNS_AT)};
}

/* Signs lie as grid_byte says: those of the first four weights where grid_places wants them, those
 * of the last four two bits higher, but the eighth, which is the parity of the others. */
ALWAYS_INLINE void grid_weights(const struct grid_block *begun, u8x64 weights[BLOCK_GROUPS])
{
    const uint64_t last_signs = GRID_BIT(4, 0x40) | GRID_BIT(5, 0x80) | GRID_BIT(0, 0x04) |
                                GRID_BIT(1, 0xff & ~GRID_FACTOR_BIT);
    __m512i signs = begun->signs;
    for (int half = 0; half < 2; half++) {
        const __m512i codes = begun->codes[half];
        const __m512i first = grid_select(0x0f, codes, signs);
        const __m512i second = grid_select(0x3c, _mm512_srli_epi16(codes, 2), signs);
        for (int j = 0; j < 4; j++)
            weights[4 * half + j] =
                _mm512_permutexvar_epi8(j < 2 ? first : second, _mm512_load_si512(grid_values[j]));
        signs = _mm512_gf2p8affine_epi64_epi8(signs, _mm512_set1_epi64((long long)last_signs), 0);
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
