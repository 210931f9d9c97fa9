/* sessions.c - how sessions begin, go on by refreshing and by new cookies, are listed and end. */
#include <string.h>

#include "accounts/mfa.h"
#include "accounts/realization/mfa_check.h"

enum {
    WEB_COOKIE_S = 7 * 24 * 3600, /* R201, X20 */
    MOBILE_COOKIE_S = 24 * 3600,
    USER_AGENT_BYTES = 300,
};
#define ROTATION_GRACE_US 60000000ll

/* ---- beginning ---- */

static void give_token(const struct accounts *accounts, enum session_token_kind kind,
                       struct uuid session, int64_t expires_us, char out[ACCESS_TOKEN_BYTES])
{
    const struct session_token token = {kind, session, expires_us / 1000000};
    session_token_make(accounts->options.server_key, &token, out);
}

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
    give_token(accounts, SESSION_TOKEN_ACCESS, session->id, out->access_expires_us, out->access);
    struct secret_hash hash = accounts_new_secret(REFRESH_TOKEN_MARK, out->refresh);
    return store_refresh_insert(t, &hash, session, now_us, out->refresh_expires_us, fault);
}

/* What a client says of itself is kept for lists only: short, and text. */
static struct text user_agent_of(const struct client *client)
{
    struct text agent = text_slice(client->user_agent, 0, USER_AGENT_BYTES);
    agent.length = utf8_complete_prefix(agent);
    bool is_text = utf8_valid(agent) && (agent.length == 0 || !memchr(agent.data, 0, agent.length));
    return is_text ? agent : TEXT("");
}

static enum status insert_session(struct accounts *accounts, struct transaction *t,
                                  const struct client *client, int64_t mfa_us,
                                  struct signed_in *out, struct fault *fault)
{
    int64_t now_us = accounts_now_us(accounts);
    int64_t cookie_s = client->is_mobile ? MOBILE_COOKIE_S : WEB_COOKIE_S;
    int64_t refresh_s = accounts->options.refresh_ttl_s;
    const struct session session = {
        .id = accounts_new_id(accounts),
        .user_id = out->account.id,
        .created_us = now_us,
        .expires_us = now_us + (cookie_s > refresh_s ? cookie_s : refresh_s) * 1000000,
        .user_agent = user_agent_of(client),
        .ip = client->ip,
        .mfa_us = mfa_us,
    };
    TRY(store_session_insert(t, &session, fault));
    out->cookie_expires_us = now_us + cookie_s * 1000000;
    give_token(accounts, SESSION_TOKEN_COOKIE, session.id, out->cookie_expires_us, out->cookie);
    return give_tokens(accounts, t, &session, out, fault);
}

enum status accounts_begin_session(struct accounts *accounts, struct transaction *t,
                                   const struct client *client, int64_t mfa_us,
                                   struct signed_in *out, struct fault *fault)
{
    int64_t now_us = accounts_now_us(accounts);
    if (accounts->options.single_session)
        TRY(store_sessions_revoke(t, out->account.id, NULL, NULL, now_us, fault));
    return insert_session(accounts, t, client, mfa_us, out, fault);
}

/* ---- refreshing ---- */

struct refreshing {
    struct accounts *accounts;
    struct secret_hash hash;
    struct signed_in *out;
    bool reused, mfa_shown;
};

/* OK also for a token that was used before, so that the end of its session is committed. */
static enum status refresh(struct transaction *t, void *argument, struct fault *fault)
{
    struct refreshing *r = argument;
    struct session session;
    struct uuid id;
    int64_t now_us = accounts_now_us(r->accounts);
    *r->out->cookie = '\0';
    r->out->cookie_expires_us = 0;
    TRY(store_refresh_use(t, &r->hash, now_us, &id, &r->reused, fault));
    TRY(store_session_find(t, id, now_us, &session, &r->out->account, fault));
    if (r->reused) return store_sessions_revoke(t, session.user_id, &id, NULL, now_us, fault);
    TRY(account_check_usable(&r->out->account, now_us, fault));
    if (session.has_factor && !session.mfa_us) {
        if (!r->mfa_shown) return mfa_is_missing(fault);
        TRY(store_session_set_mfa(t, id, now_us, fault));
    }
    TRY(give_tokens(r->accounts, t, &session, r->out, fault));
    return store_session_extend(t, id, r->out->refresh_expires_us, fault);
}

enum status accounts_refresh(struct accounts *accounts, struct text refresh_token,
                             struct text mfa_code, struct signed_in *out, struct fault *fault)
{
    struct database *database = accounts->options.database;
    struct refreshing r = {accounts, secret_hash_of(refresh_token), out, false, false};
    struct fault missing = {0};
    enum status status = database_write(database, sql_actor_system(), refresh, &r, &missing);
    if (status == STATUS_UNAUTHORIZED && mfa_is_required(&missing) && mfa_code.length > 0) {
        TRY(mfa_check(accounts, out->account.id, mfa_code, &r.mfa_shown, fault));
        status = database_write(database, sql_actor_system(), refresh, &r, &missing);
    }
    if (status != OK && fault) *fault = missing;
    TRY(status);
    if (!r.reused) return OK;
    accounts_tell_ended(accounts, out->account.id);
    return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
}

/* ---- a new cookie ---- */

struct rotation {
    struct accounts *accounts;
    const struct client *client;
    struct uuid session;
    struct signed_in *out;
};

static enum status rotate(struct transaction *t, void *argument, struct fault *fault)
{
    const struct rotation *r = argument;
    struct session old;
    int64_t now_us = accounts_now_us(r->accounts);
    TRY(store_session_find(t, r->session, now_us, &old, &r->out->account, fault));
    TRY(store_session_shorten(t, r->session, now_us + ROTATION_GRACE_US, fault));
    return insert_session(r->accounts, t, r->client, old.mfa_us, r->out, fault);
}

enum status accounts_cookie_rotate(struct accounts *accounts, const struct principal *principal,
                                   const struct client *client, struct signed_in *out,
                                   struct fault *fault)
{
    struct rotation r = {accounts, client, principal->credential_id, out};
    if (principal->credential != CREDENTIAL_COOKIE)
        return fault_set(fault, STATUS_FORBIDDEN, "only a cookie can be exchanged for a new one");
    return database_write(accounts->options.database, sql_actor_system(), rotate, &r, fault);
}

/* ---- listing and ending ---- */

struct session_work {
    const struct accounts *accounts;
    struct uuid user, current;
    const struct uuid *ended; /* NULL: all */
    struct arena *job;
    struct session_view **views;
    size_t *count;
};

static enum status list_sessions(struct transaction *t, void *argument, struct fault *fault)
{
    struct session_work *w = argument;
    struct session *sessions;
    TRY(store_sessions_list(t, w->job, w->user, accounts_now_us(w->accounts), &sessions, w->count,
                            fault));
    *w->views = arena_alloc_array(w->job, *w->count + 1, sizeof **w->views);
    if (!*w->views) return fault_set(fault, STATUS_NO_MEMORY, "no memory for sessions");
    for (size_t i = 0; i < *w->count; i++)
        (*w->views)[i] = (struct session_view){
            .id = sessions[i].id,
            .user_agent = sessions[i].user_agent,
            .ip = sessions[i].ip,
            .created_us = sessions[i].created_us,
            .last_seen_us = sessions[i].last_seen_us,
            .expires_us = sessions[i].expires_us,
            .is_current = uuid_equal(sessions[i].id, w->current),
        };
    return OK;
}

enum status accounts_sessions(struct accounts *accounts, struct uuid user, struct uuid current,
                              struct arena *job, struct session_view **sessions, size_t *count,
                              struct fault *fault)
{
    struct session_work w = {.accounts = accounts,
                             .user = user,
                             .current = current,
                             .job = job,
                             .views = sessions,
                             .count = count};
    return database_read(accounts->options.database, sql_actor_user(user), list_sessions, &w,
                         fault);
}

static enum status end_sessions(struct transaction *t, void *argument, struct fault *fault)
{
    const struct session_work *w = argument;
    return store_sessions_revoke(t, w->user, w->ended, NULL, accounts_now_us(w->accounts), fault);
}

enum status accounts_sign_out(struct accounts *accounts, struct uuid user,
                              const struct uuid *session, struct fault *fault)
{
    struct session_work w = {.accounts = accounts, .user = user, .ended = session};
    TRY(database_write(accounts->options.database, sql_actor_user(user), end_sessions, &w, fault));
    accounts_tell_ended(accounts, user);
    return OK;
}
