/* lanes_avx512.h - lanes.h in AVX-512 (F, BW, DQ, VL, VNNI, VBMI, and GFNI): one register each. */
#include <immintrin.h>

enum {
    LANES_BIAS = 128,
    LANES_PANELS = 2,
    LANES_TOKENS = 5,
    LANES_FLOAT_TILES = 4,
    LANES_FEW_TOKENS = 8,
    LANES_PAGES = 2
};

typedef __m512 f32x16;
typedef __m512i i32x16;
typedef __m512i u8x64;

ALWAYS_INLINE f32x16 f32_all(float value)
{
    return _mm512_set1_ps(value);
}
ALWAYS_INLINE f32x16 f32_load(const float *from)
{
    return _mm512_loadu_ps(from);
}
ALWAYS_INLINE void f32_store(float *to, f32x16 v)
{
    _mm512_storeu_ps(to, v);
}
/* The first `count` lanes; the others are 0 and untouched in memory. */
ALWAYS_INLINE f32x16 f32_load_first(const float *from, size_t count)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
}
ALWAYS_INLINE void f32_store_first(float *to, f32x16 v, size_t count)
{
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), v);
}
ALWAYS_INLINE f32x16 f32_load_f16(const uint16_t *from)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}
ALWAYS_INLINE void f32_store_f16(uint16_t *to, f32x16 v)
{
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
ALWAYS_INLINE f32x16 f32_load_bf16(const uint16_t *from)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
/* Of 16 pairs of BF16. */
ALWAYS_INLINE f32x16 f32_load_pair_first(const uint16_t *from)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(from), 16));
}
ALWAYS_INLINE f32x16 f32_load_pair_second(const uint16_t *from)
{
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(from), upper));
}
ALWAYS_INLINE f32x16 f32_load_i8(const int8_t *from)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)from)));
}
/* Four bits of each byte, from bit `from` on. */
ALWAYS_INLINE f32x16 f32_load_nibbles(const uint8_t *bytes, int from)
{
    __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
    wide = _mm512_srli_epi32(wide, (unsigned)from);
    return _mm512_cvtepi32_ps(_mm512_and_si512(wide, _mm512_set1_epi32(15)));
}
ALWAYS_INLINE f32x16 f32_add(f32x16 a, f32x16 b)
{
    return _mm512_add_ps(a, b);
}
ALWAYS_INLINE f32x16 f32_sub(f32x16 a, f32x16 b)
{
    return _mm512_sub_ps(a, b);
}
ALWAYS_INLINE f32x16 f32_mul(f32x16 a, f32x16 b)
{
    return _mm512_mul_ps(a, b);
}
ALWAYS_INLINE f32x16 f32_div(f32x16 a, f32x16 b)
{
    return _mm512_div_ps(a, b);
}
/* a * b + c, rounded once. */
ALWAYS_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}
/* The larger; b when a is not a number. */
ALWAYS_INLINE f32x16 f32_max(f32x16 a, f32x16 b)
{
    return _mm512_max_ps(a, b);
}
ALWAYS_INLINE f32x16 f32_min(f32x16 a, f32x16 b)
{
    return _mm512_min_ps(a, b);
}
ALWAYS_INLINE f32x16 f32_abs(f32x16 a)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MAX)));
}
ALWAYS_INLINE f32x16 f32_negate(f32x16 a)
{
    return _mm512_castsi512_ps(
        _mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN)));
}
ALWAYS_INLINE f32x16 f32_round(f32x16 a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* 2^n for whole n in -126..127. */
ALWAYS_INLINE f32x16 f32_power_of_two(f32x16 n)
{
    __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
/* Lane i is a's where i is in from..to-1, else b's. */
ALWAYS_INLINE f32x16 f32_range(f32x16 a, f32x16 b, int from, int to)
{
    unsigned lanes = ((1u << to) - 1) & ~((1u << from) - 1);
    return _mm512_mask_blend_ps((__mmask16)lanes, b, a);
}
/* a where x < limit (false for what is not a number), else b. */
ALWAYS_INLINE f32x16 f32_if_less(f32x16 x, f32x16 limit, f32x16 a, f32x16 b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), b, a);
}
/* Lanes 2i and 2i+1 change places. */
ALWAYS_INLINE f32x16 f32_swap_neighbours(f32x16 a)
{
    return _mm512_permute_ps(a, 0xb1);
}
/* Sum as a tree: lanes i and i+8, then 4, 2, 1 apart. */
ALWAYS_INLINE float f32_sum(f32x16 a)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
ALWAYS_INLINE float f32_largest(f32x16 a)
{
    return _mm512_reduce_max_ps(a);
}
ALWAYS_INLINE f32x16 f32_of_i32(i32x16 a)
{
    return _mm512_cvtepi32_ps(a);
}

ALWAYS_INLINE i32x16 i32_all(int32_t value)
{
    return _mm512_set1_epi32(value);
}
ALWAYS_INLINE i32x16 i32_add(i32x16 a, i32x16 b)
{
    return _mm512_add_epi32(a, b);
}
/* The sign comes along. */
ALWAYS_INLINE i32x16 i32_shift_right(i32x16 a, int bits)
{
    return _mm512_srai_epi32(a, (unsigned)bits);
}
/* To nearest, ties to even. */
ALWAYS_INLINE i32x16 i32_of_f32(f32x16 a)
{
    return _mm512_cvtps_epi32(a);
}
ALWAYS_INLINE int32_t i32_sum(i32x16 a)
{
    return _mm512_reduce_add_epi32(a);
}
ALWAYS_INLINE void i32_store_i8(int8_t *to, i32x16 a)
{
    _mm_storeu_si128((__m128i *)to, _mm512_cvtsepi32_epi8(a));
}
/* Per lane: sum += the four weight bytes times the four activations in x. */
ALWAYS_INLINE i32x16 i32_dot(i32x16 sum, u8x64 weights, int32_t x)
{
    return _mm512_dpbusd_epi32(sum, weights, _mm512_set1_epi32(x));
}

#if !defined(__clang__)
#define LANES_DOT_QUAD
/* i32_dot_quad of lanes.h: GCC 12 would give the broadcast an instruction of its own, a seventh of
 * all that IQ2_XXS takes for one token. */
ALWAYS_INLINE i32x16 i32_dot_quad(i32x16 sum, u8x64 weights, const int8_t *quants)
{
    __asm__("vpdpbusd %2%{1to16%}, %1, %0"
            : "+v"(sum)
            : "v"(weights), "m"(*(const int8_t(*)[4])quants));
    return sum;
}
#endif

#define LANES_BF16
/* Per lane: sum += the two BF16 weights times the two activations in x, the second pair first. */
ALWAYS_INLINE f32x16 f32_dot_bf16(f32x16 sum, u8x64 weights, int32_t x)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)weights, (__m512bh)_mm512_set1_epi32(x));
}

ALWAYS_INLINE u8x64 u8_load(const uint8_t *from)
{
    return _mm512_loadu_si512(from);
}
ALWAYS_INLINE void u8_store(uint8_t *to, u8x64 v)
{
    _mm512_storeu_si512(to, v);
}
ALWAYS_INLINE u8x64 u8_and(u8x64 a, uint8_t mask)
{
    return _mm512_and_si512(a, _mm512_set1_epi8((char)mask));
}
ALWAYS_INLINE u8x64 u8_or(u8x64 a, u8x64 b)
{
    return _mm512_or_si512(a, b);
}
ALWAYS_INLINE u8x64 u8_add(u8x64 a, uint8_t b)
{
    return _mm512_add_epi8(a, _mm512_set1_epi8((char)b));
}
/* Shifts may carry bits in from the neighbouring byte: mask afterwards. */
ALWAYS_INLINE u8x64 u8_shift_right(u8x64 a, int bits)
{
    return _mm512_srli_epi16(a, (unsigned)bits);
}
ALWAYS_INLINE u8x64 u8_shift_left(u8x64 a, int bits)
{
    return _mm512_slli_epi16(a, (unsigned)bits);
}
/* table[a], a < 16 */
ALWAYS_INLINE u8x64 u8_table(const uint8_t table[16], u8x64 a)
{
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table)), a);
}
