/* regular_test.c - patterns as ECMAScript means them (vectors made by
 * tests/oracle/grammar_pattern.mjs), and the algebra of languages. */
#include "inference/grammar/regular.h"

#include <jansson.h>

#include "base/test_support.h"

#define VECTORS LIMINAL_SOURCE_DIR "/tests/vectors/grammar/pattern.json"

static struct arena job;

static int make_arena(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int drop_arena(void **state)
{
    arena_deinit(&job);
    return 0;
}

static struct regular *pattern(const char *source)
{
    struct regular *language = NULL;
    struct fault fault;
    assert_ok(regular_pattern(&language, text_of(source), &job, &fault), &fault);
    return language;
}

static void patterns_find_what_ecmascript_finds(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool found;
    } cases[] = {
        {"", "", true},
        {"b", "abc", true},
        {"^b", "abc", false},
        {"^a.c$", "abc", true},
        {"^a.c$", "a\nc", false},
        {"^a.c$",
         "a\xc3\xa4"
         "c",
         true},
        {"^a.c$",
         "a\xf0\x9f\x98\x80"
         "c",
         true},
        {"^(a|bc)+$", "abcbca", true},
        {"^(a|bc)+$", "abcb", false},
        {"a|^b$|c", "xxb", false},
        {"a|^b$|c", "b", true},
        {"^a{2,3}$", "a", false},
        {"^a{2,3}$", "aaa", true},
        {"^a{2,3}$", "aaaa", false},
        {"^a{2,}b{0}c{1}$", "aaac", true},
        {"^x*?y+?$", "xxyy", true},
        {"^[^a-c\\d]+$", "xyz", true},
        {"^[^a-c\\d]+$", "xyz1", false},
        {"^[\\w-]+$", "a-b_9", true},
        {"^[\\]\\\\-]$", "-", true},
        {"^[\\]\\\\-]$", "]", true},
        {"^[\\]\\\\-]$", "[", false},
        {"^\\S+\\s\\S+$",
         "a\xc2\xa0"
         "b",
         true},
        {"^\\u0041\\x42\\u{43}$", "ABC", true},
        {"^\\ud83d\\ude00$", "\xf0\x9f\x98\x80", true},
        {"^(?:a)(?<name>b)$", "ab", true},
        {"^(?!foo)[a-z]+$", "food", false},
        {"^(?!foo)[a-z]+$", "fod", true},
        {"^(?=.*\\d)(?=.*[a-z]).{3,}$", "a1", false},
        {"^(?=.*\\d)(?=.*[a-z]).{3,}$", "a1-", true},
        {"^(?!a)b|^c$", "c", true},
        {"(^a|b)$", "ab", true},
        {"x{a}", "x{a}", true},
        {"^$", "", true},
        {"^$", "a", false},
        {"a^", "a", false},
        {"$a", "a", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (regular_accepts(pattern(cases[i].pattern), text_of(cases[i].text)) != cases[i].found)
            fail_msg("/%s/ and \"%s\"", cases[i].pattern, cases[i].text);
}

/* Each row: a pattern, texts it is found in, texts it is not. */
static void looking_around_equals_javascript(void **state)
{
    json_error_t error;
    json_t *rows = json_load_file(VECTORS, 0, &error), *row, *text;
    size_t i, j, tried = 0;
    if (!rows) fail_msg("%s: %s", VECTORS, error.text);
    json_array_foreach(rows, i, row)
    {
        const char *source = json_string_value(json_object_get(row, "pattern"));
        const struct regular *language = pattern(source);
        for (int found = 0; found < 2; found++) {
            json_array_foreach(json_object_get(row, found ? "yes" : "no"), j, text)
            {
                struct text t = {json_string_value(text), json_string_length(text)};
                if (regular_accepts(language, t) != found)
                    fail_msg("/%s/ and '%.*s': RegExp says %d", source, TEXT_FORMAT(t), found);
                tried++;
            }
        }
    }
    print_message("%zu patterns, %zu texts\n", json_array_size(rows), tried);
    assert_true(json_array_size(rows) > 300 && tried > 5000);
    json_decref(rows);
}

static void what_is_no_regular_language_is_refused(void **state)
{
    static const struct {
        const char *pattern;
        enum status status;
    } cases[] = {
        {"(a)\\1", STATUS_UNSUPPORTED},
        {"a(?=\\b)", STATUS_UNSUPPORTED},
        {"(?<=a(?!b))b", STATUS_UNSUPPORTED},
        {"(?<=a$)", STATUS_UNSUPPORTED},
        {"\\p{Script=Greek}", STATUS_UNSUPPORTED},
        {"(?=a", STATUS_INVALID},
        {"(?i)a", STATUS_UNSUPPORTED},
        {"(", STATUS_INVALID},
        {")", STATUS_INVALID},
        {"[b-a]", STATUS_INVALID},
        {"*a", STATUS_INVALID},
        {"a{3,2}", STATUS_INVALID},
        {"[a", STATUS_INVALID},
        {"a\\", STATUS_INVALID},
        {"\\u12", STATUS_INVALID},
        {"a{10001}", STATUS_TOO_LARGE},
        {"(a|b)*a(a|b){20}$", STATUS_TOO_LARGE},
        {"((a{100}){100}){100}", STATUS_TOO_LARGE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct regular *language;
        struct fault fault = {.status = OK};
        enum status status = regular_pattern(&language, text_of(cases[i].pattern), &job, &fault);
        if (status != cases[i].status || fault.message[0] == '\0')
            fail_msg("/%s/: %s", cases[i].pattern, status_name(status));
    }
}

static void languages_combine(void **state)
{
    struct regular *words = pattern("^[a-z]+$"), *with_x = pattern("x"), *both, *only, *either;
    struct fault fault;
    assert_ok(regular_combine(&both, words, with_x, REGULAR_BOTH, &job, &fault), &fault);
    assert_ok(regular_combine(&only, words, with_x, REGULAR_FIRST_ONLY, &job, &fault), &fault);
    assert_ok(regular_combine(&either, words, with_x, REGULAR_EITHER, &job, &fault), &fault);
    static const char *const texts[] = {"", "a", "x", "axb", "1x", "1"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct text text = text_of(texts[i]);
        bool a = regular_accepts(words, text), b = regular_accepts(with_x, text);
        assert_int_equal(regular_accepts(both, text), a && b);
        assert_int_equal(regular_accepts(only, text), a && !b);
        assert_int_equal(regular_accepts(either, text), a || b);
    }
    struct regular *nothing;
    assert_ok(regular_combine(&nothing, both, only, REGULAR_BOTH, &job, &fault), &fault);
    assert_true(regular_is_empty(nothing));
    assert_true(regular_accepts_all(pattern(""), 0));
}

static void lengths_count_characters(void **state)
{
    struct regular *length;
    struct fault fault;
    assert_ok(regular_length(&length, 2, 3, &job, &fault), &fault);
    assert_false(regular_accepts(length, TEXT("a")));
    assert_true(regular_accepts(length, TEXT("a\xc3\xa4")));
    assert_true(regular_accepts(length, TEXT("abc")));
    assert_false(regular_accepts(length, TEXT("abcd")));
    assert_ok(regular_length(&length, 2, SIZE_MAX, &job, &fault), &fault);
    assert_false(regular_accepts(length, TEXT("a")));
    assert_true(regular_accepts(length, TEXT("abcdefgh")));
    assert_ok(regular_length(&length, 3, 2, &job, &fault), &fault);
    assert_true(regular_is_empty(length));
    assert_status(regular_length(&length, 0, 1000000, &job, &fault), STATUS_TOO_LARGE);
}

static void exact_texts(void **state)
{
    struct text texts[] = {TEXT("b"), TEXT("abc"), TEXT("ab"), TEXT("")};
    struct regular *language;
    struct fault fault;
    assert_ok(regular_texts(&language, texts, ARRAY_COUNT(texts), &job, &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        assert_true(regular_accepts(language, texts[i]));
    assert_false(regular_accepts(language, TEXT("a")));
    assert_false(regular_accepts(language, TEXT("abcd")));
    assert_ok(regular_texts(&language, NULL, 0, &job, &fault), &fault);
    assert_true(regular_is_empty(language));
}

static void the_fewest_states(void **state)
{
    assert_int_equal(pattern("")->state_count, 1);
    assert_int_equal(pattern("^(ab|cb|db)$")->state_count, 3);
    assert_int_equal(pattern("^(a|ab|abc|abcc)(c|)$")->state_count,
                     pattern("^ac?$|^abc{0,3}$")->state_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_find_what_ecmascript_finds),
        cmocka_unit_test(looking_around_equals_javascript),
        cmocka_unit_test(what_is_no_regular_language_is_refused),
        cmocka_unit_test(languages_combine),
        cmocka_unit_test(lengths_count_characters),
        cmocka_unit_test(exact_texts),
        cmocka_unit_test(the_fewest_states),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
