/* prompt_lookup_test.c - what follows the longest and latest repetition. */
#include "inference/prompt_lookup.h"

#include <stdlib.h>

#include "base/test_support.h"

#define FIND(...)                                      \
    ({                                                 \
        static const int32_t tokens[] = {__VA_ARGS__}; \
        const size_t count = ARRAY_COUNT(tokens);      \
        prompt_lookup(tokens, count, tokens, count);   \
    })

static void nothing_repeats(void **state)
{
    assert_int_equal(FIND(1).matched, 0);
    assert_int_equal(FIND(1, 2, 3, 4, 5).matched, 0);
    assert_int_equal(FIND(7, 3, 8, 3).matched, 0); /* one token alone says nothing */
}

static void what_follows_is_found(void **state)
{
    struct lookup found = FIND(5, 6, 7, 8, 9, 5, 6);
    assert_int_equal(found.matched, 2);
    assert_int_equal(found.next, 2);
}

static void the_longest_wins_and_of_equals_the_latest(void **state)
{
    struct lookup found = FIND(1, 2, 3, 40, 0, 2, 3, 50, 0, 1, 2, 3);
    assert_int_equal(found.matched, 3);
    assert_int_equal(found.next, 3);
    found = FIND(2, 3, 40, 0, 2, 3, 50, 0, 2, 3);
    assert_int_equal(found.matched, 3); /* 0, 2, 3 */
    assert_int_equal(found.next, 6);
}

static void a_period_goes_on(void **state)
{
    struct lookup found = FIND(4, 5, 4, 5, 4, 5);
    assert_int_equal(found.next, 4); /* what follows is 4, 5 and, copied on, 4, 5, ... */
    assert_int_equal(found.matched, 4);
    assert_int_equal(FIND(9, 9, 9).next, 2);
}

static void another_text_may_be_looked_through(void **state)
{
    static const int32_t text[] = {1, 2, 3, 4, 5}, tokens[] = {9, 9, 2, 3};
    struct lookup found = prompt_lookup(text, 5, tokens, 4);
    assert_int_equal(found.matched, 2);
    assert_int_equal(found.next, 3);
    assert_int_equal(prompt_lookup(text, 3, tokens, 4).matched, 0); /* nothing follows */
}

/* Against the plainest search. */
static void random_texts(void **state)
{
    srand(1);
    for (int round = 0; round < 2000; round++) {
        int32_t tokens[60];
        size_t count = 2 + (size_t)rand() % 58;
        for (size_t i = 0; i < count; i++) tokens[i] = rand() % 4;
        struct lookup best = {.matched = 0};
        for (size_t next = 1; next < count; next++) {
            size_t matched = 0;
            while (matched < next && matched < LOOKUP_MOST &&
                   tokens[next - 1 - matched] == tokens[count - 1 - matched])
                matched++;
            if (matched >= LOOKUP_LEAST && matched >= best.matched)
                best = (struct lookup){next, matched};
        }
        struct lookup found = prompt_lookup(tokens, count, tokens, count);
        assert_int_equal(found.matched, best.matched);
        if (best.matched) assert_int_equal(found.next, best.next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_repeats),
        cmocka_unit_test(what_follows_is_found),
        cmocka_unit_test(the_longest_wins_and_of_equals_the_latest),
        cmocka_unit_test(a_period_goes_on),
        cmocka_unit_test(another_text_may_be_looked_through),
        cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
