/* origin_policy_test.c - Host and Origin headers, welcome and not. */
#include "http/origin_policy.h"

#include "http/http_test_client.h"

static const char *const NAMES[] = {"llm.example.org", NULL};
static const char *const ANY[] = {"*", NULL};

static void test_hosts(void **state)
{
    static const struct {
        const char *host;
        bool well_formed, allowed;
    } CASES[] = {
        {"localhost", true, true},
        {"LocalHost:8080", true, true},
        {"localhost.", true, true},
        {"127.0.0.1:1", true, true},
        {"10.1.2.3", true, true},
        {"[::1]:80", true, true},
        {"[fe80::1]", true, true},
        {"llm.example.org", true, true},
        {"LLM.example.org:443", true, true},
        {"example.org", true, false},
        {"localhost.evil.org", true, false},
        {"127.0.0.1.evil.org", true, false},
        {"a.llm.example.org", true, false},
        {"256.0.0.1", true, false},
        {"", false, false},
        {":80", false, false},
        {"a:", false, false},
        {"a:b", false, false},
        {"a:123456", false, false},
        {"a b", false, false},
        {"a,b", false, false},
        {"a@b", false, false},
        {"a/b", false, false},
        {"http://a", false, false},
        {"[::1", false, false},
        {"[x]", false, false},
        {"[]", false, false},
        {"[::1]x", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct text host = text_of(CASES[i].host);
        if (host_well_formed(host) != CASES[i].well_formed ||
            (CASES[i].well_formed && host_allowed(host, NAMES) != CASES[i].allowed))
            fail_msg("host \"%s\"", CASES[i].host);
    }
    assert_true(host_allowed(TEXT("example.org"), ANY));
    assert_false(host_allowed(TEXT("example.org"), NULL));
    assert_true(host_allowed(TEXT("localhost"), NULL));
}

static void test_origins(void **state)
{
    static const char *const SITES[] = {"https://chat.example.org", NULL};
    struct text host = TEXT("localhost:8080");
    assert_int_equal(origin_judge(TEXT(""), host, NULL), ORIGIN_SAME);
    assert_int_equal(origin_judge(TEXT("http://localhost:8080"), host, NULL), ORIGIN_SAME);
    assert_int_equal(origin_judge(TEXT("http://localhost:9090"), host, NULL), ORIGIN_REFUSED);
    assert_int_equal(origin_judge(TEXT("https://evil.org"), host, SITES), ORIGIN_REFUSED);
    assert_int_equal(origin_judge(TEXT("null"), host, SITES), ORIGIN_REFUSED);
    assert_int_equal(origin_judge(TEXT("https://chat.example.org"), host, SITES), ORIGIN_ALLOWED);
    assert_int_equal(origin_judge(TEXT("https://chat.example.org.evil.org"), host, SITES),
                     ORIGIN_REFUSED);
    assert_int_equal(origin_judge(TEXT("null"), host, ANY), ORIGIN_ALLOWED);
    assert_int_equal(origin_judge(TEXT("http://"), TEXT(""), NULL), ORIGIN_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
