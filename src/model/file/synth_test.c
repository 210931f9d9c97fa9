/* synth_test.c - synthetic models are whole, sane, the same every time, and of every type. That
 * llama.cpp loads them too is shown by the golden vectors of model_architectures_test.c. */
#include "model/file/synth.h"

#include <math.h>

#include "base/test_support.h"
#include "model/file/file_type.h"
#include "model/file/gguf.h"
#include "model/file/test_folder.h"

static uint32_t number(const struct gguf *gguf, const char *key)
{
    uint32_t value;
    struct fault fault;
    assert_ok(gguf_u32(gguf, key, 0, &value, &fault), &fault);
    return value;
}

static void check_spread(const struct gguf_tensor *tensor, double wanted)
{
    size_t n = (size_t)(tensor->dimensions[0] * tensor->dimensions[1]);
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    dequantise_row(tensor->type, tensor->data, values, n);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(values[i]));
        sum += values[i];
        squares += values[i] * values[i];
    }
    free(values);
    double spread = sqrt(squares / (double)n);
    assert_true(fabs(sum / (double)n) < 0.15 * wanted); /* -8..7 is not centred */
    if (spread < 0.9 * wanted || spread > 1.1 * wanted)
        fail_msg("%.*s: spread %g, not %g", TEXT_FORMAT(tensor->name), spread, wanted);
}

static void every_type_has_sane_weights(void **state)
{
    const struct file_type *type;
    for (size_t i = 0; (type = file_type_at(i)); i++) {
        synth("tiny-llama", type->name, "model.gguf");
        struct gguf *gguf = open_result("model.gguf");
        const struct gguf_tensor *tensor = gguf_find_tensor(gguf, "blk.1.attn_q.weight");
        assert_int_equal(tensor->type, type->matrix);
        assert_int_equal(number(gguf, "general.file_type"), type->number);
        for (size_t t = 0; t < gguf_tensor_count(gguf); t++) {
            tensor = gguf_tensor_at(gguf, t);
            bool is_matrix = tensor->dimension_count == 2;
            if (is_matrix) check_spread(tensor, 0.8 / sqrt(256));
        }
        gguf_close(gguf);
    }
}

static void every_tiny_shape_is_whole(void **state)
{
    const char *shape;
    for (size_t i = 0; (shape = synth_shape_name(i)); i++) {
        if (strncmp(shape, "tiny-", 5) != 0) continue;
        synth(shape, "F16", "model.gguf");
        struct gguf *gguf = open_result("model.gguf");
        struct fault fault;
        struct text architecture;
        assert_ok(gguf_string(gguf, "general.architecture", TEXT(""), &architecture, &fault),
                  &fault);
        assert_true(text_equal(architecture, text_of(shape + 5)));
        uint64_t rows = gguf_find_tensor(gguf, "token_embd.weight")->dimensions[1];
        const struct gguf_value *tokens = gguf_find(gguf, "tokenizer.ggml.tokens");
        assert_int_equal(tokens->array.count, rows);
        for (uint64_t a = 0; a < rows; a++) /* no token twice */
            for (uint64_t b = 0; b < a; b++)
                assert_false(text_equal(tokens->array.strings[a], tokens->array.strings[b]));
        gguf_close(gguf);
    }
}

/* Sizes of the real models, from their published configurations. */
static void real_shapes_have_real_sizes(void **state)
{
    static const struct {
        const char *shape;
        uint64_t parameters;
        uint32_t vocabulary;
    } models[] = {
        {"llama-3.2-1b", 1235814400, 128256},
        {"qwen2.5-0.5b", 494032768, 151936},
        {"smollm2-135m", 134515008, 49152},
    };
    for (size_t m = 0; m < ARRAY_COUNT(models); m++) {
        synth(models[m].shape, "IQ2_XXS", "model.gguf"); /* the smallest */
        struct gguf *gguf = open_result("model.gguf");
        uint64_t parameters = 0;
        for (size_t t = 0; t < gguf_tensor_count(gguf); t++) {
            const struct gguf_tensor *tensor = gguf_tensor_at(gguf, t);
            if (text_equal(tensor->name, TEXT("rope_freqs.weight"))) continue;
            parameters += tensor->dimensions[0] * tensor->dimensions[1];
        }
        assert_int_equal(parameters, models[m].parameters);
        assert_null(gguf_find_tensor(gguf, "output.weight"));
        assert_int_equal(gguf_find(gguf, "tokenizer.ggml.tokens")->array.count,
                         models[m].vocabulary);
        gguf_close(gguf);
    }
}

/* Meta's rope scaling: waves shorter than 2048 stay, those longer than 8192 stretch by 32. */
static void llama_3_has_its_rope_factors(void **state)
{
    synth("llama-3.2-1b", "IQ2_XXS", "model.gguf");
    struct gguf *gguf = open_result("model.gguf");
    const struct gguf_tensor *tensor = gguf_find_tensor(gguf, "rope_freqs.weight");
    assert_int_equal(tensor->dimensions[0], 32);
    const float *factors = tensor->data;
    assert_true(factors[0] == 1 && factors[14] == 1);
    assert_true(factors[15] > 1 && factors[15] < factors[16] && factors[16] < 32);
    assert_true(factors[18] == 32 && factors[31] == 32);
    gguf_close(gguf);
}

static void the_same_arguments_give_the_same_file(void **state)
{
    struct file_map a, b;
    struct fault fault;
    synth("tiny-gemma3", "Q4_K_M", "a.gguf");
    synth("tiny-gemma3", "Q4_K_M", "b.gguf");
    assert_ok(file_map_open(&a, test_path("a.gguf"), &fault), &fault);
    assert_ok(file_map_open(&b, test_path("b.gguf"), &fault), &fault);
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    file_map_close(&a);
    file_map_close(&b);
}

static void unknown_names_are_refused_with_a_list(void **state)
{
    struct fault fault;
    const char *path = test_path("model.gguf");
    assert_status(synth_model("llama-9", "Q4_0", path, NULL, &fault), STATUS_NOT_FOUND);
    assert_contains(fault.message, "llama-3.2-1b");
    assert_status(synth_model("tiny-llama", "Q9", path, NULL, &fault), STATUS_INVALID);
    assert_contains(fault.message, "IQ2_XXS");
    assert_status(synth_model("tiny-llama", "Q4_0", "/nowhere/x.gguf", NULL, &fault), STATUS_IO);
    assert_false(file_exists(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEST_FOLDER(every_type_has_sane_weights),
        IN_TEST_FOLDER(every_tiny_shape_is_whole),
        IN_TEST_FOLDER(real_shapes_have_real_sizes),
        IN_TEST_FOLDER(llama_3_has_its_rope_factors),
        IN_TEST_FOLDER(the_same_arguments_give_the_same_file),
        IN_TEST_FOLDER(unknown_names_are_refused_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
