/* engine_drafts_test.c - drafts change nothing but the number of steps: the same seed gives the
 * same text with and without them, and what is drawn has the same distribution. */
#include <math.h>

#include "inference/realization/engine_test_support.h"

static const char REPETITIVE[] =
    "Tom had a big red ball. Lily had a big red ball. Tom had a big red ball. Lily had a big red "
    "ball. Tom had a big red ball. Lily had a big red";

/* Prompts that repeat themselves and prompts that do not; greedy and drawn. */
static struct ask draft_ask(int i)
{
    struct ask ask = nth_ask(i);
    if (i % 2) ask.prompt = REPETITIVE;
    ask.max_tokens = 40;
    return ask;
}

enum { CROWD = 8 };

static void start_crowd(struct engine *engine, struct told *told[CROWD])
{
    struct told *hold = engine_hold(engine);
    for (int i = 0; i < CROWD; i++) {
        struct ask ask = draft_ask(i);
        told[i] = start(engine, &ask);
    }
    engine_release(hold);
}

static void drafts_are_accepted_and_save_steps(void **state)
{
    struct engine *plain = open_engine(&(struct engine_options){.speculation = SPECULATION_OFF});
    struct engine *drafting =
        open_engine(&(struct engine_options){.speculation = SPECULATION_ALWAYS, .audit = true});
    struct ask ask = {REPETITIVE, 100, 0, 0, NULL, 0};
    struct told *expected = answer(plain, &ask), *told = answer(drafting, &ask);
    expect_same(expected, told);
    struct engine_counters without = counters_of(plain), with = counters_of(drafting);
    assert_int_equal(without.drafted_tokens, 0);
    print_message("%llu of %llu drafts were right\n", (unsigned long long)with.accepted_tokens,
                  (unsigned long long)with.drafted_tokens);
    assert_true(with.accepted_tokens > 5 && with.accepted_tokens <= with.drafted_tokens);
    assert_int_equal(with.generated_tokens, 100);
    assert_int_equal(with.rows, without.rows); /* wrong drafts are not counted */
    assert_int_equal(with.steps + with.accepted_tokens, without.steps);
    assert_int_equal(told->drafted_tokens, with.drafted_tokens);
    assert_int_equal(told->accepted_tokens, with.accepted_tokens);
    told_free(expected);
    told_free(told);
    engine_close(plain);
    engine_close(drafting);
}

/* Whatever the batch, the chunks, the threads, the pages and the drafts are. */
static void nothing_changes_a_text(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.speculation = SPECULATION_OFF});
    size_t page_bytes = engine_model(engine)->kv_page_bytes + 64;
    char draft_model[512];
    test_model_path(draft_model, sizeof draft_model, "stories15m.gguf");
    struct told *expected[CROWD], *told[CROWD];
    for (int i = 0; i < CROWD; i++) {
        struct ask ask = draft_ask(i);
        expected[i] = answer(engine, &ask);
    }
    engine_close(engine);
    const struct engine_options options[] = {
        {.speculation = SPECULATION_OFF, .sequences = 5, .prefill_chunk = 3},
        {.speculation = SPECULATION_ALWAYS, .audit = true},
        {.speculation = SPECULATION_ALWAYS, .sequences = 1, .prefill_chunk = 1, .audit = true},
        {.speculation = SPECULATION_ALWAYS, .sequences = 7, .prefill_chunk = 13, .audit = true},
        {.speculation = SPECULATION_ALWAYS,
         .context_length = 128,
         .kv_budget_bytes = 12 * page_bytes, /* parked and continued */
         .audit = true},
        {.speculation = SPECULATION_LOOKUP, .audit = true},
        {.speculation = SPECULATION_ALWAYS, .draft_model = draft_model, .audit = true},
        {.speculation = SPECULATION_ALWAYS,
         .draft_model = draft_model,
         .context_length = 128,
         .kv_budget_bytes = 12 * page_bytes,
         .audit = true},
        {.speculation = SPECULATION_LOOKUP, .draft_model = draft_model, .sequences = 4},
    };
    for (size_t o = 0; o < ARRAY_COUNT(options); o++) {
        struct compute *threads = test_compute(o % 2 ? 1 : 2);
        struct fault fault;
        assert_ok(engine_open(&engine, test_model(threads, "stories15m.gguf"), &options[o], &fault),
                  &fault);
        start_crowd(engine, told);
        for (int i = 0; i < CROWD; i++) told_wait(told[i], SIZE_MAX);
        struct engine_counters counters = counters_of(engine);
        if (options[o].speculation == SPECULATION_ALWAYS)
            assert_true(counters.accepted_tokens > 0 &&
                        counters.drafted_tokens > counters.accepted_tokens);
        if (options[o].kv_budget_bytes) assert_true(counters.preempted > 0);
        for (int i = 0; i < CROWD; i++) {
            expect_same(expected[i], told[i]);
            told_free(told[i]);
        }
        engine_close(engine);
        compute_close(threads);
    }
    for (int i = 0; i < CROWD; i++) told_free(expected[i]);
}

/* ---- a draft model ---- */

/* A model that drafts for itself is always right, greedy or drawn: it draws with the same numbers.
 */
static void a_model_knows_what_it_will_say(void **state)
{
    char path[512];
    test_model_path(path, sizeof path, "stories15m.gguf");
    struct engine *plain = open_engine(&(struct engine_options){.speculation = SPECULATION_OFF});
    struct engine *drafting = open_engine(
        &(struct engine_options){.speculation = SPECULATION_ALWAYS, .draft_model = path});
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct ask ask = {BEGINNINGS[seed], 60, 0.4f * (float)seed, seed, NULL, 0};
        struct told *expected = answer(plain, &ask), *told = answer(drafting, &ask);
        expect_same(expected, told);
        assert_true(told->accepted_tokens > 30);
        assert_true(10 * told->accepted_tokens > 7 * told->drafted_tokens); /* some looked up */
        told_free(expected);
        told_free(told);
    }
    struct engine_counters without = counters_of(plain), with = counters_of(drafting);
    assert_true(2 * with.steps < without.steps);
    engine_close(plain);
    engine_close(drafting);
}

static void a_model_of_another_vocabulary_is_refused(void **state)
{
    char path[512];
    test_model_path(path, sizeof path, "minilm.gguf");
    struct engine *engine;
    struct fault fault;
    const struct engine_options options = {.draft_model = path};
    assert_status(engine_open(&engine, test_model(compute, "stories15m.gguf"), &options, &fault),
                  STATUS_INVALID);
    assert_string_equal(fault.param, "draft-model");
}

/* ---- a prediction ---- */

static struct told *answer_predicted(struct engine *engine, const struct ask *ask,
                                     const int32_t *prediction, size_t count)
{
    struct token_list prompt;
    struct generation_request request = request_for(engine, ask, told_new(), &prompt);
    request.prediction = prediction;
    request.prediction_count = count;
    struct told *told = start_request(engine, &request);
    token_list_deinit(&prompt);
    told_wait(told, SIZE_MAX);
    return told;
}

static void a_right_prediction_is_followed_and_a_wrong_one_left(void **state)
{
    struct engine *engine =
        open_engine(&(struct engine_options){.speculation = SPECULATION_ALWAYS});
    struct ask ask = {BEGINNINGS[0], 80, 0.8f, 3, NULL, 0};
    struct told *expected = answer(engine, &ask);
    uint64_t before = counters_of(engine).steps;
    struct told *told = answer_predicted(engine, &ask, expected->tokens, expected->token_count);
    expect_same(expected, told);
    assert_true(counters_of(engine).steps - before < 20); /* for 80 tokens */
    assert_true(told->accepted_tokens > 60);
    told_free(told);

    int32_t changed[80]; /* another word in the middle: lost there, found again after it */
    memcpy(changed, expected->tokens, sizeof changed);
    changed[40] = changed[40] == 400 ? 401 : 400;
    before = counters_of(engine).steps;
    told = answer_predicted(engine, &ask, changed, ARRAY_COUNT(changed));
    expect_same(expected, told);
    assert_true(counters_of(engine).steps - before < 30);
    told_free(told);

    int32_t nonsense[80];
    for (size_t i = 0; i < ARRAY_COUNT(nonsense); i++) nonsense[i] = (int32_t)(300 + 7 * i);
    told = answer_predicted(engine, &ask, nonsense, ARRAY_COUNT(nonsense));
    expect_same(expected, told);
    told_free(told);
    told_free(expected);
    engine_close(engine);
}

/* ---- the distribution ---- */

/* The tenth token of answers with many seeds, with and without drafts: two samples of what must be
 * one distribution. By construction they are even equal; here is the test that would show it if a
 * draft, being at hand, were preferred. */
static void drafts_do_not_change_the_distribution(void **state)
{
    enum { DRAWS = 240, AT_ONCE = 8, WHICH = 9, KINDS = 32000 };
    static uint32_t counts[2][KINDS];
    for (int d = 0; d < 2; d++) {
        struct engine *engine = open_engine(
            &(struct engine_options){.speculation = d ? SPECULATION_ALWAYS : SPECULATION_OFF});
        struct told *told[AT_ONCE];
        for (int i = 0; i < DRAWS; i += AT_ONCE) {
            /* All at once: a step that reads prompts verifies no drafts. */
            struct told *hold = engine_hold(engine);
            for (int j = 0; j < AT_ONCE; j++) {
                /* other seeds: the samples are independent */
                uint64_t seed = (uint64_t)d * DRAWS + (uint64_t)i + (uint64_t)j;
                told[j] = start(engine, &(struct ask){REPETITIVE, WHICH + 1, 0.8f, seed, NULL, 0});
            }
            engine_release(hold);
            for (int j = 0; j < AT_ONCE; j++) {
                told_wait(told[j], SIZE_MAX);
                counts[d][told[j]->tokens[WHICH]]++;
                told_free(told[j]);
            }
        }
        /* 121 here; other processors round otherwise */
        if (d) assert_true(counters_of(engine).accepted_tokens > DRAWS / 4);
        engine_close(engine);
    }
    /* Chi-square of two samples of one size, over tokens seen at least ten times; the rest is one
     * kind. */
    double square = 0, rest[2] = {0, 0};
    int kinds = 0;
    for (int t = 0; t < KINDS; t++) {
        double a = counts[0][t], b = counts[1][t];
        if (a + b < 10) {
            rest[0] += a;
            rest[1] += b;
        } else {
            square += (a - b) * (a - b) / (a + b);
            kinds++;
        }
    }
    if (rest[0] + rest[1] > 0) {
        square += (rest[0] - rest[1]) * (rest[0] - rest[1]) / (rest[0] + rest[1]);
        kinds++;
    }
    print_message("chi-square %.1f with %d degrees of freedom\n", square, kinds - 1);
    assert_true(kinds > 3);
    assert_true(square < (kinds - 1) + 4 * sqrt(2.0 * (kinds - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drafts_are_accepted_and_save_steps),
        cmocka_unit_test(nothing_changes_a_text),
        cmocka_unit_test(a_model_knows_what_it_will_say),
        cmocka_unit_test(a_model_of_another_vocabulary_is_refused),
        cmocka_unit_test(a_right_prediction_is_followed_and_a_wrong_one_left),
        cmocka_unit_test(drafts_do_not_change_the_distribution),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
