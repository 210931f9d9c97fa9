/* turns_test.c - one at a time, nobody starves, and equal shares of the time whatever the steps. */
#include "inference/turns.h"

#include <stdatomic.h>
#include <time.h>

#include "base/test_support.h"
#include "platform/platform.h"

enum { ENOUGH_MS = 400 };

static struct turns *turns;
static atomic_int inside, most_inside;
static atomic_bool is_over;

struct worker {
    pthread_t thread;
    unsigned step_us, pause_us, cost;
    uint64_t busy_ns, longest_wait_ns, steps;
};

static void sleep_us(unsigned us)
{
    nanosleep(&(struct timespec){us / 1000000, (long)(us % 1000000) * 1000}, NULL);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct turn_taker taker;
    turn_taker_init(&taker);
    if (worker->cost) taker.cost = worker->cost;
    while (!atomic_load(&is_over)) {
        uint64_t asked_ns = clock_monotonic_ns();
        turns_take(turns, &taker);
        uint64_t start_ns = clock_monotonic_ns();
        int now_inside = atomic_fetch_add(&inside, 1) + 1;
        if (now_inside > atomic_load(&most_inside)) atomic_store(&most_inside, now_inside);
        sleep_us(worker->step_us);
        atomic_fetch_sub(&inside, 1);
        worker->busy_ns += clock_monotonic_ns() - start_ns;
        worker->steps++;
        if (start_ns - asked_ns > worker->longest_wait_ns)
            worker->longest_wait_ns = start_ns - asked_ns;
        if (!worker->pause_us) continue;
        turns_leave(turns, &taker);
        sleep_us(worker->pause_us);
    }
    turns_leave(turns, &taker);
    turn_taker_deinit(&taker);
    return NULL;
}

static void run(struct worker *workers, size_t count)
{
    struct fault fault;
    atomic_store(&is_over, false);
    atomic_store(&most_inside, 0);
    assert_ok(turns_open(&turns, &fault), &fault);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    sleep_us(ENOUGH_MS * 1000);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < count; i++) pthread_join(workers[i].thread, NULL);
    turns_close(turns);
    assert_int_equal(atomic_load(&most_inside), 1);
}

static void long_steps_get_no_more_time_than_short_ones(void **state)
{
    struct worker workers[] = {{.step_us = 20000}, {.step_us = 1000}};
    run(workers, 2);
    double share = (double)workers[1].busy_ns / (double)(workers[0].busy_ns + workers[1].busy_ns);
    if (share < 0.35 || share > 0.65) fail_msg("the short steps had %.2f of the time", share);
    assert_true(workers[1].steps > 3 * workers[0].steps);
}

/* As whoever loads a model does, leaving after each piece: it gets the share it is charged for. */
static void who_is_charged_more_gets_less(void **state)
{
    struct worker workers[] = {{.step_us = 4000}, {.step_us = 1000, .pause_us = 1, .cost = 3}};
    run(workers, 2);
    double share = (double)workers[1].busy_ns / (double)(workers[0].busy_ns + workers[1].busy_ns);
    if (share < 0.12 || share > 0.35) fail_msg("who is charged thrice had %.2f of the time", share);
}

/* Many pauses earn no credit: the other one goes on meanwhile, and waits for single steps only. */
static void whoever_pauses_starts_even(void **state)
{
    struct worker workers[] = {{.step_us = 1000}, {.step_us = 1000, .pause_us = 50000}};
    run(workers, 2);
    assert_true(workers[1].steps >= 4);
    assert_true(workers[0].steps > workers[1].steps);
    assert_true(workers[0].longest_wait_ns < 40000000);
}

static void several_share(void **state)
{
    struct worker workers[] = {
        {.step_us = 500}, {.step_us = 2000}, {.step_us = 1000}, {.step_us = 1000, .pause_us = 100}};
    run(workers, 4);
    for (size_t i = 0; i < ARRAY_COUNT(workers); i++) assert_true(workers[i].steps >= 5);
}

static void alone_it_costs_little(void **state)
{
    enum { TAKES = 100000 };
    struct fault fault;
    struct turn_taker taker;
    assert_ok(turns_open(&turns, &fault), &fault);
    turn_taker_init(&taker);
    turns_leave(turns, &taker); /* has no turn: harmless */
    uint64_t start_ns = clock_monotonic_ns();
    for (int i = 0; i < TAKES; i++) turns_take(turns, &taker);
    uint64_t each_ns = (clock_monotonic_ns() - start_ns) / TAKES;
    turns_leave(turns, &taker);
    turn_taker_deinit(&taker);
    turns_close(turns);
    print_message("a turn of one's own: %llu ns\n", (unsigned long long)each_ns);
    assert_true(each_ns < 20000); /* a step takes milliseconds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_steps_get_no_more_time_than_short_ones),
        cmocka_unit_test(who_is_charged_more_gets_less),
        cmocka_unit_test(whoever_pauses_starts_even),
        cmocka_unit_test(several_share),
        cmocka_unit_test(alone_it_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
