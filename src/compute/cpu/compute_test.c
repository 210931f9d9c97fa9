/* compute_test.c - the promises of compute.h: the same bits whatever the batch, the chunks and the
 * threads; refusals; rows read back. How right the numbers are is the business of check_kernels. */
#include "compute/compute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the above */
#include <cmocka.h>

enum { ROWS = 100, COLS = 1280, TOKENS = 530 /* more than one pass */, HEADS = 8, KV_HEADS = 2 };

static struct compute *open_compute(unsigned threads)
{
    struct compute *compute = NULL;
    assert_int_equal(compute_open(&compute, &(struct compute_options){.threads = threads}, NULL),
                     OK);
    return compute;
}

static float *random_floats(size_t count, unsigned seed)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)seed * 0x1p-31f;
    }
    return values;
}

static const enum tensor_type types[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_Q8_0,
                                         TENSOR_Q4_0, TENSOR_Q4_K, TENSOR_Q6_K};

/* ROWS x COLS in the file's form. */
static void *quantised(enum tensor_type type)
{
    uint64_t bytes;
    assert_true(tensor_type_bytes(type, COLS, &bytes));
    float *values = random_floats((size_t)ROWS * COLS, 5);
    char *data = malloc((size_t)bytes * ROWS);
    assert_non_null(data);
    for (size_t r = 0; r < ROWS; r++)
        assert_int_equal(quantise_row(type, values + r * COLS, NULL, data + r * bytes, COLS, NULL),
                         OK);
    free(values);
    return data;
}

static void a_product_has_the_same_bits_in_any_company(void **state)
{
    float *x = random_floats((size_t)TOKENS * COLS, 1);
    float *all = malloc((size_t)TOKENS * ROWS * sizeof *all),
          *some = malloc(TOKENS * ROWS * sizeof *some);
    assert_true(all && some);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        void *data = quantised(types[i]);
        for (unsigned threads = 1; threads <= 3; threads++) {
            struct compute *compute = open_compute(threads);
            struct matrix matrix;
            assert_int_equal(matrix_pack(compute, &matrix, types[i], ROWS, COLS, data, NULL), OK);
            struct product product = {&matrix, threads == 1 ? all : some, ROWS};
            compute_multiply(compute, x, COLS, TOKENS, &product, 1);
            if (threads > 1) assert_memory_equal(all, some, TOKENS * ROWS * sizeof *all);
            /* Cut into chunks of every size up to 40. */
            product.y = some;
            for (size_t t = 0, n = 1; t < TOKENS; t += n, n = n % 40 + 1) {
                size_t count = n < TOKENS - t ? n : TOKENS - t;
                product.y = some + t * ROWS;
                compute_multiply(compute, x + t * COLS, COLS, count, &product, 1);
            }
            assert_memory_equal(all, some, TOKENS * ROWS * sizeof *all);
            matrix_free(&matrix);
            compute_close(compute);
        }
        free(data);
    }
    free(x), free(all), free(some);
}

static void a_group_gives_what_its_members_give(void **state)
{
    struct compute *compute = open_compute(2);
    struct matrix matrices[ARRAY_COUNT(types)];
    struct product group[ARRAY_COUNT(types)];
    const size_t n = 7, count = n * ROWS;
    float *x = random_floats(n * COLS, 2), *alone = malloc(count * sizeof *alone);
    assert_non_null(alone);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        void *data = quantised(types[i]);
        assert_int_equal(matrix_pack(compute, &matrices[i], types[i], ROWS, COLS, data, NULL), OK);
        free(data); /* not read again */
        group[i] = (struct product){&matrices[i], calloc(n, (ROWS + i) * sizeof(float)), ROWS + i};
    }
    compute_multiply(compute, x, COLS, n, group, ARRAY_COUNT(types));
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        compute_multiply(compute, x, COLS, n, &(struct product){&matrices[i], alone, ROWS}, 1);
        for (size_t t = 0; t < n; t++)
            assert_memory_equal(group[i].y + t * group[i].y_stride, alone + t * ROWS,
                                ROWS * sizeof *alone);
        matrix_free(&matrices[i]);
        free(group[i].y);
    }
    free(x), free(alone);
    compute_close(compute);
}

static void rows_come_back_as_the_file_means_them(void **state)
{
    struct compute *compute = open_compute(2);
    float expected[COLS], row[COLS];
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        char *data = quantised(types[i]);
        uint64_t bytes;
        assert_true(tensor_type_bytes(types[i], COLS, &bytes));
        struct matrix matrix;
        assert_int_equal(matrix_pack(compute, &matrix, types[i], ROWS, COLS, data, NULL), OK);
        for (uint32_t r = 0; r < ROWS; r++) {
            dequantise_row(types[i], data + r * bytes, expected, COLS);
            matrix_row(&matrix, r, row);
            assert_memory_equal(row, expected, sizeof row);
        }
        matrix_free(&matrix);
        free(data);
    }
    compute_close(compute);
}

static void what_cannot_be_packed_is_refused(void **state)
{
    struct compute *compute = open_compute(1);
    struct matrix matrix;
    struct fault fault;
    float data[32] = {0};
    assert_int_equal(matrix_pack(compute, &matrix, (enum tensor_type)5, 1, 32, data, &fault),
                     STATUS_UNSUPPORTED);
    assert_int_equal(matrix_pack(compute, &matrix, TENSOR_Q4_K, 1, 32, data, &fault),
                     STATUS_CORRUPT);
    assert_int_equal(matrix_pack(compute, &matrix, TENSOR_F32, 0, 32, data, &fault),
                     STATUS_CORRUPT);
    assert_null(matrix.packed);
    matrix_free(&matrix);
    compute_close(compute);
}

/* Sanitizers stop the program at a large allocation unless told that NULL is an answer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void no_memory_is_an_answer(void **state)
{
    struct compute *compute = open_compute(1);
    struct matrix matrix;
    struct fault fault;
    float data[COLS] = {0};
    /* 560 TB: more than an address space; the data is not looked at. */
    assert_int_equal(matrix_pack(compute, &matrix, TENSOR_F32, UINT32_MAX, 32768, data, &fault),
                     STATUS_NO_MEMORY);
    assert_null(matrix.packed);
    /* And all is well afterwards. */
    float x[COLS] = {1}, y;
    assert_int_equal(matrix_pack(compute, &matrix, TENSOR_F32, 1, COLS, data, &fault), OK);
    compute_multiply(compute, x, COLS, 1, &(struct product){&matrix, &y, 1}, 1);
    assert_true(y == 0);
    matrix_free(&matrix);
    compute_close(compute);
}

/* Attention of 60 rows of a sequence and, between them, rows of others. */
static void attention_has_the_same_bits_in_any_company(void **state)
{
    enum { N = 60, START = 700, TOKENS_HELD = START + N, WIDTH = 64 };
    const size_t kv_width = KV_HEADS * WIDTH, width = HEADS * WIDTH;
    const size_t pages = (TOKENS_HELD + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
    const size_t page_bytes = compute_kv_layer_bytes(KV_HEADS, WIDTH);
    float *k = random_floats(TOKENS_HELD * kv_width, 3),
          *v = random_floats(TOKENS_HELD * kv_width, 4);
    float *q = random_floats(N * width, 6), *all = calloc(N, width * sizeof *all);
    float *some = calloc(N, width * sizeof *some);
    char *memory = calloc(pages, page_bytes);
    void **table = calloc(pages, sizeof *table);
    void *const *row_pages[TOKENS_HELD];
    int32_t positions[TOKENS_HELD];
    assert_true(all && some && memory && table);
    for (size_t p = 0; p < pages; p++) table[p] = memory + p * page_bytes;
    for (int i = 0; i < TOKENS_HELD; i++) row_pages[i] = table, positions[i] = i;
    const struct kv_shape shape = {KV_HEADS, WIDTH, 0};
    const struct attention attention = {HEADS, 0.125f, 0, 0, true};

    for (unsigned threads = 1; threads <= 4; threads++) {
        struct compute *compute = open_compute(threads);
        compute_kv_store(compute, &shape, k, kv_width, v, kv_width, row_pages, positions,
                         TOKENS_HELD);
        compute_attention(compute, &attention, &shape, q, width, threads == 1 ? all : some, width,
                          row_pages, positions + START, NULL, N);
        if (threads > 1) assert_memory_equal(all, some, N * width * sizeof *all);
        for (size_t r = 0, n = 1; r < N; r += n, n = n % 5 + 1) {
            size_t count = n < N - r ? n : N - r;
            compute_attention(compute, &attention, &shape, q + r * width, width, some + r * width,
                              width, row_pages, positions + START + r, NULL, count);
        }
        assert_memory_equal(all, some, N * width * sizeof *all);
        compute_close(compute);
    }
    free(k), free(v), free(q), free(all), free(some), free(memory), free(table);
}

static void an_absurd_number_of_threads_is_refused(void **state)
{
    struct compute *compute;
    struct fault fault;
    assert_int_equal(compute_open(&compute, &(struct compute_options){.threads = 100000}, &fault),
                     STATUS_INVALID);
    assert_string_equal(fault.param, "threads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_has_the_same_bits_in_any_company),
        cmocka_unit_test(a_group_gives_what_its_members_give),
        cmocka_unit_test(rows_come_back_as_the_file_means_them),
        cmocka_unit_test(what_cannot_be_packed_is_refused),
        cmocka_unit_test(no_memory_is_an_answer),
        cmocka_unit_test(attention_has_the_same_bits_in_any_company),
        cmocka_unit_test(an_absurd_number_of_threads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
