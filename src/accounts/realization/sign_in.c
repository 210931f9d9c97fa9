/* sign_in.c - signing in and out, refreshing, and who it is that comes with a credential. */
#include <stdio.h>
#include <string.h>

#include "accounts/realization/accounts_parts.h"

enum {
    FAILURES_PER_PAIR = 10,     /* of one client at one account, in WINDOW_S */
    FAILURES_PER_ACCOUNT = 200, /* of all: who wants to lock somebody out needs many addresses */
    FAILURES_PER_CLIENT = 50,
    WINDOW_S = 15 * 60,
    TOUCH_EVERY_US = 60 * 1000000, /* last_used_at is that exact (R46) */
};

/* ---- tokens ---- */

/* An access token, and a refresh token whose hash is stored. */
static enum status give_tokens(struct accounts *accounts, struct transaction *t,
                               const struct session *session, struct signed_in *out,
                               struct fault *fault)
{
    const struct accounts_options *options = &accounts->options;
    int64_t now_us = accounts_now_us(accounts);
    out->session = session->id;
    out->access_expires_us = now_us + (int64_t)options->access_ttl_s * 1000000;
    out->refresh_expires_us = now_us + (int64_t)options->refresh_ttl_s * 1000000;
    access_token_make(options->server_key, session->id, out->access_expires_us / 1000000,
                      out->access);
    struct secret_hash hash = accounts_new_secret(REFRESH_TOKEN_MARK, out->refresh);
    return store_refresh_insert(t, &hash, session, now_us, out->refresh_expires_us, fault);
}

/* ---- signing in ---- */

struct sign_in {
    struct accounts *accounts;
    const struct client *client;
    char key[EMAIL_BYTES];
    char hash[PASSWORD_HASH_BYTES]; /* as it was; "": there is no such account */
    const char *new_hash;           /* NULL: the old one is as good */
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
    const struct account *account = &s->out->account;
    int64_t now_us = accounts_now_us(s->accounts);
    const struct session session = {
        .id = accounts_new_id(s->accounts),
        .user_id = account->id,
        .created_us = now_us,
        .expires_us = now_us + (int64_t)s->accounts->options.refresh_ttl_s * 1000000,
        .user_agent = s->client->user_agent,
        .ip = s->client->ip,
    };
    if (s->accounts->options.single_session)
        TRY(store_sessions_revoke(t, account->id, NULL, NULL, now_us, fault));
    if (s->new_hash) TRY(store_password_update(t, account->id, s->new_hash, now_us, fault));
    TRY(store_session_insert(t, &session, fault));
    return give_tokens(s->accounts, t, &session, s->out, fault);
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

enum status accounts_sign_in(struct accounts *accounts, struct text email, struct text password,
                             const struct client *client, struct signed_in *out,
                             struct fault *fault)
{
    struct database *database = accounts->options.database;
    struct sign_in s = {.accounts = accounts, .client = client, .out = out};
    char fresh[PASSWORD_HASH_BYTES];
    if (email_check(email, NULL) != OK || password.length > PASSWORD_MOST)
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid email or password");
    email_key(email, s.key);
    TRY(check_limits(accounts, s.key, client, fault));
    TRY(database_read(database, sql_actor_system(), find_account, &s, fault));
    if (!password_matches(password, s.hash))
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid email or password");
    TRY(clear_limits(accounts, s.key, client, fault));
    TRY(account_check_usable(&out->account, accounts_now_us(accounts), fault));
    if (password_hash_is_old(s.hash)) {
        TRY(password_hash(password, fresh, fault));
        s.new_hash = fresh;
    }
    return database_write(database, sql_actor_system(), begin_session, &s, fault);
}

/* ---- refreshing ---- */

struct refreshing {
    struct accounts *accounts;
    struct secret_hash hash;
    struct signed_in *out;
    bool reused;
};

/* OK also for a token that was used before, so that the end of its session is committed. */
static enum status refresh(struct transaction *t, void *argument, struct fault *fault)
{
    struct refreshing *r = argument;
    struct session session;
    struct uuid id;
    int64_t now_us = accounts_now_us(r->accounts);
    TRY(store_refresh_use(t, &r->hash, now_us, &id, &r->reused, fault));
    TRY(store_session_find(t, id, now_us, &session, &r->out->account, fault));
    if (r->reused) return store_sessions_revoke(t, session.user_id, &id, NULL, now_us, fault);
    TRY(account_check_usable(&r->out->account, now_us, fault));
    return give_tokens(r->accounts, t, &session, r->out, fault);
}

enum status accounts_refresh(struct accounts *accounts, struct text refresh_token,
                             struct signed_in *out, struct fault *fault)
{
    struct refreshing r = {accounts, secret_hash_of(refresh_token), out, false};
    TRY(database_write(accounts->options.database, sql_actor_system(), refresh, &r, fault));
    if (r.reused) return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    return OK;
}

/* ---- signing out ---- */

struct sign_out {
    const struct accounts *accounts;
    struct uuid user;
    const struct uuid *session;
};

static enum status end_sessions(struct transaction *t, void *argument, struct fault *fault)
{
    const struct sign_out *s = argument;
    return store_sessions_revoke(t, s->user, s->session, NULL, accounts_now_us(s->accounts), fault);
}

enum status accounts_sign_out(struct accounts *accounts, struct uuid user,
                              const struct uuid *session, struct fault *fault)
{
    struct sign_out s = {accounts, user, session};
    return database_write(accounts->options.database, sql_actor_user(user), end_sessions, &s,
                          fault);
}

/* ---- who is it? ---- */

struct authentication {
    struct accounts *accounts;
    struct text credential;
    struct uuid session;
    struct arena *job;
    struct principal *out;
    int64_t last_used_us;
};

static enum status find_session(struct transaction *t, void *argument, struct fault *fault)
{
    struct authentication *a = argument;
    struct session session;
    TRY(store_session_find(t, a->session, accounts_now_us(a->accounts), &session, &a->out->account,
                           fault));
    a->out->credential_id = session.id;
    return OK;
}

static enum status find_token(struct transaction *t, void *argument, struct fault *fault)
{
    struct authentication *a = argument;
    struct api_token token;
    struct secret_hash hash = secret_hash_of(a->credential);
    TRY(store_token_find(t, a->job, &hash, accounts_now_us(a->accounts), &token, &a->out->account,
                         fault));
    a->out->credential_id = token.id;
    a->out->scopes = token.scopes;
    a->out->limits = token.limits;
    a->last_used_us = token.last_used_us;
    return OK;
}

static enum status touch_token(struct transaction *t, void *argument, struct fault *fault)
{
    const struct authentication *a = argument;
    return store_token_touch(t, a->out->credential_id, accounts_now_us(a->accounts), fault);
}

enum status accounts_authenticate(struct accounts *accounts, struct text credential,
                                  struct arena *job, struct principal *principal,
                                  struct fault *fault)
{
    struct database *database = accounts->options.database;
    int64_t now_us = accounts_now_us(accounts);
    struct authentication a = {
        .accounts = accounts, .credential = credential, .job = job, .out = principal};
    *principal = (struct principal){.credential = CREDENTIAL_SESSION};
    bool is_token = text_starts_with(credential, TEXT(API_TOKEN_MARK));
    if (is_token) {
        principal->credential = CREDENTIAL_API_TOKEN;
        TRY(database_read(database, sql_actor_system(), find_token, &a, fault));
    } else if (access_token_read(accounts->options.server_key, credential, now_us / 1000000,
                                 &a.session)) {
        TRY(database_read(database, sql_actor_system(), find_session, &a, fault));
    } else {
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    }
    TRY(account_check_usable(&principal->account, now_us, fault));
    if (is_token && now_us - a.last_used_us > TOUCH_EVERY_US)
        return database_write(database, sql_actor_system(), touch_token, &a, fault);
    return OK;
}
