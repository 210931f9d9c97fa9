/* model_bench_test.c - the bench measures what it says it measures, and refuses what it cannot. */
#include "model/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "model/file/synth.h"
#include "model/model_test_support.h"

static struct model *open_shape(struct compute *compute, const char *shape)
{
    char path[] = "/tmp/liminal-bench-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct fault fault = {0};
    if (synth_model(shape, "Q8_0", path, NULL, &fault) != OK) fail_msg("%s", fault.message);
    struct model *model = test_model_at(compute, path);
    unlink(path);
    return model;
}

static void rates_follow_from_the_models_size(void **state)
{
    struct compute *compute = test_compute(1);
    struct model *model = open_shape(compute, "tiny-llama");
    const struct model_info *info = model_info(model);
    const struct model_bench_options options = {
        .prefill_tokens = 64, .decode_tokens = 8, .depth = 16, .repetitions = 2};
    struct model_bench_options unlimited = options;
    unlimited.skip_limits = true;
    struct model_bench_result result;
    struct fault fault = {0};
    assert_int_equal(model_bench(model, &unlimited, &result, &fault), OK);
    assert_true(result.prefill_tps > 0 && result.decode_tps > 0);
    assert_true(result.read_gbs == 0 && result.prefill_share == 0);

    /* a decoded token reads all weights and the keys and values before it */
    double kv_bytes = 4.0 * info->layers * info->kv_heads * info->head_width * (16 + 8 / 2.0);
    double bytes = result.decode_gbs * 1e9 / result.decode_tps;
    assert_true(bytes > (double)info->weight_bytes &&
                bytes < 1.001 * ((double)info->weight_bytes + kv_bytes));
    /* a prefilled token costs at most two operations per parameter */
    double operations = result.prefill_gops * 1e9 / result.prefill_tps;
    assert_true(operations > 0 && operations < 2.0 * (double)info->parameters);

    /* a step of three sequences reads the weights once, the keys and values of each */
    struct model_bench_options three = unlimited;
    three.batch = 3;
    assert_int_equal(model_bench(model, &three, &result, &fault), OK);
    bytes = result.decode_gbs * 1e9 / result.decode_tps * 3;
    assert_true(bytes > (double)info->weight_bytes + 2 * kv_bytes &&
                bytes < 1.001 * ((double)info->weight_bytes + 3 * kv_bytes));

    assert_int_equal(model_bench(model, &options, &result, &fault), OK);
    assert_true(result.read_gbs > 0 && result.limits.handover_us > 0 &&
                result.limits.int8_gops > 0);
    assert_true(result.decode_share > 0 && result.prefill_share > 0);
    model_close(model);
    compute_close(compute);
}

static void impossible_benches_are_refused(void **state)
{
    struct compute *compute = test_compute(1);
    struct model *model = open_shape(compute, "tiny-qwen2");
    struct model_bench_result result;
    struct fault fault = {0};
    const struct model_bench_options deep = {.depth = model_info(model)->context_length};
    assert_int_equal(model_bench(model, &deep, &result, &fault), STATUS_TOO_LARGE);
    assert_non_null(strstr(fault.message, "beyond the context"));
    const struct model_bench_options wide = {.batch = 100000};
    assert_int_equal(model_bench(model, &wide, &result, &fault), STATUS_TOO_LARGE);
    assert_non_null(strstr(fault.message, "sequences at once"));
    model_close(model);

    model = open_shape(compute, "tiny-bert");
    const struct model_bench_options usual = {0};
    assert_int_equal(model_bench(model, &usual, &result, &fault), STATUS_UNSUPPORTED);
    assert_non_null(strstr(fault.message, "embedding model"));
    model_close(model);
    compute_close(compute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_follow_from_the_models_size),
        cmocka_unit_test(impossible_benches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
