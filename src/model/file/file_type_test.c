/* file_type_test.c - the mixes of file types, and what happens to widths that do not divide. */
#include "model/file/file_type.h"

#include "base/test_support.h"

static const struct file_type_model wide = {.layers = 16, .queries_per_key = 4, .tied = true};
static const struct file_type_model untied = {.layers = 16, .queries_per_key = 1, .tied = false};

static const struct file_type *find(const char *name)
{
    const struct file_type *type;
    struct fault fault;
    assert_ok(file_type_find(name, &type, &fault), &fault);
    return type;
}

static enum tensor_type choose(const char *type, const struct file_type_model *model,
                               const char *name)
{
    struct file_type_choice choice =
        file_type_choose(find(type), model, text_of(name), 2048,
                         text_ends_with(text_of(name), TEXT("bias")) ? 1 : 2);
    assert_int_equal(choice.type, choice.wanted);
    return choice.type;
}

static void names_are_found_without_case(void **state)
{
    assert_int_equal(find("q4_k_m")->number, 15);
    assert_string_equal(find("Q4_K")->name, "Q4_K_M");
    assert_string_equal(find("q5_k")->name, "Q5_K_M");
    assert_int_equal(find("IQ2_XXS")->matrix, TENSOR_IQ2_XXS);
    const struct file_type *type;
    struct fault fault;
    assert_status(file_type_find("Q4_X", &type, &fault), STATUS_INVALID);
    assert_contains(fault.message, "Q4_X");
    assert_contains(fault.message, "Q4_K_M");
    assert_status(file_type_find_writable("IQ2_XXS", &type, &fault), STATUS_UNSUPPORTED);
    assert_contains(fault.message, "IQ4_XS");
    assert_ok(file_type_find_writable("IQ4_XS", &type, &fault), &fault);
}

static void vectors_and_norms_stay_f32(void **state)
{
    assert_int_equal(choose("Q4_0", &wide, "blk.0.attn_norm.weight"), TENSOR_F32);
    assert_int_equal(choose("Q4_0", &wide, "blk.0.attn_q.bias"), TENSOR_F32);
    assert_int_equal(choose("F16", &wide, "output_norm.weight"), TENSOR_F32);
    assert_int_equal(choose("Q8_0", &wide, "position_embd.weight"), TENSOR_F32);
    assert_int_equal(choose("Q8_0", &wide, "token_types.weight"), TENSOR_F32);
}

/* As llama-quantize mixes them for a model of 16 layers. */
static void mixes_follow_llama_cpp(void **state)
{
    const enum tensor_type more = TENSOR_Q6_K, less = TENSOR_Q4_K;
    const enum tensor_type down[16] = {more, more, less, less, more, less, less, more,
                                       less, less, more, less, less, more, more, more};
    for (int layer = 0; layer < 16; layer++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.ffn_down.weight", layer);
        assert_int_equal(choose("Q4_K_M", &wide, name), down[layer]);
        snprintf(name, sizeof name, "blk.%d.attn_v.weight", layer);
        assert_int_equal(choose("Q4_K_M", &wide, name), down[layer]);
        assert_int_equal(choose("Q4_K_S", &wide, name), layer < 4 ? TENSOR_Q5_K : TENSOR_Q4_K);
        snprintf(name, sizeof name, "blk.%d.ffn_up.weight", layer);
        assert_int_equal(choose("Q4_K_M", &wide, name), TENSOR_Q4_K);
    }
    assert_int_equal(choose("Q4_K_M", &wide, "token_embd.weight"), TENSOR_Q6_K);
    assert_int_equal(choose("Q4_K_M", &untied, "token_embd.weight"), TENSOR_Q4_K);
    assert_int_equal(choose("Q4_0", &untied, "output.weight"), TENSOR_Q6_K);
    assert_int_equal(choose("Q8_0", &wide, "token_embd.weight"), TENSOR_Q8_0);
    assert_int_equal(choose("F16", &wide, "token_embd.weight"), TENSOR_F16);
    assert_int_equal(choose("Q4_K_M", &wide, "blk.3.attn_qkv.weight"), TENSOR_Q5_K);
    assert_int_equal(choose("IQ2_XXS", &wide, "blk.5.attn_v.weight"), TENSOR_Q4_K);
    assert_int_equal(choose("IQ2_XXS", &untied, "blk.5.attn_v.weight"), TENSOR_Q2_K);
    assert_int_equal(choose("IQ2_XXS", &untied, "output.weight"), TENSOR_Q5_K);
}

static void ragged_widths_fall_back(void **state)
{
    const struct {
        const char *type;
        uint64_t columns;
        enum tensor_type wanted, got;
    } cases[] = {
        {"Q4_K_M", 896, TENSOR_Q4_K, TENSOR_Q5_0},   {"Q5_K_M", 896, TENSOR_Q5_K, TENSOR_Q5_1},
        {"Q6_K", 896, TENSOR_Q6_K, TENSOR_Q8_0},     {"IQ4_XS", 896, TENSOR_IQ4_XS, TENSOR_IQ4_NL},
        {"IQ2_S", 896, TENSOR_IQ2_S, TENSOR_IQ4_NL}, {"Q4_K_M", 100, TENSOR_Q4_K, TENSOR_F16},
        {"Q8_0", 100, TENSOR_Q8_0, TENSOR_F16},      {"Q4_0", 96, TENSOR_Q4_0, TENSOR_Q4_0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file_type_choice choice = file_type_choose(
            find(cases[i].type), &wide, TEXT("blk.5.attn_q.weight"), cases[i].columns, 2);
        assert_int_equal(choice.wanted, cases[i].wanted);
        assert_int_equal(choice.type, cases[i].got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_without_case),
        cmocka_unit_test(vectors_and_norms_stay_f32),
        cmocka_unit_test(mixes_follow_llama_cpp),
        cmocka_unit_test(ragged_widths_fall_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
