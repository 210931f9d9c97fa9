/* link_request.c - asking for a letter with a link, without learning who has an account. */
#include "accounts/realization/accounts_parts.h"

enum { LINKS_PER_HOUR = 5, LINKS_PER_CLIENT = 30 };

struct link_request {
    struct accounts *accounts;
    enum code_purpose purpose;
    char key[EMAIL_BYTES];
};

static bool may_have_link(const struct account *account, enum code_purpose purpose)
{
    if (account->status == ACCOUNT_PENDING) return true;
    return purpose == CODE_RESET_PASSWORD && account->status == ACCOUNT_ACTIVE;
}

/* An address that nobody has costs a code too, one that is over at once: a stranger shall not learn
 * by the time of a write who has an account. */
static enum status send_link(struct transaction *t, void *argument, struct fault *fault)
{
    const struct link_request *r = argument;
    char unused[PASSWORD_HASH_BYTES], secret[SECRET_TEXT_BYTES];
    struct account account;
    enum status status = store_account_find_email(t, r->key, &account, unused, fault);
    if (status != OK && status != STATUS_NOT_FOUND) return status;
    if (status == OK && may_have_link(&account, r->purpose))
        return accounts_mail_link(r->accounts, t, &account, r->purpose, fault);
    struct secret_hash nobodys = accounts_new_secret("", secret);
    int64_t now_us = accounts_now_us(r->accounts);
    return store_code_insert(t, &nobodys, r->purpose, NULL, now_us, now_us, fault);
}

static enum status request_link(struct accounts *accounts, enum code_purpose purpose,
                                const char *limit, const char *client_limit, struct text email,
                                const struct client *client, struct fault *fault)
{
    struct link_request r = {.accounts = accounts, .purpose = purpose};
    TRY(email_check(email, fault));
    email_key(email, r.key);
    TRY(accounts_limit(accounts, client_limit, client->ip, LINKS_PER_CLIENT, 3600, fault));
    /* Over the limit of one address it is as with an address that nobody has: nothing is sent. */
    enum status status =
        accounts_limit(accounts, limit, text_of(r.key), LINKS_PER_HOUR, 3600, fault);
    if (status == STATUS_BUSY) return OK;
    TRY(status);
    return accounts_write_and_mail(accounts, send_link, &r, fault);
}

enum status accounts_request_reset(struct accounts *accounts, struct text email,
                                   const struct client *client, struct fault *fault)
{
    return request_link(accounts, CODE_RESET_PASSWORD, "reset", "reset-client", email, client,
                        fault);
}

enum status accounts_request_verification(struct accounts *accounts, struct text email,
                                          const struct client *client, struct fault *fault)
{
    return request_link(accounts, CODE_VERIFY_EMAIL, "remind", "remind-client", email, client,
                        fault);
}
