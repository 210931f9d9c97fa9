/* model_greedy_test.c - greedy answers equal llama.cpp's, token for token.
 *
 * The vectors (tests/vectors/greedy, made by tests/oracle/greedy.mjs) hold ten prompts per model,
 * llama.cpp's answer, and at each token the candidates with how far they are behind. Two programs
 * round differently, so where another candidate is as good as the best, it is accepted too; the
 * sequence then goes on with llama.cpp's token, so that every token is compared. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "model/model_private.h"
#include "model/model_test_support.h"

static int32_t best_of(const float *logits, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return (int32_t)best;
}

/* One step: the token ids at positions from .. from+count of the sequence; the last one's logits.
 */
static void step(struct model *model, const struct private_sequence *sequence, const int32_t *ids,
                 size_t from, size_t count, float *logits)
{
    uint8_t wanted[512] = {0};
    assert_true(count <= sizeof wanted);
    wanted[count - 1] = 1;
    const struct model_batch batch = {.count = count,
                                      .tokens = ids,
                                      .positions = sequence->positions + from,
                                      .pages = sequence->row_pages + from,
                                      .wants_logits = wanted};
    struct fault fault = {0};
    if (model_forward(model, &batch, logits, &fault) != OK) fail_msg("%s", fault.message);
}

static size_t read_ids(const json_t *array, int32_t *ids, size_t capacity)
{
    size_t count = json_array_size(array);
    assert_in_range(count, 1, capacity);
    for (size_t i = 0; i < count; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(array, i));
    return count;
}

/* How far `token` is behind the best candidate, in logits; infinite for one that is none. */
static double behind_best(const json_t *candidates, int32_t token)
{
    size_t i;
    const json_t *candidate;
    json_array_foreach(candidates, i,
                       candidate) if (json_integer_value(json_array_get(candidate, 0)) ==
                                      token) return json_number_value(json_array_get(candidate, 1));
    return INFINITY;
}

/* How far behind the best candidate an answer may be, in logits, and how many may be further. */
struct tolerance {
    double tie, most;
    int further;
};

/* Returns the number of ties that fell the other way; `further` counts those that were none. */
static int check_case(struct model *model, const json_t *golden, const struct tolerance *tolerance,
                      int *further)
{
    enum { LIMIT = 512 };
    int32_t prompt[LIMIT], answer[LIMIT];
    size_t prompt_count = read_ids(json_object_get(golden, "prompt_ids"), prompt, LIMIT);
    size_t count = read_ids(json_object_get(golden, "ids"), answer, LIMIT);
    assert_true(count >= 64);
    struct private_sequence sequence;
    struct fault fault = {0};
    assert_int_equal(private_sequence_init(&sequence, model, prompt_count + count, &fault), OK);
    uint32_t vocabulary = model_info(model)->vocabulary;
    float *logits = malloc(vocabulary * sizeof *logits);
    assert_non_null(logits);

    int ties = 0;
    step(model, &sequence, prompt, 0, prompt_count, logits);
    for (size_t i = 0; i < count; i++) {
        int32_t ours = best_of(logits, vocabulary);
        if (ours != answer[i]) {
            double behind =
                behind_best(json_array_get(json_object_get(golden, "candidates"), i), ours);
            print_message("  token %zu: %d (%.3f), llama.cpp %d (%.3f), behind by %.3f\n", i, ours,
                          (double)logits[ours], answer[i], (double)logits[answer[i]], behind);
            if (!(behind <= tolerance->most)) fail_msg("that is no tie");
            *further += behind > tolerance->tie;
            ties++;
        }
        if (i + 1 < count) step(model, &sequence, &answer[i], prompt_count + i, 1, logits);
    }
    free(logits);
    private_sequence_deinit(&sequence);
    return ties;
}

static void check_model(const char *name, const struct tolerance *tolerance)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/greedy/%s.json", LIMINAL_SOURCE_DIR, name);
    json_t *vectors = json_load_file(path, 0, NULL);
    assert_non_null(vectors);
    struct compute *compute = test_compute(2);
    struct model *model = test_model(compute, json_string_value(json_object_get(vectors, "model")));
    const json_t *cases = json_object_get(vectors, "cases");
    assert_true(json_array_size(cases) >= 10);
    int ties = 0, further = 0;
    size_t i;
    const json_t *golden;
    json_array_foreach(cases, i, golden)
    {
        int case_ties = check_case(model, golden, tolerance, &further);
        if (case_ties) print_message("prompt %zu: %d ties fell the other way\n", i, case_ties);
        ties += case_ties;
    }
    print_message("%s: %zu prompts, %d ties in all, %d of them further apart\n", name, i, ties,
                  further);
    assert_true(further <= tolerance->further);
    model_close(model);
    compute_close(compute);
    json_decref(vectors);
}

static void stories_are_told_as_llama_cpp_tells_them(void **state)
{
    const struct tolerance exact = {.tie = 1e-3, .most = 1e-3};
    check_model("stories15m", &exact);
}

/* Activations of 8 bits move our logits by 0.07 rms (llama.cpp's by 0.27). Of 720 tokens 15 differ
 * from llama.cpp's: 12 are what the F16 weights say, two are behind that by 0.004 and 0.012, and
 * one by 0.240. As all instruction sets give the same bits, it is the same on every machine. The
 * default model takes a minute on a small one: make check-deep sets LIMINAL_TEST_DEEP. */
static void the_default_model_answers_as_llama_cpp_does(void **state)
{
    if (!getenv("LIMINAL_TEST_DEEP")) skip();
    const struct tolerance rounded = {.tie = 0.015, .most = 0.25, .further = 1};
    check_model("tinyllama-1.1b-chat-v1.0.IQ2_XXS", &rounded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_are_told_as_llama_cpp_tells_them),
        cmocka_unit_test(the_default_model_answers_as_llama_cpp_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
