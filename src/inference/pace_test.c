/* pace_test.c - prompts slow down those who write by less than twice, and always go on. */
#include "inference/pace.h"

#include "base/test_support.h"

static const uint64_t MS = 1000000;

/* What a step costs: `written` rows, and prompts. */
struct machine {
    double step_ms, written_ms, read_ms;
};

static uint64_t step_ns(const struct machine *machine, uint32_t written, uint32_t read)
{
    return (uint64_t)(1e6 *
                      (machine->step_ms + written * machine->written_ms + read * machine->read_ms));
}

struct step {
    uint32_t read;
    uint64_t ns;
};

/* One step of a machine, learnt from, that reads what it may. */
static struct step run_step(struct pace *pace, struct step_costs *costs,
                            const struct machine *machine, const struct demand *demand)
{
    uint32_t rows = pace_rows(pace, costs, demand), read = demand->reading > 0 ? rows : 0;
    uint64_t ns = step_ns(machine, demand->writing, read);
    if (read == 0) step_costs_learn(costs, demand->writing, ns);
    pace_learn(pace, costs, demand->writing, read, ns);
    return (struct step){read, ns};
}

static void nobody_writes_and_nothing_is_held_back(void **state)
{
    struct pace pace = {.steps = 0};
    struct step_costs costs = {.steps = 0};
    const struct demand demand = {.reading = 1, .shortest = 9000, .limit = 256};
    assert_int_equal(pace_rows(&pace, &costs, &demand), 256);
}

static void what_a_step_costs_without_is_measured_first(void **state)
{
    struct pace pace = {.steps = 0};
    struct step_costs costs = {.steps = 0};
    const struct demand demand = {.writing = 4, .reading = 1, .shortest = 9000, .limit = 256};
    assert_int_equal(pace_rows(&pace, &costs, &demand), 0);
    step_costs_learn(&costs, 4, 10 * MS);
    assert_int_equal(pace_rows(&pace, &costs, &demand), 8); /* and then what a row costs */
    pace_learn(&pace, &costs, 4, 8, 26 * MS);
    assert_true(pace.row_ns == 2e6);
}

/* On machines of all kinds: fast ones, slow ones, such where reading costs nearly nothing, and such
 * where a single row is a burden; after the pause that a prompt may begin with. */
static void a_long_prompt_makes_steps_less_than_twice_as_long(void **state)
{
    static const struct machine machines[] = {
        {5, 1, 0.7}, {5, 1, 0.01}, {1, 0.1, 0.2}, {200, 5, 20}, {0.1, 0.1, 0.1},
    };
    for (size_t m = 0; m < ARRAY_COUNT(machines); m++)
        for (uint32_t writing = 1; writing <= 64; writing *= 4) {
            struct pace pace = {.steps = 0};
            struct step_costs costs = {.steps = 0};
            struct demand demand = {.writing = writing, .reading = 1, .limit = 256};
            double without = (double)step_ns(&machines[m], writing, 0), all = 0, worst = 0;
            uint64_t rows = 0;
            enum { SETTLED = 600, STEPS = 1200 };
            for (int i = 0; i < STEPS; i++) {
                demand.shortest = 1000000;
                struct step step = run_step(&pace, &costs, &machines[m], &demand);
                if (i < SETTLED) continue;
                rows += step.read;
                all += (double)step.ns;
                if ((double)step.ns > worst) worst = (double)step.ns;
            }
            assert_true(rows > 0);
            assert_true(worst < 1.75 * without + 1e6 * machines[m].read_ms); /* rows are whole */
            /* and it gets its two fifths, or all the rows there are */
            double reading = 1e6 * machines[m].read_ms * (double)rows;
            assert_true(reading / all > 0.38 || rows > 250 * (STEPS - SETTLED));
            assert_true(reading / all < 0.42);
        }
}

/* A row that alone takes longer than the steps of those who write: they have several between. */
static void no_prompt_starves_on_a_slow_machine(void **state)
{
    const struct machine machine = {0.5, 0, 3000};
    struct pace pace = {.steps = 0};
    struct step_costs costs = {.steps = 0};
    const struct demand demand = {.writing = 1, .reading = 1, .shortest = 100000, .limit = 256};
    uint32_t rows = 0;
    for (int i = 0; i < 100000; i++) rows += run_step(&pace, &costs, &machine, &demand).read;
    assert_in_range(rows, 10, 30);
}

static void a_short_prompt_goes_in_with_one_pause(void **state)
{
    const struct machine machine = {5, 1, 0.7};
    struct pace pace = {.steps = 0};
    struct step_costs costs = {.steps = 0};
    const struct demand nobody = {.writing = 4, .limit = 256};
    const struct demand first = {.writing = 4, .reading = 1, .shortest = 8, .limit = 256};
    const struct demand second = {.writing = 4, .reading = 1, .shortest = 128, .limit = 256};
    run_step(&pace, &costs, &machine, &nobody);
    run_step(&pace, &costs, &machine, &first);
    for (int i = 0; i < 40; i++) run_step(&pace, &costs, &machine, &nobody);
    struct step step = run_step(&pace, &costs, &machine, &second);
    assert_true(step.read >= 128 && step.ns < 130 * MS);
    step = run_step(&pace, &costs, &machine, &second); /* the next has to wait a little */
    assert_true(step.read > 0 && step.ns < 40 * MS);
}

static void the_more_wait_the_more_is_read(void **state)
{
    const struct machine machine = {5, 1, 0.7};
    uint32_t before = 0;
    for (uint32_t reading = 1; reading <= 16; reading *= 4) {
        struct pace pace = {.steps = 0};
        struct step_costs costs = {.steps = 0};
        const struct demand demand = {
            .writing = 4, .reading = reading, .shortest = 9000, .limit = 256};
        uint32_t rows = 0;
        for (int i = 0; i < 50; i++) rows = run_step(&pace, &costs, &machine, &demand).read;
        if (before > 0) assert_in_range(rows, 2 * before - 2, 2 * before + 2);
        before = rows;
    }
}

/* Another program takes half of the machine: within 64 steps that is what steps cost. */
static void a_machine_that_becomes_slower_is_noticed(void **state)
{
    const struct machine fast = {5, 1, 0.7}, slow = {10, 2, 1.4};
    struct pace pace = {.steps = 0};
    struct step_costs costs = {.steps = 0};
    const struct demand demand = {.writing = 4, .reading = 1, .shortest = 90000, .limit = 256};
    for (int i = 0; i < 100; i++) run_step(&pace, &costs, &fast, &demand);
    uint32_t rows = 0;
    for (int i = 0; i < 64 * 12; i++) rows = run_step(&pace, &costs, &slow, &demand).read;
    assert_in_range(rows, 8, 9); /* 0.7 x 18 ms of 1.4 ms each */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_writes_and_nothing_is_held_back),
        cmocka_unit_test(what_a_step_costs_without_is_measured_first),
        cmocka_unit_test(a_long_prompt_makes_steps_less_than_twice_as_long),
        cmocka_unit_test(no_prompt_starves_on_a_slow_machine),
        cmocka_unit_test(a_short_prompt_goes_in_with_one_pause),
        cmocka_unit_test(the_more_wait_the_more_is_read),
        cmocka_unit_test(a_machine_that_becomes_slower_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
