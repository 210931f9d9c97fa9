/* identity_provider_test.c - what is known, what must be said, and which addresses are safe. */
#include "accounts/identity_provider.h"

#include "base/test_support.h"

static struct fault fault;

static void what_is_known_is_filled_in(void **state)
{
    struct identity_provider google = {.name = "google", .client_id = "id", .client_secret = "s"};
    assert_ok(identity_provider_complete(&google, &fault), &fault);
    assert_int_equal(google.kind, PROVIDER_OIDC);
    assert_string_equal(google.issuer, "https://accounts.google.com");
    assert_string_equal(google.label, "Google");
    struct identity_provider github = {.name = "github", .client_id = "id", .client_secret = "s"};
    assert_ok(identity_provider_complete(&github, &fault), &fault);
    assert_int_equal(github.kind, PROVIDER_GITHUB);
    assert_string_equal(github.issuer, "https://github.com");
    struct identity_provider own = {
        .name = "sso", .issuer = "https://sso.example.com/realms/a", .client_id = "id"};
    assert_ok(identity_provider_complete(&own, &fault), &fault);
    assert_string_equal(own.label, "sso");
}

static void what_is_missing_is_named(void **state)
{
    static const struct {
        struct identity_provider provider;
        const char *param;
    } bad[] = {
        {{.name = NULL}, "name"},
        {{.name = ""}, "name"},
        {{.name = "My SSO"}, "name"},
        {{.name = "sso", .client_id = "id"}, "issuer"},
        {{.name = "sso", .client_id = "id", .issuer = "http://sso.example.com"}, "issuer"},
        {{.name = "google"}, "client_id"},
        {{.name = "google", .client_id = ""}, "client_id"},
        {{.name = "github", .client_id = "id"}, "client_secret"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct identity_provider provider = bad[i].provider;
        assert_status(identity_provider_complete(&provider, &fault), STATUS_INVALID);
        assert_string_equal(fault.param, bad[i].param);
    }
}

static void addresses_that_are_safe(void **state)
{
    static const char *const good[] = {"https://a.example", "http://127.0.0.1:8080/x",
                                       "http://localhost", "http://[::1]/"};
    static const char *const bad[] = {"https://",
                                      "http://a.example",
                                      "http://127.0.0.1.evil.example/",
                                      "http://localhost@evil.example/",
                                      "https://user@a.example",
                                      "ftp://a.example",
                                      "file:///etc/passwd",
                                      ""};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(provider_url_is_safe(text_of(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(provider_url_is_safe(text_of(bad[i])));
}

static void paths_of_ours(void **state)
{
    static const char *const good[] = {"/", "/dashboard", "/a?b=c#d", "/a//b"};
    static const char *const bad[] = {
        "", "a", "//a", "/\\a", "/a b", "/a\r\nSet-Cookie: b", "/\t/a", "https://a", "/\xc3\xa9",
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(return_path_is_ours(text_of(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(return_path_is_ours(text_of(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_filled_in),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(addresses_that_are_safe),
        cmocka_unit_test(paths_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
