/* mfa_test.c - a second factor from its picture to its end, on both databases. */
#include "accounts/mfa.h"

#include <pthread.h>
#include <stdatomic.h>

#include "accounts/realization/mfa_check.h"
#include "accounts/realization/mfa_secret.h"
#include "accounts/test_accounts.h"

static unsigned char secret[TOTP_SECRET_BYTES]; /* of the enrolment last confirmed */
static struct recovery_codes codes;

/* What the app shows now; `steps` later. */
static const char *app(int64_t steps)
{
    static char code[2][8];
    static unsigned which;
    which = !which;
    snprintf(code[which], sizeof code[which], "%06u",
             totp_code(secret, sizeof secret, now_us / 30000000 + steps, TOTP_DIGITS));
    return code[which];
}

static struct mfa_enrolment enrol(struct uuid user)
{
    struct mfa_enrolment enrolment;
    assert_ok(accounts_mfa_enrol(accounts, user, &job, &enrolment, &fault), &fault);
    test_read_base32(enrolment.secret, secret);
    return enrolment;
}

/* Signed in, with the factor confirmed in that session; the code's half minute is over. */
static struct signed_in ada_with_factor(void)
{
    verified_ada();
    struct signed_in in = sign_in();
    struct principal principal = principal_of(in.access);
    enrol(principal.account.id);
    assert_ok(accounts_mfa_confirm(accounts, &principal, text_of(app(0)), &codes, &fault), &fault);
    now_us += MINUTE_US;
    return in;
}

static enum status sign_in_with(const char *code, struct signed_in *in)
{
    const struct credentials credentials = {
        .email = ada, .password = password, .mfa_code = text_of(code)};
    return accounts_sign_in(accounts, &credentials, &client, in, &fault);
}

/* ---- setting up ---- */

static void a_factor_is_asked_for_once_it_is_confirmed(void **state)
{
    struct signed_in in, next;
    struct mfa_state now;
    verified_ada();
    in = sign_in();
    struct principal principal = principal_of(in.access);
    struct mfa_enrolment enrolment = enrol(principal.account.id);
    assert_true(text_starts_with(enrolment.uri, TEXT("otpauth://totp/Liminal:Ada%40Example.com?")));
    assert_true(text_starts_with(enrolment.qr_svg, TEXT("<svg ")));
    assert_true(text_ends_with(enrolment.qr_svg, TEXT("</svg>")));
    assert_ok(sign_in_with("", &next), &fault); /* not yet */
    assert_status(accounts_mfa_confirm(accounts, &principal, text_of(app(5)), &codes, &fault),
                  STATUS_INVALID);
    assert_ok(accounts_mfa_confirm(accounts, &principal, text_of(app(0)), &codes, &fault), &fault);
    assert_ok(accounts_mfa_state(accounts, principal.account.id, &now, &fault), &fault);
    assert_true(now.is_enabled && now.since_us == now_us && now.recovery_codes_left == 10);
    assert_status(sign_in_with("", &next), STATUS_UNAUTHORIZED);
    assert_true(mfa_is_required(&fault));
    assert_ok(sign_in_with(app(1), &next), &fault);
    assert_status(sign_in_as(ada, TEXT("wrong horse"), &client, &next), STATUS_UNAUTHORIZED);
    assert_false(mfa_is_required(&fault)); /* who does not know the password learns nothing */
    struct mfa_enrolment again;
    assert_status(accounts_mfa_enrol(accounts, principal.account.id, &job, &again, &fault),
                  STATUS_CONFLICT);
}

/* Whoever registers somebody else's address must not lock it with a factor of theirs. */
static void only_a_proven_address_has_one(void **state)
{
    struct account account = register_ada();
    struct mfa_enrolment enrolment;
    assert_status(accounts_mfa_enrol(accounts, account.id, &job, &enrolment, &fault),
                  STATUS_FORBIDDEN);
}

static void the_secret_is_sealed_for_its_user(void **state)
{
    static const unsigned char key[SERVER_KEY_BYTES] = "key", other[SERVER_KEY_BYTES] = "other";
    static const struct uuid me = {{1}}, you = {{2}};
    unsigned char sealed[SEALED_SECRET_BYTES], opened[TOTP_SECRET_BYTES];
    static const unsigned char plain[TOTP_SECRET_BYTES] = "nineteen characters";
    mfa_secret_seal(key, me, plain, sealed);
    assert_null(memmem(sealed, sizeof sealed, plain, 8));
    assert_ok(mfa_secret_open(key, me, sealed, opened, &fault), &fault);
    assert_memory_equal(opened, plain, sizeof plain);
    assert_status(mfa_secret_open(other, me, sealed, opened, &fault), STATUS_CORRUPT);
    assert_status(mfa_secret_open(key, you, sealed, opened, &fault), STATUS_CORRUPT);
    sealed[30] ^= 1;
    assert_status(mfa_secret_open(key, me, sealed, opened, &fault), STATUS_CORRUPT);
}

/* ---- codes ---- */

static void a_code_works_once(void **state)
{
    struct signed_in in;
    ada_with_factor();
    assert_ok(sign_in_with(app(0), &in), &fault);
    assert_status(sign_in_with(app(0), &in), STATUS_UNAUTHORIZED);
    assert_string_equal(fault.param, "mfa_code");
    assert_false(mfa_is_required(&fault));
    now_us += 30000000;
    assert_ok(sign_in_with(app(0), &in), &fault);
}

static void a_recovery_code_works_once(void **state)
{
    struct mfa_state now;
    struct signed_in in = ada_with_factor();
    struct uuid user = in.account.id;
    assert_ok(sign_in_with(codes.code[3], &in), &fault);
    assert_status(sign_in_with(codes.code[3], &in), STATUS_UNAUTHORIZED);
    assert_ok(accounts_mfa_state(accounts, user, &now, &fault), &fault);
    assert_int_equal(now.recovery_codes_left, 9);
    struct recovery_codes old = codes;
    assert_ok(accounts_mfa_renew_codes(accounts, user, text_of(app(0)), &codes, &fault), &fault);
    assert_status(sign_in_with(old.code[4], &in), STATUS_UNAUTHORIZED);
    assert_ok(sign_in_with(codes.code[4], &in), &fault);
    assert_ok(accounts_mfa_state(accounts, user, &now, &fault), &fault);
    assert_int_equal(now.recovery_codes_left, 9);
}

static atomic_int entered;

static void *enter_at_once(void *argument)
{
    struct signed_in in;
    struct fault what;
    const struct credentials credentials = {
        .email = ada, .password = password, .mfa_code = text_of(argument)};
    if (accounts_sign_in(accounts, &credentials, &client, &in, &what) == OK) entered++;
    return NULL;
}

static void of_many_who_bring_one_code_one_enters(void **state)
{
    enum { THIEVES = 4 };
    pthread_t threads[THIEVES];
    ada_with_factor();
    char code[8];
    snprintf(code, sizeof code, "%s", app(0));
    entered = 0;
    for (int i = 0; i < THIEVES; i++) pthread_create(&threads[i], NULL, enter_at_once, code);
    for (int i = 0; i < THIEVES; i++) pthread_join(threads[i], NULL);
    assert_int_equal(entered, 1);
}

/* R240. */
static void five_wrong_codes_lock_it(void **state)
{
    struct signed_in in;
    ada_with_factor();
    for (int i = 0; i < 5; i++)
        assert_status(sign_in_with(i % 2 ? "23456-789ab" : app(7), &in), STATUS_UNAUTHORIZED);
    assert_status(sign_in_with(app(0), &in), STATUS_BUSY);
    assert_status(sign_in_with(codes.code[0], &in), STATUS_BUSY);
}

static void right_codes_do_not_count(void **state)
{
    struct signed_in in;
    ada_with_factor();
    for (int i = 0; i < 8; i++) {
        assert_status(sign_in_with("", &in), STATUS_UNAUTHORIZED);
        assert_status(sign_in_with(app(9), &in), STATUS_UNAUTHORIZED);
        assert_ok(sign_in_with(app(0), &in), &fault);
        now_us += MINUTE_US;
    }
}

/* A hot state that can't be reached. */
static enum status gone_count(struct hot_state *state, struct text key, uint64_t ttl_ms,
                              uint64_t *count, struct fault *f)
{
    return text_starts_with(key, TEXT("auth:mfa:"))
               ? fault_set(f, STATUS_UNAVAILABLE, "Redis can't be reached")
               : hot->ops->count(hot, key, ttl_ms, count, f);
}
static enum status gone_get(struct hot_state *state, struct text key, bool take, struct arena *to,
                            struct text *value, struct fault *f)
{
    return hot->ops->get(hot, key, take, to, value, f);
}
static enum status gone_delete(struct hot_state *state, struct text key, struct fault *f)
{
    return hot->ops->delete (hot, key, f);
}

static void what_can_not_be_counted_is_refused(void **state)
{
    struct signed_in in;
    const struct hot_ops ops = {.count = gone_count, .get = gone_get, .delete = gone_delete};
    struct hot_state gone = {&ops};
    ada_with_factor();
    test_options.hot = &gone;
    reopen();
    assert_status(sign_in_with(app(0), &in), STATUS_UNAVAILABLE);
    test_options.hot = hot;
    reopen();
    assert_ok(sign_in_with(app(0), &in), &fault);
}

/* ---- sessions from before ---- */

static void a_session_from_before_shows_the_factor_at_refresh(void **state)
{
    verified_ada();
    struct signed_in before = sign_in(), next, in = sign_in();
    struct principal principal = principal_of(in.access);
    enrol(principal.account.id);
    assert_ok(accounts_mfa_confirm(accounts, &principal, text_of(app(0)), &codes, &fault), &fault);
    assert_ok(refresh(&in, &next), &fault); /* showed it when it confirmed */
    assert_status(refresh(&before, &next), STATUS_UNAUTHORIZED);
    assert_true(mfa_is_required(&fault));
    assert_status(who(before.cookie), STATUS_UNAUTHORIZED); /* a cookie is never refreshed */
    assert_ok(who(in.cookie), &fault);
    assert_status(
        accounts_refresh(accounts, text_of(before.refresh), TEXT("000000"), &next, &fault),
        STATUS_UNAUTHORIZED);
    assert_false(mfa_is_required(&fault));
    assert_ok(accounts_refresh(accounts, text_of(before.refresh), text_of(app(1)), &next, &fault),
              &fault);
    assert_ok(refresh(&next, &next), &fault); /* once is enough */
    assert_ok(who(before.cookie), &fault);
}

static void ending_it_needs_password_and_code(void **state)
{
    struct signed_in in = ada_with_factor();
    struct uuid user = in.account.id;
    assert_status(
        accounts_mfa_disable(accounts, user, TEXT("wrong horse"), text_of(app(0)), &fault),
        STATUS_FORBIDDEN);
    assert_string_equal(fault.param, "password");
    assert_status(accounts_mfa_disable(accounts, user, password, TEXT(""), &fault),
                  STATUS_UNAUTHORIZED);
    assert_true(mfa_is_required(&fault));
    assert_ok(accounts_mfa_disable(accounts, user, password, text_of(app(0)), &fault), &fault);
    assert_ok(sign_in_with("", &in), &fault);
    assert_status(accounts_mfa_disable(accounts, user, password, text_of(app(0)), &fault),
                  STATUS_CONFLICT);
    enrol(user); /* and another may follow */
}

static void an_administrator_helps_who_lost_it(void **state)
{
    struct signed_in in = ada_with_factor();
    struct uuid user = in.account.id;
    assert_ok(accounts_mfa_remove(accounts, user, &fault), &fault);
    assert_status(who(in.access), STATUS_UNAUTHORIZED);
    assert_ok(sign_in_with("", &in), &fault);
    assert_status(accounts_mfa_remove(accounts, user, &fault), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(a_factor_is_asked_for_once_it_is_confirmed),
        ACCOUNT_TEST(only_a_proven_address_has_one),
        ACCOUNT_TEST(the_secret_is_sealed_for_its_user),
        ACCOUNT_TEST(a_code_works_once),
        ACCOUNT_TEST(a_recovery_code_works_once),
        ACCOUNT_TEST(of_many_who_bring_one_code_one_enters),
        ACCOUNT_TEST(five_wrong_codes_lock_it),
        ACCOUNT_TEST(right_codes_do_not_count),
        ACCOUNT_TEST(what_can_not_be_counted_is_refused),
        ACCOUNT_TEST(a_session_from_before_shows_the_factor_at_refresh),
        ACCOUNT_TEST(ending_it_needs_password_and_code),
        ACCOUNT_TEST(an_administrator_helps_who_lost_it),
    };
    return run_on_both(tests);
}
