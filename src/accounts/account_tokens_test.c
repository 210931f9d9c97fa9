/* account_tokens_test.c - what API tokens may and spend, on both databases. */
#include <pthread.h>
#include <stdatomic.h>

#include "accounts/test_accounts.h"

static char secret[SECRET_TEXT_BYTES];
static struct account owner_of_tokens;

static int begin_token_test(void **state)
{
    begin_test(state);
    owner_of_tokens = verified_ada();
    return 0;
}
#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, begin_token_test, end_test)

static enum status create(const char *scopes, const char *limits, struct token_view *view)
{
    const struct token_wish wish = {
        .name = TEXT("laptop"), .scopes = text_of(scopes), .limits = text_of(limits)};
    return accounts_token_create(accounts, owner_of_tokens.id, &wish, secret, view, &fault);
}

static struct principal principal_with(const char *scopes, const char *limits)
{
    struct token_view view;
    assert_ok(create(scopes, limits, &view), &fault);
    return principal_of(secret);
}

static struct token_view listed(void)
{
    struct token_view *views;
    size_t count;
    assert_ok(accounts_flush(accounts, &fault), &fault);
    assert_ok(accounts_token_list(accounts, owner_of_tokens.id, &job, &views, &count, &fault),
              &fault);
    assert_int_equal(count, 1);
    return views[0];
}

static void scopes_come_with_whoever_brings_it(void **state)
{
    struct principal principal =
        principal_with("{\"models\":[\"small\"],\"read_only\":true}",
                       "{\"requests_per_minute\":60,\"tokens_per_day\":1000}");
    assert_true(principal.scope.read_only);
    assert_true(scope_allows_model(&principal.scope, TEXT("small")));
    assert_false(scope_allows_model(&principal.scope, TEXT("large")));
    assert_int_equal(principal.limits.requests_per_minute, 60);
    assert_int_equal(principal.limits.tokens_per_day, 1000);
    assert_int_equal(principal.limits.spend_cap_tokens, 0);
    assert_true(text_find(listed().scopes, TEXT("\"small\"")) != SIZE_MAX);
}

static void what_can_not_be_read_is_not_written(void **state)
{
    struct token_view view;
    assert_status(create("{\"model\":[]}", "", &view), STATUS_INVALID);
    assert_string_equal(fault.param, "model");
    assert_status(create("", "{\"tokens_per_day\":-1}", &view), STATUS_INVALID);
    assert_ok(create("", "", &view), &fault);
    listed();
}

static void a_cap_is_a_cap(void **state)
{
    struct principal principal = principal_with("", "{\"spend_cap_tokens\":100}");
    assert_ok(accounts_token_spend(accounts, &principal, 60, &fault), &fault);
    assert_status(accounts_token_spend(accounts, &principal, 41, &fault), STATUS_FORBIDDEN);
    assert_string_equal(fault.message,
                        "the token 'laptop' has spent what it may: its cap is 100 tokens");
    assert_int_equal(listed().spent_tokens, 60);
    assert_ok(accounts_token_spend(accounts, &principal, -20, &fault), &fault);
    assert_ok(accounts_token_spend(accounts, &principal, 60, &fault), &fault);
    assert_status(accounts_token_spend(accounts, &principal, 1, &fault), STATUS_FORBIDDEN);
    assert_int_equal(listed().spent_tokens, 100);
}

static void without_a_cap_it_is_counted_too(void **state)
{
    struct principal principal = principal_with("", "");
    for (int i = 0; i < 100; i++)
        assert_ok(accounts_token_spend(accounts, &principal, 7, &fault), &fault);
    assert_int_equal(listed().spent_tokens, 700);
    struct signed_in in = sign_in();
    struct principal session = principal_of(in.access);
    assert_ok(accounts_token_spend(accounts, &session, 1000, &fault), &fault);
    assert_int_equal(listed().spent_tokens, 700);
}

static void last_used_is_written_by_the_minute(void **state)
{
    struct token_view view;
    assert_ok(create("", "", &view), &fault);
    assert_true(listed().last_used_us == 0);
    assert_ok(who(secret), &fault);
    int64_t first_us = now_us;
    assert_true(listed().last_used_us == first_us);
    now_us += MINUTE_US - 1;
    assert_ok(who(secret), &fault);
    assert_true(listed().last_used_us == first_us);
    now_us += 1;
    assert_ok(who(secret), &fault);
    assert_true(listed().last_used_us == now_us);
}

static void closing_writes_what_is_left(void **state)
{
    struct principal principal = principal_with("", "");
    assert_ok(accounts_token_spend(accounts, &principal, 7, &fault), &fault);
    reopen();
    struct token_view view = listed();
    assert_int_equal(view.spent_tokens, 7);
    assert_true(view.last_used_us == now_us);
}

/* ---- many at once ---- */

static atomic_int spent, refused;

static void *spend_one_by_one(void *argument)
{
    const struct principal *principal = argument;
    struct fault what;
    for (int i = 0; i < 20; i++) {
        enum status status = accounts_token_spend(accounts, principal, 1, &what);
        if (status == OK) spent++;
        if (status == STATUS_FORBIDDEN) refused++;
    }
    return NULL;
}

static void of_many_who_spend_at_once_none_spends_beyond_the_cap(void **state)
{
    enum { SPENDERS = 4 };
    pthread_t threads[SPENDERS];
    struct principal principal = principal_with("", "{\"spend_cap_tokens\":50}");
    spent = refused = 0;
    for (int i = 0; i < SPENDERS; i++)
        pthread_create(&threads[i], NULL, spend_one_by_one, &principal);
    for (int i = 0; i < SPENDERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(spent, 50);
    assert_int_equal(refused, SPENDERS * 20 - 50);
    assert_int_equal(listed().spent_tokens, 50);
}

static void *use_all_the_time(void *argument)
{
    struct arena mine;
    struct fault what;
    struct principal principal;
    for (int i = 0; i < 50; i++) {
        arena_init(&mine, 0);
        if (accounts_authenticate(accounts, text_of(argument), &mine, &principal, &what) == OK &&
            accounts_token_spend(accounts, &principal, 1, &what) == OK)
            spent++;
        if (i % 10 == 0 && accounts_flush(accounts, &what) != OK) refused++;
        arena_deinit(&mine);
    }
    return NULL;
}

static void nothing_is_lost_between_those_who_use_and_who_writes(void **state)
{
    enum { USERS = 4 };
    pthread_t threads[USERS];
    struct token_view view;
    assert_ok(create("", "", &view), &fault);
    spent = refused = 0;
    for (int i = 0; i < USERS; i++) pthread_create(&threads[i], NULL, use_all_the_time, secret);
    for (int i = 0; i < USERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(spent, USERS * 50);
    assert_int_equal(refused, 0);
    assert_int_equal(listed().spent_tokens, USERS * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(scopes_come_with_whoever_brings_it),
        TOKEN_TEST(what_can_not_be_read_is_not_written),
        TOKEN_TEST(a_cap_is_a_cap),
        TOKEN_TEST(without_a_cap_it_is_counted_too),
        TOKEN_TEST(last_used_is_written_by_the_minute),
        TOKEN_TEST(closing_writes_what_is_left),
        TOKEN_TEST(of_many_who_spend_at_once_none_spends_beyond_the_cap),
        TOKEN_TEST(nothing_is_lost_between_those_who_use_and_who_writes),
    };
    return run_on_both(tests);
}
