/* mfa.c - setting up a second factor, and ending it. */
#include "accounts/mfa.h"

#include <assert.h>
#include <string.h>

#include "accounts/realization/mfa_check.h"
#include "accounts/realization/mfa_secret.h"
#include "accounts/realization/qr_code.h"
#include "platform/platform.h"

struct mfa_work {
    struct accounts *accounts;
    const struct principal *principal;
    struct uuid user;
    struct text code;
    struct account account;
    unsigned char sealed[SEALED_SECRET_BYTES];
    struct secret_hash hashes[MFA_RECOVERY_CODES];
    struct mfa_state *state;
};

/* ---- is there one? ---- */

static enum status read_state(struct transaction *t, void *argument, struct fault *fault)
{
    struct mfa_work *w = argument;
    struct factor factor;
    enum status status = store_factor_find(t, w->user, &factor, fault);
    *w->state = (struct mfa_state){0};
    if (status == STATUS_NOT_FOUND) return OK;
    TRY(status);
    w->state->is_enabled = factor.confirmed_us != 0;
    w->state->since_us = factor.confirmed_us;
    return store_recovery_left(t, w->user, &w->state->recovery_codes_left, fault);
}

enum status accounts_mfa_state(struct accounts *accounts, struct uuid user, struct mfa_state *state,
                               struct fault *fault)
{
    struct mfa_work w = {.accounts = accounts, .user = user, .state = state};
    return database_read(accounts->options.database, sql_actor_user(user), read_state, &w, fault);
}

/* ---- set up ---- */

static enum status put_factor(struct transaction *t, void *argument, struct fault *fault)
{
    struct mfa_work *w = argument;
    TRY(store_account_find(t, w->user, &w->account, fault));
    if (w->account.status != ACCOUNT_ACTIVE)
        return fault_set(fault, STATUS_FORBIDDEN,
                         "confirm your e-mail address before you set up a second factor");
    return store_factor_put(t, w->user, w->sealed, accounts_now_us(w->accounts), fault);
}

/* The same secret to type and as a picture. */
static enum status describe(const unsigned char secret[TOTP_SECRET_BYTES], const char *email,
                            struct arena *job, struct mfa_enrolment *out, struct fault *fault)
{
    struct buffer text;
    buffer_init(&text);
    totp_secret_format(secret, out->secret);
    totp_uri(TEXT("Liminal"), text_of(email), secret, &text);
    enum status status = buffer_status(&text, fault);
    size_t uri_length = text.length;
    if (status == OK) out->uri.data = arena_copy(job, text.data, uri_length);
    if (status == OK && out->uri.data) status = qr_code_append_svg(&text, out->uri.data, fault);
    if (status == OK && out->uri.data)
        out->qr_svg.data = arena_copy(job, text.data + uri_length, text.length - uri_length);
    if (status == OK && !out->qr_svg.data)
        status = fault_set(fault, STATUS_NO_MEMORY, "no memory for a second factor");
    out->uri.length = uri_length;
    out->qr_svg.length = text.length - uri_length;
    if (text.data) sodium_memzero(text.data, text.length);
    buffer_deinit(&text);
    return status;
}

enum status accounts_mfa_enrol(struct accounts *accounts, struct uuid user, struct arena *job,
                               struct mfa_enrolment *enrolment, struct fault *fault)
{
    struct mfa_work w = {.accounts = accounts, .user = user};
    unsigned char secret[TOTP_SECRET_BYTES];
    *enrolment = (struct mfa_enrolment){0};
    entropy_fill(secret, sizeof secret);
    mfa_secret_seal(accounts->options.server_key, user, secret, w.sealed);
    enum status status =
        database_write(accounts->options.database, sql_actor_user(user), put_factor, &w, fault);
    if (status == OK) status = describe(secret, w.account.email, job, enrolment, fault);
    sodium_memzero(secret, sizeof secret);
    return status;
}

static void new_recovery_codes(struct mfa_work *w, struct recovery_codes *codes)
{
    unsigned char random[RECOVERY_RANDOM_BYTES];
    for (int i = 0; i < MFA_RECOVERY_CODES; i++) {
        entropy_fill(random, sizeof random);
        recovery_code_format(random, codes->code[i]);
        bool is_one = recovery_code_hash(w->accounts->options.server_key, w->user,
                                         text_of(codes->code[i]), &w->hashes[i]);
        assert(is_one);
    }
    sodium_memzero(random, sizeof random);
}

static enum status confirm(struct transaction *t, void *argument, struct fault *fault)
{
    struct mfa_work *w = argument;
    unsigned char secret[TOTP_SECRET_BYTES];
    struct factor factor;
    int64_t now_us = accounts_now_us(w->accounts);
    enum status status = store_factor_find(t, w->user, &factor, fault);
    if (status == STATUS_NOT_FOUND)
        return fault_set(fault, STATUS_CONFLICT, "set up a second factor before you confirm it");
    TRY(status);
    TRY(mfa_secret_open(w->accounts->options.server_key, w->user, factor.sealed, secret, fault));
    int64_t step = totp_match(secret, w->code, now_us / 1000000, 0);
    sodium_memzero(secret, sizeof secret);
    if (!step)
        return fault_set_param(fault, STATUS_INVALID, "mfa_code",
                               "The code is wrong: is the clock of your device right?");
    TRY(store_factor_confirm(t, w->user, step, now_us, fault));
    TRY(store_recovery_put(t, w->user, w->hashes, MFA_RECOVERY_CODES, fault));
    return store_session_set_mfa(t, w->principal->credential_id, now_us, fault);
}

enum status accounts_mfa_confirm(struct accounts *accounts, const struct principal *principal,
                                 struct text code, struct recovery_codes *codes,
                                 struct fault *fault)
{
    struct uuid user = principal->account.id;
    struct mfa_work w = {.accounts = accounts, .principal = principal, .user = user, .code = code};
    if (principal->credential == CREDENTIAL_API_TOKEN)
        return fault_set(fault, STATUS_FORBIDDEN, "an API token can't set up a second factor");
    new_recovery_codes(&w, codes);
    return database_write(accounts->options.database, sql_actor_user(user), confirm, &w, fault);
}

/* ---- renewed and ended ---- */

/* A right code of a factor that there is. */
static enum status demand_code(struct accounts *accounts, struct uuid user, struct text code,
                               struct fault *fault)
{
    bool shown;
    TRY(mfa_check(accounts, user, code, &shown, fault));
    return shown ? OK : fault_set(fault, STATUS_CONFLICT, "no second factor is enabled");
}

static enum status put_codes(struct transaction *t, void *argument, struct fault *fault)
{
    const struct mfa_work *w = argument;
    return store_recovery_put(t, w->user, w->hashes, MFA_RECOVERY_CODES, fault);
}

enum status accounts_mfa_renew_codes(struct accounts *accounts, struct uuid user, struct text code,
                                     struct recovery_codes *codes, struct fault *fault)
{
    struct mfa_work w = {.accounts = accounts, .user = user};
    TRY(demand_code(accounts, user, code, fault));
    new_recovery_codes(&w, codes);
    return database_write(accounts->options.database, sql_actor_user(user), put_codes, &w, fault);
}

static enum status delete_factor(struct transaction *t, void *argument, struct fault *fault)
{
    const struct mfa_work *w = argument;
    return store_factor_delete(t, w->user, fault);
}

enum status accounts_mfa_disable(struct accounts *accounts, struct uuid user, struct text password,
                                 struct text code, struct fault *fault)
{
    struct mfa_work w = {.accounts = accounts, .user = user};
    bool has_password;
    TRY(accounts_check_password(accounts, user, password, "password", &has_password, fault));
    TRY(demand_code(accounts, user, code, fault));
    return database_write(accounts->options.database, sql_actor_user(user), delete_factor, &w,
                          fault);
}

/* Who helps may have been talked into it: the password has to be shown again everywhere. */
static enum status remove_factor(struct transaction *t, void *argument, struct fault *fault)
{
    const struct mfa_work *w = argument;
    struct factor factor;
    TRY(store_factor_find(t, w->user, &factor, fault));
    TRY(store_factor_delete(t, w->user, fault));
    return store_sessions_revoke(t, w->user, NULL, NULL, accounts_now_us(w->accounts), fault);
}

enum status accounts_mfa_remove(struct accounts *accounts, struct uuid user, struct fault *fault)
{
    struct mfa_work w = {.accounts = accounts, .user = user};
    TRY(database_write(accounts->options.database, sql_actor_system(), remove_factor, &w, fault));
    accounts_tell_ended(accounts, user);
    return OK;
}
