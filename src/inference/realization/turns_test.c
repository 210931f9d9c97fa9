/* turns_test.c - one at a time, nobody starves, and equal shares of the time whatever the steps. */
#include "inference/turns.h"

#include <stdatomic.h>
#include <time.h>

#include "base/test_support.h"
#include "platform/platform.h"

/* The clock is the test's own: it goes on when somebody's step does. What the machine does besides
 * changes nothing of the shares. */
enum { MS = 1000000, ENOUGH_MS = 400, LOOK_US = 200 };

static struct turns *turns;
static _Atomic uint64_t now_ns;
static atomic_int inside, most_inside;
static atomic_bool counts, is_over;

static uint64_t test_clock(void)
{
    return atomic_load(&now_ns);
}

struct worker {
    pthread_t thread;
    unsigned step_ms, pause_ms, cost;
    uint64_t longest_wait_ns;
    _Atomic uint64_t busy_ns, steps;
};

static void sleep_us(unsigned us)
{
    nanosleep(&(struct timespec){us / 1000000, (long)(us % 1000000) * 1000}, NULL);
}

/* A step long enough for the others to come and wait. */
static void do_step(struct worker *worker)
{
    int now_inside = atomic_fetch_add(&inside, 1) + 1;
    if (now_inside > atomic_load(&most_inside)) atomic_store(&most_inside, now_inside);
    sleep_us(LOOK_US);
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&now_ns, (uint64_t)worker->step_ms * MS);
    if (atomic_load(&counts)) atomic_fetch_add(&worker->busy_ns, (uint64_t)worker->step_ms * MS);
    atomic_fetch_add(&worker->steps, 1);
}

/* The others' steps let the time pass. */
static void do_pause(const struct worker *worker)
{
    uint64_t until_ns = test_clock() + (uint64_t)worker->pause_ms * MS;
    while (test_clock() < until_ns && !atomic_load(&is_over)) sleep_us(LOOK_US / 4);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct turn_taker taker;
    turn_taker_init(&taker);
    if (worker->cost) taker.cost = worker->cost;
    while (!atomic_load(&is_over)) {
        uint64_t asked_ns = test_clock();
        turns_take(turns, &taker);
        uint64_t wait_ns = test_clock() - asked_ns;
        if (wait_ns > worker->longest_wait_ns) worker->longest_wait_ns = wait_ns;
        do_step(worker);
        if (!worker->pause_ms) continue;
        turns_leave(turns, &taker);
        do_pause(worker);
    }
    turns_leave(turns, &taker);
    turn_taker_deinit(&taker);
    return NULL;
}

static bool has_each_worked(struct worker *workers, size_t count, uint64_t steps)
{
    for (size_t i = 0; i < count; i++)
        if (atomic_load(&workers[i].steps) < steps) return false;
    return true;
}

/* From when all have begun until the clock says that it is enough, and each had so many steps:
 * nobody starves. */
static void run(struct worker *workers, size_t count, uint64_t steps)
{
    struct fault fault;
    atomic_store(&is_over, false);
    atomic_store(&counts, false);
    atomic_store(&most_inside, 0);
    atomic_store(&now_ns, 0);
    assert_ok(turns_open(&turns, test_clock, &fault), &fault);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    while (!has_each_worked(workers, count, 1)) sleep_us(LOOK_US);
    uint64_t until_ns = test_clock() + (uint64_t)ENOUGH_MS * MS;
    atomic_store(&counts, true);
    while (test_clock() < until_ns || !has_each_worked(workers, count, steps)) sleep_us(LOOK_US);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < count; i++) pthread_join(workers[i].thread, NULL);
    turns_close(turns);
    assert_int_equal(atomic_load(&most_inside), 1);
}

/* The second's part of the time of two. */
static double second_share(struct worker *workers)
{
    double first = (double)atomic_load(&workers[0].busy_ns);
    double second = (double)atomic_load(&workers[1].busy_ns);
    return second / (first + second);
}

static void long_steps_get_no_more_time_than_short_ones(void **state)
{
    struct worker workers[] = {{.step_ms = 20}, {.step_ms = 1}};
    run(workers, 2, 10);
    double share = second_share(workers);
    if (share < 0.35 || share > 0.65) fail_msg("the short steps had %.2f of the time", share);
}

/* As whoever loads a model does, leaving after each piece: it gets the share it is charged for, or
 * less when it comes back late. */
static void who_is_charged_more_gets_less(void **state)
{
    struct worker workers[] = {{.step_ms = 4}, {.step_ms = 1, .pause_ms = 1, .cost = 3}};
    run(workers, 2, 10);
    double share = second_share(workers);
    if (share > 0.35) fail_msg("who is charged thrice had %.2f of the time", share);
}

/* Many pauses earn no credit: the other one goes on meanwhile, and waits for single steps only. */
static void whoever_pauses_starts_even(void **state)
{
    struct worker workers[] = {{.step_ms = 1}, {.step_ms = 1, .pause_ms = 50}};
    run(workers, 2, 6);
    assert_true(atomic_load(&workers[0].steps) > atomic_load(&workers[1].steps));
    assert_true(workers[0].longest_wait_ns <= 3 * MS);
}

static void several_share(void **state)
{
    struct worker workers[] = {
        {.step_ms = 1}, {.step_ms = 4}, {.step_ms = 2}, {.step_ms = 2, .pause_ms = 1}};
    run(workers, 4, 10);
}

static void alone_it_costs_little(void **state)
{
    enum { TAKES = 100000 };
    struct fault fault;
    struct turn_taker taker;
    assert_ok(turns_open(&turns, clock_monotonic_ns, &fault), &fault);
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
