/* sign_in.c - signing in with a password. */
#include <stdio.h>
#include <string.h>

#include "accounts/realization/mfa_check.h"

enum {
    FAILURES_PER_PAIR = 10,     /* of one client at one account, in WINDOW_S */
    FAILURES_PER_ACCOUNT = 200, /* of all: who wants to lock somebody out needs many addresses */
    FAILURES_PER_CLIENT = 50,
    WINDOW_S = 15 * 60,
};

struct sign_in {
    struct accounts *accounts;
    const struct client *client;
    char key[EMAIL_BYTES];
    char hash[PASSWORD_HASH_BYTES]; /* as it was; "": there is no such account */
    const char *new_hash;           /* NULL: the old one is as good */
    bool mfa_shown;
    struct signed_in *out;
};

static enum status find_account(struct transaction *t, void *argument, struct fault *fault)
{
    struct sign_in *s = argument;
    enum status status = store_account_find_email(t, s->key, &s->out->account, s->hash, fault);
    if (status != STATUS_NOT_FOUND) return status;
    *s->hash = '\0';
    return OK;
}

static enum status begin_session(struct transaction *t, void *argument, struct fault *fault)
{
    struct sign_in *s = argument;
    struct uuid user = s->out->account.id;
    int64_t now_us = accounts_now_us(s->accounts);
    if (s->new_hash) TRY(store_password_update(t, user, s->new_hash, now_us, fault));
    return accounts_begin_session(s->accounts, t, s->client, s->mfa_shown ? now_us : 0, s->out,
                                  fault);
}

/* "ada@example.com from 192.0.2.7" */
static struct text pair_of(const char *key, const struct client *client, char out[512])
{
    snprintf(out, 512, "%s from %.*s", key, TEXT_FORMAT(client->ip));
    return text_of(out);
}

/* Counted before the password is looked at: guessing costs the same whether it is right. */
static enum status check_limits(struct accounts *accounts, const char *key,
                                const struct client *client, struct fault *fault)
{
    char pair[512];
    TRY(accounts_limit(accounts, "client", client->ip, FAILURES_PER_CLIENT, WINDOW_S, fault));
    TRY(accounts_limit(accounts, "pair", pair_of(key, client, pair), FAILURES_PER_PAIR, WINDOW_S,
                       fault));
    return accounts_limit(accounts, "account", text_of(key), FAILURES_PER_ACCOUNT, WINDOW_S, fault);
}

/* Whoever knows the password has not failed. */
static enum status clear_limits(struct accounts *accounts, const char *key,
                                const struct client *client, struct fault *fault)
{
    char pair[512];
    TRY(accounts_limit_clear(accounts, "client", client->ip, fault));
    return accounts_limit_clear(accounts, "pair", pair_of(key, client, pair), fault);
}

static enum status wrong_credentials(struct fault *fault)
{
    return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid email or password");
}

enum status accounts_sign_in(struct accounts *accounts, const struct credentials *credentials,
                             const struct client *client, struct signed_in *out,
                             struct fault *fault)
{
    struct database *database = accounts->options.database;
    struct sign_in s = {.accounts = accounts, .client = client, .out = out};
    struct text password = credentials->password;
    char fresh[PASSWORD_HASH_BYTES];
    bool matches;
    if (email_check(credentials->email, NULL) != OK || password.length > PASSWORD_MOST)
        return wrong_credentials(fault);
    email_key(credentials->email, s.key);
    TRY(hash_pool_check(accounts->hashing, fault));
    TRY(check_limits(accounts, s.key, client, fault));
    TRY(database_read(database, sql_actor_system(), find_account, &s, fault));
    TRY(hash_pool_matches(accounts->hashing, password, s.hash, &matches, fault));
    if (!matches) return wrong_credentials(fault);
    TRY(clear_limits(accounts, s.key, client, fault));
    TRY(account_check_usable(&out->account, accounts_now_us(accounts), fault));
    TRY(mfa_check(accounts, out->account.id, credentials->mfa_code, &s.mfa_shown, fault));
    if (password_hash_is_old(s.hash)) {
        TRY(hash_pool_hash(accounts->hashing, password, fresh, fault));
        s.new_hash = fresh;
    }
    TRY(database_write(database, sql_actor_system(), begin_session, &s, fault));
    if (accounts->options.single_session) accounts_tell_ended(accounts, out->account.id);
    return OK;
}
