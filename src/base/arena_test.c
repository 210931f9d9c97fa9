/* arena_test.c - alignment, zeroing, the budget, and overflow. */
#include "base/arena.h"

#include "base/test_support.h"

static void blocks_are_aligned_zeroed_and_apart(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    unsigned char *last = NULL;
    for (size_t size = 1; size < 5000; size += 37) {
        unsigned char *block = arena_alloc(&arena, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(block[i], 0);
        memset(block, 0xAB, size);
        assert_ptr_not_equal(block, last);
        last = block;
    }
    arena_deinit(&arena);
    assert_int_equal(arena.used_bytes, 0);
}

static void the_budget_and_overflow_give_null(void **state)
{
    struct arena arena;
    arena_init(&arena, 100);
    assert_non_null(arena_alloc(&arena, 64));
    assert_null(arena_alloc(&arena, 64));
    assert_non_null(arena_alloc(&arena, 32));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    arena_deinit(&arena);
}

static void texts_are_copied_and_formatted(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(arena_copy(&arena, "hello world", 5), "hello");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "a", 1), "a-1");
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(the_budget_and_overflow_give_null),
        cmocka_unit_test(texts_are_copied_and_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
