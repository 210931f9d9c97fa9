/* accounts.c - life, signing up and proving an address; what the other files of the service share.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/realization/accounts_parts.h"
#include "accounts/realization/housekeeper.h"
#include "accounts/realization/provider_client.h"
#include "platform/platform.h"

enum {
    DEFAULT_ACCESS_TTL_S = 30 * 60,
    DEFAULT_REFRESH_TTL_S = 14 * 24 * 3600,
    REGISTRATIONS_PER_HOUR = 20, /* from one address */
};

/* ---- shared ---- */

int64_t accounts_now_us(const struct accounts *accounts)
{
    return accounts->options.now_us ? accounts->options.now_us() : clock_wall_ms() * 1000;
}

struct uuid accounts_new_id(const struct accounts *accounts)
{
    unsigned char random[10];
    entropy_fill(random, sizeof random);
    return uuid_v7(accounts_now_us(accounts) / 1000, random);
}

struct secret_hash accounts_new_secret(const char *mark, char secret[SECRET_TEXT_BYTES])
{
    unsigned char random[SECRET_BYTES];
    entropy_fill(random, sizeof random);
    secret_format(random, mark, secret);
    sodium_memzero(random, sizeof random);
    return secret_hash_of(text_of(secret));
}

void accounts_tell_ended(const struct accounts *accounts, struct uuid user)
{
    if (accounts->options.ended) accounts->options.ended(accounts->options.argument, user);
}

/* Who is counted by a hash, so that neither keys grow nor addresses lie about in the open. */
static void limit_key(const char *what, struct text who, char key[HOT_KEY_BYTES])
{
    struct secret_hash hash = secret_hash_of(who);
    char hex[2 * SECRET_HASH_BYTES + 1];
    hex_encode(hash.bytes, sizeof hash.bytes, hex);
    snprintf(key, HOT_KEY_BYTES, "auth:limit:%s:%s", what, hex);
}

enum status accounts_limit(struct accounts *accounts, const char *what, struct text who,
                           uint64_t most, uint32_t ttl_s, struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    uint64_t count;
    limit_key(what, who, key);
    TRY(hot_count(accounts->options.hot, text_of(key), (uint64_t)ttl_s * 1000, &count, fault));
    if (count <= most) return OK;
    return fault_set(fault, STATUS_BUSY, "too many attempts: try again in %u minutes",
                     (ttl_s + 59) / 60);
}

enum status accounts_limit_clear(struct accounts *accounts, const char *what, struct text who,
                                 struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    limit_key(what, who, key);
    return hot_delete(accounts->options.hot, text_of(key), fault);
}

/* ---- signing up ---- */

struct registration {
    struct accounts *accounts;
    struct text invitation;
    struct account *account;
    const char *hash;
};

static enum status insert_account(struct transaction *t, void *argument, struct fault *fault)
{
    struct registration *r = argument;
    TRY(accounts_admit(r->accounts, t, r->invitation, r->account, fault));
    TRY(store_account_insert(t, r->account, r->hash, fault));
    if (r->account->status == ACCOUNT_ACTIVE) return OK;
    return accounts_mail_link(r->accounts, t, r->account, CODE_VERIFY_EMAIL, fault);
}

enum status accounts_register(struct accounts *accounts, const struct sign_up *wish,
                              const struct client *client, struct account *account,
                              struct fault *fault)
{
    char hash[PASSWORD_HASH_BYTES];
    TRY(email_check(wish->email, fault));
    if (!wish->invitation.length) TRY(accounts_check_uninvited(accounts, wish->email, fault));
    TRY(password_check(wish->password, wish->email, fault));
    TRY(hash_pool_check(accounts->hashing, fault));
    TRY(accounts_limit(accounts, "register", client->ip, REGISTRATIONS_PER_HOUR, 3600, fault));
    TRY(hash_pool_hash(accounts->hashing, wish->password, hash, fault));
    *account = (struct account){
        .id = accounts_new_id(accounts),
        .status = ACCOUNT_PENDING,
        .created_us = accounts_now_us(accounts),
    };
    snprintf(account->email, sizeof account->email, "%.*s", TEXT_FORMAT(wish->email));
    snprintf(account->plan, sizeof account->plan, "free");
    struct registration registration = {accounts, wish->invitation, account, hash};
    return accounts_write_and_mail(accounts, insert_account, &registration, fault);
}

/* ---- proving an address ---- */

struct verification {
    struct accounts *accounts;
    struct secret_hash hash;
    struct account *account;
};

static enum status use_code(struct transaction *t, void *argument, struct fault *fault)
{
    struct verification *v = argument;
    struct uuid user;
    int64_t now_us = accounts_now_us(v->accounts);
    TRY(store_code_use(t, &v->hash, CODE_VERIFY_EMAIL, now_us, &user, fault));
    TRY(store_account_find(t, user, v->account, fault));
    TRY(account_verify(v->account, now_us, fault));
    return store_account_update(t, v->account, fault);
}

enum status accounts_verify_email(struct accounts *accounts, struct text code,
                                  struct account *account, struct fault *fault)
{
    struct verification verification = {accounts, secret_hash_of(code), account};
    return database_write(accounts->options.database, sql_actor_system(), use_code, &verification,
                          fault);
}

/* ---- life ---- */

static enum status open_providers(struct accounts *accounts, struct fault *fault)
{
    const struct accounts_options *options = &accounts->options;
    accounts->providers = calloc(options->provider_count + 1, sizeof(struct provider_client *));
    if (!accounts->providers) return fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    for (size_t i = 0; i < options->provider_count; i++)
        TRY(provider_client_open(&accounts->providers[i], &options->providers[i], fault));
    return OK;
}

enum status accounts_open(struct accounts **out, const struct accounts_options *options,
                          struct fault *fault)
{
    if (sodium_init() < 0)
        return fault_set(fault, STATUS_INTERNAL, "the cryptographic library can't be used");
    struct accounts *accounts = calloc(1, sizeof *accounts);
    if (!accounts) return fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    enum status status;
    accounts->options = *options;
    if (!options->access_ttl_s) accounts->options.access_ttl_s = DEFAULT_ACCESS_TTL_S;
    if (!options->refresh_ttl_s) accounts->options.refresh_ttl_s = DEFAULT_REFRESH_TTL_S;
    accounts->public_url = strdup(options->public_url);
    status =
        accounts->public_url ? OK : fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    if (status == OK)
        status = hash_pool_open(&accounts->hashing, options->hashes, options->hash_queue, fault);
    if (status == OK) status = seen_open(&accounts->seen, options->database, fault);
    if (status == OK) status = open_providers(accounts, fault);
    if (status == OK) status = housekeeper_open(&accounts->housekeeper, accounts, fault);
    if (status == OK)
        *out = accounts;
    else
        accounts_close(accounts);
    return status;
}

void accounts_close(struct accounts *accounts)
{
    if (!accounts) return;
    housekeeper_close(accounts->housekeeper);
    seen_close(accounts->seen);
    hash_pool_close(accounts->hashing);
    for (size_t i = 0; accounts->providers && i < accounts->options.provider_count; i++)
        provider_client_close(accounts->providers[i]);
    free(accounts->providers);
    sodium_memzero(accounts->options.server_key, sizeof accounts->options.server_key);
    free(accounts->public_url);
    free(accounts);
}

enum status accounts_flush(struct accounts *accounts, struct fault *fault)
{
    return seen_flush(accounts->seen, fault);
}
