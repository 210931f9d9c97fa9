/* tokens.c - API tokens: made, listed, revoked, and what they spend. */
#include <stdio.h>

#include "accounts/realization/accounts_parts.h"

enum { LIFE_DAYS = 365, TOKENS_PER_USER = 100 };

struct token_work {
    struct accounts *accounts;
    struct uuid user, token_id;
    struct api_token token;
    struct secret_hash hash;
    struct arena *job;
    struct token_view **views;
    size_t *count;
};

static struct token_view view_of(const struct api_token *token, int64_t now_us)
{
    struct token_view view = {
        .id = token->id,
        .created_us = token->created_us,
        .expires_us = token->expires_us,
        .last_used_us = token->last_used_us,
        .spent_tokens = token->spent > 0 ? (uint64_t)token->spent : 0,
        .scopes = token->scopes,
        .limits = token->limits,
        .is_active = !token->revoked_us && (!token->expires_us || token->expires_us > now_us),
    };
    snprintf(view.name, sizeof view.name, "%s", token->name);
    snprintf(view.prefix, sizeof view.prefix, "%s", token->prefix);
    return view;
}

/* ---- made ---- */

static enum status insert_token(struct transaction *t, void *argument, struct fault *fault)
{
    struct token_work *w = argument;
    struct account account;
    struct api_token *tokens;
    size_t count, living = 0;
    TRY(store_account_find(t, w->user, &account, fault));
    TRY(account_check_may_make_tokens(&account, fault));
    TRY(store_tokens_list(t, sql_job(t), w->user, &tokens, &count, fault));
    for (size_t i = 0; i < count; i++) living += !tokens[i].revoked_us;
    if (living >= TOKENS_PER_USER)
        return fault_set(fault, STATUS_CONFLICT,
                         "you have %d tokens, and more would be too many: revoke some",
                         TOKENS_PER_USER);
    return store_token_insert(t, &w->token, &w->hash, fault);
}

/* What could not be read when the token comes is not written. */
static enum status check_rules(const struct token_wish *wish, struct fault *fault)
{
    struct arena job;
    struct api_scope scope;
    struct api_limits limits;
    arena_init(&job, 0);
    enum status status = api_scope_parse(wish->scopes, &job, &scope, fault);
    if (status == OK) status = api_limits_parse(wish->limits, &limits, fault);
    arena_deinit(&job);
    return status;
}

enum status accounts_token_create(struct accounts *accounts, struct uuid user,
                                  const struct token_wish *wish, char secret[SECRET_TEXT_BYTES],
                                  struct token_view *view, struct fault *fault)
{
    int64_t now_us = accounts_now_us(accounts);
    struct text name = wish->name.length ? wish->name : TEXT("Default Token");
    struct token_work w = {.accounts = accounts, .user = user};
    if (name.length >= TOKEN_NAME_BYTES || !utf8_valid(name))
        return fault_set_param(fault, STATUS_INVALID, "name",
                               "a token's name must be text of at most %d bytes",
                               TOKEN_NAME_BYTES - 1);
    if (wish->expires_us && wish->expires_us <= now_us)
        return fault_set_param(fault, STATUS_INVALID, "expires_at",
                               "a token can't expire in the past");
    TRY(check_rules(wish, fault));
    w.hash = accounts_new_secret(API_TOKEN_MARK, secret);
    w.token = (struct api_token){
        .id = accounts_new_id(accounts),
        .user_id = user,
        .created_us = now_us,
        .expires_us = wish->expires_us == INT64_MAX ? 0
                      : wish->expires_us            ? wish->expires_us
                                                    : now_us + LIFE_DAYS * 86400000000,
        .scopes = wish->scopes.length ? wish->scopes : TEXT("{}"),
        .limits = wish->limits.length ? wish->limits : TEXT("{}"),
    };
    snprintf(w.token.name, sizeof w.token.name, "%.*s", TEXT_FORMAT(name));
    snprintf(w.token.prefix, sizeof w.token.prefix, "%.12s", secret);
    TRY(database_write(accounts->options.database, sql_actor_user(user), insert_token, &w, fault));
    *view = view_of(&w.token, now_us);
    return OK;
}

/* ---- listed ---- */

static enum status list_tokens(struct transaction *t, void *argument, struct fault *fault)
{
    struct token_work *w = argument;
    struct api_token *tokens;
    int64_t now_us = accounts_now_us(w->accounts);
    TRY(store_tokens_list(t, w->job, w->user, &tokens, w->count, fault));
    *w->views = arena_alloc_array(w->job, *w->count + 1, sizeof **w->views);
    if (!*w->views) return fault_set(fault, STATUS_NO_MEMORY, "no memory for tokens");
    for (size_t i = 0; i < *w->count; i++) (*w->views)[i] = view_of(&tokens[i], now_us);
    return OK;
}

enum status accounts_token_list(struct accounts *accounts, struct uuid user, struct arena *job,
                                struct token_view **tokens, size_t *count, struct fault *fault)
{
    struct token_work w = {
        .accounts = accounts, .user = user, .job = job, .views = tokens, .count = count};
    return database_read(accounts->options.database, sql_actor_user(user), list_tokens, &w, fault);
}

/* ---- revoked ---- */

static enum status revoke_token(struct transaction *t, void *argument, struct fault *fault)
{
    const struct token_work *w = argument;
    return store_token_revoke(t, w->user, w->token_id, accounts_now_us(w->accounts), fault);
}

enum status accounts_token_revoke(struct accounts *accounts, struct uuid user, struct uuid token,
                                  struct fault *fault)
{
    struct token_work w = {.accounts = accounts, .user = user, .token_id = token};
    TRY(database_write(accounts->options.database, sql_actor_user(user), revoke_token, &w, fault));
    accounts_tell_ended(accounts, user);
    return OK;
}

/* ---- spent ---- */

struct spending {
    const struct principal *principal;
    int64_t tokens, cap;
    bool within;
};

static enum status spend(struct transaction *t, void *argument, struct fault *fault)
{
    struct spending *s = argument;
    return store_token_spend(t, s->principal->credential_id, s->tokens, s->cap, &s->within, fault);
}

enum status accounts_token_spend(struct accounts *accounts, const struct principal *principal,
                                 int64_t tokens, struct fault *fault)
{
    uint64_t cap = principal->limits.spend_cap_tokens;
    struct spending s = {principal, tokens, cap ? (int64_t)cap : INT64_MAX, false};
    if (principal->credential != CREDENTIAL_API_TOKEN || tokens == 0) return OK;
    if (!cap && seen_spent(accounts->seen, principal->credential_id, tokens)) return OK;
    TRY(database_write(accounts->options.database, sql_actor_user(principal->account.id), spend, &s,
                       fault));
    if (s.within) return OK;
    return fault_set_param(fault, STATUS_FORBIDDEN, "spend_cap_tokens",
                           "the token '%.*s' has spent what it may: its cap is %llu tokens",
                           TEXT_FORMAT(principal->token_name), (unsigned long long)cap);
}
