/* speculation_test.c - drafts are verified where they pay, and nowhere else. */
#include "inference/speculation.h"

#include "base/test_support.h"

/* A machine whose steps cost `step` and `row` for each row. */
static struct step_costs machine(uint64_t step, uint64_t row)
{
    struct step_costs costs = {.steps = 0};
    for (size_t rows = 1; rows <= STEP_ROWS_LIMIT; rows++)
        step_costs_learn(&costs, rows, step + row * rows);
    return costs;
}

static uint32_t granted_alone(const struct step_costs *costs, float credit)
{
    struct draft_offer offer = {.length = DRAFT_LIMIT, .credit = credit};
    uint32_t granted;
    speculation_share(costs, &offer, 1, &granted);
    return granted;
}

static void rows_that_cost_nothing_are_all_used(void **state)
{
    struct step_costs costs = machine(1000000, 1);
    assert_int_equal(granted_alone(&costs, 0.9f), DRAFT_LIMIT);
    assert_int_equal(granted_alone(&costs, 0.01f), 0); /* but not for nothing */
}

static void rows_that_cost_all_are_not(void **state)
{
    struct step_costs costs = machine(1000, 1000000);
    assert_int_equal(granted_alone(&costs, 0.9f), 0);
}

/* With the k-th token right by c^k, tokens per time over d is (1 + c + ... + c^d) / (s + r (1 +
 * d)).
 */
static void what_makes_most_tokens_is_granted(void **state)
{
    static const double steps[] = {2, 10, 50};
    static const float credits[] = {0.3f, 0.6f, 0.8f, 0.95f};
    for (size_t s = 0; s < ARRAY_COUNT(steps); s++)
        for (size_t c = 0; c < ARRAY_COUNT(credits); c++) {
            struct step_costs costs = machine((uint64_t)(steps[s] * 1e6), 1000000);
            double best = 0, tokens = 0, chance = 1;
            uint32_t expected = 0;
            for (uint32_t d = 0; d <= DRAFT_LIMIT; d++) {
                tokens += chance;
                chance *= (double)credits[c];
                double rate = tokens / (steps[s] + 1 + d);
                if (rate > best * (d ? 1 : 1.03)) {
                    best = d ? rate : rate * 1.03;
                    expected = d;
                }
            }
            assert_int_equal(granted_alone(&costs, credits[c]), expected);
        }
}

static void the_likeliest_come_first(void **state)
{
    struct step_costs costs = machine(8000000, 1000000);
    struct draft_offer offers[] = {{15, 0.1f}, {3, 0.99f}, {15, 0.6f}, {0, 0.9f}};
    uint32_t granted[ARRAY_COUNT(offers)];
    speculation_share(&costs, offers, ARRAY_COUNT(offers), granted);
    assert_int_equal(granted[0], 0);
    assert_int_equal(granted[1], 3);
    assert_true(granted[2] >= 1 && granted[2] < 15);
    assert_int_equal(granted[3], 0);
    speculation_share_all(offers, ARRAY_COUNT(offers), granted);
    assert_int_equal(granted[0] + granted[1] + granted[2] + granted[3], DRAFT_ROWS_LIMIT);
}

static void steps_full_of_sequences_get_none(void **state)
{
    struct step_costs costs = machine(1000000000, 1);
    static struct draft_offer offers[STEP_ROWS_LIMIT + 8];
    static uint32_t granted[STEP_ROWS_LIMIT + 8];
    for (size_t i = 0; i < ARRAY_COUNT(offers); i++) offers[i] = (struct draft_offer){15, 0.9f};
    for (size_t count = 40; count <= ARRAY_COUNT(offers); count++) {
        uint32_t total = 0;
        speculation_share(&costs, offers, count, granted);
        for (size_t i = 0; i < count; i++) total += granted[i];
        if (count == 50) assert_int_equal(total, STEP_ROWS_LIMIT - 50);
        if (count >= STEP_ROWS_LIMIT)
            assert_int_equal(total, 0);
        else
            assert_true(total <= STEP_ROWS_LIMIT - count);
    }
}

/* Nothing is known at first: one step without drafts, then trying, then knowing. */
static void costs_are_found_by_trying(void **state)
{
    struct step_costs costs = {.steps = 0};
    assert_int_equal(granted_alone(&costs, 0.9f), 0);
    step_costs_learn(&costs, 1, 1000);
    uint32_t tried = granted_alone(&costs, 0.9f);
    assert_true(tried > 0);
    for (int i = 0; i < 40 && tried > 0; i++) { /* a machine where rows cost as much as steps */
        step_costs_learn(&costs, 1 + tried, 1000 * (1 + tried));
        tried = granted_alone(&costs, 0.9f);
    }
    assert_int_equal(tried, 0);
    for (int i = 0; i < 600; i++) step_costs_learn(&costs, 1, 1000);
    assert_true(granted_alone(&costs, 0.9f) > 0); /* perhaps that was a bad moment: try again */
}

/* What one row more cost, the next is taken to cost as well: not every number is tried. */
static void bad_news_is_taken_further(void **state)
{
    struct step_costs costs = {.steps = 0};
    step_costs_learn(&costs, 4, 1000);
    struct draft_offer offers[] = {{15, 0.3f}, {15, 0.2f}, {0, 0}, {0, 0}};
    uint32_t granted[ARRAY_COUNT(offers)];
    speculation_share(&costs, offers, ARRAY_COUNT(offers), granted);
    uint32_t tried = granted[0] + granted[1];
    assert_true(tried > 0);
    step_costs_learn(&costs, 4 + tried, 1000 + 200 * tried);
    speculation_share(&costs, offers, ARRAY_COUNT(offers), granted);
    assert_int_equal(granted[0] + granted[1], 0);
}

static void a_draft_model_guesses_as_far_as_it_pays(void **state)
{
    struct step_costs costs = machine(20000000, 1000000);
    assert_true(speculation_depth(&costs, 1, 0, 0.6f) > 0); /* to know what a pass costs */
    uint32_t cheap = speculation_depth(&costs, 1, 100000, 0.8f);
    uint32_t dear = speculation_depth(&costs, 1, 4000000, 0.8f);
    assert_true(cheap > dear && dear > 0);
    assert_int_equal(speculation_depth(&costs, 1, 40000000, 0.8f), 0); /* no smaller than it */
    assert_int_equal(speculation_depth(&costs, 1, 4000000, 0.1f), 0);
    assert_true(speculation_depth(&costs, 8, 100000, 0.99f) <= DRAFT_ROWS_LIMIT / 8);
    assert_int_equal(speculation_depth(&costs, 40, 100000, 0.99f), 0);
    assert_int_equal(speculation_depth_always(1), 4);
    assert_int_equal(speculation_depth_always(17), 0);
}

static void credit_follows_what_happens(void **state)
{
    struct draft_credit credit;
    draft_credit_init(&credit);
    assert_true(draft_credit_of(&credit, 2) < draft_credit_of(&credit, 5));
    assert_true(draft_credit_of(&credit, 5) < draft_credit_of(&credit, 20));
    for (int i = 0; i < 60; i++) {
        draft_credit_learn(&credit, 2, true);
        draft_credit_learn(&credit, 20, false);
    }
    assert_true(draft_credit_of(&credit, 3) > 0.95f && draft_credit_of(&credit, 3) < 1);
    assert_true(draft_credit_of(&credit, 8) < 0.05f && draft_credit_of(&credit, 8) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_cost_nothing_are_all_used),
        cmocka_unit_test(rows_that_cost_all_are_not),
        cmocka_unit_test(what_makes_most_tokens_is_granted),
        cmocka_unit_test(the_likeliest_come_first),
        cmocka_unit_test(steps_full_of_sequences_get_none),
        cmocka_unit_test(costs_are_found_by_trying),
        cmocka_unit_test(bad_news_is_taken_further),
        cmocka_unit_test(a_draft_model_guesses_as_far_as_it_pays),
        cmocka_unit_test(credit_follows_what_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
