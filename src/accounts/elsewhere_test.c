/* elsewhere_test.c - signing in with a real OpenID Connect provider and with what stands in for
 * GitHub (tests/services/oidc.mjs), and what attackers try; on both databases. */
#include "accounts/sign_in_elsewhere.h"

#include "accounts/invitations.h"
#include "accounts/mfa.h"
#include "accounts/test_accounts.h"
#include "accounts/url_form.h"
#include "http/http_client.h"
#include "http/json_body.h"
#include "platform/platform.h"

static char service[TEST_URL_BYTES], issuer[64], github_issuer[64];
static struct identity_provider providers[3];

/* ---- the service ---- */

static void add_provider(size_t i, struct identity_provider provider)
{
    providers[i] = provider;
    assert_ok(identity_provider_complete(&providers[i], &fault), &fault);
}

static void start_service(void)
{
    test_service("oidc", "start", "", service);
    int port = atoi(service);
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%d", port);
    snprintf(github_issuer, sizeof github_issuer, "http://127.0.0.1:%d/github", port);
    add_provider(0, (struct identity_provider){.name = "test",
                                               .issuer = issuer,
                                               .client_id = "liminal",
                                               .client_secret = "s3cret:&%"});
    add_provider(1, (struct identity_provider){.name = "test-es",
                                               .issuer = issuer,
                                               .client_id = "liminal-es",
                                               .client_secret = "s3cret:&%"});
    add_provider(2, (struct identity_provider){.name = "github",
                                               .issuer = github_issuer,
                                               .client_id = "liminal",
                                               .client_secret = "gh-secret"});
}

static int open_sqlite_and_service(void **state)
{
    start_service();
    return open_sqlite(state);
}

static int open_postgres_and_service(void **state)
{
    start_service();
    return open_postgres(state);
}

static int close_all(void **state)
{
    test_service("oidc", "stop", service, NULL);
    return close_databases(state);
}

static json_t *ask_service(const char *path, const char *a, struct text a_value, const char *b,
                           struct text b_value)
{
    struct buffer url, answer;
    int code;
    json_t *object;
    buffer_init(&url);
    buffer_init(&answer);
    buffer_printf(&url, "%s%s?", issuer, path);
    url_append_field(&url, a, a_value);
    if (b) url_append_field(&url, b, b_value);
    assert_ok(http_call(&(struct http_call){.url = url.data}, &code, &answer, &fault), &fault);
    if (code != 200) fail_msg("%s", answer.data);
    assert_ok(json_body_parse(buffer_text(&answer), &object, &fault), &fault);
    buffer_deinit(&url);
    buffer_deinit(&answer);
    return object;
}

static void tamper(const char *what)
{
    json_decref(ask_service("/test/tamper", "what", text_of(what), NULL, (struct text){0}));
}

/* ---- one sign-in ---- */

static int begin_elsewhere(void **state)
{
    begin_test(state);
    now_us = clock_wall_ms() * 1000; /* the provider has a clock of its own */
    test_options.providers = providers;
    test_options.provider_count = ARRAY_COUNT(providers);
    reopen();
    tamper("");
    return 0;
}
#define ELSEWHERE_TEST(name) cmocka_unit_test_setup_teardown(name, begin_elsewhere, end_test)

struct trip {
    struct departure departure;
    struct arrival arrival;
};

static struct text field(const json_t *object, const char *name)
{
    struct text text = json_field_text(object, name);
    return (struct text){arena_copy(&job, text.data ? text.data : "", text.length), text.length};
}

/* To the provider and back, as `login` ("SUB,EMAIL,VERIFIED"). */
static struct trip travel(const char *provider, const char *login, const char *invitation)
{
    struct trip trip;
    assert_ok(elsewhere_begin(accounts, text_of(provider), TEXT("/dashboard?tab=1"),
                              text_of(invitation), &job, &trip.departure, &fault),
              &fault);
    json_t *back = ask_service("/test/visit", "url", trip.departure.url, "login", text_of(login));
    trip.arrival = (struct arrival){
        .state = field(back, "state"),
        .code = field(back, "code"),
        .issuer = field(back, "iss"),
        .error = field(back, "error"),
        .cookie = text_of(arena_copy(&job, trip.departure.cookie, strlen(trip.departure.cookie))),
    };
    json_decref(back);
    return trip;
}

static struct elsewhere result;

static enum status arrive(const char *provider, const struct trip *trip)
{
    return elsewhere_finish(accounts, text_of(provider), &trip->arrival, &client, &job, &result,
                            &fault);
}

static enum status sign_in_with(const char *provider, const char *login)
{
    struct trip trip = travel(provider, login, "");
    return arrive(provider, &trip);
}

/* ---- it works ---- */

static void a_stranger_becomes_an_account_and_is_known_again(void **state)
{
    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
    assert_true(text_equal(result.return_to, TEXT("/dashboard?tab=1")));
    struct account account = principal_of(result.signed_in.access).account;
    assert_int_equal(account.status, ACCOUNT_ACTIVE);
    assert_string_equal(account.email, "grace@example.com");
    /* the identity counts from now on, whatever its address becomes */
    assert_ok(sign_in_with("test", "sub-1,new@example.com,false"), &fault);
    assert_true(uuid_equal(result.signed_in.account.id, account.id));
    /* there is no password to sign in with */
    struct signed_in in;
    assert_status(sign_in_as(TEXT("grace@example.com"), TEXT(""), &client, &in),
                  STATUS_UNAUTHORIZED);
    /* and a session, which may be stolen, does not become one */
    assert_status(accounts_change_password(accounts, account.id, result.signed_in.session, TEXT(""),
                                           TEXT("new password"), &fault),
                  STATUS_FORBIDDEN);
    assert_ok(accounts_request_reset(accounts, TEXT("grace@example.com"), &client, &fault), &fault);
    assert_ok(accounts_reset_password(accounts, mailed_code("/reset?code=", NULL),
                                      TEXT("new password"), &fault),
              &fault);
    assert_ok(sign_in_as(TEXT("grace@example.com"), TEXT("new password"), &client, &in), &fault);
}

static void tokens_of_elliptic_curves_are_read(void **state)
{
    assert_ok(sign_in_with("test-es", "sub-1,grace@example.com,true"), &fault);
    assert_ok(who(result.signed_in.cookie), &fault);
}

static void github_is_asked_by_its_own_api(void **state)
{
    assert_ok(sign_in_with("github", "583231,grace@example.com,true"), &fault);
    struct uuid id = result.signed_in.account.id;
    assert_string_equal(result.signed_in.account.email, "grace@example.com");
    assert_ok(sign_in_with("github", "583231,other@example.com,true"), &fault);
    assert_true(uuid_equal(result.signed_in.account.id, id));
    assert_status(sign_in_with("github", "583232,eve@example.com,false"), STATUS_FORBIDDEN);
}

static void a_verified_address_finds_its_account(void **state)
{
    struct account account = verified_ada();
    struct signed_in before = sign_in();
    assert_ok(sign_in_with("test", "sub-ada,ADA@example.com,true"), &fault);
    assert_true(uuid_equal(result.signed_in.account.id, account.id));
    assert_ok(who(before.access), &fault);
    sign_in(); /* the password goes on */
}

static void keys_may_change(void **state)
{
    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
    tamper("rotated");
    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
}

/* ---- attacks ---- */

static void an_unverified_address_is_nobodys(void **state)
{
    verified_ada();
    assert_status(sign_in_with("test", "mallory,ada@example.com,false"), STATUS_FORBIDDEN);
    assert_status(sign_in_with("test", "mallory,nobody@example.com,false"), STATUS_FORBIDDEN);
    assert_status(sign_in_with("test", "mallory"), STATUS_FORBIDDEN);
    assert_status(sign_in_with("test", "mallory,no address,true"), STATUS_FORBIDDEN);
    assert_status(sign_in_with("github", "666,ada@example.com,false"), STATUS_FORBIDDEN);
}

/* Somebody registers Ada's address before her, and waits. */
static void who_registered_anothers_address_is_out_when_its_owner_comes(void **state)
{
    struct signed_in thief, in;
    register_ada();
    thief = sign_in();
    assert_ok(sign_in_with("test", "sub-ada,ada@example.com,true"), &fault);
    assert_ok(who(result.signed_in.access), &fault);
    assert_status(who(thief.access), STATUS_UNAUTHORIZED);
    assert_status(refresh(&thief, &in), STATUS_UNAUTHORIZED);
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_UNAUTHORIZED);
}

static void forged_tokens_are_refused(void **state)
{
    static const struct {
        const char *what, *words;
    } forgeries[] = {
        {"nonce", "it belongs to another sign-in"}, {"audience", "it is for somebody else"},
        {"issuer", "it is of another issuer"},      {"expired", "it has expired"},
        {"none", "it is not signed with"},          {"hs256", "it is not signed with"},
        {"stranger", "its signature is wrong"},     {"subject", "somebody else"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(forgeries); i++) {
        tamper(forgeries[i].what);
        assert_status(sign_in_with("test", "sub-1,grace@example.com,true"), STATUS_UNAUTHORIZED);
        if (!strstr(fault.message, forgeries[i].words))
            fail_msg("%s: %s", forgeries[i].what, fault.message);
    }
    tamper("");
    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
}

static void a_state_works_once_and_in_its_browser(void **state)
{
    static const char login[] = "sub-1,grace@example.com,true";
    struct trip trip = travel("test", login, "");
    assert_ok(arrive("test", &trip), &fault);
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED); /* replayed */

    trip = travel("test", login, "");
    trip.arrival.cookie = TEXT("of another browser");
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);

    trip = travel("test", login, "");
    trip.arrival.cookie = TEXT("");
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);

    trip = travel("test", login, "");
    trip.arrival.state = TEXT("made up");
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);

    trip = travel("test", login, "");
    assert_status(arrive("test-es", &trip), STATUS_UNAUTHORIZED); /* mixed up */

    trip = travel("test", login, "");
    trip.arrival.issuer = TEXT("https://evil.example.com");
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);

    /* a code that another sign-in was given: PKCE binds it to that one */
    struct trip other = travel("test", login, "");
    trip = travel("test", login, "");
    trip.arrival.code = other.arrival.code;
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);

    trip = travel("test", login, "");
    trip.arrival.error = TEXT("access_denied");
    assert_status(arrive("test", &trip), STATUS_UNAUTHORIZED);
}

static void a_suspended_account_stays_out(void **state)
{
    struct account account = verified_ada();
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    assert_status(sign_in_with("test", "sub-ada,ada@example.com,true"), STATUS_FORBIDDEN);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_ACTIVE, &fault), &fault);
    assert_ok(sign_in_with("test", "sub-ada,ada@example.com,true"), &fault);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    assert_status(sign_in_with("test", "sub-ada,ada@example.com,true"), STATUS_FORBIDDEN);
}

static void departures_that_are_refused(void **state)
{
    static const char *const bad[] = {
        "https://evil.example.com", "//evil.example.com",
        "/\\evil.example.com",      "dashboard",
        "/\t/evil.example.com",     "/a\nb",
    };
    struct departure departure;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_status(elsewhere_begin(accounts, TEXT("test"), text_of(bad[i]), TEXT(""), &job,
                                      &departure, &fault),
                      STATUS_INVALID);
    assert_status(
        elsewhere_begin(accounts, TEXT("nobody"), TEXT("/"), TEXT(""), &job, &departure, &fault),
        STATUS_NOT_FOUND);
}

/* ---- the rules of signing up, and second factors ---- */

static void who_signs_up_here_must_be_invited(void **state)
{
    struct account admin = verified_ada();
    struct invitation_view view;
    char code[SECRET_TEXT_BYTES];
    test_options.invite_only = true;
    reopen();
    assert_status(sign_in_with("test", "sub-1,grace@example.com,true"), STATUS_FORBIDDEN);
    assert_string_equal(fault.param, "invitation");
    const struct invitation_wish wish = {.plan = TEXT("pro")};
    assert_ok(accounts_invite(accounts, admin.id, &wish, code, &view, &fault), &fault);
    struct trip trip = travel("test", "sub-1,grace@example.com,true", code);
    assert_ok(arrive("test", &trip), &fault);
    assert_string_equal(result.signed_in.account.plan, "pro");
    trip = travel("test", "sub-2,eve@example.com,true", code);
    assert_status(arrive("test", &trip), STATUS_FORBIDDEN);
    assert_ok(sign_in_with("test", "sub-ada,ada@example.com,true"), &fault); /* has an account */
}

static void a_second_factor_is_asked_for_here_too(void **state)
{
    struct mfa_enrolment enrolment;
    struct recovery_codes codes;
    struct signed_in in;
    char app[8];
    unsigned char secret[TOTP_SECRET_BYTES + 1] = {0};
    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
    struct principal principal = principal_of(result.signed_in.access);
    assert_ok(accounts_mfa_enrol(accounts, principal.account.id, &job, &enrolment, &fault), &fault);
    test_read_base32(enrolment.secret, secret);
    snprintf(app, sizeof app, "%06u",
             totp_code(secret, TOTP_SECRET_BYTES, now_us / 30000000, TOTP_DIGITS));
    assert_ok(accounts_mfa_confirm(accounts, &principal, text_of(app), &codes, &fault), &fault);

    assert_ok(sign_in_with("test", "sub-1,grace@example.com,true"), &fault);
    assert_true(result.mfa_required);
    assert_string_equal(result.signed_in.access, "");
    assert_status(
        elsewhere_mfa(accounts, text_of(result.ticket), TEXT("000000"), &client, &in, &fault),
        STATUS_UNAUTHORIZED);
    assert_status(
        elsewhere_mfa(accounts, TEXT("made up"), text_of(codes.code[0]), &client, &in, &fault),
        STATUS_UNAUTHORIZED);
    assert_ok(elsewhere_mfa(accounts, text_of(result.ticket), text_of(codes.code[0]), &client, &in,
                            &fault),
              &fault);
    assert_ok(who(in.access), &fault);
    assert_ok(refresh(&in, &in), &fault); /* the factor was shown */
    assert_status(elsewhere_mfa(accounts, text_of(result.ticket), text_of(codes.code[1]), &client,
                                &in, &fault),
                  STATUS_UNAUTHORIZED);
}

static void a_provider_that_is_gone_is_named(void **state)
{
    struct departure departure;
    struct identity_provider gone = providers[0];
    gone.issuer = "http://127.0.0.1:1"; /* nobody listens there */
    test_options.providers = &gone;
    test_options.provider_count = 1;
    reopen();
    assert_status(
        elsewhere_begin(accounts, TEXT("test"), TEXT(""), TEXT(""), &job, &departure, &fault),
        STATUS_UNAVAILABLE);
    assert_non_null(strstr(fault.message, "test does not answer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ELSEWHERE_TEST(a_stranger_becomes_an_account_and_is_known_again),
        ELSEWHERE_TEST(tokens_of_elliptic_curves_are_read),
        ELSEWHERE_TEST(github_is_asked_by_its_own_api),
        ELSEWHERE_TEST(a_verified_address_finds_its_account),
        ELSEWHERE_TEST(an_unverified_address_is_nobodys),
        ELSEWHERE_TEST(who_registered_anothers_address_is_out_when_its_owner_comes),
        ELSEWHERE_TEST(forged_tokens_are_refused),
        ELSEWHERE_TEST(a_state_works_once_and_in_its_browser),
        ELSEWHERE_TEST(a_suspended_account_stays_out),
        ELSEWHERE_TEST(departures_that_are_refused),
        ELSEWHERE_TEST(who_signs_up_here_must_be_invited),
        ELSEWHERE_TEST(a_second_factor_is_asked_for_here_too),
        ELSEWHERE_TEST(a_provider_that_is_gone_is_named),
        ELSEWHERE_TEST(keys_may_change), /* the last: they stay changed */
    };
    return cmocka_run_group_tests_name("SQLite", tests, open_sqlite_and_service, close_all) +
           cmocka_run_group_tests_name("PostgreSQL", tests, open_postgres_and_service, close_all);
}
