/* memory_test.c - large memory is aligned, zeroed, and refused where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "platform/platform.h"

static void large_memory_begins_with_a_huge_page(void **state)
{
    const size_t sizes[] = {1, 4096, (2 << 20) - 1, 2 << 20, (5 << 20) + 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *memory = large_memory_map(sizes[i]);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % (2 << 20), 0);
        assert_int_equal(memory[0] | memory[sizes[i] - 1], 0);
        memory[0] = memory[sizes[i] - 1] = 1;
        large_memory_unmap(memory, sizes[i]);
    }
}

static void memory_that_is_not_there_is_null(void **state)
{
    assert_null(large_memory_map(0));
    assert_null(large_memory_map(SIZE_MAX));
    assert_null(large_memory_map(SIZE_MAX / 2));
    large_memory_unmap(NULL, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_memory_begins_with_a_huge_page),
        cmocka_unit_test(memory_that_is_not_there_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
