/* kv_pages_test.c - the budget is kept, references are counted, freed pages come back. */
#include "inference/kv_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { PAGE_BYTES = 1000, PAGES = 5 };

static struct kv_pages *open_pages(void)
{
    struct kv_pages *pages = NULL;
    struct fault fault;
    assert_int_equal(kv_pages_open(&pages, PAGE_BYTES, 1024 * PAGES + 1023, &fault), OK);
    assert_int_equal(kv_pages_count(pages), PAGES);
    return pages;
}

static void the_budget_bounds_the_pages(void **state)
{
    struct kv_pages *pages = open_pages();
    unsigned char *taken[PAGES];
    for (int i = 0; i < PAGES; i++) {
        taken[i] = kv_page_new(pages);
        assert_non_null(taken[i]);
        assert_int_equal((size_t)taken[i] % 64, 0);
        memset(taken[i], i, PAGE_BYTES);
    }
    assert_null(kv_page_new(pages));
    assert_int_equal(kv_pages_free(pages), 0);
    for (int i = 0; i < PAGES; i++) assert_int_equal(taken[i][PAGE_BYTES - 1], i);

    kv_page_release(pages, taken[2]);
    assert_int_equal(kv_pages_used(pages), PAGES - 1);
    assert_ptr_equal(kv_page_new(pages), taken[2]);
    kv_pages_close(pages);
}

static void a_shared_page_lives_until_its_last_owner_leaves(void **state)
{
    struct kv_pages *pages = open_pages();
    void *page = kv_page_new(pages);
    kv_page_share(pages, page);
    assert_int_equal(kv_page_references(pages, page), 2);
    kv_page_release(pages, page);
    assert_int_equal(kv_pages_used(pages), 1);
    kv_page_release(pages, page);
    assert_int_equal(kv_pages_used(pages), 0);
    kv_pages_close(pages);
}

static void impossible_budgets_are_refused(void **state)
{
    struct kv_pages *pages = NULL;
    struct fault fault;
    assert_int_equal(kv_pages_open(&pages, PAGE_BYTES, 1023, &fault), STATUS_NO_MEMORY);
    assert_non_null(strstr(fault.message, "1023 bytes"));
    assert_int_equal(kv_pages_open(&pages, (size_t)1 << 46, UINT64_MAX, &fault), STATUS_NO_MEMORY);
    assert_non_null(strstr(fault.message, "lower its budget"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_bounds_the_pages),
        cmocka_unit_test(a_shared_page_lives_until_its_last_owner_leaves),
        cmocka_unit_test(impossible_budgets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
