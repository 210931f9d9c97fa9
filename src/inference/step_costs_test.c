/* step_costs_test.c - what was measured is known, what lies near is guessed, what is old forgotten.
 */
#include "inference/step_costs.h"

#include "base/test_support.h"

static void what_was_measured_is_known_for_a_while(void **state)
{
    struct step_costs costs = {.steps = 0};
    assert_int_equal(step_costs_known(&costs, 3), 0);
    step_costs_learn(&costs, 3, 1000);
    step_costs_learn(&costs, 3, 2000);
    assert_int_equal(step_costs_known(&costs, 3), 1250); /* one step is not taken too seriously */
    for (int i = 0; i < 600; i++) step_costs_learn(&costs, 5, 700);
    assert_int_equal(step_costs_known(&costs, 3), 0);
    assert_int_equal(step_costs_known(&costs, 5), 700);
    step_costs_learn(&costs, 0, 1);
    step_costs_learn(&costs, KNOWN_ROWS_LIMIT + 1, 1);
    assert_int_equal(costs.steps, 602);
}

static void what_lies_near_is_guessed(void **state)
{
    struct step_costs costs = {.steps = 0};
    assert_int_equal(step_costs_near(&costs, 8), 0);
    step_costs_learn(&costs, 8, 800);
    assert_int_equal(step_costs_near(&costs, 8), 800);
    assert_int_equal(step_costs_near(&costs, 4), 800);
    assert_int_equal(step_costs_near(&costs, 16), 800);
    assert_int_equal(step_costs_near(&costs, 3), 0);
    assert_int_equal(step_costs_near(&costs, 17), 0);
    step_costs_learn(&costs, 12, 1600);
    assert_int_equal(step_costs_near(&costs, 9), 1000);
    assert_int_equal(step_costs_near(&costs, 13), 1600);
    step_costs_learn(&costs, KNOWN_ROWS_LIMIT, 9000);
    assert_int_equal(step_costs_near(&costs, 10 * KNOWN_ROWS_LIMIT), 9000);
}

static void beyond_what_is_known_rows_cost_what_they_did(void **state)
{
    struct step_costs costs = {.steps = 0};
    step_costs_learn(&costs, 2, 3200);
    assert_true(step_costs_estimate(&costs, 2, 2) == 3200);
    assert_true(step_costs_estimate(&costs, 2, 4) == 3400); /* try: it may cost little */
    step_costs_learn(&costs, 4, 5200);
    assert_true(step_costs_estimate(&costs, 2, 3) == 4200);
    assert_true(step_costs_estimate(&costs, 2, 6) == 7200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_measured_is_known_for_a_while),
        cmocka_unit_test(what_lies_near_is_guessed),
        cmocka_unit_test(beyond_what_is_known_rows_cost_what_they_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
