/* lanes.h - vectors of sixteen 32-bit lanes (or 64 bytes), spelled for each instruction set.
 *
 * The kernels are written once, over these operations, and compiled once per instruction set
 * (kernels_*.c). Each operation is exact in the same way everywhere: fma rounds once, sums run in
 * the same tree, rounding is to nearest even. So every instruction set gives the same bits, and
 * check_kernels compares without a tolerance.
 *
 *   f32x16   sixteen floats                       f32_load f32_store f32_add f32_fma ...
 *   i32x16   sixteen integers                     i32_all i32_dot ...
 *   u8x64    64 bytes: lane r holds bytes 4r..4r+3    u8_load u8_and u8_table ...
 *
 * LANES_BIAS is what an expanded weight byte has on top of its value: the 8-bit dot product of
 * AVX-512 wants one side unsigned, so weights are stored plus 128 there. LANES_PANELS x
 * LANES_TOKENS sums of a product with quantised weights fit in registers, LANES_FLOAT_TILES x 6 of
 * one with floats, LANES_FEW_TOKENS of one whose weights are expanded in registers too; 8 queries'
 * scores with the keys of LANES_PAGES pages. */
#ifndef LIMINAL_COMPUTE_CPU_LANES_H
#define LIMINAL_COMPUTE_CPU_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES         16
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(LANES_AVX512)
#include "compute/cpu/lanes_avx512.h"
#elif defined(LANES_AVX2)
#include "compute/cpu/lanes_avx2.h"
#elif defined(LANES_NEON)
#include "compute/cpu/lanes_neon.h"
#else
#define LANES_SCALAR
#include "compute/cpu/lanes_scalar.h"
#endif

/* Where vectors are registers, kernels have a copy of their inner loop for each number of tokens,
 * so that all sums stay in them. Sanitizers would take minutes to compile those copies. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LANES_SANITIZED
#endif
#endif
#if defined(LANES_SCALAR) || defined(LANES_SANITIZED) || defined(__SANITIZE_ADDRESS__) || \
    defined(__SANITIZE_THREAD__)
enum { LANES_CONSTANT_COUNTS = 0 };
#else
enum { LANES_CONSTANT_COUNTS = 1 };
#endif

/* BODY(T) with T a constant for 1 to 5 tokens (TOKEN_GROUP). */
#define EACH_TOKENS(tokens, BODY)                   \
    switch (LANES_CONSTANT_COUNTS ? (tokens) : 0) { \
    case 1: BODY(1); break;                         \
    case 2: BODY(2); break;                         \
    case 3: BODY(3); break;                         \
    case 4: BODY(4); break;                         \
    case 5: BODY(5); break;                         \
    default: BODY((int)(tokens));                   \
    }

/* Four activations as the 32 bits that every lane of a dot product sees. */
ALWAYS_INLINE int32_t load_quad(const int8_t *quants)
{
    int32_t quad;
    memcpy(&quad, quants, sizeof quad);
    return quad;
}

#if !defined(LANES_DOT_QUAD)
/* i32_dot with four activations that are needed once. */
ALWAYS_INLINE i32x16 i32_dot_quad(i32x16 sum, u8x64 weights, const int8_t *quants)
{
    return i32_dot(sum, weights, load_quad(quants));
}
#endif

#endif
