/* target_test.c - targets taken apart, and those refused. */
#include "http/target.h"

#include "http/http_test_client.h"

static enum status parse(struct http_target *target, const char *raw, struct arena *arena)
{
    struct fault fault;
    arena_init(arena, 0);
    return target_parse(target, text_of(raw), arena, &fault);
}

static void test_paths(void **state)
{
    static const struct {
        const char *raw, *path;
        size_t segments;
    } CASES[] = {
        {"/", "/", 1},
        {"/v1/models", "/v1/models", 2},
        {"/v1/models/", "/v1/models/", 3},
        {"//a", "//a", 2},
        {"/a%20b+c", "/a b+c", 1},
        {"/org%2Frepo", "/org/repo", 1},
        {"/caf%C3%A9", "/caf\xc3\xa9", 1},
        {"/...", "/...", 1},
        {"/.hidden/x..y", "/.hidden/x..y", 2},
        {"http://host:80/a/b?c", "/a/b", 2},
        {"HTTPS://host", "/", 1},
        {"http://host?x=1", "/", 1},
        {"*", "*", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct http_target target;
        struct arena arena;
        assert_int_equal(parse(&target, CASES[i].raw, &arena), OK);
        assert_true(text_equal(target.path, text_of(CASES[i].path)));
        assert_int_equal(target.segment_count, CASES[i].segments);
        arena_deinit(&arena);
    }
}

static void test_refused(void **state)
{
    static const char *const CASES[] = {
        "a",          "host:443",    "",
        "/%",         "/%1",         "/%zz",
        "/a%00b",     "/a%0Ab",      "/a%7fb",
        "/%ff",       "/%ed%a0%80",  "/..",
        "/a/../b",    "/a/%2e%2e/b", "/a/.%2E",
        "/./a",       "/a/%2e",      "/..%2fetc%2fpasswd",
        "/a%2f..%2f", "/a#b",        "http://",
        "http:///",   "ftp://host/", "/a?b=%",
        "/a?b=%00",   "/a?%c3=1",    "/a?b=%C3%28",
        "http:/a",    "*a",          "/a%2F.",
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct http_target target;
        struct arena arena;
        if (parse(&target, CASES[i], &arena) != STATUS_INVALID) fail_msg("taken: %s", CASES[i]);
        arena_deinit(&arena);
    }
}

static void test_query(void **state)
{
    struct http_target target;
    struct arena arena;
    assert_int_equal(parse(&target, "/a?x=1&y=a+b%26c&&x=2&flag&=v&z==&e=", &arena), OK);
    assert_true(text_equal(target_query(&target, TEXT("x")), TEXT("1")));
    assert_true(text_equal(target_query(&target, TEXT("y")), TEXT("a b&c")));
    assert_true(text_equal(target_query(&target, TEXT("z")), TEXT("=")));
    assert_int_equal(target_query(&target, TEXT("flag")).length, 0);
    assert_int_equal(target_query(&target, TEXT("none")).length, 0);
    assert_int_equal(target.query_count, 7);
    arena_deinit(&arena);
}

static void test_authority(void **state)
{
    struct http_target target;
    struct arena arena;
    assert_int_equal(parse(&target, "http://h:1/a", &arena), OK);
    assert_true(text_equal(target.authority, TEXT("h:1")));
    arena_deinit(&arena);
    assert_int_equal(parse(&target, "/http://h/a", &arena), OK);
    assert_int_equal(target.authority.length, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
