/* engine_test.c - the engine over a real model (stories15M): what is asked at once, cancelled,
 * parked or refused must never change what anybody else reads. */
#include "inference/realization/engine_test_support.h"

#include "compute/compute.h"

enum { ASKS = 32 };

/* ---- tests ---- */

static void a_story_is_told(void **state)
{
    struct engine *engine = open_default();
    struct told *told = answer(engine, &(struct ask){BEGINNINGS[0], 40, 0, 0, NULL, 0});
    assert_int_equal(told->end, END_LENGTH);
    assert_int_equal(told->token_count, 40);
    assert_int_equal(told->completion_tokens, 40);
    assert_contains(told->text.data, "there was a little girl named Lily");
    assert_int_equal(told->text.data[0], ',');
    assert_true(told->piece_count > 20); /* as it is made, not at the end */
    told_free(told);
    expect_idle(engine);
    engine_close(engine);
}

static void many_at_once_read_what_each_reads_alone(void **state)
{
    struct engine *engine = open_default();
    struct told *alone[ASKS], *together[ASKS];
    for (int i = 0; i < ASKS; i++) {
        struct ask ask = nth_ask(i);
        alone[i] = answer(engine, &ask);
    }
    uint64_t before = counters_of(engine).steps;
    struct told *hold = engine_hold(engine);
    for (int i = 0; i < ASKS; i++) {
        struct ask ask = nth_ask(i);
        together[i] = start(engine, &ask);
    }
    engine_release(hold);
    size_t tokens = 0;
    for (int i = 0; i < ASKS; i++) {
        told_wait(together[i], SIZE_MAX);
        tokens += together[i]->token_count;
    }
    assert_true(8 * (counters_of(engine).steps - before) < tokens); /* they did share steps */
    for (int i = 0; i < ASKS; i++) {
        expect_same(alone[i], together[i]);
        assert_true(together[i]->whole_characters);
        told_free(alone[i]);
        told_free(together[i]);
    }
    expect_idle(engine);
    engine_close(engine);
}

static void small_prefill_chunks_change_nothing(void **state)
{
    struct buffer prompt;
    buffer_init(&prompt);
    for (int i = 0; i < 12; i++)
        buffer_append_string(&prompt, "The boy had a red ball and the girl had a blue one. ");
    struct ask ask = {prompt.data, 24, 0.8f, 5, NULL, 0};
    struct engine *whole = open_default();
    struct told *expected = answer(whole, &ask);
    engine_close(whole);
    struct engine *chunked =
        open_engine(&(struct engine_options){.prefill_chunk = 7, .sequences = 4});
    struct told *others[3];
    for (int i = 0; i < 3; i++) others[i] = start(chunked, &ask);
    for (int i = 0; i < 3; i++) {
        told_wait(others[i], SIZE_MAX);
        expect_same(expected, others[i]);
        told_free(others[i]);
    }
    engine_close(chunked);
    told_free(expected);
    buffer_deinit(&prompt);
}

/* A conversation goes on: what was read and said before is not computed again, and what comes is
 * the same as if it were. */
static void a_known_beginning_is_not_read_again(void **state)
{
    struct engine *fresh = open_default(), *engine = open_default();
    struct buffer prompt;
    buffer_init(&prompt);
    buffer_append_string(&prompt, "Lily had a cat. The cat was small and black. One day");
    uint32_t known = 0;
    for (int turn = 0; turn < 4; turn++) {
        struct ask ask = {prompt.data, 25, 0.8f, (uint64_t)turn, NULL, 0};
        struct told *told = answer(engine, &ask);
        assert_true(told->cached_tokens >= known);
        assert_true(told->cached_tokens < told->prompt_tokens);
        known = told->prompt_tokens / KV_PAGE_TOKENS * KV_PAGE_TOKENS;
        engine_close(fresh); /* one that knows nothing */
        fresh = open_default();
        struct told *expected = answer(fresh, &ask);
        assert_int_equal(expected->cached_tokens, 0);
        expect_same(expected, told);
        buffer_append_text(&prompt, buffer_text(&told->text));
        buffer_append_string(&prompt, " Then");
        told_free(told);
        told_free(expected);
    }
    assert_true(known >= 64);
    struct engine_counters counters = counters_of(engine);
    assert_true(counters.kv_pages_kept > 0 && counters.cached_tokens > 0);
    buffer_deinit(&prompt);
    engine_close(engine);
    engine_close(fresh);
}

/* A long prompt is being read while another sequence decodes: the decode must go on. */
static void a_long_prompt_does_not_stall_the_others(void **state)
{
    struct engine *engine =
        open_engine(&(struct engine_options){.prefill_chunk = 4, .sequences = 4});
    struct buffer prompt;
    buffer_init(&prompt);
    for (int i = 0; i < 10; i++) buffer_append_string(&prompt, "She was very happy to see him. ");
    struct told *steady = start_paused(engine, &(struct ask){BEGINNINGS[1], 200, 0, 0, NULL, 0}, 3);
    struct told *late = start(engine, &(struct ask){prompt.data, 1, 0, 0, NULL, 0});
    /* some 90 tokens at 4 a step: more than 15 steps, each with a token for the other */
    told_resume(steady, 3 + 15);
    assert_int_equal(told_count(late), 0);
    told_resume(steady, 0);
    told_wait(late, SIZE_MAX);
    told_wait(steady, SIZE_MAX);
    told_free(steady);
    told_free(late);
    buffer_deinit(&prompt);
    engine_close(engine);
}

static void parked_sequences_continue_exactly(void **state)
{
    enum { CROWD = 6 };
    struct engine *roomy = open_default();
    size_t page_bytes = engine_model(roomy)->kv_page_bytes;
    struct told *expected[CROWD], *crowded[CROWD];
    struct ask asks[CROWD];
    for (int i = 0; i < CROWD; i++) {
        asks[i] = (struct ask){BEGINNINGS[i % 4], 100, 0.9f, (uint64_t)i, NULL, 0};
        expected[i] = answer(roomy, &asks[i]);
    }
    engine_close(roomy);
    /* Ten pages for six sequences that grow to seven pages each. */
    struct engine *engine = open_engine(
        &(struct engine_options){.context_length = 160, .kv_budget_bytes = 10 * (page_bytes + 64)});
    struct told *hold = engine_hold(engine);
    for (int i = 0; i < CROWD; i++) crowded[i] = start(engine, &asks[i]);
    engine_release(hold);
    for (int i = 0; i < CROWD; i++) {
        told_wait(crowded[i], SIZE_MAX);
        expect_same(expected[i], crowded[i]);
        told_free(expected[i]);
        told_free(crowded[i]);
    }
    struct engine_counters counters = counters_of(engine);
    assert_true(counters.preempted > 0);
    assert_true(counters.kv_pages <= 11);
    engine_close(engine);
}

static void cancelled_within_a_step(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.speculation = SPECULATION_OFF});
    struct told *told = start_paused(engine, &(struct ask){BEGINNINGS[0], 240, 0, 0, NULL, 0}, 5);
    struct told *other = start(engine, &(struct ask){BEGINNINGS[1], 60, 0, 0, NULL, 0});
    engine_cancel(engine, told->generation);
    told_resume(told, 0);
    told_wait(told, SIZE_MAX);
    assert_int_equal(told->end, END_CANCELLED);
    assert_int_equal(told->token_count, 5);
    told_wait(other, SIZE_MAX);
    assert_int_equal(other->end, END_LENGTH);
    assert_int_equal(counters_of(engine).cancelled, 1);
    told_free(told);
    told_free(other);
    engine_close(engine);
}

static void the_waiting_line_is_bounded_and_cancellable(void **state)
{
    struct engine *engine = open_engine(
        &(struct engine_options){.sequences = 1, .queue_limit = 2, .speculation = SPECULATION_OFF});
    struct ask ask = {BEGINNINGS[0], 200, 0, 0, NULL, 0};
    struct told *running = start_paused(engine, &ask, 1);
    struct fault fault;
    struct told *first = start(engine, &ask), *second = start(engine, &ask), *third = told_new();
    enum status status = submit(engine, &ask, third, &fault);
    engine_cancel(engine, first->generation);
    told_resume(running, 2);
    assert_int_equal(status, STATUS_BUSY);
    assert_null(third->generation);
    told_wait(first, SIZE_MAX);
    assert_int_equal(first->end, END_CANCELLED);
    assert_int_equal(first->token_count, 0);
    assert_ok(submit(engine, &ask, third, &fault), &fault); /* a place is free again */
    engine_cancel(engine, second->generation);
    engine_cancel(engine, third->generation);
    engine_cancel(engine, running->generation);
    told_resume(running, 0);
    struct told *const all[] = {running, first, second, third};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        told_wait(all[i], SIZE_MAX);
        assert_int_equal(all[i]->end, END_CANCELLED);
    }
    struct engine_counters counters; /* are published a moment after the callers were told */
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        counters = counters_of(engine);
        if (counters.cancelled == ARRAY_COUNT(all)) break;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    assert_int_equal(counters.cancelled, ARRAY_COUNT(all));
    assert_int_equal(counters.refused, 1);
    told_free(running);
    told_free(first);
    told_free(second);
    told_free(third);
    engine_close(engine);
}

static void stop_strings_end_and_never_show(void **state)
{
    struct engine *engine = open_default();
    struct told *whole = answer(engine, &(struct ask){BEGINNINGS[0], 60, 0, 0, NULL, 0});
    /* From the middle of one word to the middle of another, so that it is split over tokens. */
    struct told *told = answer(engine, &(struct ask){BEGINNINGS[0], 60, 0, 0, "irl named Li", 0});
    assert_int_equal(told->end, END_STOP);
    size_t at = text_find(buffer_text(&whole->text), TEXT("irl named Li"));
    assert_true(at != SIZE_MAX);
    assert_int_equal(told->text.length, at);
    assert_memory_equal(told->text.data, whole->text.data, at);
    assert_true(told->completion_tokens < 60);
    told_free(whole);
    told_free(told);
    engine_close(engine);
}

static void seeds_decide(void **state)
{
    struct engine *engine = open_default();
    struct told *a = answer(engine, &(struct ask){BEGINNINGS[0], 40, 1, 1, NULL, 0});
    struct told *b = answer(engine, &(struct ask){BEGINNINGS[0], 40, 1, 1, NULL, 0});
    struct told *c = answer(engine, &(struct ask){BEGINNINGS[0], 40, 1, 2, NULL, 0});
    expect_same(a, b);
    assert_false(text_equal(buffer_text(&a->text), buffer_text(&c->text)));
    told_free(a);
    told_free(b);
    told_free(c);
    engine_close(engine);
}

static void logprobs_are_probabilities(void **state)
{
    struct engine *engine = open_default();
    struct told *told = answer(engine, &(struct ask){BEGINNINGS[0], 30, 0, 0, NULL, 5});
    assert_int_equal(told->token_count, 30);
    for (size_t i = 0; i < told->token_count; i++)
        assert_true(told->logprobs[i] <= 0 && told->logprobs[i] > -6); /* greedy picks the likely */
    told_free(told);
    engine_close(engine);
}

static void the_context_is_the_limit(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.context_length = 32});
    assert_int_equal(engine_context_length(engine), 32);
    struct told *told = answer(engine, &(struct ask){BEGINNINGS[0], 1000000, 0, 0, NULL, 0});
    assert_int_equal(told->end, END_LENGTH); /* X67: clamped */
    assert_int_equal(told->prompt_tokens + told->completion_tokens, 32);
    told_free(told);

    struct buffer prompt;
    buffer_init(&prompt);
    for (int i = 0; i < 40; i++) buffer_append_string(&prompt, "dog ");
    struct fault fault;
    struct told *refused = told_new();
    assert_status(submit(engine, &(struct ask){prompt.data, 4, 0, 0, NULL, 0}, refused, &fault),
                  STATUS_INVALID);
    assert_contains(fault.message, "32");
    assert_string_equal(fault.param, "prompt");
    told_free(refused);
    buffer_deinit(&prompt);
    engine_close(engine);
}

static void senseless_requests_are_refused(void **state)
{
    struct engine *engine = open_default();
    struct told *told = told_new();
    struct generation *generation;
    struct fault fault;
    int32_t vocabulary = (int32_t)engine_model(engine)->vocabulary;
    struct generation_request good = {.prompt = &(int32_t){5},
                                      .prompt_count = 1,
                                      .max_tokens = 4,
                                      .top_logprobs = -1,
                                      .on_event = on_event,
                                      .argument = told};
    sampling_defaults(&good.sampling);
    struct generation_request bad[7];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) bad[i] = good;
    bad[0].prompt_count = 0;
    bad[1].max_tokens = 0;
    bad[2].prompt = &vocabulary;
    bad[3].prompt = &(int32_t){-1};
    bad[4].stop_count = 1; /* an empty string would stop everything */
    bad[5].top_logprobs = LOGPROBS_LIMIT + 1;
    bad[6].sampling.temperature = 3;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_status(engine_submit(engine, &bad[i], &generation, &fault), STATUS_INVALID);
        assert_true(fault.param[0] != '\0');
    }
    told_free(told);
    engine_close(engine);
}

static void an_impossible_context_is_refused(void **state)
{
    struct engine *engine = NULL;
    struct fault fault;
    struct engine_options too_long = {.context_length = 1u << 20};
    assert_status(engine_open(&engine, test_model(compute, "stories15m.gguf"), &too_long, &fault),
                  STATUS_INVALID);
    struct engine_options no_room = {.context_length = 256, .kv_budget_bytes = 300000};
    assert_status(engine_open(&engine, test_model(compute, "stories15m.gguf"), &no_room, &fault),
                  STATUS_NO_MEMORY);
}

/* Whoever is waiting hears of it, and so does who comes later. */
static void stopping_tells_all(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 1});
    struct told *told[3];
    told[0] = start_paused(engine, &(struct ask){BEGINNINGS[0], 200, 0, 0, NULL, 0}, 1);
    for (int i = 1; i < 3; i++)
        told[i] = start(engine, &(struct ask){BEGINNINGS[i], 200, 0, 0, NULL, 0});
    engine_stop(engine);
    told_resume(told[0], 0);
    for (int i = 0; i < 3; i++) {
        told_wait(told[i], SIZE_MAX);
        assert_int_equal(told[i]->end, END_ERROR);
        assert_int_equal(told[i]->fault.status, STATUS_STOPPING);
        engine_cancel(engine, told[i]->generation); /* its client leaves: too late to matter */
    }
    struct generation *generation;
    struct generation_request late = {.prompt = (int32_t[]){1}, .prompt_count = 1, .max_tokens = 1};
    sampling_defaults(&late.sampling);
    assert_status(engine_submit(engine, &late, &generation, NULL), STATUS_STOPPING);
    engine_close(engine);
    for (int i = 0; i < 3; i++) told_free(told[i]);
}

/* ---- many threads ---- */

struct crowd_member {
    struct engine *engine;
    struct told **expected;
    int number;
};

/* Some leave early, some stay; those who stay must read what they would read alone. */
static void *ask_repeatedly(void *argument)
{
    struct crowd_member *member = argument;
    for (int round = 0; round < 4; round++) {
        int which = (member->number * 5 + round * 3) % ASKS;
        struct ask ask = nth_ask(which);
        struct told *told = start(member->engine, &ask);
        if ((member->number + round) % 3 == 0) {
            told_wait(told, (size_t)round);
            engine_cancel(member->engine, told->generation);
            told_wait(told, SIZE_MAX);
        } else {
            told_wait(told, SIZE_MAX);
            expect_same(member->expected[which], told);
        }
        told_free(told);
    }
    return NULL;
}

static void threads_come_and_go(void **state)
{
    enum { THREADS = 8 };
    struct engine *engine =
        open_engine(&(struct engine_options){.sequences = 5, .context_length = 128});
    struct told *expected[ASKS];
    for (int i = 0; i < ASKS; i++) {
        struct ask ask = nth_ask(i);
        expected[i] = answer(engine, &ask);
    }
    pthread_t threads[THREADS];
    struct crowd_member members[THREADS];
    for (int i = 0; i < THREADS; i++) {
        members[i] = (struct crowd_member){engine, expected, i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_repeatedly, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < ASKS; i++) told_free(expected[i]);
    expect_idle(engine);
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_told),
        cmocka_unit_test(many_at_once_read_what_each_reads_alone),
        cmocka_unit_test(small_prefill_chunks_change_nothing),
        cmocka_unit_test(a_known_beginning_is_not_read_again),
        cmocka_unit_test(a_long_prompt_does_not_stall_the_others),
        cmocka_unit_test(parked_sequences_continue_exactly),
        cmocka_unit_test(cancelled_within_a_step),
        cmocka_unit_test(the_waiting_line_is_bounded_and_cancellable),
        cmocka_unit_test(stop_strings_end_and_never_show),
        cmocka_unit_test(seeds_decide),
        cmocka_unit_test(logprobs_are_probabilities),
        cmocka_unit_test(the_context_is_the_limit),
        cmocka_unit_test(senseless_requests_are_refused),
        cmocka_unit_test(an_impossible_context_is_refused),
        cmocka_unit_test(stopping_tells_all),
        cmocka_unit_test(threads_come_and_go),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
