/* limit_kernels.h - template, compiled per instruction set: what the processor can do at most, for
 * the bench to hold the real kernels against. Enough independent sums to fill the pipelines, and an
 * operand that changes, so that no compiler finds a shorter way. */

enum { LIMIT_SUMS = 14 };

/* What was computed goes here, so that it is not left out. One a thread: no line is fought over. */
static _Thread_local volatile uint32_t limit_sink;

/* Operations done: 2 per multiplication and addition. */
static double limit_int8(size_t rounds, int32_t seed)
{
    uint8_t bytes[GROUP_BYTES];
    memset(bytes, seed & 0x7f, sizeof bytes);
    const u8x64 weights = u8_load(bytes);
    i32x16 sums[LIMIT_SUMS];
    for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = i32_all(seed + i);
    for (size_t round = 0; round < rounds; round++)
        for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = i32_dot(sums[i], weights, seed);
    int32_t total = 0;
    for (int i = 0; i < LIMIT_SUMS; i++) total ^= i32_sum(sums[i]);
    limit_sink = (uint32_t)total;
    return 2.0 * GROUP_BYTES * LIMIT_SUMS * (double)rounds;
}

static double limit_fp32(size_t rounds, int32_t seed)
{
    const f32x16 factor = f32_all(0.5f + (float)(seed & 1));
    f32x16 sums[LIMIT_SUMS];
    for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = f32_all((float)i);
    for (size_t round = 0; round < rounds; round++)
        for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = f32_fma(sums[i], factor, factor);
    float total = 0;
    for (int i = 0; i < LIMIT_SUMS; i++) total += f32_sum(sums[i]);
    limit_sink = (uint32_t)(total != 0);
    return 2.0 * LANES * LIMIT_SUMS * (double)rounds;
}

#if defined(LANES_AVX512)
static double limit_bf16(size_t rounds, int32_t seed)
{
    const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3f003f00 + (seed & 1));
    f32x16 sums[LIMIT_SUMS];
    for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = f32_all((float)i);
    for (size_t round = 0; round < rounds; round++)
        for (int i = 0; i < LIMIT_SUMS; i++) sums[i] = _mm512_dpbf16_ps(sums[i], factor, factor);
    float total = 0;
    for (int i = 0; i < LIMIT_SUMS; i++) total += f32_sum(sums[i]);
    limit_sink = (uint32_t)(total != 0);
    return 4.0 * LANES * LIMIT_SUMS * (double)rounds;
}
#endif

/* Read `bytes` (a multiple of 256) once. */
static void limit_read(const uint8_t *from, size_t bytes)
{
    u8x64 seen[4] = {u8_load(from), u8_load(from), u8_load(from), u8_load(from)};
    for (size_t at = 0; at < bytes; at += 4 * GROUP_BYTES)
        for (int i = 0; i < 4; i++) seen[i] = u8_or(seen[i], u8_load(from + at + i * GROUP_BYTES));
    uint8_t all[GROUP_BYTES];
    u8_store(all, u8_or(u8_or(seen[0], seen[1]), u8_or(seen[2], seen[3])));
    limit_sink = all[0];
}
