/* administration_test.c - the first administrator, invitations, and what administrators do, on both
 * databases. */
#include "accounts/administration.h"

#include <pthread.h>
#include <stdatomic.h>

#include "accounts/invitations.h"
#include "accounts/test_accounts.h"

static struct account sign_up_as(const char *email, const char *invitation)
{
    struct account account;
    const struct sign_up wish = {text_of(email), password, text_of(invitation)};
    assert_ok(accounts_register(accounts, &wish, &client, &account, &fault), &fault);
    return account;
}

static enum status try_to_sign_up(const char *email, const char *invitation)
{
    struct account account;
    const struct sign_up wish = {text_of(email), password, text_of(invitation)};
    return accounts_register(accounts, &wish, &client, &account, &fault);
}

static struct account set_up(const char *email)
{
    struct account account;
    char code[SECRET_TEXT_BYTES];
    bool needed;
    assert_ok(accounts_first_admin(accounts, code, &needed, &fault), &fault);
    assert_true(needed);
    assert_ok(accounts_set_up(accounts, text_of(code), text_of(email), password, &client, &account,
                              &fault),
              &fault);
    return account;
}

static struct account account_of(struct uuid id)
{
    struct account account;
    assert_ok(accounts_find(accounts, id, &account, &fault), &fault);
    return account;
}

/* ---- the first administrator ---- */

static void the_first_administrator_comes_by_a_code(void **state)
{
    struct account account;
    char first[SECRET_TEXT_BYTES], second[SECRET_TEXT_BYTES];
    bool needed;
    assert_ok(accounts_first_admin(accounts, first, &needed, &fault), &fault);
    assert_ok(accounts_first_admin(accounts, second, &needed, &fault), &fault); /* another start */
    assert_true(needed);
    assert_status(
        accounts_set_up(accounts, TEXT("made up"), ada, password, &client, &account, &fault),
        STATUS_INVALID);
    assert_string_equal(fault.message, "Invalid set-up code");
    now_us += 400 * DAY_US; /* good until it is used */
    assert_ok(accounts_set_up(accounts, text_of(first), ada, password, &client, &account, &fault),
              &fault);
    assert_true(account.role == ROLE_ADMIN && account.status == ACCOUNT_ACTIVE);
    struct signed_in in = sign_in();
    assert_int_equal(principal_of(in.access).account.role, ROLE_ADMIN);
    assert_status(accounts_set_up(accounts, text_of(second), TEXT("eve@example.com"), password,
                                  &client, &account, &fault),
                  STATUS_INVALID);
    assert_ok(accounts_first_admin(accounts, first, &needed, &fault), &fault);
    assert_false(needed);
}

static void on_ones_own_machine_keys_come_first(void **state)
{
    struct account local, again, person;
    struct token_view view;
    char key[SECRET_TEXT_BYTES];
    assert_ok(accounts_local_admin(accounts, &local, &fault), &fault);
    assert_ok(accounts_local_admin(accounts, &again, &fault), &fault);
    assert_true(uuid_equal(local.id, again.id));
    const struct token_wish wish = {0};
    assert_ok(accounts_token_create(accounts, local.id, &wish, key, &view, &fault), &fault);
    assert_int_equal(principal_of(key).account.role, ROLE_ADMIN);
    person = set_up("ada@example.com"); /* still needed, and the keys become hers */
    assert_true(uuid_equal(person.id, local.id));
    assert_string_equal(principal_of(key).account.email, "ada@example.com");
    sign_in();
    assert_status(accounts_local_admin(accounts, &again, &fault), STATUS_CONFLICT);
}

static char set_up_codes[4][SECRET_TEXT_BYTES];
static atomic_int set_ups;

static void *set_up_at_once(void *argument)
{
    struct account account;
    struct fault what;
    char email[32];
    const char(*code)[SECRET_TEXT_BYTES] = argument;
    snprintf(email, sizeof email, "admin%d@example.com", (int)(code - set_up_codes));
    if (accounts_set_up(accounts, text_of(*code), text_of(email), password, &client, &account,
                        &what) == OK)
        set_ups++;
    return NULL;
}

static void of_many_who_set_up_at_once_one_does(void **state)
{
    pthread_t threads[ARRAY_COUNT(set_up_codes)];
    bool needed;
    set_ups = 0;
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        assert_ok(accounts_first_admin(accounts, set_up_codes[i], &needed, &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
        pthread_create(&threads[i], NULL, set_up_at_once, &set_up_codes[i]);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) pthread_join(threads[i], NULL);
    assert_int_equal(set_ups, 1);
}

/* ---- invitations ---- */

static char invitation[SECRET_TEXT_BYTES];

static struct invitation_view invite(struct uuid admin, const struct invitation_wish *wish)
{
    struct invitation_view view;
    assert_ok(accounts_invite(accounts, admin, wish, invitation, &view, &fault), &fault);
    return view;
}

static void an_invitation_works_once_for_seven_days(void **state)
{
    struct account admin = set_up("root@example.com");
    test_options.invite_only = true;
    reopen();
    assert_status(try_to_sign_up("bob@example.com", ""), STATUS_FORBIDDEN);
    assert_string_equal(fault.param, "invitation");
    assert_status(try_to_sign_up("bob@example.com", "made up"), STATUS_FORBIDDEN);
    const struct invitation_wish wish = {.plan = TEXT("pro"), .role = ROLE_ADMIN};
    invite(admin.id, &wish);
    assert_status(try_to_sign_up("root@example.com", invitation), STATUS_CONFLICT);
    struct account bob = sign_up_as("bob@example.com", invitation); /* not used up by that */
    assert_true(bob.role == ROLE_ADMIN && bob.status == ACCOUNT_PENDING);
    assert_string_equal(bob.plan, "pro");
    assert_status(try_to_sign_up("eve@example.com", invitation), STATUS_FORBIDDEN);
    invite(admin.id, &wish);
    now_us += 7 * DAY_US;
    assert_status(try_to_sign_up("eve@example.com", invitation), STATUS_FORBIDDEN);
    now_us -= 1;
    sign_up_as("eve@example.com", invitation);
}

static void an_invitation_may_be_for_one_address(void **state)
{
    struct account admin = set_up("root@example.com");
    const struct invitation_wish wish = {.email = TEXT("Bob@Example.com")};
    invite(admin.id, &wish);
    struct text code = mailed_code("/register?invitation=", NULL); /* and it is sent there */
    assert_true(text_equal(code, text_of(invitation)));
    assert_status(try_to_sign_up("eve@example.com", invitation), STATUS_FORBIDDEN);
    struct account bob = sign_up_as("bob@example.com", invitation);
    assert_true(bob.status == ACCOUNT_ACTIVE && bob.verified_us == now_us);
}

static void invitations_are_listed_and_taken_back(void **state)
{
    struct account admin = set_up("root@example.com");
    struct invitation_view *list, first = invite(admin.id, &(struct invitation_wish){0});
    size_t count;
    now_us += 1000;
    const struct invitation_wish wish = {.email = TEXT("bob@example.com")};
    struct invitation_view second = invite(admin.id, &wish);
    sign_up_as("bob@example.com", invitation);
    assert_ok(accounts_invitations(accounts, &job, &list, &count, &fault), &fault);
    assert_int_equal(count, 2);
    assert_true(uuid_equal(list[0].id, second.id) && list[0].used_us == now_us);
    assert_string_equal(list[0].email, "bob@example.com");
    assert_true(uuid_equal(list[1].id, first.id) && list[1].used_us == 0);
    assert_status(accounts_invitation_revoke(accounts, second.id, &fault), STATUS_NOT_FOUND);
    assert_ok(accounts_invitation_revoke(accounts, first.id, &fault), &fault);
    assert_ok(accounts_invitations(accounts, &job, &list, &count, &fault), &fault);
    assert_int_equal(count, 1);
}

static void domains_bind_who_is_not_invited(void **state)
{
    static const char *const domains[] = {"example.org"};
    struct account admin = set_up("root@example.com");
    test_options.domains = domains;
    test_options.domain_count = 1;
    reopen();
    assert_status(try_to_sign_up("bob@example.com", ""), STATUS_FORBIDDEN);
    assert_string_equal(fault.param, "email");
    sign_up_as("bob@example.org", "");
    invite(admin.id, &(struct invitation_wish){0});
    sign_up_as("bob@example.com", invitation);
}

/* ---- other people's accounts ---- */

static void accounts_are_listed_page_by_page_and_searched(void **state)
{
    struct account *list;
    size_t count;
    bool more;
    char email[32];
    for (int i = 0; i < 5; i++) {
        now_us += 1000;
        snprintf(email, sizeof email, "P%d_x@example.com", i);
        sign_up_as(email, "");
    }
    struct account_query query = {.limit = 3};
    assert_ok(accounts_list(accounts, &query, &job, &list, &count, &more, &fault), &fault);
    assert_true(count == 3 && more);
    assert_string_equal(list[0].email, "P4_x@example.com");
    query.before = list[2].id;
    assert_ok(accounts_list(accounts, &query, &job, &list, &count, &more, &fault), &fault);
    assert_true(count == 2 && !more);
    assert_string_equal(list[1].email, "P0_x@example.com");
    query = (struct account_query){.search = TEXT("p3_X@")};
    assert_ok(accounts_list(accounts, &query, &job, &list, &count, &more, &fault), &fault);
    assert_int_equal(count, 1);
    query.search = TEXT("p_"); /* LIKE's signs stand for themselves */
    assert_ok(accounts_list(accounts, &query, &job, &list, &count, &more, &fault), &fault);
    assert_int_equal(count, 0);
    query = (struct account_query){.status = "active"};
    assert_ok(accounts_list(accounts, &query, &job, &list, &count, &more, &fault), &fault);
    assert_int_equal(count, 0);
    query.status = "happy";
    assert_status(accounts_list(accounts, &query, &job, &list, &count, &more, &fault),
                  STATUS_INVALID);
    query = (struct account_query){.limit = ACCOUNTS_PAGE_MOST + 1};
    assert_status(accounts_list(accounts, &query, &job, &list, &count, &more, &fault),
                  STATUS_INVALID);
}

static void plans_roles_and_statuses_are_set(void **state)
{
    set_up("root@example.com");
    struct account bob = sign_up_as("bob@example.com", "");
    assert_ok(accounts_set_plan(accounts, bob.id, TEXT("pro-2"), &fault), &fault);
    assert_ok(accounts_set_status(accounts, bob.id, ACCOUNT_ACTIVE, &fault), &fault);
    assert_ok(accounts_set_role(accounts, bob.id, ROLE_ADMIN, &fault), &fault);
    struct account now = account_of(bob.id);
    assert_true(now.status == ACCOUNT_ACTIVE && now.verified_us == now_us &&
                now.role == ROLE_ADMIN);
    assert_string_equal(now.plan, "pro-2");
    assert_status(accounts_set_plan(accounts, bob.id, TEXT("Pro"), &fault), STATUS_INVALID);
    assert_status(accounts_set_plan(accounts, bob.id, TEXT(""), &fault), STATUS_INVALID);
    assert_status(accounts_set_status(accounts, bob.id, ACCOUNT_DELETED, &fault), STATUS_INVALID);
    assert_status(accounts_set_role(accounts, (struct uuid){{9}}, ROLE_USER, &fault),
                  STATUS_NOT_FOUND);
}

static void there_is_always_an_administrator(void **state)
{
    struct account root = set_up("root@example.com"), bob = sign_up_as("bob@example.com", "");
    assert_status(accounts_set_role(accounts, root.id, ROLE_USER, &fault), STATUS_CONFLICT);
    assert_status(accounts_set_status(accounts, root.id, ACCOUNT_SUSPENDED, &fault),
                  STATUS_CONFLICT);
    assert_ok(accounts_set_role(accounts, bob.id, ROLE_ADMIN, &fault), &fault);
    assert_status(accounts_set_role(accounts, root.id, ROLE_USER, &fault),
                  STATUS_CONFLICT); /* Bob is not active yet */
    assert_ok(accounts_set_status(accounts, bob.id, ACCOUNT_ACTIVE, &fault), &fault);
    assert_ok(accounts_set_role(accounts, root.id, ROLE_USER, &fault), &fault);
    assert_status(accounts_set_role(accounts, bob.id, ROLE_USER, &fault), STATUS_CONFLICT);
}

static atomic_int stepped_down;

static void *step_down(void *argument)
{
    struct fault what;
    if (accounts_set_role(accounts, *(struct uuid *)argument, ROLE_USER, &what) == OK)
        stepped_down++;
    return NULL;
}

static void also_when_all_step_down_at_once(void **state)
{
    enum { ADMINS = 4 };
    pthread_t threads[ADMINS];
    struct uuid ids[ADMINS];
    char email[32];
    ids[0] = set_up("root@example.com").id;
    for (int i = 1; i < ADMINS; i++) {
        snprintf(email, sizeof email, "admin%d@example.com", i);
        ids[i] = sign_up_as(email, "").id;
        assert_ok(accounts_set_status(accounts, ids[i], ACCOUNT_ACTIVE, &fault), &fault);
        assert_ok(accounts_set_role(accounts, ids[i], ROLE_ADMIN, &fault), &fault);
    }
    stepped_down = 0;
    for (int i = 0; i < ADMINS; i++) pthread_create(&threads[i], NULL, step_down, &ids[i]);
    for (int i = 0; i < ADMINS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(stepped_down, ADMINS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCOUNT_TEST(the_first_administrator_comes_by_a_code),
        ACCOUNT_TEST(on_ones_own_machine_keys_come_first),
        ACCOUNT_TEST(of_many_who_set_up_at_once_one_does),
        ACCOUNT_TEST(an_invitation_works_once_for_seven_days),
        ACCOUNT_TEST(an_invitation_may_be_for_one_address),
        ACCOUNT_TEST(invitations_are_listed_and_taken_back),
        ACCOUNT_TEST(domains_bind_who_is_not_invited),
        ACCOUNT_TEST(accounts_are_listed_page_by_page_and_searched),
        ACCOUNT_TEST(plans_roles_and_statuses_are_set),
        ACCOUNT_TEST(there_is_always_an_administrator),
        ACCOUNT_TEST(also_when_all_step_down_at_once),
    };
    return run_on_both(tests);
}
