/* account_sessions_test.c - sessions listed, renewed, watched and ended, on both databases. */
#include <stdatomic.h>

#include "accounts/realization/housekeeper.h"
#include "accounts/test_accounts.h"

static struct session_view *list;
static size_t count;

static void list_sessions(struct uuid user, struct uuid current)
{
    assert_ok(accounts_sessions(accounts, user, current, &job, &list, &count, &fault), &fault);
}

static void sessions_are_listed_and_ended_one_by_one(void **state)
{
    const struct client phone = {TEXT("198.51.100.9"), TEXT("phone/2"), true};
    struct account account = verified_ada();
    struct signed_in first = sign_in(), second;
    now_us += MINUTE_US;
    assert_ok(sign_in_as(ada, password, &phone, &second), &fault);
    list_sessions(account.id, first.session);
    assert_int_equal(count, 2);
    assert_true(uuid_equal(list[0].id, second.session) && !list[0].is_current);
    assert_true(text_equal(list[0].user_agent, TEXT("phone/2")));
    assert_true(text_equal(list[0].ip, TEXT("198.51.100.9")));
    assert_true(list[0].created_us == now_us && list[0].last_seen_us == now_us);
    assert_true(list[1].is_current && list[1].created_us == now_us - MINUTE_US);
    list_sessions((struct uuid){{9}}, first.session); /* a stranger has none */
    assert_int_equal(count, 0);
    assert_ok(accounts_sign_out(accounts, account.id, &second.session, &fault), &fault);
    assert_status(accounts_sign_out(accounts, account.id, &second.session, &fault),
                  STATUS_NOT_FOUND);
    list_sessions(account.id, first.session);
    assert_int_equal(count, 1);
    now_us += 30 * DAY_US;
    list_sessions(account.id, first.session); /* those that are over are not shown */
    assert_int_equal(count, 0);
}

static void what_a_client_says_of_itself_is_kept_short(void **state)
{
    char long_agent[1000];
    struct signed_in in;
    struct account account = verified_ada();
    memset(long_agent, 'a', sizeof long_agent);
    const struct client talker = {TEXT("192.0.2.7"), {long_agent, sizeof long_agent}, false};
    const struct client liar = {TEXT("192.0.2.7"), TEXT("\xff\xfe nul \0"), false};
    assert_ok(sign_in_as(ada, password, &talker, &in), &fault);
    list_sessions(account.id, in.session);
    assert_int_equal(list[0].user_agent.length, 300);
    now_us += 1000;
    assert_ok(sign_in_as(ada, password, &liar, &in), &fault);
    list_sessions(account.id, in.session);
    assert_int_equal(list[0].user_agent.length, 0);
}

static void last_seen_is_to_the_minute(void **state)
{
    struct account account = verified_ada();
    struct signed_in in = sign_in();
    now_us += MINUTE_US - 1;
    assert_ok(who(in.access), &fault);
    assert_ok(accounts_flush(accounts, &fault), &fault);
    list_sessions(account.id, in.session);
    assert_true(list[0].last_seen_us == list[0].created_us);
    now_us += 1;
    assert_ok(who(in.access), &fault);
    assert_ok(accounts_flush(accounts, &fault), &fault);
    list_sessions(account.id, in.session);
    assert_true(list[0].last_seen_us == now_us);
}

/* R241: a session that is used goes on. */
static void refreshing_lengthens_a_session(void **state)
{
    verified_ada();
    struct signed_in in = sign_in();
    for (int i = 0; i < 4; i++) {
        now_us += 10 * DAY_US;
        assert_ok(refresh(&in, &in), &fault);
        assert_ok(who(in.access), &fault);
    }
}

/* R201. */
static void a_cookie_is_renewed_after_a_day(void **state)
{
    verified_ada();
    struct signed_in in = sign_in(), next, again;
    struct principal principal = principal_of(in.cookie);
    assert_int_equal(principal.credential, CREDENTIAL_COOKIE);
    assert_false(principal.rotate_cookie);
    assert_true(in.cookie_expires_us == now_us + 7 * DAY_US);
    now_us += DAY_US;
    principal = principal_of(in.cookie);
    assert_true(principal.rotate_cookie);
    assert_ok(accounts_cookie_rotate(accounts, &principal, &client, &next, &fault), &fault);
    assert_false(uuid_equal(next.session, in.session));
    assert_ok(who(next.cookie), &fault);
    assert_false(principal_of(in.cookie).rotate_cookie); /* for what is on its way */
    now_us += MINUTE_US;
    assert_status(who(in.cookie), STATUS_UNAUTHORIZED);
    assert_status(refresh(&in, &again), STATUS_UNAUTHORIZED);
    now_us += 7 * DAY_US;
    assert_status(who(next.cookie), STATUS_UNAUTHORIZED);
    principal = (struct principal){.credential = CREDENTIAL_API_TOKEN};
    assert_status(accounts_cookie_rotate(accounts, &principal, &client, &next, &fault),
                  STATUS_FORBIDDEN);
}

static void a_phones_cookie_lives_a_day(void **state)
{
    const struct client phone = {TEXT("192.0.2.7"), TEXT("phone/2"), true};
    struct signed_in in;
    verified_ada();
    assert_ok(sign_in_as(ada, password, &phone, &in), &fault);
    now_us += DAY_US / 2;
    assert_true(principal_of(in.cookie).rotate_cookie);
    now_us += DAY_US / 2;
    assert_status(who(in.cookie), STATUS_UNAUTHORIZED);
}

static void signing_in_ends_other_sessions_where_one_may_be(void **state)
{
    test_options.single_session = true;
    reopen();
    verified_ada();
    struct signed_in first = sign_in();
    now_us += DAY_US;
    struct principal principal = principal_of(first.cookie);
    struct signed_in renewed;
    assert_ok(accounts_cookie_rotate(accounts, &principal, &client, &renewed, &fault), &fault);
    assert_ok(who(first.cookie),
              &fault); /* the same session goes on: its old cookie has a minute */
    sign_in();
    assert_status(who(first.cookie), STATUS_UNAUTHORIZED);
    assert_status(who(renewed.cookie), STATUS_UNAUTHORIZED);
}

/* ---- what is over ---- */

static enum status count_rows(struct transaction *t, void *argument, struct fault *f)
{
    struct sql_rows rows;
    TRY(sql_query(t, sql_job(t), &rows,
                  "SELECT (SELECT count(*) FROM auth_session) * 100"
                  " + (SELECT count(*) FROM refresh_token) * 10"
                  " + (SELECT count(*) FROM one_time_code)",
                  NULL, 0, f));
    *(int64_t *)argument = sql_at(&rows, 0, 0)->integer;
    return OK;
}

/* Sessions, refresh tokens and links that are left: a digit each. */
static int64_t left_after_sweeping(void)
{
    int64_t left;
    assert_ok(accounts_sweep(accounts, &fault), &fault);
    assert_ok(database_read(db, sql_actor_system(), count_rows, &left, &fault), &fault);
    return left;
}

static void what_nobody_can_use_is_removed_in_time(void **state)
{
    verified_ada();
    struct signed_in in = sign_in();
    assert_ok(refresh(&in, &in), &fault);
    assert_int_equal(left_after_sweeping(), 121);
    now_us += 8 * DAY_US;
    assert_int_equal(left_after_sweeping(), 120); /* the link to verify */
    assert_ok(refresh(&in, &in), &fault);
    assert_int_equal(left_after_sweeping(), 130); /* used ones tell theft until they are over */
    now_us += 7 * DAY_US;
    assert_int_equal(left_after_sweeping(), 110);
    assert_ok(refresh(&in, &in), &fault);
    now_us += 43 * DAY_US;
    assert_int_equal(left_after_sweeping(), 100);
    now_us += 2 * DAY_US;
    assert_int_equal(left_after_sweeping(), 0);
}

/* ---- streams ---- */

static void who_was_let_in_is_looked_at_again(void **state)
{
    struct account account = verified_ada();
    struct signed_in in = sign_in();
    struct token_view token;
    char secret[SECRET_TEXT_BYTES];
    const struct token_wish wish = {0};
    assert_ok(accounts_token_create(accounts, account.id, &wish, secret, &token, &fault), &fault);
    struct principal session = principal_of(in.access), key = principal_of(secret);
    now_us += 2 * 3600 * 1000000ll; /* the access token is over, the session is not */
    assert_ok(accounts_recheck(accounts, &session, &fault), &fault);
    assert_ok(accounts_recheck(accounts, &key, &fault), &fault);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    assert_status(accounts_recheck(accounts, &session, &fault), STATUS_UNAUTHORIZED);
    assert_status(accounts_recheck(accounts, &key, &fault), STATUS_FORBIDDEN);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_ACTIVE, &fault), &fault);
    assert_ok(accounts_recheck(accounts, &key, &fault), &fault);
    assert_ok(accounts_token_revoke(accounts, account.id, token.id, &fault), &fault);
    assert_status(accounts_recheck(accounts, &key, &fault), STATUS_UNAUTHORIZED);
}

static atomic_int ended;

static void count_ended(void *argument, struct uuid user)
{
    ended += uuid_equal(user, *(const struct uuid *)argument);
}

static void who_streams_hears_at_once_that_it_ends(void **state)
{
    struct account account = verified_ada();
    test_options.ended = count_ended;
    test_options.argument = &account.id;
    reopen();
    ended = 0;
    struct signed_in in = sign_in(), next;
    assert_int_equal(ended, 0);
    assert_ok(accounts_sign_out(accounts, account.id, &in.session, &fault), &fault);
    assert_int_equal(ended, 1);
    in = sign_in();
    assert_ok(refresh(&in, &next), &fault);
    assert_int_equal(ended, 1);
    assert_status(refresh(&in, &next), STATUS_UNAUTHORIZED); /* in two hands */
    assert_int_equal(ended, 2);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    assert_int_equal(ended, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(sessions_are_listed_and_ended_one_by_one),
        ACCOUNT_TEST(what_a_client_says_of_itself_is_kept_short),
        ACCOUNT_TEST(last_seen_is_to_the_minute),
        ACCOUNT_TEST(refreshing_lengthens_a_session),
        ACCOUNT_TEST(a_cookie_is_renewed_after_a_day),
        ACCOUNT_TEST(a_phones_cookie_lives_a_day),
        ACCOUNT_TEST(signing_in_ends_other_sessions_where_one_may_be),
        ACCOUNT_TEST(what_nobody_can_use_is_removed_in_time),
        ACCOUNT_TEST(who_was_let_in_is_looked_at_again),
        ACCOUNT_TEST(who_streams_hears_at_once_that_it_ends),
    };
    return run_on_both(tests);
}
