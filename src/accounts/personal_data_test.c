/* personal_data_test.c - all that is known of a person is in the export, and nothing of it is left
 * after the deletion: found by looking through every text of every table, on both databases. */
#include "accounts/personal_data.h"

#include "accounts/mfa.h"
#include "accounts/test_accounts.h"
#include "http/json_body.h"

/* ---- another capability ---- */

static enum status append_notes(struct transaction *t, struct uuid user, struct buffer *json,
                                struct fault *f)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, f, "SELECT title FROM conversation WHERE user_id = $1",
                  sql_uuid(user)));
    buffer_printf(json, "[%zu]", rows.count);
    return OK;
}

static enum status erase_notes(struct transaction *t, struct uuid user, struct fault *f)
{
    return SQL_EXECUTE(t, NULL, f, "DELETE FROM conversation WHERE user_id = $1", sql_uuid(user));
}

static enum status refuse_to_erase(struct transaction *t, struct uuid user, struct fault *f)
{
    return fault_set(f, STATUS_IO, "the disk is full");
}

static const struct personal_data notes = {"notes", append_notes, erase_notes},
                                  stubborn = {"stubborn", append_notes, refuse_to_erase};
static const struct personal_data *others[] = {&notes, &stubborn};

static int begin_personal_test(void **state)
{
    begin_test(state);
    test_options.personal = others;
    test_options.personal_count = 1;
    reopen();
    return 0;
}
#define PERSONAL_TEST(name) cmocka_unit_test_setup_teardown(name, begin_personal_test, end_test)

/* ---- somebody with a bit of everything ---- */

static char key[SECRET_TEXT_BYTES];
static struct signed_in ada_in;

static enum status insert_bits(struct transaction *t, void *argument, struct fault *f)
{
    struct uuid user = *(struct uuid *)argument;
    TRY(SQL_EXECUTE(t, NULL, f,
                    "INSERT INTO user_settings (user_id, locale, flags) VALUES ($1, 'xx-ada', $2)",
                    sql_uuid(user), sql_json(TEXT("{\"mine\":\"ada's flag\"}"))));
    TRY(SQL_EXECUTE(t, NULL, f,
                    "INSERT INTO user_auth_provider (id, user_id, provider, provider_uid,"
                    " created_at) VALUES ($1, $1, 'google', 'uid-of-ada', $2)",
                    sql_uuid(user), sql_time(now_us)));
    TRY(SQL_EXECUTE(t, NULL, f,
                    "UPDATE app_user SET handle = 'ada-handle', meta = $2 WHERE id = $1",
                    sql_uuid(user), sql_json(TEXT("{\"nick\":\"ada's nick\"}"))));
    return SQL_EXECUTE(t, NULL, f,
                       "INSERT INTO conversation (id, user_id, title, created_at, updated_at)"
                       " VALUES ($1, $1, 'ada about herself', $2, $2)",
                       sql_uuid(user), sql_time(now_us));
}

static struct account ada_with_all(void)
{
    const struct client here = {TEXT("203.0.113.77"), TEXT("adas-browser"), false};
    struct account account = verified_ada();
    struct token_view view;
    const struct token_wish wish = {.name = TEXT("adas-laptop")};
    struct mfa_enrolment enrolment;
    assert_ok(sign_in_as(ada, password, &here, &ada_in), &fault);
    assert_ok(accounts_token_create(accounts, account.id, &wish, key, &view, &fault), &fault);
    assert_ok(accounts_mfa_enrol(accounts, account.id, &job, &enrolment, &fault), &fault);
    assert_ok(accounts_request_reset(accounts, ada, &here, &fault), &fault);
    assert_ok(database_write(owner, sql_actor_system(), insert_bits, &account.id, &fault), &fault);
    return account;
}

/* ---- taken along ---- */

static void the_export_has_all_and_no_secrets(void **state)
{
    static const char *const wanted[] = {
        "\"email\":\"Ada@Example.com\"",
        "ada-handle",
        "ada's nick",
        "xx-ada",
        "ada's flag",
        "uid-of-ada",
        "203.0.113.77",
        "adas-browser",
        "adas-laptop",
        "\"notes\":[1]",
        "\"status\":\"active\"",
        "\"confirmed_at\":null",
    };
    static const char *const unwanted[] = {"argon2", "hash", "sealed"};
    struct account account = ada_with_all();
    struct buffer json;
    json_t *object;
    buffer_init(&json);
    assert_ok(accounts_export(accounts, account.id, &json, &fault), &fault);
    assert_ok(json_body_parse(buffer_text(&json), &object, &fault), &fault);
    assert_int_equal(json_array_size(json_object_get(object, "sessions")), 1);
    char *compact = json_dumps(object, JSON_COMPACT);
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++)
        if (!strstr(compact, wanted[i])) fail_msg("no %s in %s", wanted[i], compact);
    for (size_t i = 0; i < ARRAY_COUNT(unwanted); i++)
        if (strstr(compact, unwanted[i])) fail_msg("%s in %s", unwanted[i], compact);
    free(compact);
    json_decref(object);
    assert_status(accounts_export(accounts, (struct uuid){{9}}, &json, &fault), STATUS_NOT_FOUND);
    buffer_deinit(&json);
}

/* ---- deleted ---- */

static const char *const texts_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        " AND t.name NOT LIKE 'message_search%'",
    [SQL_POSTGRES] =
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'",
};

struct search {
    const char *sql;
    struct sql_rows rows;
};

static enum status run_search(struct transaction *t, void *argument, struct fault *f)
{
    struct search *s = argument;
    return sql_query(t, &job, &s->rows, s->sql ? s->sql : texts_sql[sql_dialect(t)], NULL, 0, f);
}

/* In how many columns of whatever table does something of Ada stand? */
static size_t traces_of_ada(void)
{
    struct search columns = {0}, one;
    size_t traces = 0;
    assert_ok(database_read(owner, sql_actor_system(), run_search, &columns, &fault), &fault);
    assert_true(columns.rows.count > 50);
    for (size_t i = 0; i < columns.rows.count; i++) {
        struct text table = sql_at(&columns.rows, i, 0)->text,
                    column = sql_at(&columns.rows, i, 1)->text;
        one.sql = arena_printf(&job,
                               "SELECT count(*) FROM \"%.*s\" WHERE lower(CAST(\"%.*s\" AS text))"
                               " LIKE '%%ada%%' OR CAST(\"%.*s\" AS text) LIKE '%%203.0.113.77%%'",
                               TEXT_FORMAT(table), TEXT_FORMAT(column), TEXT_FORMAT(column));
        if (text_equal(column, TEXT("search")) || text_starts_with(table, TEXT("schema_")))
            continue;
        assert_ok(database_read(owner, sql_actor_system(), run_search, &one, &fault), &fault);
        traces += sql_at(&one.rows, 0, 0)->integer > 0;
    }
    return traces;
}

static void a_deleted_person_leaves_no_trace(void **state)
{
    struct account account = ada_with_all(), left;
    struct principal principal = principal_of(ada_in.access);
    assert_true(traces_of_ada() >= 10);
    assert_ok(accounts_delete(accounts, &principal, password, TEXT(""), &fault), &fault);
    assert_int_equal(traces_of_ada(), 0);
    assert_ok(accounts_find(accounts, account.id, &left, &fault), &fault);
    assert_true(left.status == ACCOUNT_DELETED && left.role == ROLE_USER);
    assert_status(who(ada_in.access), STATUS_UNAUTHORIZED);
    assert_status(who(ada_in.cookie), STATUS_UNAUTHORIZED);
    assert_status(who(key), STATUS_UNAUTHORIZED);
    struct signed_in in;
    assert_status(refresh(&ada_in, &in), STATUS_UNAUTHORIZED);
    assert_status(sign_in_as(ada, password, &client, &in), STATUS_UNAUTHORIZED);
    assert_status(accounts_delete_by_admin(accounts, account.id, &fault), STATUS_NOT_FOUND);
    assert_status(accounts_set_status(accounts, account.id, ACCOUNT_ACTIVE, &fault),
                  STATUS_CONFLICT);
    register_ada(); /* the address is free */
}

static void who_deletes_shows_the_password_again(void **state)
{
    ada_with_all();
    struct principal session = principal_of(ada_in.access), token = principal_of(key);
    assert_status(accounts_delete(accounts, &session, TEXT("wrong horse"), TEXT(""), &fault),
                  STATUS_FORBIDDEN);
    assert_string_equal(fault.param, "password");
    assert_status(accounts_delete(accounts, &token, password, TEXT(""), &fault), STATUS_FORBIDDEN);
    assert_ok(who(ada_in.access), &fault);
}

static enum status take_password(struct transaction *t, void *argument, struct fault *f)
{
    return sql_execute(t, NULL, "UPDATE user_auth_credential SET password_hash = NULL", NULL, 0, f);
}

static void who_has_none_signs_in_again(void **state)
{
    ada_with_all();
    struct principal principal = principal_of(ada_in.access);
    assert_ok(database_write(db, sql_actor_system(), take_password, NULL, &fault), &fault);
    now_us += 10 * MINUTE_US + 1;
    assert_status(accounts_delete(accounts, &principal, TEXT(""), TEXT(""), &fault),
                  STATUS_FORBIDDEN);
    now_us -= 1;
    assert_ok(accounts_delete(accounts, &principal, TEXT(""), TEXT(""), &fault), &fault);
}

static void all_or_nothing_is_erased(void **state)
{
    ada_with_all();
    size_t before = traces_of_ada();
    struct principal principal = principal_of(ada_in.access);
    test_options.personal_count = 2; /* the second fails after the first has erased */
    reopen();
    assert_status(accounts_delete(accounts, &principal, password, TEXT(""), &fault), STATUS_IO);
    assert_int_equal(traces_of_ada(), before);
    assert_ok(who(key), &fault);
}

static void the_last_administrator_stays(void **state)
{
    struct account account = ada_with_all();
    struct principal principal = principal_of(ada_in.access);
    assert_ok(accounts_set_role(accounts, account.id, ROLE_ADMIN, &fault), &fault);
    assert_status(accounts_delete(accounts, &principal, password, TEXT(""), &fault),
                  STATUS_CONFLICT);
    assert_ok(who(key), &fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PERSONAL_TEST(the_export_has_all_and_no_secrets),
        PERSONAL_TEST(a_deleted_person_leaves_no_trace),
        PERSONAL_TEST(who_deletes_shows_the_password_again),
        PERSONAL_TEST(who_has_none_signs_in_again),
        PERSONAL_TEST(all_or_nothing_is_erased),
        PERSONAL_TEST(the_last_administrator_stays),
    };
    return run_on_both(tests);
}
