/* access_test.c - every kind of caller at every kind of door, and what headers say of them. */
#include "gateway/access.h"

#include "base/test_support.h"

static const struct caller STRANGER = {.kind = CALLER_STRANGER};
static const struct caller SERVICE = {.kind = CALLER_SERVICE};

static struct caller account(enum credential credential, enum account_role role)
{
    struct caller caller = {.kind = CALLER_ACCOUNT};
    caller.principal.credential = credential;
    caller.principal.account.role = role;
    return caller;
}

static void doors_open_for_whom_they_say(void **state)
{
    const struct caller callers[] = {
        STRANGER,
        SERVICE,
        account(CREDENTIAL_API_TOKEN, ROLE_USER),
        account(CREDENTIAL_API_TOKEN, ROLE_ADMIN),
        account(CREDENTIAL_SESSION, ROLE_USER),
        account(CREDENTIAL_SESSION, ROLE_ADMIN),
    };
    static const struct {
        enum access access;
        enum status expected[6];
    } DOORS[] = {
        {ACCESS_OPEN, {OK, OK, OK, OK, OK, OK}},
        {ACCESS_MODELS, {STATUS_UNAUTHORIZED, OK, OK, OK, OK, OK}},
        {ACCESS_ACCOUNT, {STATUS_UNAUTHORIZED, STATUS_FORBIDDEN, OK, OK, OK, OK}},
        {ACCESS_PERSON,
         {STATUS_UNAUTHORIZED, STATUS_FORBIDDEN, STATUS_FORBIDDEN, STATUS_FORBIDDEN, OK, OK}},
        {ACCESS_ADMIN,
         {STATUS_UNAUTHORIZED, STATUS_FORBIDDEN, STATUS_FORBIDDEN, STATUS_FORBIDDEN,
          STATUS_FORBIDDEN, OK}},
        {ACCESS_OPERATOR,
         {STATUS_UNAUTHORIZED, OK, STATUS_FORBIDDEN, STATUS_FORBIDDEN, STATUS_FORBIDDEN, OK}},
        {ACCESS_UNSAID,
         {STATUS_UNAUTHORIZED, STATUS_INTERNAL, STATUS_INTERNAL, STATUS_INTERNAL, STATUS_INTERNAL,
          STATUS_INTERNAL}},
    };
    for (size_t d = 0; d < ARRAY_COUNT(DOORS); d++)
        for (size_t c = 0; c < ARRAY_COUNT(callers); c++) {
            struct fault fault = {0};
            enum status status = access_judge(DOORS[d].access, &callers[c], &fault);
            assert_int_equal(status, DOORS[d].expected[c]);
            if (status != OK) assert_true(fault.message[0]);
        }
}

/* ---- credentials ---- */

static void credentials_are_found_where_they_may_be(void **state)
{
    static const struct {
        const char *key, *authorization, *cookies, *secret; /* secret NULL: refused */
        bool by_cookie;
    } CASES[] = {
        {"", "", "", "", false},
        {"", "Bearer abc", "", "abc", false},
        {"", "bEARER   abc ", "", "abc", false},
        {"k", "Bearer abc", "liminal_session=s", "k", false},
        {"", "Bearer abc", "liminal_session=s", "abc", false},
        {"", "", "liminal_session=s", "s", true},
        {"", "", "a=b; liminal_session=s; c=d", "s", true},
        {"", "", "xliminal_session=s", "", false},
        {"", "", "liminal_sessionx=s", "", false},
        {"", "", "liminal_session", "", false},
        {"", "", ";;; =;", "", false},
        {"", "Basic abc", "liminal_session=s", NULL, false},
        {"", "Bearer", "", NULL, false},
        {"", "Bearer ", "", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct credential_found found;
        struct fault fault;
        enum status status = credential_find(text_of(CASES[i].key), text_of(CASES[i].authorization),
                                             text_of(CASES[i].cookies), &found, &fault);
        if (!CASES[i].secret) {
            assert_status(status, STATUS_UNAUTHORIZED);
            assert_string_equal(fault.message, "Invalid authorization format");
            continue;
        }
        assert_ok(status, &fault);
        assert_true(text_equal(found.secret, text_of(CASES[i].secret)));
        assert_int_equal(found.by_cookie, CASES[i].by_cookie);
    }
}

static void secrets_are_equal_only_to_themselves(void **state)
{
    assert_true(secret_equal(TEXT("sesame"), TEXT("sesame")));
    static const char *const OTHERS[] = {"", "s", "sesam", "sesame!", "sesamE", "sesamesesame"};
    for (size_t i = 0; i < ARRAY_COUNT(OTHERS); i++)
        assert_false(secret_equal(TEXT("sesame"), text_of(OTHERS[i])));
    assert_false(secret_equal(TEXT(""), TEXT(""))); /* no key is nobody's key */
}

/* ---- addresses ---- */

static void forwarded_addresses_are_believed_from_proxies(void **state)
{
    static const char *const PROXIES[] = {"127.0.0.1", "10.0.0.0/8", "fd00::/8", NULL};
    static const char *const NONE[] = {NULL};
    static const struct {
        const char *const *proxies;
        const char *remote, *forwarded, *client;
    } CASES[] = {
        {NONE, "127.0.0.1", "1.2.3.4", "127.0.0.1"},
        {NULL, "127.0.0.1", "1.2.3.4", "127.0.0.1"},
        {PROXIES, "127.0.0.1", "1.2.3.4", "1.2.3.4"},
        {PROXIES, "127.0.0.1", "", "127.0.0.1"},
        {PROXIES, "9.9.9.9", "1.2.3.4", "9.9.9.9"},
        {PROXIES, "127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"}, /* 6.6.6.6 is the client's word */
        {PROXIES, "127.0.0.1", "1.2.3.4,10.1.2.3", "1.2.3.4"},
        {PROXIES, "127.0.0.1", "1.2.3.4, 10.1.2.3 ,10.9.9.9", "1.2.3.4"},
        {PROXIES, "127.0.0.1", "10.1.2.3", "10.1.2.3"},
        {PROXIES, "127.0.0.1", "not an address", "127.0.0.1"},
        {PROXIES, "127.0.0.1", "1.2.3.4, evil\"", "127.0.0.1"},
        {PROXIES, "fd12::1", "2001:db8::7", "2001:db8::7"},
        {PROXIES, "::ffff:127.0.0.1", "1.2.3.4", "1.2.3.4"},
        {PROXIES, "11.0.0.1", "1.2.3.4", "11.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct text client =
            client_address(text_of(CASES[i].remote), text_of(CASES[i].forwarded), CASES[i].proxies);
        if (!text_equal(client, text_of(CASES[i].client)))
            fail_msg("case %zu: %.*s", i, TEXT_FORMAT(client));
    }
}

static void proxies_are_addresses_or_networks(void **state)
{
    static const char *const GOOD[] = {"127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8"};
    static const char *const BAD[] = {"",          "proxy",      "10.0.0.0/33", "10.0.0/8",
                                      "10.0.0.0/", "10.0.0.0/x", "::1/129",     "10.0.0.0/0008"};
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) assert_true(proxy_is_valid(GOOD[i]));
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) assert_false(proxy_is_valid(BAD[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_open_for_whom_they_say),
        cmocka_unit_test(credentials_are_found_where_they_may_be),
        cmocka_unit_test(secrets_are_equal_only_to_themselves),
        cmocka_unit_test(forwarded_addresses_are_believed_from_proxies),
        cmocka_unit_test(proxies_are_addresses_or_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
