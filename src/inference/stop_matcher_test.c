/* stop_matcher_test.c - every way to cut a text into pieces must show the same. */
#include "inference/stop_matcher.h"

#include <string.h>

#include "base/test_support.h"

/* Feed `text` in pieces whose cuts are the bits of `cuts`; what was shown, in `shown`. */
static bool feed(const struct text *stops, size_t count, struct text text, unsigned cuts,
                 struct buffer *shown)
{
    struct stop_matcher matcher;
    stop_matcher_init(&matcher, stops, count);
    bool found = false;
    size_t from = 0;
    for (size_t i = 1; i <= text.length && !found; i++) {
        if (i < text.length && !(cuts >> (i - 1) & 1)) continue;
        found = stop_matcher_add(&matcher, text_slice(text, from, i), shown);
        from = i;
    }
    if (!found) stop_matcher_finish(&matcher, shown);
    stop_matcher_deinit(&matcher);
    return found;
}

static void expect(const struct text *stops, size_t count, const char *text, const char *shown,
                   bool found)
{
    struct text t = text_of(text);
    assert_true(t.length <= 13);
    for (unsigned cuts = 0; cuts < 1u << (t.length ? t.length - 1 : 0); cuts++) {
        struct buffer out;
        buffer_init(&out);
        assert_int_equal(feed(stops, count, t, cuts, &out), found);
        assert_true(text_equal(buffer_text(&out), text_of(shown)));
        buffer_deinit(&out);
    }
}

static void a_stop_string_never_shows_however_it_arrives(void **state)
{
    const struct text stop[] = {{"END", 3}};
    expect(stop, 1, "abENDcd", "ab", true);
    expect(stop, 1, "END", "", true);
    expect(stop, 1, "EENEND", "EEN", true);
}

static void what_only_looked_like_one_is_shown(void **state)
{
    const struct text stop[] = {{"END", 3}};
    expect(stop, 1, "abENcdE", "abENcdE", false);
    expect(stop, 1, "", "", false);
    expect(stop, 1, "EN", "EN", false);
}

static void several_and_overlapping(void **state)
{
    const struct text stops[] = {{"aab", 3}, {"\n\n", 2}, {"User:", 5}};
    expect(stops, 3, "aaab", "a", true);
    expect(stops, 3, "x\ny\n\nz", "x\ny", true);
    expect(stops, 3, "hi User: x", "hi ", true);
    expect(stops, 3, "UserUser", "UserUser", false);
}

static void held_text_is_released_as_soon_as_it_is_safe(void **state)
{
    const struct text stop[] = {{"END", 3}};
    struct stop_matcher matcher;
    struct buffer out;
    buffer_init(&out);
    stop_matcher_init(&matcher, stop, 1);
    assert_false(stop_matcher_add(&matcher, TEXT("abE"), &out));
    assert_string_equal(out.data, "ab");
    assert_false(stop_matcher_add(&matcher, TEXT("x"), &out));
    assert_string_equal(out.data, "abEx");
    stop_matcher_deinit(&matcher);
    buffer_deinit(&out);
}

static void without_stop_strings_all_passes(void **state)
{
    expect(NULL, 0, "anything", "anything", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_string_never_shows_however_it_arrives),
        cmocka_unit_test(what_only_looked_like_one_is_shown),
        cmocka_unit_test(several_and_overlapping),
        cmocka_unit_test(held_text_is_released_as_soon_as_it_is_safe),
        cmocka_unit_test(without_stop_strings_all_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
