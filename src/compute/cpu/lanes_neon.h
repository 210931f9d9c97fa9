/* lanes_neon.h - lanes.h in AArch64 with dot products: four registers each. */
#include <arm_neon.h>

enum {
    LANES_BIAS = 0,
    LANES_PANELS = 1,
    LANES_TOKENS = 2,
    LANES_FLOAT_TILES = 1,
    LANES_FEW_TOKENS = 1,
    LANES_PAGES = 1
};

typedef struct {
    float32x4_t part[4];
} f32x16;
typedef struct {
    int32x4_t part[4];
} i32x16;
typedef struct {
    uint8x16_t part[4];
} u8x64;

#define PARTS(type, expression)       \
    ({                                \
        type y;                       \
        for (int i = 0; i < 4; i++) { \
            y.part[i] = (expression); \
        }                             \
        y;                            \
    })

ALWAYS_INLINE f32x16 f32_all(float value)
{
    return PARTS(f32x16, vdupq_n_f32(value));
}
ALWAYS_INLINE f32x16 f32_load(const float *from)
{
    return PARTS(f32x16, vld1q_f32(from + 4 * i));
}
ALWAYS_INLINE void f32_store(float *to, f32x16 v)
{
    for (int i = 0; i < 4; i++) vst1q_f32(to + 4 * i, v.part[i]);
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
    return PARTS(f32x16, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from + 4 * i))));
}
ALWAYS_INLINE void f32_store_f16(uint16_t *to, f32x16 v)
{
    for (int i = 0; i < 4; i++) vst1_u16(to + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(v.part[i])));
}
ALWAYS_INLINE f32x16 f32_load_bf16(const uint16_t *from)
{
    return PARTS(f32x16, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from + 4 * i), 16)));
}
ALWAYS_INLINE f32x16 f32_load_pair_first(const uint16_t *from)
{
    return PARTS(f32x16, vreinterpretq_f32_u32(
                             vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(from + 8 * i)), 16)));
}
ALWAYS_INLINE f32x16 f32_load_pair_second(const uint16_t *from)
{
    return PARTS(f32x16,
                 vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(from + 8 * i)),
                                                 vdupq_n_u32(0xffff0000))));
}
ALWAYS_INLINE i32x16 i32_of_bytes(int8x16_t bytes)
{
    int16x8_t words[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes))};
    return PARTS(i32x16,
                 vmovl_s16(i % 2 ? vget_high_s16(words[i / 2]) : vget_low_s16(words[i / 2])));
}
ALWAYS_INLINE f32x16 f32_of_i32(i32x16 a)
{
    return PARTS(f32x16, vcvtq_f32_s32(a.part[i]));
}
ALWAYS_INLINE f32x16 f32_load_i8(const int8_t *from)
{
    return f32_of_i32(i32_of_bytes(vld1q_s8(from)));
}
ALWAYS_INLINE f32x16 f32_load_nibbles(const uint8_t *bytes, int from)
{
    uint8x16_t nibbles =
        vandq_u8(vshlq_u8(vld1q_u8(bytes), vdupq_n_s8((int8_t)-from)), vdupq_n_u8(15));
    return f32_of_i32(i32_of_bytes(vreinterpretq_s8_u8(nibbles)));
}
ALWAYS_INLINE f32x16 f32_add(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vaddq_f32(a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_sub(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vsubq_f32(a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_mul(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vmulq_f32(a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_div(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vdivq_f32(a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return PARTS(f32x16, vfmaq_f32(c.part[i], a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_max(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vbslq_f32(vcgtq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_min(f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vbslq_f32(vcltq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_abs(f32x16 a)
{
    return PARTS(f32x16, vabsq_f32(a.part[i]));
}
ALWAYS_INLINE f32x16 f32_negate(f32x16 a)
{
    return PARTS(f32x16, vnegq_f32(a.part[i]));
}
ALWAYS_INLINE f32x16 f32_round(f32x16 a)
{
    return PARTS(f32x16, vrndnq_f32(a.part[i]));
}
ALWAYS_INLINE f32x16 f32_power_of_two(f32x16 n)
{
    return PARTS(f32x16, vreinterpretq_f32_s32(vshlq_n_s32(
                             vaddq_s32(vcvtnq_s32_f32(n.part[i]), vdupq_n_s32(127)), 23)));
}
ALWAYS_INLINE f32x16 f32_range(f32x16 a, f32x16 b, int from, int to)
{
    static const int32_t FIRST[4] = {0, 1, 2, 3};
    const int32x4_t lanes = vld1q_s32(FIRST);
    return PARTS(f32x16, vbslq_f32(vandq_u32(vcgeq_s32(lanes, vdupq_n_s32(from - 4 * i)),
                                             vcltq_s32(lanes, vdupq_n_s32(to - 4 * i))),
                                   a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_if_less(f32x16 x, f32x16 limit, f32x16 a, f32x16 b)
{
    return PARTS(f32x16, vbslq_f32(vcltq_f32(x.part[i], limit.part[i]), a.part[i], b.part[i]));
}
ALWAYS_INLINE f32x16 f32_swap_neighbours(f32x16 a)
{
    return PARTS(f32x16, vrev64q_f32(a.part[i]));
}
ALWAYS_INLINE float f32_sum(f32x16 a)
{
    float32x4_t four = vaddq_f32(vaddq_f32(a.part[0], a.part[2]), vaddq_f32(a.part[1], a.part[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
ALWAYS_INLINE float f32_largest(f32x16 a)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.part[0], a.part[1]), vmaxq_f32(a.part[2], a.part[3])));
}

ALWAYS_INLINE i32x16 i32_all(int32_t value)
{
    return PARTS(i32x16, vdupq_n_s32(value));
}
ALWAYS_INLINE i32x16 i32_add(i32x16 a, i32x16 b)
{
    return PARTS(i32x16, vaddq_s32(a.part[i], b.part[i]));
}
/* What does not fit saturates here; activations that large are infinite anyway. */
ALWAYS_INLINE i32x16 i32_of_f32(f32x16 a)
{
    return PARTS(i32x16, vcvtnq_s32_f32(a.part[i]));
}
ALWAYS_INLINE i32x16 i32_shift_right(i32x16 a, int bits)
{
    return PARTS(i32x16, vshlq_s32(a.part[i], vdupq_n_s32(-bits)));
}
ALWAYS_INLINE int32_t i32_sum(i32x16 a)
{
    return vaddvq_s32(vaddq_s32(vaddq_s32(a.part[0], a.part[1]), vaddq_s32(a.part[2], a.part[3])));
}
ALWAYS_INLINE void i32_store_i8(int8_t *to, i32x16 a)
{
    int16x8_t low = vcombine_s16(vqmovn_s32(a.part[0]), vqmovn_s32(a.part[1]));
    int16x8_t high = vcombine_s16(vqmovn_s32(a.part[2]), vqmovn_s32(a.part[3]));
    vst1q_s8(to, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
}
ALWAYS_INLINE i32x16 i32_dot(i32x16 sum, u8x64 weights, int32_t x)
{
    const int8x16_t values = vreinterpretq_s8_s32(vdupq_n_s32(x));
    return PARTS(i32x16, vdotq_s32(sum.part[i], vreinterpretq_s8_u8(weights.part[i]), values));
}

ALWAYS_INLINE u8x64 u8_load(const uint8_t *from)
{
    return PARTS(u8x64, vld1q_u8(from + 16 * i));
}
ALWAYS_INLINE void u8_store(uint8_t *to, u8x64 v)
{
    for (int i = 0; i < 4; i++) vst1q_u8(to + 16 * i, v.part[i]);
}
ALWAYS_INLINE u8x64 u8_and(u8x64 a, uint8_t mask)
{
    return PARTS(u8x64, vandq_u8(a.part[i], vdupq_n_u8(mask)));
}
ALWAYS_INLINE u8x64 u8_or(u8x64 a, u8x64 b)
{
    return PARTS(u8x64, vorrq_u8(a.part[i], b.part[i]));
}
ALWAYS_INLINE u8x64 u8_add(u8x64 a, uint8_t b)
{
    return PARTS(u8x64, vaddq_u8(a.part[i], vdupq_n_u8(b)));
}
ALWAYS_INLINE u8x64 u8_shift_right(u8x64 a, int bits)
{
    return PARTS(u8x64, vshlq_u8(a.part[i], vdupq_n_s8((int8_t)-bits)));
}
ALWAYS_INLINE u8x64 u8_shift_left(u8x64 a, int bits)
{
    return PARTS(u8x64, vshlq_u8(a.part[i], vdupq_n_s8((int8_t)bits)));
}
ALWAYS_INLINE u8x64 u8_table(const uint8_t table[16], u8x64 a)
{
    const uint8x16_t values = vld1q_u8(table);
    return PARTS(u8x64, vqtbl1q_u8(values, a.part[i]));
}
