/* scheduler_test.c - fairness, and that no row is lost or invented. */
#include "inference/scheduler.h"

#include "base/test_support.h"

static void expect(size_t count, const uint32_t *needs, uint32_t budget, const uint32_t *wanted)
{
    uint32_t granted[8];
    scheduler_share(needs, count, budget, granted);
    for (size_t i = 0; i < count; i++) assert_int_equal(granted[i], wanted[i]);
}

static void short_prompts_pass_and_long_ones_share_the_rest(void **state)
{
    expect(3, (uint32_t[]){1000, 10, 1000}, 256, (uint32_t[]){123, 10, 123});
    expect(2, (uint32_t[]){1000, 0}, 256, (uint32_t[]){256, 0});
    expect(2, (uint32_t[]){20, 30}, 256, (uint32_t[]){20, 30});
}

static void what_does_not_divide_goes_to_the_oldest(void **state)
{
    expect(3, (uint32_t[]){9, 9, 9}, 7, (uint32_t[]){3, 2, 2});
    expect(4, (uint32_t[]){9, 9, 9, 9}, 2, (uint32_t[]){1, 1, 0, 0});
}

static void nothing_to_do(void **state)
{
    expect(2, (uint32_t[]){0, 0}, 16, (uint32_t[]){0, 0});
    expect(2, (uint32_t[]){5, 5}, 0, (uint32_t[]){0, 0});
    expect(0, (uint32_t[]){0}, 16, (uint32_t[]){0});
}

/* For all small cases: the budget is spent unless all are satisfied, and nobody has two rows more
 * than somebody who still waits. */
static void max_min_fair(void **state)
{
    for (uint32_t code = 0; code < 7 * 7 * 7 * 7; code++) {
        uint32_t needs[4] = {code % 7, code / 7 % 7, code / 49 % 7, code / 343};
        for (uint32_t budget = 0; budget < 26; budget++) {
            uint32_t granted[4], sum = 0, wanted = 0;
            scheduler_share(needs, 4, budget, granted);
            for (int i = 0; i < 4; i++) {
                assert_true(granted[i] <= needs[i]);
                sum += granted[i];
                wanted += needs[i];
            }
            assert_int_equal(sum, budget < wanted ? budget : wanted);
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    if (granted[i] < needs[i]) assert_true(granted[j] <= granted[i] + 1);
        }
    }
}

static void prefill_leaves_room_for_those_who_write(void **state)
{
    const uint64_t ms = 1000000;
    assert_int_equal(scheduler_prefill_rows(256, 0, 10 * ms), 256);
    assert_int_equal(scheduler_prefill_rows(256, 1, 0), 32);
    assert_int_equal(scheduler_prefill_rows(256, 1, 2 * ms), 100);
    assert_int_equal(scheduler_prefill_rows(256, 9, ms / 10), 256);
    assert_int_equal(scheduler_prefill_rows(256, 1, 1000 * ms), 32);
    assert_int_equal(scheduler_prefill_rows(8, 1, 1000 * ms), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_prompts_pass_and_long_ones_share_the_rest),
        cmocka_unit_test(what_does_not_divide_goes_to_the_oldest),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(max_min_fair),
        cmocka_unit_test(prefill_leaves_room_for_those_who_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
