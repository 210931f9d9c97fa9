/* test_accounts.h - accounts for tests: both real databases, a clock that the test turns, and one
 * person, Ada. Only tests include this. */
#ifndef LIMINAL_ACCOUNTS_TEST_ACCOUNTS_H
#define LIMINAL_ACCOUNTS_TEST_ACCOUNTS_H

#include "accounts/accounts.h"
#include "accounts/administration.h"
#include "accounts/realization/account_store.h"
#include "storage/realization/hot_states.h"
#include "storage/test_migrated.h"

static struct hot_state *hot;
static struct accounts *accounts;
static struct accounts_options test_options; /* as accounts were opened; see reopen */
static struct arena job;
static int64_t now_us;

static const struct client client = {TEXT("192.0.2.7"), TEXT("test/1"), false};
static const struct text ada = TEXT("Ada@Example.com"), password = TEXT("correct horse");

#define MINUTE_US 60000000ll
#define DAY_US    86400000000ll

static inline int64_t test_clock(void)
{
    return now_us;
}

/* ---- life ---- */

static inline enum status forget_all(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t,
                      "DELETE FROM mail; DELETE FROM invitation; DELETE FROM one_time_code;"
                      " DELETE FROM app_user",
                      f);
}

/* With test_options as the test has changed them. */
static inline void reopen(void)
{
    accounts_close(accounts);
    assert_ok(accounts_open(&accounts, &test_options, &fault), &fault);
}

static inline int begin_test(void **state)
{
    now_us = 1795167760000000;
    arena_init(&job, 0);
    assert_ok(database_write(owner, sql_actor_system(), forget_all, NULL, &fault), &fault);
    assert_ok(hot_memory_open(&hot, 0, &fault), &fault);
    test_options = (struct accounts_options){
        .database = db,
        .hot = hot,
        .server_key = "0123456789abcdef0123456789abcde",
        .public_url = "https://app.example.com",
        .now_us = test_clock,
    };
    assert_ok(accounts_open(&accounts, &test_options, &fault), &fault);
    return 0;
}

static inline int end_test(void **state)
{
    accounts_close(accounts);
    accounts = NULL;
    hot_close(hot);
    arena_deinit(&job);
    return 0;
}

#define ACCOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

/* ---- Ada ---- */

static inline struct account register_ada(void)
{
    struct account account;
    const struct sign_up wish = {.email = ada, .password = password};
    assert_ok(accounts_register(accounts, &wish, &client, &account, &fault), &fault);
    return account;
}

static inline enum status last_mail(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument,
                     "SELECT recipient, subject, body_text, body_html FROM mail ORDER BY id DESC",
                     NULL, 0, f);
}

/* The code in the newest mail; *mails: how many there are. */
static inline struct text mailed_code(const char *path, size_t *mails)
{
    struct sql_rows rows;
    assert_ok(database_read(db, sql_actor_system(), last_mail, &rows, &fault), &fault);
    if (mails) *mails = rows.count;
    if (rows.count == 0) return (struct text){0};
    struct text body = sql_at(&rows, 0, 2)->text;
    size_t at = text_find(body, text_of(path));
    assert_int_not_equal(at, SIZE_MAX);
    struct text code = text_slice(body, at + strlen(path), body.length);
    return text_slice(code, 0, text_find(code, TEXT("\n")));
}

static inline struct account verified_ada(void)
{
    struct account account;
    register_ada();
    assert_ok(accounts_verify_email(accounts, mailed_code("/verify?code=", NULL), &account, &fault),
              &fault);
    return account;
}

static inline enum status sign_in_as(struct text email, struct text with, const struct client *from,
                                     struct signed_in *in)
{
    const struct credentials credentials = {.email = email, .password = with};
    return accounts_sign_in(accounts, &credentials, from, in, &fault);
}

static inline struct signed_in sign_in(void)
{
    struct signed_in in;
    assert_ok(sign_in_as(ada, password, &client, &in), &fault);
    return in;
}

static inline enum status refresh(const struct signed_in *in, struct signed_in *next)
{
    char token[SECRET_TEXT_BYTES];
    memcpy(token, in->refresh, sizeof token); /* `next` may be `in` */
    return accounts_refresh(accounts, text_of(token), TEXT(""), next, &fault);
}

static inline struct principal principal_of(const char *credential)
{
    struct principal principal;
    assert_ok(accounts_authenticate(accounts, text_of(credential), &job, &principal, &fault),
              &fault);
    return principal;
}

static inline enum status who(const char *credential)
{
    struct principal principal;
    return accounts_authenticate(accounts, text_of(credential), &job, &principal, &fault);
}

/* The other way round than totp_secret_format, and of other making. */
static inline void test_read_base32(const char *letters, unsigned char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (; *letters; letters++) {
        unsigned value =
            *letters >= 'A' ? (unsigned)(*letters - 'A') : (unsigned)(*letters - '2') + 26;
        bits = bits << 5 | value;
        held += 5;
        if (held < 8) continue;
        held -= 8;
        *out++ = (unsigned char)(bits >> held);
    }
}

#endif
