/* engine_turns_test.c - several engines on one set of compute threads: each says what it says
 * alone, all of them go on, and one that stops or closes leaves the others be. */
#include "inference/realization/engine_test_support.h"

#include "inference/turns.h"
#include "platform/platform.h"

enum { ENGINES = 3, ROUNDS = 4, TOKENS = 60 };

static struct turns *turns;

static int open_turns(void **state)
{
    struct fault fault;
    open_compute(state);
    assert_ok(turns_open(&turns, clock_monotonic_ns, &fault), &fault);
    return 0;
}

static int close_turns(void **state)
{
    turns_close(turns);
    return close_compute(state);
}

/* Packing its weights is a turn like any other. */
static struct engine *open_sharing(void)
{
    struct turn_taker taker;
    turn_taker_init(&taker);
    turns_take(turns, &taker);
    struct engine *engine = open_engine(&(struct engine_options){.turns = turns, .sequences = 4});
    turns_leave(turns, &taker);
    turn_taker_deinit(&taker);
    return engine;
}

static struct ask ask_of(int engine, int round)
{
    return (struct ask){BEGINNINGS[engine], TOKENS, 0.8f, (uint64_t)round, NULL, 0};
}

static void each_says_what_it_says_alone(void **state)
{
    struct engine *engines[ENGINES];
    struct told *alone[ENGINES][ROUNDS], *together[ENGINES][ROUNDS];
    for (int e = 0; e < ENGINES; e++) {
        engines[e] = open_sharing();
        for (int r = 0; r < ROUNDS; r++) {
            struct ask ask = ask_of(e, r);
            alone[e][r] = answer(engines[e], &ask);
        }
    }
    for (int e = 0; e < ENGINES; e++)
        for (int r = 0; r < ROUNDS; r++) {
            struct ask ask = ask_of(e, r);
            together[e][r] = start(engines[e], &ask);
        }
    for (int e = 0; e < ENGINES; e++)
        for (int r = 0; r < ROUNDS; r++) {
            told_wait(together[e][r], SIZE_MAX);
            expect_same(alone[e][r], together[e][r]);
            told_free(alone[e][r]);
            told_free(together[e][r]);
        }
    for (int e = 0; e < ENGINES; e++) engine_close(engines[e]);
}

/* One is asked long prompts without end; the other's answer comes to its end all the same. */
static void nobody_waits_for_ever(void **state)
{
    struct engine *reader = open_sharing(), *writer = open_sharing();
    struct buffer prompt;
    buffer_init(&prompt);
    for (int i = 0; i < 14; i++) buffer_append_string(&prompt, "The boy had a red ball to play. ");
    struct told *writing = start_paused(writer, &(struct ask){"Once", 200, 0, 0, NULL, 0}, 5);
    struct told *reading = start(reader, &(struct ask){prompt.data, 40, 0, 0, NULL, 0});
    told_resume(writing, 0);
    for (uint64_t i = 1; told_count(writing) < 200; i++) {
        told_wait(reading, SIZE_MAX);
        assert_int_equal(reading->end, END_LENGTH);
        told_free(reading);
        reading = start(reader, &(struct ask){prompt.data, 40, 0.8f, i, NULL, 0});
    }
    told_wait(writing, SIZE_MAX);
    assert_int_equal(writing->end, END_LENGTH);
    told_wait(reading, SIZE_MAX);
    told_free(writing);
    told_free(reading);
    engine_close(reader);
    engine_close(writer);
    buffer_deinit(&prompt);
}

static void one_that_closes_in_the_midst_leaves_the_others(void **state)
{
    struct engine *stays = open_sharing();
    struct told *telling = start(stays, &(struct ask){"Once", 200, 0, 0, NULL, 0});
    for (int i = 0; i < 3; i++) {
        struct engine *goes = open_sharing();
        struct told *cut = start(goes, &(struct ask){"The", 200, 0, 0, NULL, 0});
        told_wait(cut, 3);
        engine_close(goes);
        assert_int_not_equal(cut->end, END_NONE);
        told_free(cut);
    }
    told_wait(telling, SIZE_MAX);
    assert_int_equal(telling->end, END_LENGTH);
    struct engine_counters counters;
    engine_counters(stays, &counters);
    assert_true(counters.memory_bytes > engine_model(stays)->memory_bytes);
    told_free(telling);
    engine_close(stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_says_what_it_says_alone),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(one_that_closes_in_the_midst_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, open_turns, close_turns);
}
