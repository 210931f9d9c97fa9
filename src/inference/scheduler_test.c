/* scheduler_test.c - order, fairness, and that no row is lost or invented. */
#include "inference/scheduler.h"

#include "base/test_support.h"

static void expect(size_t count, const uint32_t *needs, uint32_t budget, const uint32_t *wanted)
{
    uint32_t granted[8];
    scheduler_share(needs, count, budget, granted);
    for (size_t i = 0; i < count; i++) assert_int_equal(granted[i], wanted[i]);
}

static void the_shortest_goes_first_and_the_oldest_never_stops(void **state)
{
    expect(3, (uint32_t[]){1000, 10, 1000}, 256, (uint32_t[]){246, 10, 0});
    expect(3, (uint32_t[]){1000, 100, 120}, 200, (uint32_t[]){50, 100, 50});
    expect(2, (uint32_t[]){1000, 900}, 256, (uint32_t[]){64, 192});
    expect(2, (uint32_t[]){1000, 0}, 256, (uint32_t[]){256, 0});
    expect(2, (uint32_t[]){20, 30}, 256, (uint32_t[]){20, 30});
}

/* Together they would all wait for the last token of the last prompt. */
static void equals_go_one_after_another(void **state)
{
    expect(3, (uint32_t[]){9, 9, 9}, 9, (uint32_t[]){9, 0, 0});
    expect(3, (uint32_t[]){9, 9, 9}, 12, (uint32_t[]){9, 3, 0});
    expect(3, (uint32_t[]){0, 9, 9}, 2, (uint32_t[]){0, 2, 0});
}

static void nothing_to_do(void **state)
{
    expect(2, (uint32_t[]){0, 0}, 16, (uint32_t[]){0, 0});
    expect(2, (uint32_t[]){5, 5}, 0, (uint32_t[]){0, 0});
    expect(0, (uint32_t[]){0}, 16, (uint32_t[]){0});
}

/* For all small cases: the budget is spent unless all are satisfied, the oldest has its quarter,
 * and who has rows besides has no shorter prompt waiting. */
static void shares_are_whole_and_in_order(void **state)
{
    for (uint32_t code = 0; code < 7 * 7 * 7 * 7; code++) {
        uint32_t needs[4] = {code % 7, code / 7 % 7, code / 49 % 7, code / 343};
        int oldest = 0;
        while (oldest < 3 && needs[oldest] == 0) oldest++;
        for (uint32_t budget = 0; budget < 26; budget++) {
            uint32_t granted[4], sum = 0, wanted = 0;
            scheduler_share(needs, 4, budget, granted);
            for (int i = 0; i < 4; i++) {
                assert_true(granted[i] <= needs[i]);
                sum += granted[i];
                wanted += needs[i];
            }
            assert_int_equal(sum, budget < wanted ? budget : wanted);
            assert_true(granted[oldest] == needs[oldest] || granted[oldest] >= (budget + 3) / 4);
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    if (granted[i] < needs[i] && needs[i] < needs[j] && j != oldest)
                        assert_int_equal(granted[j], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_goes_first_and_the_oldest_never_stops),
        cmocka_unit_test(equals_go_one_after_another),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(shares_are_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
