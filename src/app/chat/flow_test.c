/* flow_test.c - words at the edge of a terminal. */
#include "app/chat/flow.h"

#include <locale.h>
#include <stdlib.h>

#include "base/test_support.h"

/* What a terminal of `width` columns gets when `pieces` arrive one after the other. */
static void check(size_t width, const char *const *pieces, const char *expected)
{
    char *shown = NULL;
    size_t length;
    FILE *out = open_memstream(&shown, &length);
    struct flow flow;
    flow_init(&flow, out);
    flow.width = width;
    for (; *pieces; pieces++) flow_write(&flow, text_of(*pieces));
    flow_finish(&flow);
    flow_deinit(&flow);
    fclose(out);
    assert_string_equal(shown, expected);
    free(shown);
}

#define PIECES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void words_are_not_broken(void **state)
{
    check(10, PIECES("The quick brown fox"), "The quick\nbrown fox\n");
    check(10, PIECES("The qu", "ick br", "own", " f", "ox"), "The quick\nbrown fox\n");
    check(9, PIECES("The quick brown"), "The quick\nbrown\n");
}

static void lines_and_indents_stay(void **state)
{
    check(20, PIECES("a\n\n  b\n", "c"), "a\n\n  b\nc\n");
    check(20, PIECES("one\n"), "one\n");
    check(20, PIECES("    x = 1"), "    x = 1\n");
    check(20, PIECES(""), "");
}

static void long_words_are_broken_after_all(void **state)
{
    check(4, PIECES("abcdefghij"), "abcd\nefgh\nij\n");
}

static void wide_characters_take_two_columns(void **state)
{
    check(6, PIECES("日本語日本語"), "日本語\n日本語\n");
}

static void without_an_edge_text_passes_at_once(void **state)
{
    check(0, PIECES("The quick", " brown fox jumps"), "The quick brown fox jumps\n");
    check(0, PIECES("line\n"), "line\n");
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_not_broken),
        cmocka_unit_test(lines_and_indents_stay),
        cmocka_unit_test(long_words_are_broken_after_all),
        cmocka_unit_test(wide_characters_take_two_columns),
        cmocka_unit_test(without_an_edge_text_passes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
