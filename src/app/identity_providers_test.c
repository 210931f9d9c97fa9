/* identity_providers_test.c - how the services elsewhere are written in a setting. */
#include "app/identity_providers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_support.h"

static struct arena arena;
static struct fault fault;
static struct identity_provider *providers;

static enum status read_settings(size_t count, const char *const *items)
{
    const struct option_list list = {items, count};
    return identity_providers_read(&list, &arena, &providers, &fault);
}

static void known_services_need_little(void **state)
{
    const char *const items[] = {"google id=1.apps secret=s=3&,c", "  github   id=2 secret=x  "};
    assert_ok(read_settings(2, items), &fault);
    assert_string_equal(providers[0].issuer, "https://accounts.google.com");
    assert_string_equal(providers[0].client_id, "1.apps");
    assert_string_equal(providers[0].client_secret, "s=3&,c");
    assert_string_equal(providers[0].label, "Google");
    assert_int_equal(providers[1].kind, PROVIDER_GITHUB);
    assert_string_equal(providers[1].client_secret, "x");
}

static void others_say_where_they_are(void **state)
{
    const char *const items[] = {
        "work issuer=https://login.example.org id=liminal label=Example & Co."};
    assert_ok(read_settings(1, items), &fault);
    assert_string_equal(providers[0].name, "work");
    assert_string_equal(providers[0].label, "Example & Co.");
    assert_null(providers[0].client_secret);
}

static void what_is_wrong_is_named_without_the_secret(void **state)
{
    static const struct {
        const char *setting, *sentence;
    } CASES[] = {
        {"", "name"},
        {"Work id=1", "name"},
        {"work id=1 secret=hidden", "issuer"},
        {"work issuer=http://example.org id=1 secret=hidden", "issuer"},
        {"google secret=hidden", "client id"},
        {"github id=1", "client secret"},
        {"google id=1 secret=hidden hidden", "label="},
        {"google id=1 hidden=hidden", "label="},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        assert_int_equal(read_settings(1, &CASES[i].setting), STATUS_INVALID);
        assert_non_null(strstr(fault.message, "--sign-in-with"));
        assert_non_null(strstr(fault.message, CASES[i].sentence));
        assert_null(strstr(fault.message, "hidden"));
    }
    assert_ok(read_settings(0, NULL), &fault);
}

static int begin(void **state)
{
    arena_init(&arena, 0);
    return 0;
}

static int end(void **state)
{
    arena_deinit(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_services_need_little, begin, end),
        cmocka_unit_test_setup_teardown(others_say_where_they_are, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_named_without_the_secret, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
