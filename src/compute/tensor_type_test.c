/* tensor_type_test.c - 16-bit floats held against their definition; every type's reading and every
 * quantiser against llama.cpp's (golden vectors made by tests/oracle/tensor_types.sh). */
#include "compute/tensor_type.h"

#include <math.h>
#include <stdlib.h>

#include "base/test_support.h"
#include "base/text.h"
#include "platform/platform.h"

#define VECTORS LIMINAL_SOURCE_DIR "/tests/vectors/tensor_types/"

static const enum tensor_type written_types[] = {
    TENSOR_F16,  TENSOR_BF16, TENSOR_Q8_0, TENSOR_Q4_0,   TENSOR_Q5_0,  TENSOR_Q5_1,
    TENSOR_Q4_K, TENSOR_Q5_K, TENSOR_Q6_K, TENSOR_IQ4_NL, TENSOR_IQ4_XS};

static uint64_t random_state = 1;

static uint32_t random_bits(void)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(random_state >> 32);
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- the table ---- */

static void types_have_names_and_sizes(void **state)
{
    assert_int_equal(tensor_type_info(TENSOR_Q4_K)->block_bytes, 144);
    assert_int_equal(tensor_type_info(TENSOR_IQ2_XXS)->block_bytes, 66);
    assert_string_equal(tensor_type_info(TENSOR_IQ3_S)->name, "IQ3_S");
    const int64_t unknown[] = {-1, 4, 5, 9, 15, 19, 24, 29, 31, 39, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) assert_null(tensor_type_info(unknown[i]));
    int known = 0;
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++) {
        const struct tensor_type_info *info = tensor_type_info(type);
        if (!info) continue;
        known++;
        assert_int_equal(tensor_type_by_name(info->name), type);
    }
    assert_int_equal(known, 20);
    assert_int_equal(tensor_type_by_name("q4_k"), TENSOR_Q4_K);
    assert_int_equal(tensor_type_by_name("Q4_K_M"), -1);
    assert_int_equal(tensor_type_by_name(""), -1);
}

static void sizes_refuse_overflow_and_ragged_counts(void **state)
{
    uint64_t bytes;
    assert_true(tensor_type_bytes(TENSOR_Q8_0, 64, &bytes));
    assert_int_equal(bytes, 68);
    assert_false(tensor_type_bytes(TENSOR_Q8_0, 33, &bytes));
    assert_false(tensor_type_bytes(TENSOR_F32, UINT64_MAX / 2, &bytes));
    assert_false(tensor_type_bytes((enum tensor_type)4, 32, &bytes));
    assert_true(tensor_type_bytes(TENSOR_Q4_K, UINT64_MAX - 255, &bytes));
}

/* ---- 16-bit floats ---- */

/* sign, exponent and fraction as IEEE 754 defines them */
static double half_by_definition(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return h >> 15 ? -magnitude : magnitude;
}

static void every_half_means_what_it_should(void **state)
{
    for (uint32_t bits = 0; bits <= 0xffff; bits++) {
        uint16_t half = (uint16_t)bits;
        float value = f16_to_f32(half);
        if ((half & 0x7c00) == 0x7c00) {
            assert_true(half & 0x3ff ? isnan(value) : isinf(value));
            assert_true(half & 0x3ff ? isnan(f16_to_f32(f32_to_f16(value)))
                                     : f32_to_f16(value) == half);
            continue;
        }
        assert_true((double)value == half_by_definition(half));
        assert_int_equal(f32_to_f16(value), half);
    }
}

static void halves_round_to_nearest_even(void **state)
{
    for (int i = 0; i < 2000000; i++) {
        /* exponents around the range of halves, and all fractions */
        uint32_t bits = (random_bits() & 0x807fffff) | (100 + random_bits() % 45) << 23;
        float value = float_of_bits(bits);
        uint16_t half = f32_to_f16(value);
        if ((half & 0x7fff) == 0x7c00) {
            assert_true(fabsf(value) >= 65520);
            continue;
        }
        double error = fabs(half_by_definition(half) - value);
        uint16_t larger = half + 1; /* the neighbours in magnitude; 65536 beyond the last */
        double above =
            (larger & 0x7fff) == 0x7c00 ? copysign(65536, value) : half_by_definition(larger);
        assert_true(error <= fabs(above - value));
        if (error == fabs(above - value)) assert_int_equal(half & 1, 0);
        if ((half & 0x7fff) == 0) continue;
        double below = half_by_definition((uint16_t)(half - 1));
        assert_true(error <= fabs(below - value));
        if (error == fabs(below - value)) assert_int_equal(half & 1, 0);
    }
}

static void bfloats_round_to_nearest_even(void **state)
{
    for (int i = 0; i < 1000000; i++) {
        uint32_t bits = random_bits();
        float value = float_of_bits(bits);
        uint16_t half = f32_to_bf16(value);
        if (isnan(value)) {
            assert_true(isnan(bf16_to_f32(half)));
            continue;
        }
        uint32_t rest = bits & 0xffff, kept = bits >> 16;
        bool up = rest > 0x8000 || (rest == 0x8000 && (kept & 1));
        assert_int_equal(half, kept + up);
    }
    assert_true(bf16_to_f32(0x3f80) == 1.0f);
}

/* ---- golden vectors ---- */

static void read_vectors(const char *path, struct buffer *out)
{
    struct fault fault;
    buffer_init(out);
    assert_ok(file_read(path, 1 << 20, out, &fault), &fault);
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static size_t decode_hex(const char *hex, unsigned char *out)
{
    size_t length = strlen(hex) / 2;
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return length;
}

static void every_type_reads_as_llama_cpp_reads_it(void **state)
{
    struct buffer text;
    read_vectors(VECTORS "dequantise.txt", &text);
    int types = 0;
    char *rest = text.data;
    for (char *line; (line = strsep(&rest, "\n")) && *line; types++) {
        const char *name = strsep(&line, " "), *blocks_hex = strsep(&line, " ");
        static unsigned char blocks[4096], wanted[8192];
        size_t block_bytes = decode_hex(blocks_hex, blocks), bytes = decode_hex(line, wanted);
        int type = tensor_type_by_name(name);
        assert_true(type >= 0);
        assert_int_equal(block_bytes, 4 * tensor_type_info(type)->block_bytes);
        float values[4 * 256];
        assert_int_equal(bytes, 4 * tensor_type_info(type)->block_values * sizeof(float));
        dequantise_row((enum tensor_type)type, blocks, values, bytes / sizeof(float));
        if (memcmp(values, wanted, bytes) != 0) fail_msg("%s differs", name);
    }
    assert_int_equal(types, 19); /* all but F32 */
    buffer_deinit(&text);
}

enum { ROW = 4096 };

static double squared_error(enum tensor_type type, const float *row, const float *importance)
{
    static unsigned char blocks[ROW * sizeof(float)];
    static float back[ROW];
    struct fault fault;
    assert_ok(quantise_row(type, row, importance, blocks, ROW, &fault), &fault);
    dequantise_row(type, blocks, back, ROW);
    double error = 0;
    for (int i = 0; i < ROW; i++) {
        double difference = (double)back[i] - row[i];
        error += difference * difference * (importance ? importance[i] : 1);
    }
    return error;
}

static void quantisers_lose_no_more_than_llama_cpp(void **state)
{
    struct buffer inputs, lines;
    read_vectors(VECTORS "inputs.f32", &inputs);
    read_vectors(VECTORS "quantise.txt", &lines);
    const float *rows = (const float *)inputs.data;
    int compared = 0;
    char *rest = lines.data;
    for (char *line; (line = strsep(&rest, "\n")) && *line; compared++) {
        const char *name = strsep(&line, " ");
        long row = strtol(strsep(&line, " "), NULL, 10);
        double wanted = strtod(line, NULL);
        enum tensor_type type = (enum tensor_type)tensor_type_by_name(name);
        double ratio = sqrt(squared_error(type, rows + (size_t)row * ROW, NULL) / wanted);
        if (ratio > 1.05) fail_msg("%s, row %ld: %.4f of llama.cpp's error", name, row, ratio);
    }
    assert_int_equal(compared, 4 * (int)ARRAY_COUNT(written_types));
    buffer_deinit(&inputs);
    buffer_deinit(&lines);
}

/* ---- properties of the quantisers ---- */

static void importance_moves_the_error_to_where_it_matters_less(void **state)
{
    static float row[ROW], importance[ROW];
    for (int i = 0; i < ROW; i++) {
        row[i] = (float)(int32_t)random_bits() * 1e-11f;
        importance[i] = random_bits() % 10 == 0 ? 100 : 1;
    }
    const enum tensor_type types[] = {TENSOR_Q4_0, TENSOR_Q4_K, TENSOR_IQ4_XS};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        static unsigned char blocks[ROW * sizeof(float)];
        static float back[ROW];
        struct fault fault;
        assert_ok(quantise_row(types[i], row, NULL, blocks, ROW, &fault), &fault);
        dequantise_row(types[i], blocks, back, ROW);
        double plain = 0;
        for (int k = 0; k < ROW; k++)
            plain += (back[k] - row[k]) * (back[k] - row[k]) * importance[k];
        assert_true(squared_error(types[i], row, importance) < plain);
    }
}

static void odd_rows_survive(void **state)
{
    static float rows[7][ROW];
    for (int i = 0; i < ROW; i++) {
        rows[0][i] = 0;
        rows[1][i] = 1e-30f; /* below what any F16 scale can hold */
        rows[2][i] = i % 2 ? 65504 : -65504;
        rows[3][i] = 3;  /* no negative value */
        rows[4][i] = -3; /* no positive one */
        rows[5][i] = i == 77 ? 1 : 0;
        rows[6][i] = (float)(i % 32) - 16;
    }
    for (size_t t = 0; t < ARRAY_COUNT(written_types); t++)
        for (int r = 0; r < 7; r++) {
            static unsigned char blocks[ROW * sizeof(float)];
            static float back[ROW];
            struct fault fault;
            assert_ok(quantise_row(written_types[t], rows[r], NULL, blocks, ROW, &fault), &fault);
            dequantise_row(written_types[t], blocks, back, ROW);
            for (int i = 0; i < ROW; i++) {
                float scale = fmaxf(fabsf(rows[r][i]), r == 5 || r == 6 ? 16 : 1e-6f);
                if (!(fabsf(back[i] - rows[r][i]) <= 0.15f * scale))
                    fail_msg("%s, row %d: %g became %g", tensor_type_info(written_types[t])->name,
                             r, (double)rows[r][i], (double)back[i]);
            }
        }
}

static void what_cannot_be_written_is_refused(void **state)
{
    float row[256] = {0};
    unsigned char blocks[1024];
    struct fault fault;
    assert_status(quantise_row(TENSOR_IQ2_XXS, row, NULL, blocks, 256, &fault), STATUS_UNSUPPORTED);
    assert_contains(fault.message, "IQ2_XXS");
    assert_status(quantise_row(TENSOR_Q4_K, row, NULL, blocks, 128, &fault), STATUS_INVALID);
    assert_status(quantise_row((enum tensor_type)5, row, NULL, blocks, 32, &fault), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names_and_sizes),
        cmocka_unit_test(sizes_refuse_overflow_and_ragged_counts),
        cmocka_unit_test(every_half_means_what_it_should),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(bfloats_round_to_nearest_even),
        cmocka_unit_test(every_type_reads_as_llama_cpp_reads_it),
        cmocka_unit_test(quantisers_lose_no_more_than_llama_cpp),
        cmocka_unit_test(importance_moves_the_error_to_where_it_matters_less),
        cmocka_unit_test(odd_rows_survive),
        cmocka_unit_test(what_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
