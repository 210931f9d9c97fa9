/* engine_start_test.c - requests that are prepared, given places and started, all of them or none:
 * nobody hears of a request before all its answers are ready. */
#include "inference/realization/engine_test_support.h"

#include "compute/compute.h"

enum { ANSWERS = 3 };

static struct told *prepare(struct engine *engine, uint32_t max_tokens)
{
    struct told *told = told_new();
    struct generation_request request = request_of((int32_t[]){1}, 1, max_tokens, told);
    struct fault fault;
    assert_ok(engine_prepare(engine, &request, &told->generation, &fault), &fault);
    return told;
}

static void start_all(struct engine *engine, struct told *const *told, uint32_t count)
{
    struct generation *generations[ANSWERS];
    for (uint32_t i = 0; i < count; i++) generations[i] = told[i]->generation;
    engine_start(engine, generations, count);
}

static void reserve(struct engine *engine, uint32_t count)
{
    struct fault fault;
    assert_ok(engine_reserve(engine, count, &fault), &fault);
}

static void what_is_prepared_may_be_dropped(void **state)
{
    struct engine *engine = open_default();
    struct told *told = prepare(engine, 5);
    assert_int_equal(counters_of(engine).requests, 0);
    told_free(told);
    engine_close(engine);
}

/* One place: who is first ends first. */
static void all_start_in_their_order(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 1});
    struct told *told[ANSWERS];
    for (uint32_t i = 0; i < ANSWERS; i++) {
        told[i] = prepare(engine, 5);
        told[i]->pause_at = 1;
    }
    reserve(engine, ANSWERS);
    start_all(engine, told, ANSWERS);
    for (uint32_t i = 0; i < ANSWERS; i++) {
        told_wait(told[i], 1);
        for (uint32_t later = i + 1; later < ANSWERS; later++)
            assert_int_equal(told_count(told[later]), 0);
        told_resume(told[i], 0);
        told_wait(told[i], SIZE_MAX);
        assert_int_equal(told[i]->end, END_LENGTH);
    }
    assert_int_equal(counters_of(engine).requests, ANSWERS);
    for (uint32_t i = 0; i < ANSWERS; i++) told_free(told[i]);
    engine_close(engine);
}

static void places_are_given_all_or_none(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 1, .queue_limit = 2});
    struct told *hold = engine_hold(engine), *told[ANSWERS];
    struct fault fault;
    assert_status(engine_reserve(engine, 4, &fault), STATUS_INVALID); /* also when all are free */
    assert_string_equal(fault.param, "n");
    assert_status(engine_reserve(engine, 3, &fault), STATUS_BUSY);
    reserve(engine, 2);
    assert_status(engine_reserve(engine, 1, &fault), STATUS_BUSY);
    for (uint32_t i = 0; i < 2; i++) told[i] = prepare(engine, 5);
    start_all(engine, told, 2);
    engine_release(hold);
    for (uint32_t i = 0; i < 2; i++) {
        told_wait(told[i], SIZE_MAX);
        assert_int_equal(told[i]->end, END_LENGTH);
        told_free(told[i]);
    }
    for (uint32_t i = 0; i < ANSWERS; i++) told[i] = prepare(engine, 5);
    reserve(engine, ANSWERS); /* nobody is there any more: places to run count too */
    start_all(engine, told, ANSWERS);
    for (uint32_t i = 0; i < ANSWERS; i++) {
        told_wait(told[i], SIZE_MAX);
        told_free(told[i]);
    }
    engine_close(engine);
}

/* The engine's thread takes nothing in any more: who starts is told by his own. */
static void who_starts_too_late_is_told(void **state)
{
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 1});
    struct told *hold = engine_hold(engine);
    struct told *waiting = start(engine, &(struct ask){BEGINNINGS[0], 5, 0, 0, NULL, 0});
    struct told *late[2] = {prepare(engine, 5), prepare(engine, 5)};
    reserve(engine, 2);
    engine_stop(engine);
    engine_release(hold);
    told_wait(waiting, SIZE_MAX); /* the inbox was closed before */
    start_all(engine, late, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(late[i]->end, END_ERROR);
        assert_int_equal(late[i]->fault.status, STATUS_STOPPING);
        told_free(late[i]);
    }
    told_free(waiting);
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_prepared_may_be_dropped),
        cmocka_unit_test(all_start_in_their_order),
        cmocka_unit_test(places_are_given_all_or_none),
        cmocka_unit_test(who_starts_too_late_is_told),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
