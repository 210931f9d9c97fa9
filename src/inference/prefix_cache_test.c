/* prefix_cache_test.c - what is found, copied and given up, and that no page is lost, given twice,
 * or shared with whom it does not concern. The books are checked after every operation. */
#include "inference/prefix_cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test_support.h"
#include "compute/compute.h"

enum { PAGES = 8, POOL_MOST = 24, T = KV_PAGE_TOKENS };

static const struct hash_key KEY = {{1, 2}};
static struct kv_pages *pool; /* the cache's, to look into */

static struct prefix_cache *open_cache(uint32_t page_count)
{
    struct prefix_cache *cache;
    struct fault fault;
    assert_true(page_count <= POOL_MOST);
    assert_ok(kv_pages_open(&pool, 64, 64u * page_count, &fault), &fault);
    assert_ok(prefix_cache_new(&cache, pool, &KEY, &fault), &fault);
    return cache;
}

/* A sequence whose tokens are one letter for each page, but for the last, which may be shorter and
 * of other letters: "ab+xyz" is a page of a, a page of b, and three tokens. */
struct sequence {
    struct prefix prefix;
    int32_t tokens[PAGES * T];
    void *pages[PAGES];
    uint32_t page_count;
};

enum { LIVE = 5 };
static struct sequence live[LIVE]; /* all that may hold pages */

static void audit(struct prefix_cache *cache)
{
    uint32_t holders[POOL_MOST] = {0};
    for (int i = 0; i < LIVE; i++)
        for (uint32_t p = 0; p < live[i].page_count; p++)
            holders[kv_page_number(pool, live[i].pages[p])]++;
    prefix_cache_audit(cache, holders);
}

static void set_tokens(struct sequence *sequence, const char *text)
{
    uint32_t count = 0;
    *sequence = (struct sequence){.prefix = {.scope = sequence->prefix.scope}};
    for (; *text && *text != '+'; text++)
        for (int i = 0; i < T; i++) sequence->tokens[count++] = (unsigned char)*text;
    if (*text == '+')
        while (*++text) sequence->tokens[count++] = (unsigned char)*text;
    sequence->prefix.tokens = sequence->tokens;
    sequence->prefix.pages = sequence->pages;
    sequence->prefix.count = count;
}

/* How many tokens are known. */
static uint32_t find(struct prefix_cache *cache, struct sequence *sequence, const char *text)
{
    set_tokens(sequence, text);
    prefix_cache_find(cache, &sequence->prefix);
    sequence->page_count = sequence->prefix.known;
    uint32_t found = sequence->page_count * T;
    if (found < sequence->prefix.count) {
        uint32_t part = prefix_cache_find_part(cache, &sequence->prefix);
        sequence->page_count += part > 0;
        found += part;
    }
    audit(cache);
    return found;
}

/* Find what is known, take the rest, let it be known. Returns how many tokens were found. */
static uint32_t compute_sequence(struct prefix_cache *cache, struct sequence *sequence,
                                 const char *text)
{
    uint32_t found = find(cache, sequence, text);
    while (sequence->page_count * T < sequence->prefix.count) {
        void *page = prefix_cache_take(cache);
        assert_non_null(page);
        sequence->pages[sequence->page_count++] = page;
    }
    prefix_cache_add(cache, &sequence->prefix);
    audit(cache);
    return found;
}

static void release(struct prefix_cache *cache, struct sequence *sequence)
{
    while (sequence->page_count > 0)
        prefix_cache_release(cache, sequence->pages[--sequence->page_count]);
    sequence->prefix.known = 0;
    audit(cache);
}

static int forget_sequences(void **state)
{
    memset(live, 0, sizeof live);
    return 0;
}

static struct sequence *const FIRST = &live[0], *const SECOND = &live[1], *const THIRD = &live[2];

static void close_cache(struct prefix_cache *cache)
{
    for (int i = 0; i < LIVE; i++) release(cache, &live[i]);
    assert_int_equal(prefix_cache_held(cache), 0);
    assert_int_equal(prefix_cache_available(cache), prefix_cache_pages(cache));
    prefix_cache_free(cache);
}

/* ---- full pages ---- */

static void a_beginning_is_found_again(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    assert_int_equal(compute_sequence(cache, FIRST, "abc"), 0);
    assert_int_equal(compute_sequence(cache, SECOND, "abd"), 2 * T); /* while the first lives */
    assert_ptr_equal(FIRST->pages[1], SECOND->pages[1]);
    assert_int_equal(prefix_cache_held(cache), 4);
    release(cache, FIRST);
    release(cache, SECOND);
    assert_int_equal(prefix_cache_held(cache), 0);
    assert_int_equal(prefix_cache_kept(cache), 4);
    assert_int_equal(compute_sequence(cache, THIRD, "abde"), 3 * T); /* and after */
    assert_int_equal(prefix_cache_kept(cache), 1);
    close_cache(cache);
}

static void the_same_page_after_another_is_another(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "aab");
    assert_int_equal(compute_sequence(cache, SECOND, "ab"), T);
    close_cache(cache);
}

static void twins_become_one(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    set_tokens(FIRST, "ab");
    set_tokens(SECOND, "abc");
    for (; FIRST->page_count < 2; FIRST->page_count++)
        FIRST->pages[FIRST->page_count] = prefix_cache_take(cache);
    for (; SECOND->page_count < 3; SECOND->page_count++)
        SECOND->pages[SECOND->page_count] = prefix_cache_take(cache);
    assert_int_equal(prefix_cache_held(cache), 5);
    prefix_cache_add(cache, &FIRST->prefix);
    prefix_cache_add(cache, &SECOND->prefix);
    audit(cache);
    assert_int_equal(prefix_cache_held(cache), 3);
    assert_ptr_equal(FIRST->pages[1], SECOND->pages[1]);
    release(cache, FIRST);
    assert_int_equal(prefix_cache_held(cache), 3);
    close_cache(cache);
}

static void nobody_finds_the_pages_of_another_scope(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "ab+xyz");
    SECOND->prefix.scope.tenant = 1;
    assert_int_equal(compute_sequence(cache, SECOND, "ab+xyz"), 0);
    THIRD->prefix.scope.adapters = 1;
    assert_int_equal(find(cache, THIRD, "ab+xyz"), 0);
    assert_int_equal(find(cache, &live[3], "ab+xyz"), 2 * T + 3);
    live[4].prefix.scope.tenant = 1;
    assert_int_equal(find(cache, &live[4], "ab+xyz"), 2 * T + 3);
    assert_ptr_not_equal(live[3].pages[0], live[4].pages[0]);
    close_cache(cache);
}

/* ---- parts of pages ---- */

static void a_part_is_copied_while_somebody_has_it(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "a+xyz");
    snprintf(FIRST->pages[1], 64, "what x, y and z are");
    assert_int_equal(find(cache, SECOND, "a+xyq"), T + 2);
    assert_ptr_equal(FIRST->pages[0], SECOND->pages[0]);
    assert_ptr_not_equal(FIRST->pages[1], SECOND->pages[1]);
    assert_string_equal(SECOND->pages[1], "what x, y and z are");
    close_cache(cache);
}

static void a_part_that_nobody_has_is_taken_over(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "a+xyz");
    void *part = FIRST->pages[1];
    release(cache, FIRST);
    assert_int_equal(find(cache, SECOND, "a+xyzab"), T + 3);
    assert_ptr_equal(SECOND->pages[1], part);
    release(cache, SECOND); /* without a word of what it wrote: it is forgotten */
    assert_int_equal(find(cache, THIRD, "a+xyzab"), T);
    close_cache(cache);
}

static void the_beginning_of_a_full_page_is_copied(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "ab");
    assert_int_equal(find(cache, SECOND, "a+bbbc"), T + 3);
    assert_ptr_not_equal(FIRST->pages[1], SECOND->pages[1]);
    release(cache, FIRST);
    assert_int_equal(find(cache, THIRD, "a+bb"), T + 2); /* also when nobody holds it */
    assert_int_equal(find(cache, &live[3], "ab"), 2 * T);
    close_cache(cache);
}

static void the_most_alike_is_chosen(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "a+x");
    compute_sequence(cache, SECOND, "a+xyz");
    compute_sequence(cache, THIRD, "a+xyq");
    assert_int_equal(find(cache, &live[3], "a+xyzab"), T + 3);
    assert_int_equal(find(cache, &live[4], "a+q"), T);
    close_cache(cache);
}

/* Its writer goes on: what it had is known, then more, then the whole page. */
static void a_part_grows(void **state)
{
    struct prefix_cache *cache = open_cache(PAGES);
    compute_sequence(cache, FIRST, "a+xyz");
    void *page = FIRST->pages[1];
    for (uint32_t more = T + 4; more <= 2 * T; more++) {
        FIRST->tokens[more - 1] = 'w';
        FIRST->prefix.count = more;
        prefix_cache_add(cache, &FIRST->prefix);
        audit(cache);
        assert_int_equal(find(cache, SECOND, "a+xyzwwwwwwwwwwwww"), more);
        release(cache, SECOND);
    }
    assert_int_equal(FIRST->prefix.known, 2);
    assert_ptr_equal(FIRST->pages[1], page);
    close_cache(cache);
}

static void without_a_page_nothing_is_copied(void **state)
{
    struct prefix_cache *cache = open_cache(2);
    compute_sequence(cache, FIRST, "a+xyz");
    assert_int_equal(find(cache, SECOND, "a+xyz"), T);
    close_cache(cache);
}

/* ---- room ---- */

static void the_longest_unused_goes_first_and_from_its_end(void **state)
{
    struct prefix_cache *cache = open_cache(6);
    compute_sequence(cache, FIRST, "abc");
    release(cache, FIRST);
    compute_sequence(cache, SECOND, "xyz");
    release(cache, SECOND);
    compute_sequence(cache, THIRD, "123"); /* at the cost of the first */
    assert_int_equal(prefix_cache_evictions(cache), 3);
    assert_int_equal(find(cache, FIRST, "abc"), 0);
    assert_int_equal(find(cache, SECOND, "xyz"), 3 * T);
    assert_null(prefix_cache_take(cache)); /* all are held */
    assert_int_equal(prefix_cache_available(cache), 0);
    release(cache, SECOND);
    void *page = prefix_cache_take(cache); /* only the end of "xyz" is lost */
    prefix_cache_release(cache, page);
    assert_int_equal(find(cache, SECOND, "xyz"), 2 * T);
    close_cache(cache);
}

/* Random sequences come, grow and go, far more than fit; what is found must hold what was written
 * for these tokens and all before them. */
static void write_page(struct sequence *sequence, uint32_t page, uint32_t from)
{
    /* Each token's byte depends on all tokens up to it. */
    unsigned char *bytes = sequence->pages[page];
    for (uint32_t i = from; i < T && page * T + i < sequence->prefix.count; i++)
        bytes[i] =
            (unsigned char)keyed_hash(&KEY, sequence->tokens, (page * T + i + 1) * sizeof(int32_t))
                .words[0];
}

static void expect_written(struct sequence *sequence, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *bytes = sequence->pages[i / T];
        unsigned char wanted =
            (unsigned char)keyed_hash(&KEY, sequence->tokens, (i + 1) * sizeof(int32_t)).words[0];
        assert_int_equal(bytes[i % T], wanted);
    }
}

static void random_text(char *text)
{
    int length = rand() % 5, part = rand() % T;
    for (int i = 0; i < length; i++) *text++ = (char)('a' + rand() % 3);
    if (length == 0 || part > 0) {
        *text++ = '+';
        for (int i = 0; i <= part; i++) *text++ = (char)('a' + rand() % 2);
    }
    *text = '\0';
}

static void pages_are_never_mixed_up(void **state)
{
    enum { ROUNDS = 20000 };
    struct prefix_cache *cache = open_cache(POOL_MOST);
    uint64_t found_in_all = 0, parts = 0;
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct sequence *sequence = &live[rand() % LIVE];
        char text[32];
        release(cache, sequence);
        random_text(text);
        uint32_t found = find(cache, sequence, text);
        found_in_all += found;
        parts += found % T != 0;
        expect_written(sequence, found);
        for (uint32_t page = found / T; page * T < sequence->prefix.count; page++) {
            if (page == sequence->page_count) {
                sequence->pages[page] = prefix_cache_take(cache);
                assert_non_null(sequence->pages[page]);
                sequence->page_count++;
            }
            write_page(sequence, page, page == found / T ? found % T : 0);
        }
        if (rand() % 4) prefix_cache_add(cache, &sequence->prefix);
        expect_written(sequence, sequence->prefix.count);
        audit(cache);
    }
    assert_true(found_in_all > 100000 && parts > 1000);
    close_cache(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_beginning_is_found_again, forget_sequences),
        cmocka_unit_test_setup(the_same_page_after_another_is_another, forget_sequences),
        cmocka_unit_test_setup(twins_become_one, forget_sequences),
        cmocka_unit_test_setup(nobody_finds_the_pages_of_another_scope, forget_sequences),
        cmocka_unit_test_setup(a_part_is_copied_while_somebody_has_it, forget_sequences),
        cmocka_unit_test_setup(a_part_that_nobody_has_is_taken_over, forget_sequences),
        cmocka_unit_test_setup(the_beginning_of_a_full_page_is_copied, forget_sequences),
        cmocka_unit_test_setup(the_most_alike_is_chosen, forget_sequences),
        cmocka_unit_test_setup(a_part_grows, forget_sequences),
        cmocka_unit_test_setup(without_a_page_nothing_is_copied, forget_sequences),
        cmocka_unit_test_setup(the_longest_unused_goes_first_and_from_its_end, forget_sequences),
        cmocka_unit_test_setup(pages_are_never_mixed_up, forget_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
