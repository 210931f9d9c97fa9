/* prefix_cache_test.c - what is found, what is given up, and that no page is lost or given twice.
 */
#include "inference/prefix_cache.h"

#include <stdlib.h>

#include "base/test_support.h"
#include "compute/compute.h"

enum { PAGES = 8, T = KV_PAGE_TOKENS };

static struct prefix_cache *open_cache(uint32_t page_count)
{
    struct kv_pages *pages;
    struct prefix_cache *cache;
    struct fault fault;
    assert_ok(kv_pages_open(&pages, 64, 64u * page_count, &fault), &fault);
    assert_ok(prefix_cache_new(&cache, pages, &fault), &fault);
    return cache;
}

/* A sequence of whole pages whose tokens are page_tokens[i] all over. */
struct sequence {
    int32_t tokens[PAGES * T];
    void *pages[PAGES];
    uint32_t count;
};

static void set_tokens(struct sequence *sequence, const char *page_tokens)
{
    sequence->count = (uint32_t)strlen(page_tokens);
    for (uint32_t i = 0; i < sequence->count * T; i++)
        sequence->tokens[i] = (unsigned char)page_tokens[i / T];
}

/* Find what is known, take the rest, remember all. Returns how many were found. */
static uint32_t compute_sequence(struct prefix_cache *cache, struct sequence *sequence,
                                 const char *page_tokens)
{
    set_tokens(sequence, page_tokens);
    uint32_t found =
        prefix_cache_find(cache, sequence->tokens, sequence->count * T, sequence->pages);
    for (uint32_t i = found; i < sequence->count; i++) {
        sequence->pages[i] = prefix_cache_take(cache);
        assert_non_null(sequence->pages[i]);
    }
    prefix_cache_add(cache, sequence->tokens, sequence->pages, sequence->count);
    return found;
}

static void release(struct prefix_cache *cache, struct sequence *sequence)
{
    while (sequence->count > 0) prefix_cache_release(cache, sequence->pages[--sequence->count]);
}

static void a_beginning_is_found_again(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    struct sequence first, second, third;
    assert_int_equal(compute_sequence(cache, &first, "abc"), 0);
    assert_int_equal(compute_sequence(cache, &second, "abd"), 2); /* while the first lives */
    assert_ptr_equal(first.pages[1], second.pages[1]);
    assert_int_equal(prefix_cache_held(cache), 4);
    release(cache, &first);
    release(cache, &second);
    assert_int_equal(prefix_cache_held(cache), 0);
    assert_int_equal(prefix_cache_kept(cache), 4);
    assert_int_equal(compute_sequence(cache, &third, "abde"), 3); /* and after */
    assert_int_equal(prefix_cache_kept(cache), 1);
    release(cache, &third);
    prefix_cache_free(cache);
}

static void the_same_page_after_another_is_another(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    struct sequence first, second;
    compute_sequence(cache, &first, "aab");
    assert_int_equal(compute_sequence(cache, &second, "ab"), 1);
    release(cache, &second);
    release(cache, &first);
    prefix_cache_free(cache);
}

static void only_whole_pages_count(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    struct sequence first;
    void *pages[PAGES];
    compute_sequence(cache, &first, "ab");
    assert_int_equal(prefix_cache_find(cache, first.tokens, 2 * T - 1, pages), 1);
    prefix_cache_release(cache, pages[0]);
    assert_int_equal(prefix_cache_find(cache, first.tokens, T - 1, pages), 0);
    release(cache, &first);
    prefix_cache_free(cache);
}

static void twins_become_one(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    struct sequence first, second;
    set_tokens(&first, "ab");
    set_tokens(&second, "abc");
    for (uint32_t i = 0; i < first.count; i++) first.pages[i] = prefix_cache_take(cache);
    for (uint32_t i = 0; i < second.count; i++) second.pages[i] = prefix_cache_take(cache);
    assert_int_equal(prefix_cache_held(cache), 5);
    prefix_cache_add(cache, first.tokens, first.pages, first.count);
    prefix_cache_add(cache, second.tokens, second.pages, second.count);
    assert_int_equal(prefix_cache_held(cache), 3);
    assert_ptr_equal(first.pages[1], second.pages[1]);
    release(cache, &first);
    assert_int_equal(prefix_cache_held(cache), 3);
    release(cache, &second);
    assert_int_equal(prefix_cache_held(cache), 0);
    prefix_cache_free(cache);
}

static void the_longest_unused_goes_first_and_from_its_end(void **state)
{
    struct prefix_cache *cache = open_cache(6);
    struct sequence first, second, third;
    void *pages[PAGES];
    compute_sequence(cache, &first, "abc");
    release(cache, &first);
    compute_sequence(cache, &second, "xyz");
    release(cache, &second);
    compute_sequence(cache, &third, "123"); /* at the cost of the first */
    set_tokens(&first, "abc");
    assert_int_equal(prefix_cache_find(cache, first.tokens, 3 * T, pages), 0);
    set_tokens(&second, "xyz");
    assert_int_equal(prefix_cache_find(cache, second.tokens, 3 * T, second.pages), 3);
    assert_null(prefix_cache_take(cache)); /* all are held */
    assert_int_equal(prefix_cache_available(cache), 0);
    release(cache, &second);
    void *page = prefix_cache_take(cache); /* only the end of "xyz" is lost */
    set_tokens(&second, "xyz");
    assert_int_equal(prefix_cache_find(cache, second.tokens, 3 * T, second.pages), 2);
    second.count = 2;
    release(cache, &second);
    prefix_cache_release(cache, page);
    release(cache, &third);
    prefix_cache_free(cache);
}

/* Random sequences come and go, far more than fit; what is found must hold what was written. */
static void pages_are_never_mixed_up(void **state)
{
    enum { LIVE = 4, ROUNDS = 20000 };
    struct prefix_cache *cache = open_cache(24);
    struct sequence live[LIVE] = {{.count = 0}};
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct sequence *sequence = &live[rand() % LIVE];
        release(cache, sequence);
        char page_tokens[6] = "";
        int length = 1 + rand() % 5;
        for (int i = 0; i < length; i++) page_tokens[i] = (char)('a' + rand() % 3);
        set_tokens(sequence, page_tokens);
        uint32_t found =
            prefix_cache_find(cache, sequence->tokens, sequence->count * T, sequence->pages);
        for (uint32_t i = 0; i < sequence->count; i++) {
            if (i >= found) {
                sequence->pages[i] = prefix_cache_take(cache);
                assert_non_null(sequence->pages[i]);
                memcpy(sequence->pages[i], page_tokens, sizeof page_tokens);
            }
            assert_memory_equal(sequence->pages[i], page_tokens, i + 1); /* its whole past */
        }
        prefix_cache_add(cache, sequence->tokens, sequence->pages, sequence->count);
        for (uint32_t i = 0; i < sequence->count; i++)
            assert_memory_equal(sequence->pages[i], page_tokens, i + 1);
    }
    for (int i = 0; i < LIVE; i++) release(cache, &live[i]);
    assert_int_equal(prefix_cache_held(cache), 0);
    assert_int_equal(prefix_cache_available(cache), 24);
    prefix_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beginning_is_found_again),
        cmocka_unit_test(the_same_page_after_another_is_another),
        cmocka_unit_test(only_whole_pages_count),
        cmocka_unit_test(twins_become_one),
        cmocka_unit_test(the_longest_unused_goes_first_and_from_its_end),
        cmocka_unit_test(pages_are_never_mixed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
