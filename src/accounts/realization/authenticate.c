/* authenticate.c - who it is that comes with a credential, and whether they are still welcome. */
#include "accounts/realization/mfa_check.h"

/* A cookie is renewed when it is a day old, or half of its life (R201). */
#define ROTATE_AFTER_US 86400000000ll
#define GRACE_US        60000000ll

struct authentication {
    struct accounts *accounts;
    int64_t now_us;
    struct text credential;
    struct session_token token; /* of a session */
    struct uuid id;             /* to be checked again */
    struct arena *job;
    struct principal *out;
    int64_t seen_us;
};

/* ---- sessions ---- */

static bool is_due(const struct session *session, const struct session_token *token, int64_t now_us)
{
    int64_t age_us = now_us - session->created_us;
    int64_t half_us = (token->expires_s * 1000000 - session->created_us) / 2;
    bool is_old = age_us >= (half_us < ROTATE_AFTER_US ? half_us : ROTATE_AFTER_US);
    return is_old && session->expires_us - now_us > GRACE_US; /* else it was renewed already */
}

static enum status find_session(struct transaction *t, void *argument, struct fault *fault)
{
    struct authentication *a = argument;
    struct session session;
    TRY(store_session_find(t, a->token.session, a->now_us, &session, &a->out->account, fault));
    a->out->credential_id = session.id;
    a->seen_us = session.last_seen_us;
    /* Whoever has a second factor by now shows it anew: an older session may be somebody else's. */
    if (session.has_factor && !session.mfa_us) return mfa_is_missing(fault);
    if (a->token.kind == SESSION_TOKEN_ACCESS) return OK;
    a->out->credential = CREDENTIAL_COOKIE;
    a->out->rotate_cookie = is_due(&session, &a->token, a->now_us);
    return OK;
}

/* ---- API tokens ---- */

static enum status find_token(struct transaction *t, void *argument, struct fault *fault)
{
    struct authentication *a = argument;
    struct api_token token;
    struct secret_hash hash = secret_hash_of(a->credential);
    TRY(store_token_find(t, a->job, &hash, a->now_us, &token, &a->out->account, fault));
    struct text name = text_of(token.name);
    const char *copy = arena_copy(a->job, name.data, name.length);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a token");
    a->out->credential = CREDENTIAL_API_TOKEN;
    a->out->credential_id = token.id;
    a->out->token_name = (struct text){copy, name.length};
    a->seen_us = token.last_used_us;
    TRY(api_scope_parse(token.scopes, a->job, &a->out->scope, fault));
    return api_limits_parse(token.limits, &a->out->limits, fault);
}

/* ---- both ---- */

enum status accounts_authenticate(struct accounts *accounts, struct text credential,
                                  struct arena *job, struct principal *principal,
                                  struct fault *fault)
{
    struct database *database = accounts->options.database;
    int64_t now_us = accounts_now_us(accounts);
    struct authentication a = {.accounts = accounts,
                               .now_us = now_us,
                               .credential = credential,
                               .job = job,
                               .out = principal};
    *principal = (struct principal){.credential = CREDENTIAL_SESSION};
    bool is_token = text_starts_with(credential, TEXT(API_TOKEN_MARK));
    if (!is_token &&
        !session_token_read(accounts->options.server_key, credential, now_us / 1000000, &a.token))
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    TRY(database_read(database, sql_actor_system(), is_token ? find_token : find_session, &a,
                      fault));
    TRY(account_check_usable(&principal->account, now_us, fault));
    if (now_us - a.seen_us < SEEN_EVERY_US) return OK;
    if (is_token)
        seen_token(accounts->seen, principal->credential_id, now_us);
    else
        seen_session(accounts->seen, principal->credential_id, now_us);
    return OK;
}

static enum status find_again(struct transaction *t, void *argument, struct fault *fault)
{
    struct authentication *a = argument;
    struct account account;
    struct session session;
    if (a->out->credential == CREDENTIAL_API_TOKEN)
        TRY(store_token_find_id(t, a->id, a->now_us, &account, fault));
    else
        TRY(store_session_find(t, a->id, a->now_us, &session, &account, fault));
    return account_check_usable(&account, a->now_us, fault);
}

enum status accounts_recheck(struct accounts *accounts, const struct principal *principal,
                             struct fault *fault)
{
    struct principal copy = *principal;
    struct authentication a = {.accounts = accounts,
                               .now_us = accounts_now_us(accounts),
                               .id = principal->credential_id,
                               .out = &copy};
    return database_read(accounts->options.database, sql_actor_system(), find_again, &a, fault);
}
