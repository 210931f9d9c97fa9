/* mfa_check.c - see mfa_check.h. */
#include "accounts/realization/mfa_check.h"

#include <stdio.h>
#include <string.h>

#include "accounts/realization/mfa_secret.h"

enum { TRIES = 5, LOCK_MS = 5 * 60 * 1000 }; /* R240 */

bool mfa_is_required(const struct fault *fault)
{
    return fault->status == STATUS_UNAUTHORIZED && strcmp(fault->param, MFA_REQUIRED) == 0;
}

enum status mfa_is_missing(struct fault *fault)
{
    return fault_set_param(fault, STATUS_UNAUTHORIZED, MFA_REQUIRED,
                           "A code of your second factor is needed");
}

/* ---- five tries ---- */

static struct text key_of(const char *what, struct uuid user, char key[HOT_KEY_BYTES])
{
    char id[UUID_TEXT_BYTES];
    uuid_format(user, id);
    snprintf(key, HOT_KEY_BYTES, "auth:mfa:%s:%s", what, id);
    return text_of(key);
}

static enum status locked(struct fault *fault)
{
    return fault_set(fault, STATUS_BUSY,
                     "too many wrong codes: the second factor is locked for 5 minutes");
}

/* Counted before the code is looked at, so that not more than five are, however many come at once.
 * The lock begins with the fifth wrong one. What can't be counted is refused. */
static enum status count_try(struct accounts *accounts, struct uuid user, uint64_t *count,
                             struct fault *fault)
{
    struct hot_state *hot = accounts->options.hot;
    char key[HOT_KEY_BYTES];
    struct arena job;
    struct text value;
    arena_init(&job, 0);
    enum status status = hot_get(hot, key_of("lock", user, key), &job, &value, fault);
    arena_deinit(&job);
    if (status == OK) return locked(fault);
    if (status != STATUS_NOT_FOUND) return status;
    TRY(hot_count(hot, key_of("tries", user, key), LOCK_MS, count, fault));
    return *count <= TRIES ? OK : locked(fault);
}

static enum status count_failure(struct accounts *accounts, struct uuid user, uint64_t count,
                                 struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    if (count >= TRIES)
        TRY(hot_put(accounts->options.hot, key_of("lock", user, key), TEXT("1"), LOCK_MS, fault));
    return fault_set_param(fault, STATUS_UNAUTHORIZED, "mfa_code",
                           "The code is wrong, or was used before");
}

static enum status count_success(struct accounts *accounts, struct uuid user, struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    return hot_delete(accounts->options.hot, key_of("tries", user, key), fault);
}

/* ---- the code ---- */

struct check {
    struct accounts *accounts;
    struct uuid user;
    struct text code;
    bool has_factor, is_right;
};

static enum status find_factor(struct transaction *t, void *argument, struct fault *fault)
{
    struct check *c = argument;
    struct factor factor;
    enum status status = store_factor_find(t, c->user, &factor, fault);
    c->has_factor = status == OK && factor.confirmed_us;
    return status == STATUS_NOT_FOUND ? OK : status;
}

static enum status use_code(struct transaction *t, void *argument, struct fault *fault)
{
    struct check *c = argument;
    const unsigned char *key = c->accounts->options.server_key;
    unsigned char secret[TOTP_SECRET_BYTES];
    struct factor factor;
    struct secret_hash hash;
    int64_t now_us = accounts_now_us(c->accounts);
    c->is_right = false;
    if (!totp_is_code(c->code)) {
        if (!recovery_code_hash(key, c->user, c->code, &hash)) return OK;
        return store_recovery_use(t, c->user, &hash, now_us, &c->is_right, fault);
    }
    TRY(store_factor_find(t, c->user, &factor, fault));
    TRY(mfa_secret_open(key, c->user, factor.sealed, secret, fault));
    int64_t step = totp_match(secret, c->code, now_us / 1000000, factor.last_step);
    sodium_memzero(secret, sizeof secret);
    return step ? store_factor_use_step(t, c->user, step, &c->is_right, fault) : OK;
}

enum status mfa_check(struct accounts *accounts, struct uuid user, struct text code, bool *shown,
                      struct fault *fault)
{
    struct database *database = accounts->options.database;
    struct check c = {.accounts = accounts, .user = user, .code = code};
    uint64_t count;
    *shown = false;
    TRY(database_read(database, sql_actor_system(), find_factor, &c, fault));
    if (!c.has_factor) return OK;
    if (code.length == 0) return mfa_is_missing(fault);
    TRY(count_try(accounts, user, &count, fault));
    TRY(database_write(database, sql_actor_system(), use_code, &c, fault));
    if (!c.is_right) return count_failure(accounts, user, count, fault);
    *shown = true;
    return count_success(accounts, user, fault);
}
