/* api_scope_test.c - what is read, what is refused, and what is allowed. */
#include "accounts/api_scope.h"

#include "base/test_support.h"

static struct arena job;
static struct fault fault;

static int begin(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int end(void **state)
{
    arena_deinit(&job);
    return 0;
}

static struct api_scope scope_of(const char *json)
{
    struct api_scope scope;
    assert_ok(api_scope_parse(text_of(json), &job, &scope, &fault), &fault);
    return scope;
}

static bool allows(const struct api_scope *scope, const char *method, const char *pattern)
{
    return scope_allows_route(scope, text_of(method), text_of(pattern));
}

static void nothing_said_is_nothing_forbidden(void **state)
{
    static const char *const empty[] = {"", "{}", " { } ", "{\"models\":null}"};
    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        struct api_scope scope = scope_of(empty[i]);
        assert_true(allows(&scope, "DELETE", "/v1/conversations/{id}"));
        assert_true(scope_allows_model(&scope, TEXT("any")));
    }
}

static void models(void **state)
{
    struct api_scope scope = scope_of("{\"models\":[\"local-llm\",\"qwen*\"]}");
    assert_true(scope_allows_model(&scope, TEXT("local-llm")));
    assert_true(scope_allows_model(&scope, TEXT("qwen2.5-0.5b")));
    assert_true(scope_allows_model(&scope, TEXT("")));
    assert_false(scope_allows_model(&scope, TEXT("local-llm-2")));
    assert_false(scope_allows_model(&scope, TEXT("my-qwen")));
    assert_false(scope_allows_model(&scope, TEXT("qwe")));
    scope = scope_of("{\"models\":[]}");
    assert_false(scope_allows_model(&scope, TEXT("local-llm")));
}

static void routes(void **state)
{
    struct api_scope scope = scope_of(
        "{\"routes\":[\"POST /v1/chat/completions\",\"/v1/models*\",\"GET /v1/conversations/*\"]}");
    assert_true(allows(&scope, "POST", "/v1/chat/completions"));
    assert_false(allows(&scope, "GET", "/v1/chat/completions"));
    assert_false(allows(&scope, "POST", "/v1/chat"));
    assert_true(allows(&scope, "GET", "/v1/models"));
    assert_true(allows(&scope, "DELETE", "/v1/models/{model}"));
    assert_true(allows(&scope, "GET", "/v1/conversations/{id}/messages"));
    assert_false(allows(&scope, "GET", "/v1/conversations"));
    assert_false(allows(&scope, "POST", "/v1/conversations/{id}"));
}

static void for_reading_only(void **state)
{
    struct api_scope scope = scope_of("{\"read_only\":true}");
    assert_true(allows(&scope, "GET", "/v1/models"));
    assert_true(allows(&scope, "HEAD", "/v1/models"));
    assert_false(allows(&scope, "POST", "/v1/chat/completions"));
    assert_false(allows(&scope, "get", "/v1/models"));
}

static void who_is_refused_hears_why(void **state)
{
    struct api_scope scope = scope_of("{\"read_only\":true,\"models\":[\"small\"]}");
    assert_status(
        scope_check(&scope, TEXT("laptop"), TEXT("POST"), TEXT("/v1/chat"), TEXT("small"), &fault),
        STATUS_FORBIDDEN);
    assert_string_equal(fault.message,
                        "the token 'laptop' may not POST /v1/chat: it is for reading only");
    assert_status(
        scope_check(&scope, TEXT("laptop"), TEXT("GET"), TEXT("/v1/x"), TEXT("large"), &fault),
        STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "the token 'laptop' may not use the model 'large'");
    assert_string_equal(fault.param, "model");
    assert_ok(
        scope_check(&scope, TEXT("laptop"), TEXT("GET"), TEXT("/v1/x"), TEXT("small"), &fault),
        &fault);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *json, *param;
    } bad[] = {
        {"[]", "scopes"},
        {"{", "scopes"},
        {"{\"models\":[\"a\"],\"models\":[]}", "scopes"},
        {"{\"model\":[\"a\"]}", "model"},
        {"{\"models\":\"a\"}", "models"},
        {"{\"models\":[1]}", "models"},
        {"{\"models\":[\"\"]}", "models"},
        {"{\"routes\":{}}", "routes"},
        {"{\"read_only\":1}", "read_only"},
    };
    struct api_scope scope;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_status(api_scope_parse(text_of(bad[i].json), &job, &scope, &fault), STATUS_INVALID);
        assert_string_equal(fault.param, bad[i].param);
    }
    struct buffer many;
    buffer_init(&many);
    buffer_append_string(&many, "{\"models\":[\"a\"");
    for (int i = 0; i < SCOPE_ENTRIES; i++) buffer_append_string(&many, ",\"a\"");
    buffer_append_string(&many, "]}");
    assert_status(api_scope_parse(buffer_text(&many), &job, &scope, &fault), STATUS_INVALID);
    buffer_deinit(&many);
}

static void limits(void **state)
{
    struct api_limits read;
    assert_ok(api_limits_parse(TEXT("{}"), &read, &fault), &fault);
    assert_true(!read.requests_per_minute && !read.tokens_per_day && !read.spend_cap_tokens);
    assert_ok(api_limits_parse(TEXT("{\"requests_per_minute\":60,\"tokens_per_day\":100000,"
                                    "\"spend_cap_tokens\":9000000000}"),
                               &read, &fault),
              &fault);
    assert_int_equal(read.requests_per_minute, 60);
    assert_int_equal(read.tokens_per_day, 100000);
    assert_int_equal(read.spend_cap_tokens, 9000000000);
    static const char *const bad[] = {
        "{\"tokens_per_day\":0}",   "{\"tokens_per_day\":-1}",
        "{\"tokens_per_day\":1.5}", "{\"tokens_per_day\":99999999999999999999}",
        "{\"per_day\":1}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_status(api_limits_parse(text_of(bad[i]), &read, &fault), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_nothing_forbidden),
        cmocka_unit_test(models),
        cmocka_unit_test(routes),
        cmocka_unit_test(for_reading_only),
        cmocka_unit_test(who_is_refused_hears_why),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
