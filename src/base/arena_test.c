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

static void what_is_rewound_is_handed_out_again(void **state)
{
    struct arena arena;
    arena_init(&arena, 40 << 20);
    char *kept = arena_copy(&arena, "kept", 4);
    for (int round = 0; round < 20; round++) {
        struct arena_mark mark = arena_mark(&arena);
        for (size_t bytes = 1; bytes < 4 << 20; bytes *= 2) {
            unsigned char *block = arena_alloc(&arena, bytes);
            assert_non_null(block);
            for (size_t i = 0; i < bytes; i += 61) assert_int_equal(block[i], 0);
            memset(block, 0xAB, bytes);
            struct arena_mark inner = arena_mark(&arena);
            assert_non_null(arena_alloc(&arena, 2 << 20));
            arena_rewind(&arena, inner);
        }
        arena_rewind(&arena, mark);
        assert_int_equal(arena.used_bytes, 16);
    }
    assert_string_equal(kept, "kept");
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(the_budget_and_overflow_give_null),
        cmocka_unit_test(texts_are_copied_and_formatted),
        cmocka_unit_test(what_is_rewound_is_handed_out_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
