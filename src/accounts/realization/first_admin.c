/* first_admin.c - how the first administrator comes to be: by a link, or on one's own machine. */
#include <stdio.h>

#include "accounts/realization/accounts_parts.h"
#include "accounts/realization/invitation_store.h"
#include "base/moment.h"

#define LOCAL_ADMIN_EMAIL "administrator@liminal.invalid" /* RFC 2606: nobody's */

struct set_up {
    struct accounts *accounts;
    struct secret_hash code;
    char hash[PASSWORD_HASH_BYTES];
    bool needed;
    struct account *account;
};

/* ---- the link ---- */

static enum status make_code(struct transaction *t, void *argument, struct fault *fault)
{
    struct set_up *s = argument;
    bool can_sign_in;
    struct uuid keyed;
    TRY(store_admin_find(t, &can_sign_in, &keyed, fault));
    s->needed = !can_sign_in;
    if (can_sign_in) return OK;
    return store_code_insert(t, &s->code, CODE_SET_UP, NULL, accounts_now_us(s->accounts),
                             MOMENT_LAST_US, fault);
}

enum status accounts_first_admin(struct accounts *accounts, char code[SECRET_TEXT_BYTES],
                                 bool *needed, struct fault *fault)
{
    struct set_up s = {.accounts = accounts};
    s.code = accounts_new_secret("", code);
    TRY(database_write(accounts->options.database, sql_actor_system(), make_code, &s, fault));
    *needed = s.needed;
    return OK;
}

/* The account that only keys were for becomes a person's; its keys go on. */
static enum status make_admin(struct transaction *t, void *argument, struct fault *fault)
{
    struct set_up *s = argument;
    bool can_sign_in;
    struct uuid keyed;
    int64_t now_us = accounts_now_us(s->accounts);
    TRY(store_set_up_use(t, &s->code, now_us, fault));
    TRY(store_admin_find(t, &can_sign_in, &keyed, fault));
    if (can_sign_in) return fault_set_param(fault, STATUS_INVALID, "code", "Invalid set-up code");
    if (uuid_is_nil(keyed)) return store_account_insert(t, s->account, s->hash, fault);
    TRY(store_account_set_email(t, keyed, s->account->email, fault));
    TRY(store_password_update(t, keyed, s->hash, now_us, fault));
    return store_account_find(t, keyed, s->account, fault);
}

static void new_admin(const struct accounts *accounts, struct text email, struct account *account)
{
    int64_t now_us = accounts_now_us(accounts);
    *account = (struct account){
        .id = accounts_new_id(accounts),
        .status = ACCOUNT_ACTIVE,
        .role = ROLE_ADMIN,
        .created_us = now_us,
        .verified_us = now_us,
    };
    snprintf(account->email, sizeof account->email, "%.*s", TEXT_FORMAT(email));
    snprintf(account->plan, sizeof account->plan, "free");
}

enum status accounts_set_up(struct accounts *accounts, struct text code, struct text email,
                            struct text password, const struct client *client,
                            struct account *account, struct fault *fault)
{
    struct set_up s = {.accounts = accounts, .code = secret_hash_of(code), .account = account};
    TRY(email_check(email, fault));
    TRY(password_check(password, email, fault));
    TRY(accounts_limit(accounts, "set-up", client->ip, 20, 3600, fault));
    TRY(hash_pool_hash(accounts->hashing, password, s.hash, fault));
    new_admin(accounts, email, account);
    return database_write(accounts->options.database, sql_actor_system(), make_admin, &s, fault);
}

/* ---- on one's own machine ---- */

static enum status make_local_admin(struct transaction *t, void *argument, struct fault *fault)
{
    struct set_up *s = argument;
    bool can_sign_in;
    struct uuid keyed;
    TRY(store_admin_find(t, &can_sign_in, &keyed, fault));
    if (!uuid_is_nil(keyed)) return store_account_find(t, keyed, s->account, fault);
    if (can_sign_in) return fault_set(fault, STATUS_CONFLICT, "there is an administrator already");
    return store_account_insert(t, s->account, NULL, fault);
}

enum status accounts_local_admin(struct accounts *accounts, struct account *account,
                                 struct fault *fault)
{
    struct set_up s = {.accounts = accounts, .account = account};
    new_admin(accounts, TEXT(LOCAL_ADMIN_EMAIL), account);
    return database_write(accounts->options.database, sql_actor_system(), make_local_admin, &s,
                          fault);
}
