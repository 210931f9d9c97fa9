/* tenant_test.c - a client can only narrow among whom its prompts are shared. */
#include "inference/adaptation/tenant.h"

#include "base/test_support.h"

static uint64_t tenant(const char *principal, const char *cache_key)
{
    uint64_t number;
    struct fault fault;
    assert_ok(tenant_of(&number, text_of(principal), text_of(cache_key), &fault), &fault);
    return number;
}

static void whoever_has_the_key_shares(void **state)
{
    assert_int_equal(tenant("", ""), 0);
    assert_int_equal(tenant("secret", ""), tenant("secret", ""));
    assert_int_not_equal(tenant("secret", ""), 0);
    assert_int_not_equal(tenant("secret", ""), tenant("secret2", ""));
}

static void a_cache_key_only_narrows(void **state)
{
    assert_int_equal(tenant("secret", "room 1"), tenant("secret", "room 1"));
    assert_int_not_equal(tenant("secret", "room 1"), tenant("secret", ""));
    assert_int_not_equal(tenant("secret", "room 1"), tenant("secret", "room 2"));
    assert_int_not_equal(tenant("", "secret"), tenant("secret", "")); /* no way into another's */
    assert_int_not_equal(tenant("a", "bc"), tenant("ab", "c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_has_the_key_shares),
        cmocka_unit_test(a_cache_key_only_narrows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
