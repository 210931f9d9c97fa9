/* password_change.c - forgotten and changed passwords. */
#include <string.h>

#include "accounts/realization/accounts_parts.h"

enum { CHANGES_PER_HOUR = 20 };

struct change {
    struct accounts *accounts;
    char key[EMAIL_BYTES];
    struct secret_hash code;
    struct uuid user, kept;
    struct text password;
    char hash[PASSWORD_HASH_BYTES];
    struct account account;
};

/* ---- forgotten ---- */

static enum status reset(struct transaction *t, void *argument, struct fault *fault)
{
    struct change *c = argument;
    struct uuid user;
    int64_t now_us = accounts_now_us(c->accounts);
    TRY(store_code_use(t, &c->code, CODE_RESET_PASSWORD, now_us, &user, fault));
    TRY(store_account_find(t, user, &c->account, fault));
    TRY(password_check(c->password, text_of(c->account.email), fault));
    TRY(store_password_update(t, user, c->hash, now_us, fault));
    TRY(store_sessions_revoke(t, user, NULL, NULL, now_us, fault));
    if (c->account.status != ACCOUNT_PENDING) return OK;
    /* The link came by mail: the address is proven as well. */
    TRY(account_verify(&c->account, now_us, fault));
    return store_account_update(t, &c->account, fault);
}

enum status accounts_reset_password(struct accounts *accounts, struct text code,
                                    struct text password, struct fault *fault)
{
    struct change c = {.accounts = accounts, .code = secret_hash_of(code), .password = password};
    TRY(password_check(password, (struct text){0}, fault));
    TRY(hash_pool_hash(accounts->hashing, password, c.hash, fault));
    TRY(database_write(accounts->options.database, sql_actor_system(), reset, &c, fault));
    accounts_tell_ended(accounts, c.account.id);
    return OK;
}

/* ---- changed ---- */

static enum status find(struct transaction *t, void *argument, struct fault *fault)
{
    struct change *c = argument;
    TRY(store_account_find(t, c->user, &c->account, fault));
    email_key(text_of(c->account.email), c->key);
    return store_account_find_email(t, c->key, &c->account, c->hash, fault);
}

enum status accounts_check_password(struct accounts *accounts, struct uuid user,
                                    struct text password, const char *field, bool *has_password,
                                    struct fault *fault)
{
    struct change c = {.accounts = accounts, .user = user};
    bool matches;
    TRY(database_read(accounts->options.database, sql_actor_user(user), find, &c, fault));
    *has_password = *c.hash != '\0';
    if (!*has_password) return OK;
    TRY(hash_pool_check(accounts->hashing, fault));
    TRY(accounts_limit(accounts, "change", text_of(c.key), CHANGES_PER_HOUR, 3600, fault));
    TRY(hash_pool_matches(accounts->hashing, password, c.hash, &matches, fault));
    if (matches) return OK;
    return fault_set_param(fault, STATUS_FORBIDDEN, field, "the current password is another one");
}

static enum status replace(struct transaction *t, void *argument, struct fault *fault)
{
    struct change *c = argument;
    int64_t now_us = accounts_now_us(c->accounts);
    TRY(store_password_update(t, c->user, c->hash, now_us, fault));
    return store_sessions_revoke(t, c->user, NULL, &c->kept, now_us, fault);
}

enum status accounts_change_password(struct accounts *accounts, struct uuid user, struct uuid kept,
                                     struct text current, struct text password, struct fault *fault)
{
    struct change c = {.accounts = accounts, .user = user, .kept = kept};
    struct sql_actor actor = sql_actor_user(user);
    bool had_password;
    TRY(database_read(accounts->options.database, actor, find, &c, fault));
    TRY(password_check(password, text_of(c.account.email), fault));
    TRY(accounts_check_password(accounts, user, current, "current_password", &had_password, fault));
    if (!had_password) /* a session alone, which may be stolen, must not become a password */
        return fault_set(fault, STATUS_FORBIDDEN,
                         "your account has no password: ask for a link to set one");
    TRY(hash_pool_hash(accounts->hashing, password, c.hash, fault));
    TRY(database_write(accounts->options.database, actor, replace, &c, fault));
    accounts_tell_ended(accounts, user);
    return OK;
}
