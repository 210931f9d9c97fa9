/* accounts_test.c - the life of accounts, on both databases, with a clock that the test turns. */
#include "accounts/test_accounts.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- signing up ---- */

static void registering_sends_a_link_that_verifies_once(void **state)
{
    struct account account = register_ada(), verified;
    assert_int_equal(account.status, ACCOUNT_PENDING);
    struct text code = mailed_code("https://app.example.com/verify?code=", NULL);
    assert_int_equal(code.length, 43);
    assert_ok(accounts_verify_email(accounts, code, &verified, &fault), &fault);
    assert_true(uuid_equal(verified.id, account.id));
    assert_true(verified.status == ACCOUNT_ACTIVE && verified.verified_us == now_us);
    assert_string_equal(verified.email, "Ada@Example.com");
    assert_status(accounts_verify_email(accounts, code, &verified, &fault), STATUS_INVALID);
    assert_string_equal(fault.message, "Invalid verification code");
    assert_status(accounts_verify_email(accounts, TEXT(""), &verified, &fault), STATUS_INVALID);
}

static void a_link_is_good_for_a_day(void **state)
{
    struct account account;
    register_ada();
    struct text code = mailed_code("/verify?code=", NULL);
    now_us += 24 * 3600 * 1000000ll;
    assert_status(accounts_verify_email(accounts, code, &account, &fault), STATUS_INVALID);
    assert_string_equal(fault.message, "Verification code has expired");
    now_us -= 1; /* and it was not used up by that */
    assert_ok(accounts_verify_email(accounts, code, &account, &fault), &fault);
}

static void one_account_per_address(void **state)
{
    struct account account;
    size_t mails;
    register_ada();
    assert_status(
        accounts_register(accounts,
                          &(struct sign_up){.email = TEXT("ada@example.COM"), .password = password},
                          &client, &account, &fault),
        STATUS_CONFLICT);
    assert_string_equal(fault.message, "User with this email already exists");
    mailed_code("/verify?code=", &mails);
    assert_int_equal(mails, 1);
}

/* ---- signing in ---- */

static void words_do_not_tell_who_has_an_account(void **state)
{
    struct signed_in in;
    verified_ada();
    sign_in();
    assert_status(sign_in_as(ada, TEXT("wrong horse"), &client, &in), STATUS_UNAUTHORIZED);
    assert_string_equal(fault.message, "Invalid email or password");
    assert_status(sign_in_as(TEXT("bob@example.com"), password, &client, &in), STATUS_UNAUTHORIZED);
    assert_string_equal(fault.message, "Invalid email or password");
    assert_status(sign_in_as(TEXT("no address"), password, &client, &in), STATUS_UNAUTHORIZED);
    assert_string_equal(fault.message, "Invalid email or password");
}

static void guessing_ends(void **state)
{
    struct signed_in in;
    verified_ada();
    for (int i = 0; i < 10; i++) sign_in(); /* successes do not count */
    enum status status = STATUS_UNAUTHORIZED;
    int guesses = 0;
    for (; status == STATUS_UNAUTHORIZED && guesses < 30; guesses++)
        status = sign_in_as(ada, TEXT("wrong horse"), &client, &in);
    assert_int_equal(status, STATUS_BUSY);
    assert_int_equal(guesses, 11);
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_BUSY);
    const struct client elsewhere = {TEXT("198.51.100.1"), TEXT(""), false};
    assert_ok(sign_in_as(ada, password, &elsewhere, &in), &fault);
}

static void tokens_expire_and_refresh(void **state)
{
    verified_ada();
    struct signed_in in = sign_in(), next;
    assert_ok(who(in.access), &fault);
    now_us += 30 * 60 * 1000000ll;
    assert_status(who(in.access), STATUS_UNAUTHORIZED);
    assert_ok(refresh(&in, &next), &fault);
    assert_true(uuid_equal(next.session, in.session));
    assert_ok(who(next.access), &fault);
    assert_status(who("lat_nonsense"), STATUS_UNAUTHORIZED);
    assert_status(who(next.refresh), STATUS_UNAUTHORIZED);
    now_us += 15 * 86400 * 1000000ll;
    assert_status(refresh(&next, &in), STATUS_UNAUTHORIZED);
}

static void a_refresh_token_in_two_hands_ends_the_session(void **state)
{
    verified_ada();
    struct signed_in in = sign_in(), next, thief;
    assert_ok(refresh(&in, &next), &fault);
    assert_ok(who(next.access), &fault);
    assert_status(refresh(&in, &thief), STATUS_UNAUTHORIZED);
    assert_status(who(next.access), STATUS_UNAUTHORIZED);
    assert_status(refresh(&next, &thief), STATUS_UNAUTHORIZED);
}

static void signing_out_ends_a_session_at_once(void **state)
{
    struct account account = verified_ada();
    struct signed_in first = sign_in(), second = sign_in();
    const struct uuid stranger = {{9}};
    assert_status(accounts_sign_out(accounts, stranger, &first.session, &fault), STATUS_NOT_FOUND);
    assert_ok(accounts_sign_out(accounts, account.id, &first.session, &fault), &fault);
    assert_status(who(first.access), STATUS_UNAUTHORIZED);
    assert_ok(who(second.access), &fault);
    assert_ok(accounts_sign_out(accounts, account.id, NULL, &fault), &fault);
    assert_status(who(second.access), STATUS_UNAUTHORIZED);
}

/* X69: a day to look around, then the address must be proven. */
static void a_pending_account_has_a_day(void **state)
{
    struct account account = register_ada();
    struct signed_in in = sign_in();
    struct token_view view;
    char secret[SECRET_TEXT_BYTES];
    assert_ok(who(in.access), &fault);
    assert_status(
        accounts_token_create(accounts, account.id, &(struct token_wish){0}, secret, &view, &fault),
        STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User cannot generate tokens");
    now_us += 24 * 3600 * 1000000ll;
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User account is pending_verification");
}

/* ---- tokens ---- */

static void a_token_is_shown_once_and_works_until_revoked(void **state)
{
    struct account account = verified_ada();
    struct token_view view, *list;
    size_t count;
    char secret[SECRET_TEXT_BYTES];
    const struct token_wish wish = {.name = TEXT("laptop")};
    assert_ok(accounts_token_create(accounts, account.id, &wish, secret, &view, &fault), &fault);
    assert_int_equal(strlen(secret), 47);
    assert_memory_equal(secret, view.prefix, 12);
    assert_true(view.is_active && view.expires_us == now_us + 365 * 86400000000);
    struct principal principal;
    assert_ok(accounts_authenticate(accounts, text_of(secret), &job, &principal, &fault), &fault);
    assert_int_equal(principal.credential, CREDENTIAL_API_TOKEN);
    assert_true(uuid_equal(principal.account.id, account.id));
    assert_true(text_equal(principal.token_name, TEXT("laptop")));
    assert_ok(accounts_flush(accounts, &fault), &fault);
    assert_ok(accounts_token_list(accounts, account.id, &job, &list, &count, &fault), &fault);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].name, "laptop");
    assert_true(list[0].last_used_us == now_us);
    const struct uuid stranger = {{9}};
    assert_status(accounts_token_revoke(accounts, stranger, view.id, &fault), STATUS_NOT_FOUND);
    assert_string_equal(fault.message, "Token not found or does not belong to user");
    assert_ok(who(secret), &fault);
    assert_ok(accounts_token_revoke(accounts, account.id, view.id, &fault), &fault);
    assert_status(who(secret), STATUS_UNAUTHORIZED);
}

static void a_suspended_user_is_out_with_every_credential(void **state)
{
    struct account account = verified_ada();
    struct signed_in in = sign_in();
    struct token_view view;
    char secret[SECRET_TEXT_BYTES];
    assert_ok(
        accounts_token_create(accounts, account.id, &(struct token_wish){0}, secret, &view, &fault),
        &fault);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    assert_status(who(in.access), STATUS_UNAUTHORIZED);
    assert_status(refresh(&in, &in), STATUS_UNAUTHORIZED);
    assert_status(who(secret), STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User account is suspended");
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_FORBIDDEN);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_ACTIVE, &fault), &fault);
    assert_ok(who(secret), &fault);
    assert_status(who(in.access), STATUS_UNAUTHORIZED); /* sessions do not come back */
}

/* ---- passwords ---- */

static void a_reset_works_once_for_a_quarter_of_an_hour(void **state)
{
    verified_ada();
    struct signed_in in = sign_in();
    size_t before, after;
    mailed_code("code=", &before);
    assert_ok(accounts_request_reset(accounts, TEXT("nobody@example.com"), &client, &fault),
              &fault);
    mailed_code("code=", &after);
    assert_int_equal(after, before);
    now_us += 1000; /* so that this mail is the newest */
    assert_ok(accounts_request_reset(accounts, ada, &client, &fault), &fault);
    struct text code = mailed_code("/reset?code=", NULL);
    assert_status(accounts_reset_password(accounts, TEXT(""), TEXT("new password"), &fault),
                  STATUS_INVALID);
    assert_status(accounts_reset_password(accounts, code, TEXT("short"), &fault), STATUS_INVALID);
    now_us += 15 * 60 * 1000000ll;
    assert_status(accounts_reset_password(accounts, code, TEXT("new password"), &fault),
                  STATUS_INVALID);
    now_us -= 1;
    assert_ok(accounts_reset_password(accounts, code, TEXT("new password"), &fault), &fault);
    assert_status(accounts_reset_password(accounts, code, TEXT("new password"), &fault),
                  STATUS_INVALID);
    assert_status(who(in.access), STATUS_UNAUTHORIZED);
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_UNAUTHORIZED);
    assert_ok(sign_in_as(ada, TEXT("new password"), &client, &in), &fault);
}

static void changing_a_password_keeps_only_this_session(void **state)
{
    struct account account = verified_ada();
    struct signed_in here = sign_in(), there = sign_in();
    assert_status(accounts_change_password(accounts, account.id, here.session, TEXT("wrong horse"),
                                           TEXT("new password"), &fault),
                  STATUS_FORBIDDEN);
    assert_ok(accounts_change_password(accounts, account.id, here.session, password,
                                       TEXT("new password"), &fault),
              &fault);
    assert_ok(who(here.access), &fault);
    assert_status(who(there.access), STATUS_UNAUTHORIZED);
}

static enum status make_bcrypt(struct transaction *t, void *argument, struct fault *f)
{
    return SQL_EXECUTE(t, NULL, f,
                       "UPDATE user_auth_credential SET password_algo = 'bcrypt', password_hash ="
                       " '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'"
                       " WHERE user_id = $1",
                       sql_uuid(*(struct uuid *)argument));
}

static enum status read_hash(struct transaction *t, void *argument, struct fault *f)
{
    struct account account;
    return store_account_find_email(t, "ada@example.com", &account, argument, f);
}

static void a_bcrypt_hash_is_upgraded_on_sign_in(void **state)
{
    struct account account = verified_ada();
    struct signed_in in;
    char hash[PASSWORD_HASH_BYTES];
    assert_ok(database_write(db, sql_actor_system(), make_bcrypt, &account.id, &fault), &fault);
    assert_ok(sign_in_as(ada, TEXT("U*U"), &client, &in), &fault);
    assert_ok(database_read(db, sql_actor_system(), read_hash, hash, &fault), &fault);
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_ok(sign_in_as(ada, TEXT("U*U"), &client, &in), &fault);
}

/* ---- many at once ---- */

static atomic_int registered, conflicts, others;

static void *register_at_once(void *argument)
{
    struct account account;
    struct fault what;
    const struct sign_up wish = {.email = ada, .password = password};
    enum status status = accounts_register(accounts, &wish, &client, &account, &what);
    if (status == OK)
        registered++;
    else if (status == STATUS_CONFLICT)
        conflicts++;
    else
        others++;
    return NULL;
}

static void of_many_who_register_one_does(void **state)
{
    enum { PEOPLE = 8 };
    pthread_t threads[PEOPLE];
    registered = conflicts = others = 0;
    for (int i = 0; i < PEOPLE; i++) pthread_create(&threads[i], NULL, register_at_once, NULL);
    for (int i = 0; i < PEOPLE; i++) pthread_join(threads[i], NULL);
    assert_int_equal(registered, 1);
    assert_int_equal(conflicts, PEOPLE - 1);
    assert_int_equal(others, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(registering_sends_a_link_that_verifies_once),
        ACCOUNT_TEST(a_link_is_good_for_a_day),
        ACCOUNT_TEST(one_account_per_address),
        ACCOUNT_TEST(words_do_not_tell_who_has_an_account),
        ACCOUNT_TEST(guessing_ends),
        ACCOUNT_TEST(tokens_expire_and_refresh),
        ACCOUNT_TEST(a_refresh_token_in_two_hands_ends_the_session),
        ACCOUNT_TEST(signing_out_ends_a_session_at_once),
        ACCOUNT_TEST(a_pending_account_has_a_day),
        ACCOUNT_TEST(a_token_is_shown_once_and_works_until_revoked),
        ACCOUNT_TEST(a_suspended_user_is_out_with_every_credential),
        ACCOUNT_TEST(a_reset_works_once_for_a_quarter_of_an_hour),
        ACCOUNT_TEST(changing_a_password_keeps_only_this_session),
        ACCOUNT_TEST(a_bcrypt_hash_is_upgraded_on_sign_in),
        ACCOUNT_TEST(of_many_who_register_one_does),
    };
    return run_on_both(tests);
}
