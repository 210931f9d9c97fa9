/* window_test.c - what fits is told whole, and what does not is summarised before it is left out.
 */
#include "conversations/window.h"

#include "base/test_support.h"

enum { TURN = 10, SUMMARY = 20 };

static struct fault fault;

/* Messages of TURN tokens with seqs from 1. */
static void fill(struct window_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        messages[i] = (struct window_message){.seq = (int64_t)i + 1, .tokens = TURN};
}

static struct window choose(const struct window_message *messages, size_t count, uint32_t budget)
{
    struct window window;
    assert_ok(window_choose(messages, count, budget, SUMMARY, &window, &fault), &fault);
    return window;
}

static void what_fits_is_told_whole(void **state)
{
    struct window_message messages[4];
    fill(messages, 4);
    struct window window = choose(messages, 4, 4 * TURN);
    assert_false(window.must_summarise);
    assert_int_equal(window.summary, WINDOW_NO_SUMMARY);
    for (size_t i = 0; i < 4; i++) assert_true(window_tells(&window, messages, i));
}

static void what_does_not_fit_is_summarised_first(void **state)
{
    struct window_message messages[20];
    fill(messages, 20);
    messages[0].is_pinned = true;
    struct window window = choose(messages, 20, 100);
    assert_true(window.must_summarise);
    assert_int_equal(window.first, 0);
    assert_in_range(window.end, 2, 19); /* never the last message */
}

static void a_summary_stands_for_what_it_summarises(void **state)
{
    struct window_message messages[22];
    fill(messages, 22);
    messages[0].is_pinned = true;
    messages[20].stands_for = 15; /* written when 20 messages were there */
    struct window window = choose(messages, 22, 100);
    assert_false(window.must_summarise);
    assert_int_equal(window.summary, 20);
    assert_true(window_tells(&window, messages, 0)); /* pinned */
    assert_false(window_tells(&window, messages, 1));
    assert_false(window_tells(&window, messages, 14));
    assert_true(window_tells(&window, messages, 15));
    assert_true(window_tells(&window, messages, 20));
    assert_true(window_tells(&window, messages, 21));
}

static void only_the_newest_summary_is_told(void **state)
{
    struct window_message messages[6];
    fill(messages, 6);
    messages[2].stands_for = 2;
    messages[4].stands_for = 4;
    struct window window = choose(messages, 6, 100);
    assert_int_equal(window.summary, 4);
    assert_false(window_tells(&window, messages, 2));
}

/* The result of a tool stays with its call. */
static void what_belongs_together_is_not_parted(void **state)
{
    struct window_message messages[20];
    fill(messages, 20);
    struct window apart = choose(messages, 20, 100);
    messages[apart.end].is_bound = messages[apart.end + 1].is_bound = true;
    assert_int_equal(choose(messages, 20, 100).end, apart.end + 2);
}

/* However long: summarise, put the summary behind it, choose again; it ends, and all is told or
 * stood for. */
static void summarising_comes_to_an_end(void **state)
{
    for (uint32_t budget = 60; budget < 400; budget += 17) {
        struct window_message messages[200];
        size_t count = 100, rounds = 0;
        fill(messages, count);
        struct window window = choose(messages, count, budget);
        while (window.must_summarise) {
            assert_true(window.end > window.first && window.end < count);
            int64_t stands_for = messages[window.end - 1].seq;
            /* the last message stays the last */
            messages[count] = messages[count - 1];
            messages[count].seq++;
            messages[count - 1] = (struct window_message){
                .seq = (int64_t)count, .tokens = SUMMARY, .stands_for = stands_for};
            count++;
            assert_true(++rounds < 100);
            window = choose(messages, count, budget);
        }
        uint32_t told = 0;
        int64_t covered = window.summary < 0 ? 0 : messages[window.summary].stands_for;
        for (size_t i = 0; i < count; i++) {
            bool tells = window_tells(&window, messages, i);
            if (tells) told += messages[i].tokens;
            assert_true(tells || messages[i].seq <= covered || messages[i].stands_for > 0);
        }
        assert_true(told <= budget);
    }
}

static void what_can_never_fit_is_said(void **state)
{
    struct window_message messages[3];
    struct window window;
    fill(messages, 3);
    messages[2].tokens = 1000;
    assert_status(window_choose(messages, 3, 500, SUMMARY, &window, &fault), STATUS_TOO_LARGE);
    assert_string_equal(fault.param, "messages");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_told_whole),
        cmocka_unit_test(what_does_not_fit_is_summarised_first),
        cmocka_unit_test(a_summary_stands_for_what_it_summarises),
        cmocka_unit_test(only_the_newest_summary_is_told),
        cmocka_unit_test(what_belongs_together_is_not_parted),
        cmocka_unit_test(summarising_comes_to_an_end),
        cmocka_unit_test(what_can_never_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
