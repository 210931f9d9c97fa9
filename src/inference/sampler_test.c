/* sampler_test.c - the chain against plain definitions, and the draw against its distribution. */
#include "inference/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"
#include "compute/compute.h"

enum { VOCABULARY = 6 };

static const float LOGITS[VOCABULARY] = {1.0f, 3.0f, 2.0f, -1.0f, 3.0f, 0.0f};

static struct compute *compute;
static struct sampler *sampler;

static int make_sampler(void **state)
{
    struct fault fault;
    assert_ok(compute_open(&compute, &(struct compute_options){.threads = 1}, &fault), &fault);
    return sampler_new(&sampler, compute, VOCABULARY, &fault);
}

static int drop_sampler(void **state)
{
    sampler_free(sampler);
    compute_close(compute);
    return 0;
}

static struct sampling plain_sampling(void)
{
    struct sampling sampling;
    sampling_defaults(&sampling);
    sampling.temperature = 1;
    return sampling;
}

static struct sampler_choice choose(const float *logits, const struct sampling *sampling,
                                    const int32_t *tokens, size_t count, size_t prompt_count,
                                    uint64_t index, int top_logprobs)
{
    float copy[VOCABULARY];
    memcpy(copy, logits, sizeof copy);
    struct sampler_input input = {.logits = copy,
                                  .sampling = sampling,
                                  .tokens = tokens,
                                  .token_count = count,
                                  .prompt_count = prompt_count,
                                  .index = index,
                                  .top_logprobs = top_logprobs};
    struct sampler_choice choice;
    assert_true(sampler_choose(sampler, &input, &choice));
    return choice;
}

static int32_t draw(const struct sampling *sampling, uint64_t index)
{
    return choose(LOGITS, sampling, NULL, 0, 0, index, -1).token;
}

static void greedy_takes_the_greatest_and_the_first_of_equals(void **state)
{
    struct sampling sampling = plain_sampling();
    sampling.temperature = 0;
    assert_int_equal(draw(&sampling, 0), 1);
}

static void greedy_obeys_bias(void **state)
{
    struct sampling sampling = plain_sampling();
    sampling.temperature = 0;
    struct logit_bias biases[] = {{1, -100}, {4, -100}};
    sampling.biases = biases;
    sampling.bias_count = 2;
    assert_int_equal(draw(&sampling, 0), 2);
}

static void repetition_counts_the_prompt_and_the_others_only_the_answer(void **state)
{
    struct sampling sampling = plain_sampling();
    sampling.temperature = 0;
    const int32_t tokens[] = {1, 4, 4};
    sampling.repetition_penalty = 2; /* 3/2 < 2: token 2 wins */
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 3, 0, -1).token, 2);
    sampling.repetition_penalty = 1;
    sampling.presence_penalty = 0.5f;
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 3, 0, -1).token, 1);
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 0, 0, -1).token, 1);
    sampling.presence_penalty = 0; /* 1 was said once, 4 twice */
    sampling.frequency_penalty = 0.75f;
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 0, 0, -1).token, 1);
    sampling.frequency_penalty = -0.75f;
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 0, 0, -1).token, 4);
    sampling.penalty_window = 0;
    assert_int_equal(choose(LOGITS, &sampling, tokens, 3, 0, 0, -1).token, 1);
}

static void negative_logits_are_penalised_downwards(void **state)
{
    const float logits[VOCABULARY] = {-1.0f, -1.5f, -9, -9, -9, -9};
    struct sampling sampling = plain_sampling();
    sampling.temperature = 0;
    sampling.repetition_penalty = 2;
    const int32_t tokens[] = {0};
    assert_int_equal(choose(logits, &sampling, tokens, 1, 1, 0, -1).token, 1);
}

static void logprobs_are_of_the_raw_distribution(void **state)
{
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) sum += exp((double)LOGITS[i]);
    struct sampling sampling = plain_sampling();
    sampling.temperature = 0;
    struct logit_bias bias = {3, 100};
    sampling.biases = &bias;
    sampling.bias_count = 1;
    struct sampler_choice choice = choose(LOGITS, &sampling, NULL, 0, 0, 0, VOCABULARY);
    assert_int_equal(choice.token, 3);
    assert_true(fabs((double)choice.logprob - log(exp(-1.0) / sum)) < 1e-5);
    const int32_t order[VOCABULARY] = {1, 4, 2, 0, 5, 3};
    double mass = 0;
    assert_int_equal(choice.top_count, VOCABULARY);
    for (int i = 0; i < VOCABULARY; i++) {
        assert_int_equal(choice.top[i].token, order[i]);
        mass += exp((double)choice.top[i].logprob);
    }
    assert_true(fabs(mass - 1) < 1e-5);
}

/* Frequencies of 20,000 draws against probabilities that are computed here, in the plainest way. */
static void expect_distribution(const struct sampling *sampling, const double *weights)
{
    enum { DRAWS = 20000 };
    double counts[VOCABULARY] = {0}, total = 0;
    for (uint64_t i = 0; i < DRAWS; i++) counts[draw(sampling, i)]++;
    for (int i = 0; i < VOCABULARY; i++) total += weights[i];
    for (int i = 0; i < VOCABULARY; i++) {
        double expected = weights[i] / total, got = counts[i] / DRAWS;
        if (expected == 0)
            assert_true(counts[i] == 0);
        else
            assert_true(fabs(got - expected) < 5 * sqrt(expected * (1 - expected) / DRAWS));
    }
}

static void draws_follow_the_distribution(void **state)
{
    const double e = exp(1);
    struct sampling sampling = plain_sampling();
    double all[VOCABULARY] = {e, e * e * e, e * e, 1 / e, e * e * e, 1};
    expect_distribution(&sampling, all);

    sampling.temperature = 2;
    double warm[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) warm[i] = sqrt(all[i]);
    expect_distribution(&sampling, warm);
    sampling.temperature = 1;

    double three[VOCABULARY] = {0, all[1], all[2], 0, all[4], 0};
    sampling.top_k = 3;
    expect_distribution(&sampling, three);

    double two[VOCABULARY] = {0, all[1], 0, 0, all[4], 0};
    sampling.top_p = 0.8f; /* of the three: 0.42 + 0.42 >= 0.8 */
    expect_distribution(&sampling, two);
    sampling.top_k = 0; /* of all: 0.39 + 0.39 < 0.8 */
    expect_distribution(&sampling, three);
    sampling.top_p = 1;
    sampling.min_p = 0.2f; /* e^-1 = 0.37 stays, e^-2 = 0.14 goes */
    expect_distribution(&sampling, three);
}

static void narrow_settings_leave_the_best(void **state)
{
    struct sampling sampling = plain_sampling();
    sampling.top_p = 0;
    for (uint64_t i = 0; i < 50; i++) assert_int_equal(draw(&sampling, i), 1);
    sampling.top_p = 1;
    sampling.top_k = 1;
    for (uint64_t i = 0; i < 50; i++) assert_int_equal(draw(&sampling, i), 1);
    sampling.top_k = 0;
    sampling.temperature = 1e-6f;
    for (uint64_t i = 0; i < 50; i++)
        assert_true(draw(&sampling, i) == 1 || draw(&sampling, i) == 4);
}

/* ---- a vocabulary that is worth selecting from, against plain sorting ---- */

enum { LARGE = 3000 };
static float large_logits[LARGE];

static int by_logit(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    if (large_logits[a] != large_logits[b]) return large_logits[a] < large_logits[b] ? 1 : -1;
    return a - b;
}

/* How many of the sorted tokens top_k, top_p and min_p leave. */
static size_t expected_count(const int32_t *sorted, int32_t top_k, double top_p, double min_p)
{
    size_t count = top_k ? (size_t)top_k : LARGE, kept = 0;
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++) total += exp((double)large_logits[sorted[i]]);
    while (kept < count && (kept == 0 || sum < top_p * total))
        sum += exp((double)large_logits[sorted[kept++]]);
    double best = (double)large_logits[sorted[0]];
    while (exp((double)large_logits[sorted[kept - 1]] - best) < min_p) kept--;
    return kept;
}

static int32_t draw_large(struct sampler *large, const struct sampling *sampling, uint64_t index)
{
    float logits[LARGE];
    memcpy(logits, large_logits, sizeof logits);
    struct sampler_input input = {
        .logits = logits, .sampling = sampling, .index = index, .top_logprobs = -1};
    struct sampler_choice choice;
    assert_true(sampler_choose(large, &input, &choice));
    return choice.token;
}

static void exactly_the_best_are_drawn_from(void **state)
{
    static const struct {
        int32_t top_k;
        float top_p, min_p;
    } cases[] = {{1, 1, 0},     {2, 1, 0},     {40, 1, 0},        {0, 0.01f, 0},
                 {0, 0.05f, 0}, {60, 0.5f, 0}, {60, 0.9f, 0},     {0, 1, 0.9f},
                 {0, 1, 0.95f}, {0, 1, 1},     {0, 0.05f, 0.95f}, {200, 1, 0.97f}};
    struct sampler *large;
    struct fault fault;
    assert_ok(sampler_new(&large, compute, LARGE, &fault), &fault);
    int32_t sorted[LARGE];
    srand(3);
    for (int i = 0; i < LARGE; i++) {
        large_logits[i] = (float)(rand() % 50) / 25; /* many are equal */
        sorted[i] = i;
    }
    qsort(sorted, LARGE, sizeof *sorted, by_logit);
    for (size_t c = 0; c < ARRAY_COUNT(cases); c++) {
        struct sampling sampling = plain_sampling();
        sampling.top_k = cases[c].top_k;
        sampling.top_p = cases[c].top_p;
        sampling.min_p = cases[c].min_p;
        size_t count =
            expected_count(sorted, cases[c].top_k, (double)cases[c].top_p, (double)cases[c].min_p);
        bool drawn[LARGE] = {false};
        for (uint64_t i = 0; i < 40 * count; i++) {
            drawn[draw_large(large, &sampling, i)] = true;
        }
        for (size_t i = 0; i < LARGE; i++) assert_int_equal(drawn[sorted[i]], i < count);
    }
    sampler_free(large);
}

/* A chi-square test: the sum over all tokens of (got - expected)^2 / expected has the mean LARGE -
 * 1 and the deviation sqrt(2 (LARGE - 1)). */
static void all_of_a_large_vocabulary_is_drawn_from(void **state)
{
    enum { DRAWS = 40 * LARGE };
    struct sampler *large;
    struct fault fault;
    assert_ok(sampler_new(&large, compute, LARGE, &fault), &fault);
    static double weights[LARGE], counts[LARGE];
    double total = 0, square = 0;
    srand(4);
    for (int i = 0; i < LARGE; i++) {
        large_logits[i] = (float)(rand() % 1000) / 500;
        total += weights[i] = exp((double)large_logits[i]);
        counts[i] = 0;
    }
    struct sampling sampling = plain_sampling();
    for (uint64_t i = 0; i < DRAWS; i++) counts[draw_large(large, &sampling, i)]++;
    for (int i = 0; i < LARGE; i++) {
        double expected = DRAWS * weights[i] / total;
        square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    assert_true(fabs(square - (LARGE - 1)) < 4 * sqrt(2.0 * (LARGE - 1)));
    sampler_free(large);
}

/* ---- what a constraint allows ---- */

static struct sampler_choice choose_allowed(const struct sampling *sampling, uint64_t allowed,
                                            uint64_t index)
{
    float logits[VOCABULARY];
    memcpy(logits, LOGITS, sizeof logits);
    struct sampler_input input = {.logits = logits,
                                  .sampling = sampling,
                                  .allowed = &allowed,
                                  .index = index,
                                  .top_logprobs = VOCABULARY};
    struct sampler_choice choice;
    assert_true(sampler_choose(sampler, &input, &choice));
    return choice;
}

static void only_what_is_allowed_is_chosen(void **state)
{
    struct sampling sampling = plain_sampling();
    int threes = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        int32_t token = choose_allowed(&sampling, 1 << 3 | 1 << 5, i).token;
        assert_true(token == 3 || token == 5);
        threes += token == 3;
    }
    assert_true(abs(threes - 538) < 100); /* 1 / (1 + e) */
    sampling.top_k = 2;                   /* of the allowed */
    for (uint64_t i = 0; i < 50; i++)
        assert_int_not_equal(choose_allowed(&sampling, 1 << 0 | 1 << 3 | 1 << 5, i).token, 3);
    sampling.temperature = 0;
    assert_int_equal(choose_allowed(&sampling, 1 << 3 | 1 << 5, 0).token, 5);
}

static void no_bias_lets_in_what_is_forbidden(void **state)
{
    struct sampling sampling = plain_sampling();
    struct logit_bias biases[] = {{1, 100}, {5, -100}};
    sampling.temperature = 0;
    sampling.biases = biases;
    sampling.bias_count = ARRAY_COUNT(biases);
    struct sampler_choice choice = choose_allowed(&sampling, 1 << 3 | 1 << 5, 0);
    assert_int_equal(choice.token, 3);
    struct sampler_choice free_choice = choose(LOGITS, &sampling, NULL, 0, 0, 0, VOCABULARY);
    assert_int_equal(choice.top[0].token, 1); /* logprobs are still of the raw distribution */
    assert_true(choice.top[0].logprob == free_choice.top[0].logprob);
    for (size_t i = 0; i < VOCABULARY; i++)
        if (choice.top[i].token == 3) assert_true(choice.logprob == choice.top[i].logprob);
}

static void nothing_allowed_is_no_choice(void **state)
{
    float logits[VOCABULARY] = {1, 2, NAN, 3, 4, 5};
    struct sampling sampling = plain_sampling();
    uint64_t allowed = 1 << 2;
    struct sampler_input input = {
        .logits = logits, .sampling = &sampling, .allowed = &allowed, .top_logprobs = -1};
    struct sampler_choice choice;
    assert_false(sampler_choose(sampler, &input, &choice));
}

static void seeds_decide(void **state)
{
    struct sampling a = plain_sampling(), b = a;
    b.seed = 1;
    int differ = 0;
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(draw(&a, i), draw(&a, i));
        differ += draw(&a, i) != draw(&b, i);
    }
    assert_true(differ > 20);
    assert_int_equal(sampling_seed_of(7, 0), 7);
    assert_true(sampling_seed_of(7, 1) != 7 && sampling_seed_of(7, 1) != sampling_seed_of(7, 2));
}

static void nonsense_is_not_chosen(void **state)
{
    float logits[VOCABULARY] = {NAN, INFINITY, -INFINITY, -3, NAN, -4};
    struct sampling sampling = plain_sampling();
    assert_true(choose(logits, &sampling, NULL, 0, 0, 0, 2).token >= 3);
    for (int i = 0; i < VOCABULARY; i++) logits[i] = NAN;
    struct sampler_input input = {.logits = logits, .sampling = &sampling, .top_logprobs = -1};
    struct sampler_choice choice;
    assert_false(sampler_choose(sampler, &input, &choice));
}

static void settings_are_checked(void **state)
{
    struct fault fault;
    struct sampling sampling;
    static const float bad[] = {-1, 11, NAN, INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        sampling = plain_sampling();
        sampling.temperature = bad[i];
        assert_int_equal(sampling_check(&sampling, VOCABULARY, &fault), STATUS_INVALID);
        assert_string_equal(fault.message, "Temperature must be between 0 and 2");
        float *fields[] = {&sampling.top_p, &sampling.min_p, &sampling.presence_penalty,
                           &sampling.frequency_penalty, &sampling.repetition_penalty};
        static const char *const names[] = {"top_p", "min_p", "presence_penalty",
                                            "frequency_penalty", "repetition_penalty"};
        for (size_t f = 0; f < ARRAY_COUNT(fields); f++) {
            sampling = plain_sampling();
            *fields[f] = bad[i] == -1 ? -3 : bad[i];
            assert_int_equal(sampling_check(&sampling, VOCABULARY, &fault), STATUS_INVALID);
            assert_string_equal(fault.param, names[f]);
        }
    }
    sampling = plain_sampling();
    assert_int_equal(sampling_check(&sampling, VOCABULARY, &fault), OK);
    struct logit_bias bias = {VOCABULARY, 1};
    sampling.biases = &bias;
    sampling.bias_count = 1;
    assert_int_equal(sampling_check(&sampling, VOCABULARY, &fault), STATUS_INVALID);
    assert_string_equal(fault.param, "logit_bias");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_greatest_and_the_first_of_equals),
        cmocka_unit_test(greedy_obeys_bias),
        cmocka_unit_test(repetition_counts_the_prompt_and_the_others_only_the_answer),
        cmocka_unit_test(negative_logits_are_penalised_downwards),
        cmocka_unit_test(logprobs_are_of_the_raw_distribution),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(narrow_settings_leave_the_best),
        cmocka_unit_test(exactly_the_best_are_drawn_from),
        cmocka_unit_test(all_of_a_large_vocabulary_is_drawn_from),
        cmocka_unit_test(only_what_is_allowed_is_chosen),
        cmocka_unit_test(no_bias_lets_in_what_is_forbidden),
        cmocka_unit_test(nothing_allowed_is_no_choice),
        cmocka_unit_test(seeds_decide),
        cmocka_unit_test(nonsense_is_not_chosen),
        cmocka_unit_test(settings_are_checked),
    };
    return cmocka_run_group_tests(tests, make_sampler, drop_sampler);
}
