/* lanes_avx2.h - lanes.h in AVX2, FMA and F16C: two registers each. */
#include <immintrin.h>

enum {
    LANES_BIAS = 0,
    LANES_PANELS = 1,
    LANES_TOKENS = 2,
    LANES_FLOAT_TILES = 1,
    LANES_FEW_TOKENS = 1,
    LANES_PAGES = 1
};

typedef struct {
    __m256 half[2];
} f32x16;
typedef struct {
    __m256i half[2];
} i32x16;
typedef struct {
    __m256i half[2];
} u8x64;

#define HALVES(type, expression)      \
    ({                                \
        type y;                       \
        for (int h = 0; h < 2; h++) { \
            y.half[h] = (expression); \
        }                             \
        y;                            \
    })

ALWAYS_INLINE f32x16 f32_all(float value)
{
    return HALVES(f32x16, _mm256_set1_ps(value));
}
ALWAYS_INLINE f32x16 f32_load(const float *from)
{
    return HALVES(f32x16, _mm256_loadu_ps(from + 8 * h));
}
ALWAYS_INLINE void f32_store(float *to, f32x16 v)
{
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(to + 8 * h, v.half[h]);
}
ALWAYS_INLINE f32x16 f32_load_first(const float *from, size_t count)
{
    float lane[LANES] = {0};
    memcpy(lane, from, count * sizeof *from);
    return f32_load(lane);
}
ALWAYS_INLINE void f32_store_first(float *to, f32x16 v, size_t count)
{
    float lane[LANES];
    f32_store(lane, v);
    memcpy(to, lane, count * sizeof *to);
}
ALWAYS_INLINE f32x16 f32_load_f16(const uint16_t *from)
{
    return HALVES(f32x16, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + 8 * h))));
}
ALWAYS_INLINE void f32_store_f16(uint16_t *to, f32x16 v)
{
    for (int h = 0; h < 2; h++)
        _mm_storeu_si128((__m128i *)(to + 8 * h),
                         _mm256_cvtps_ph(v.half[h], _MM_FROUND_TO_NEAREST_INT));
}
ALWAYS_INLINE f32x16 f32_load_bf16(const uint16_t *from)
{
    return HALVES(
        f32x16, _mm256_castsi256_ps(_mm256_slli_epi32(
                    _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(from + 8 * h))), 16)));
}
ALWAYS_INLINE f32x16 f32_load_pair_first(const uint16_t *from)
{
    return HALVES(f32x16, _mm256_castsi256_ps(_mm256_slli_epi32(
                              _mm256_loadu_si256((const __m256i *)(from + 16 * h)), 16)));
}
ALWAYS_INLINE f32x16 f32_load_pair_second(const uint16_t *from)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    return HALVES(f32x16, _mm256_castsi256_ps(_mm256_and_si256(
                              _mm256_loadu_si256((const __m256i *)(from + 16 * h)), upper)));
}
ALWAYS_INLINE f32x16 f32_load_i8(const int8_t *from)
{
    return HALVES(
        f32x16,
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(from + 8 * h)))));
}
ALWAYS_INLINE f32x16 f32_load_nibbles(const uint8_t *bytes, int from)
{
    return HALVES(
        f32x16,
        _mm256_cvtepi32_ps(_mm256_and_si256(
            _mm256_srli_epi32(
                _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(bytes + 8 * h))), from),
            _mm256_set1_epi32(15))));
}
ALWAYS_INLINE f32x16 f32_add(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_add_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_sub(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_sub_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_mul(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_mul_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_div(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_div_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return HALVES(f32x16, _mm256_fmadd_ps(a.half[h], b.half[h], c.half[h]));
}
ALWAYS_INLINE f32x16 f32_max(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_max_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_min(f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_min_ps(a.half[h], b.half[h]));
}
ALWAYS_INLINE f32x16 f32_abs(f32x16 a)
{
    return HALVES(f32x16, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.half[h]));
}
ALWAYS_INLINE f32x16 f32_negate(f32x16 a)
{
    return HALVES(f32x16, _mm256_xor_ps(_mm256_set1_ps(-0.0f), a.half[h]));
}
ALWAYS_INLINE f32x16 f32_round(f32x16 a)
{
    return HALVES(f32x16,
                  _mm256_round_ps(a.half[h], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
ALWAYS_INLINE f32x16 f32_power_of_two(f32x16 n)
{
    return HALVES(
        f32x16, _mm256_castsi256_ps(_mm256_slli_epi32(
                    _mm256_add_epi32(_mm256_cvtps_epi32(n.half[h]), _mm256_set1_epi32(127)), 23)));
}
ALWAYS_INLINE f32x16 f32_range(f32x16 a, f32x16 b, int from, int to)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return HALVES(f32x16,
                  _mm256_blendv_ps(b.half[h], a.half[h],
                                   _mm256_castsi256_ps(_mm256_andnot_si256(
                                       _mm256_cmpgt_epi32(_mm256_set1_epi32(from - 8 * h), lanes),
                                       _mm256_cmpgt_epi32(_mm256_set1_epi32(to - 8 * h), lanes)))));
}
ALWAYS_INLINE f32x16 f32_if_less(f32x16 x, f32x16 limit, f32x16 a, f32x16 b)
{
    return HALVES(f32x16, _mm256_blendv_ps(b.half[h], a.half[h],
                                           _mm256_cmp_ps(x.half[h], limit.half[h], _CMP_LT_OQ)));
}
ALWAYS_INLINE f32x16 f32_swap_neighbours(f32x16 a)
{
    return HALVES(f32x16, _mm256_permute_ps(a.half[h], 0xb1));
}
ALWAYS_INLINE float f32_sum(f32x16 a)
{
    __m256 eight = _mm256_add_ps(a.half[0], a.half[1]);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
ALWAYS_INLINE float f32_largest(f32x16 a)
{
    __m256 eight = _mm256_max_ps(a.half[0], a.half[1]);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
ALWAYS_INLINE f32x16 f32_of_i32(i32x16 a)
{
    return HALVES(f32x16, _mm256_cvtepi32_ps(a.half[h]));
}

ALWAYS_INLINE i32x16 i32_all(int32_t value)
{
    return HALVES(i32x16, _mm256_set1_epi32(value));
}
ALWAYS_INLINE i32x16 i32_add(i32x16 a, i32x16 b)
{
    return HALVES(i32x16, _mm256_add_epi32(a.half[h], b.half[h]));
}
ALWAYS_INLINE i32x16 i32_of_f32(f32x16 a)
{
    return HALVES(i32x16, _mm256_cvtps_epi32(a.half[h]));
}
ALWAYS_INLINE i32x16 i32_shift_right(i32x16 a, int bits)
{
    return HALVES(i32x16, _mm256_srai_epi32(a.half[h], bits));
}
ALWAYS_INLINE int32_t i32_sum(i32x16 a)
{
    __m256i eight = _mm256_add_epi32(a.half[0], a.half[1]);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}
ALWAYS_INLINE void i32_store_i8(int8_t *to, i32x16 a)
{
    __m256i words = _mm256_packs_epi32(a.half[0], a.half[1]);
    words = _mm256_permute4x64_epi64(words, 0xd8);
    __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)to, bytes);
}
/* The product of bytes wants one side unsigned: |w| x (x with the sign of w). Two products fit in
 * 16 bits because activations stay within -127..127. */
ALWAYS_INLINE i32x16 i32_dot(i32x16 sum, u8x64 weights, int32_t x)
{
    const __m256i values = _mm256_set1_epi32(x), ones = _mm256_set1_epi16(1);
    return HALVES(i32x16,
                  _mm256_add_epi32(sum.half[h],
                                   _mm256_madd_epi16(_mm256_maddubs_epi16(
                                                         _mm256_abs_epi8(weights.half[h]),
                                                         _mm256_sign_epi8(values, weights.half[h])),
                                                     ones)));
}

ALWAYS_INLINE u8x64 u8_load(const uint8_t *from)
{
    return HALVES(u8x64, _mm256_loadu_si256((const __m256i *)(from + 32 * h)));
}
ALWAYS_INLINE void u8_store(uint8_t *to, u8x64 v)
{
    for (int h = 0; h < 2; h++) _mm256_storeu_si256((__m256i *)(to + 32 * h), v.half[h]);
}
ALWAYS_INLINE u8x64 u8_and(u8x64 a, uint8_t mask)
{
    return HALVES(u8x64, _mm256_and_si256(a.half[h], _mm256_set1_epi8((char)mask)));
}
ALWAYS_INLINE u8x64 u8_or(u8x64 a, u8x64 b)
{
    return HALVES(u8x64, _mm256_or_si256(a.half[h], b.half[h]));
}
ALWAYS_INLINE u8x64 u8_add(u8x64 a, uint8_t b)
{
    return HALVES(u8x64, _mm256_add_epi8(a.half[h], _mm256_set1_epi8((char)b)));
}
ALWAYS_INLINE u8x64 u8_shift_right(u8x64 a, int bits)
{
    return HALVES(u8x64, _mm256_srli_epi16(a.half[h], bits));
}
ALWAYS_INLINE u8x64 u8_shift_left(u8x64 a, int bits)
{
    return HALVES(u8x64, _mm256_slli_epi16(a.half[h], bits));
}
ALWAYS_INLINE u8x64 u8_table(const uint8_t table[16], u8x64 a)
{
    const __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
    return HALVES(u8x64, _mm256_shuffle_epi8(values, a.half[h]));
}
