/* route_test.c - which route a path finds. */
#include "http/route.h"

#include "http/http_test_client.h"

static void handle(struct http_exchange *exchange, void *context)
{
}

static const struct http_route ROUTES[] = {
    {"GET", "/", handle, NULL},
    {"GET", "/v1/models", handle, NULL},
    {"GET", "/v1/models/default", handle, NULL},
    {"GET", "/v1/models/{id}", handle, NULL},
    {"DELETE", "/v1/models/{id}", handle, NULL},
    {"POST", "/v1/{kind}/{id}/copy", handle, NULL},
    {"GET", "/files/{path*}", handle, NULL},
    {"HEAD", "/both", handle, NULL},
    {"GET", "/both", handle, NULL},
};

static struct route_match find(const char *method, const char *raw, struct arena *arena)
{
    struct http_target target;
    struct route_match match;
    struct fault fault;
    arena_init(arena, 0);
    assert_int_equal(target_parse(&target, text_of(raw), arena, &fault), OK);
    route_find(&match, ROUTES, ARRAY_COUNT(ROUTES), text_of(method), &target);
    return match;
}

static void test_found(void **state)
{
    static const struct {
        const char *method, *path;
        int route; /* -1: none */
        const char *value;
    } CASES[] = {
        {"GET", "/", 0, NULL},
        {"GET", "/v1/models", 1, NULL},
        {"GET", "/v1/models/", -1, NULL},
        {"GET", "/v1/models/default", 2, NULL},
        {"GET", "/v1/models/m", 3, "m"},
        {"GET", "/v1/models/org%2Fm", 3, "org/m"},
        {"GET", "/v1/models/org/m", -1, NULL},
        {"DELETE", "/v1/models/m", 4, "m"},
        {"POST", "/v1/a/b/copy", 5, "a"},
        {"GET", "/files/a/b%20c", 6, "a/b c"},
        {"GET", "/files/", -1, NULL},
        {"GET", "/files", -1, NULL},
        {"HEAD", "/v1/models/m", 3, "m"},
        {"HEAD", "/both", 7, NULL},
        {"GET", "/V1/models", -1, NULL},
        {"GET", "//", -1, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct arena arena;
        struct route_match match = find(CASES[i].method, CASES[i].path, &arena);
        const struct http_route *wanted = CASES[i].route < 0 ? NULL : &ROUTES[CASES[i].route];
        if (match.route != wanted) fail_msg("%s %s", CASES[i].method, CASES[i].path);
        if (CASES[i].value)
            assert_true(text_equal(match.parameters[0].value, text_of(CASES[i].value)));
        arena_deinit(&arena);
    }
}

static void test_allow(void **state)
{
    struct arena arena;
    struct route_match match = find("PUT", "/v1/models/m", &arena);
    assert_null(match.route);
    assert_true(match.path_known);
    assert_string_equal(match.allow, "GET, HEAD, DELETE, OPTIONS");
    arena_deinit(&arena);
    match = find("PUT", "/nowhere", &arena);
    assert_false(match.path_known);
    assert_string_equal(match.allow, "");
    arena_deinit(&arena);
}

static void test_malformed_patterns(void **state)
{
    static const char *const CASES[] = {
        "",        "a",      "/{id",  "/x{id}",
        "/{a*}/b", "/{id}x", "/{}/a", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"};
    struct fault fault;
    assert_int_equal(routes_check(ROUTES, ARRAY_COUNT(ROUTES), &fault), OK);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct http_route route = {"GET", CASES[i], handle, NULL};
        if (routes_check(&route, 1, &fault) != STATUS_INTERNAL) fail_msg("taken: %s", CASES[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_allow),
        cmocka_unit_test(test_malformed_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
