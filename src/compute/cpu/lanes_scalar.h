/* lanes_scalar.h - lanes.h in portable C: what every machine can run and every other is held to. */
#include <math.h>

#include "compute/tensor_type.h"

enum {
    LANES_BIAS = 0,
    LANES_PANELS = 2,
    LANES_TOKENS = 5,
    LANES_FLOAT_TILES = 4,
    LANES_FEW_TOKENS = 8,
    LANES_PAGES = 1
};

typedef struct {
    float lane[LANES];
} f32x16;
typedef struct {
    int32_t lane[LANES];
} i32x16;
typedef struct {
    uint8_t byte[4 * LANES];
} u8x64;

/* Not inlined: a kernel of some hundred such calls would unroll into megabytes of code. */
#define LANE_FUNCTION static __attribute__((noinline, unused))

#define EACH_LANE(expression)                                   \
    do {                                                        \
        for (int i = 0; i < LANES; i++) y.lane[i] = expression; \
        return y;                                               \
    } while (0)
#define EACH_BYTE(expression)                                                  \
    do {                                                                       \
        for (int i = 0; i < 4 * LANES; i++) y.byte[i] = (uint8_t)(expression); \
        return y;                                                              \
    } while (0)

LANE_FUNCTION f32x16 f32_all(float value)
{
    f32x16 y;
    EACH_LANE(value);
}
LANE_FUNCTION f32x16 f32_load(const float *from)
{
    f32x16 y;
    EACH_LANE(from[i]);
}
LANE_FUNCTION void f32_store(float *to, f32x16 v)
{
    memcpy(to, v.lane, sizeof v.lane);
}
LANE_FUNCTION f32x16 f32_load_first(const float *from, size_t count)
{
    f32x16 y;
    EACH_LANE((size_t)i < count ? from[i] : 0);
}
LANE_FUNCTION void f32_store_first(float *to, f32x16 v, size_t count)
{
    memcpy(to, v.lane, count * sizeof *to);
}
LANE_FUNCTION f32x16 f32_load_f16(const uint16_t *from)
{
    f32x16 y;
    EACH_LANE(f16_to_f32(from[i]));
}
LANE_FUNCTION void f32_store_f16(uint16_t *to, f32x16 v)
{
    for (int i = 0; i < LANES; i++) to[i] = f32_to_f16(v.lane[i]);
}
LANE_FUNCTION f32x16 f32_load_bf16(const uint16_t *from)
{
    f32x16 y;
    EACH_LANE(bf16_to_f32(from[i]));
}
LANE_FUNCTION f32x16 f32_load_pair_first(const uint16_t *from)
{
    f32x16 y;
    EACH_LANE(bf16_to_f32(from[2 * i]));
}
LANE_FUNCTION f32x16 f32_load_pair_second(const uint16_t *from)
{
    f32x16 y;
    EACH_LANE(bf16_to_f32(from[2 * i + 1]));
}
LANE_FUNCTION f32x16 f32_load_i8(const int8_t *from)
{
    f32x16 y;
    EACH_LANE((float)from[i]);
}
LANE_FUNCTION f32x16 f32_load_nibbles(const uint8_t *bytes, int from)
{
    f32x16 y;
    EACH_LANE((float)(bytes[i] >> from & 15));
}
LANE_FUNCTION f32x16 f32_add(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] + b.lane[i]);
}
LANE_FUNCTION f32x16 f32_sub(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] - b.lane[i]);
}
LANE_FUNCTION f32x16 f32_mul(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] * b.lane[i]);
}
LANE_FUNCTION f32x16 f32_div(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] / b.lane[i]);
}
LANE_FUNCTION f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c)
{
    f32x16 y;
    EACH_LANE(fmaf(a.lane[i], b.lane[i], c.lane[i]));
}
LANE_FUNCTION f32x16 f32_max(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]);
}
LANE_FUNCTION f32x16 f32_min(f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]);
}
LANE_FUNCTION f32x16 f32_abs(f32x16 a)
{
    f32x16 y;
    EACH_LANE(fabsf(a.lane[i]));
}
LANE_FUNCTION f32x16 f32_negate(f32x16 a)
{
    f32x16 y;
    EACH_LANE(-a.lane[i]);
}
LANE_FUNCTION f32x16 f32_round(f32x16 a)
{
    f32x16 y;
    EACH_LANE(nearbyintf(a.lane[i]));
}
LANE_FUNCTION f32x16 f32_power_of_two(f32x16 n)
{
    f32x16 y;
    EACH_LANE(fabsf(n.lane[i]) < 128 ? ldexpf(1, (int)n.lane[i]) : 0); /* 0: not a number */
}
LANE_FUNCTION f32x16 f32_range(f32x16 a, f32x16 b, int from, int to)
{
    f32x16 y;
    EACH_LANE(i >= from && i < to ? a.lane[i] : b.lane[i]);
}
LANE_FUNCTION f32x16 f32_if_less(f32x16 x, f32x16 limit, f32x16 a, f32x16 b)
{
    f32x16 y;
    EACH_LANE(x.lane[i] < limit.lane[i] ? a.lane[i] : b.lane[i]);
}
LANE_FUNCTION f32x16 f32_swap_neighbours(f32x16 a)
{
    f32x16 y;
    EACH_LANE(a.lane[i ^ 1]);
}
LANE_FUNCTION float f32_sum(f32x16 a)
{
    for (int apart = LANES / 2; apart >= 1; apart /= 2)
        for (int i = 0; i < apart; i++) a.lane[i] += a.lane[i + apart];
    return a.lane[0];
}
LANE_FUNCTION float f32_largest(f32x16 a)
{
    for (int i = 1; i < LANES; i++)
        if (a.lane[i] > a.lane[0]) a.lane[0] = a.lane[i];
    return a.lane[0];
}
LANE_FUNCTION f32x16 f32_of_i32(i32x16 a)
{
    f32x16 y;
    EACH_LANE((float)a.lane[i]);
}

LANE_FUNCTION i32x16 i32_all(int32_t value)
{
    i32x16 y;
    EACH_LANE(value);
}
LANE_FUNCTION i32x16 i32_add(i32x16 a, i32x16 b)
{
    i32x16 y;
    EACH_LANE(a.lane[i] + b.lane[i]);
}
LANE_FUNCTION i32x16 i32_shift_right(i32x16 a, int bits)
{
    i32x16 y;
    EACH_LANE(a.lane[i] >> bits);
}
/* What does not fit becomes INT32_MIN, as on x86. */
LANE_FUNCTION i32x16 i32_of_f32(f32x16 a)
{
    i32x16 y;
    EACH_LANE(fabsf(a.lane[i]) < 0x1p31f ? (int32_t)nearbyintf(a.lane[i]) : INT32_MIN);
}
LANE_FUNCTION int32_t i32_sum(i32x16 a)
{
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++) sum += a.lane[i];
    return sum;
}
LANE_FUNCTION void i32_store_i8(int8_t *to, i32x16 a)
{
    for (int i = 0; i < LANES; i++) {
        int32_t v = a.lane[i];
        to[i] = (int8_t)(v < INT8_MIN ? INT8_MIN : v > INT8_MAX ? INT8_MAX : v);
    }
}
LANE_FUNCTION i32x16 i32_dot(i32x16 sum, u8x64 weights, int32_t x)
{
    int8_t quad[4];
    memcpy(quad, &x, sizeof quad);
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 4; j++) /* wraps around, as the instructions do */
            sum.lane[i] = (int32_t)((uint32_t)sum.lane[i] +
                                    (uint32_t)((int8_t)weights.byte[4 * i + j] * quad[j]));
    return sum;
}

LANE_FUNCTION u8x64 u8_load(const uint8_t *from)
{
    u8x64 y;
    memcpy(y.byte, from, sizeof y.byte);
    return y;
}
LANE_FUNCTION void u8_store(uint8_t *to, u8x64 v)
{
    memcpy(to, v.byte, sizeof v.byte);
}
LANE_FUNCTION u8x64 u8_and(u8x64 a, uint8_t mask)
{
    u8x64 y;
    EACH_BYTE(a.byte[i] & mask);
}
LANE_FUNCTION u8x64 u8_or(u8x64 a, u8x64 b)
{
    u8x64 y;
    EACH_BYTE(a.byte[i] | b.byte[i]);
}
LANE_FUNCTION u8x64 u8_add(u8x64 a, uint8_t b)
{
    u8x64 y;
    EACH_BYTE(a.byte[i] + b);
}
LANE_FUNCTION u8x64 u8_shift_right(u8x64 a, int bits)
{
    u8x64 y;
    EACH_BYTE(a.byte[i] >> bits);
}
LANE_FUNCTION u8x64 u8_shift_left(u8x64 a, int bits)
{
    u8x64 y;
    EACH_BYTE(a.byte[i] << bits);
}
LANE_FUNCTION u8x64 u8_table(const uint8_t table[16], u8x64 a)
{
    u8x64 y;
    EACH_BYTE(table[a.byte[i] & 15]);
}
