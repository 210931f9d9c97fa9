/* personal_data.h - a person takes everything along, or has it deleted: here, and in every
 * capability that keeps something of a person and says so by a `struct personal_data`.
 *
 * What becomes of a deleted account: password, identities elsewhere, settings, second factor,
 * sessions, tokens, links and mails that wait are deleted, what other capabilities keep is erased
 * by them, all in one transaction. One row stays, so that ids in records keep a meaning: the id,
 * the dates, the plan, the status `deleted`, and no word of the person. The address may sign up
 * anew. */
#ifndef LIMINAL_ACCOUNTS_PERSONAL_DATA_H
#define LIMINAL_ACCOUNTS_PERSONAL_DATA_H

#include "accounts/accounts.h"

struct transaction;

/* What another capability keeps of a person. Both run inside accounts' transaction. */
struct personal_data {
    const char *name; /* the member of the export: "conversations" */
    /* Append one JSON value. */
    enum status (*append)(struct transaction *t, struct uuid user, struct buffer *json,
                          struct fault *fault);
    /* Leave nothing. Rows that hang on app_user do not go by themselves: its row stays. */
    enum status (*erase)(struct transaction *t, struct uuid user, struct fault *fault);
};

/* {"account":{...},"identities":[...],"settings":...,"sessions":[...],"api_tokens":[...],
 * "mfa":{...}, and what others add}: all as it is now. No hashes, no secrets. */
enum status accounts_export(struct accounts *accounts, struct uuid user, struct buffer *json,
                            struct fault *fault) MUST_USE;

/* Asks for the password again, and for a code when there is a second factor (MFA_REQUIRED); who has
 * no password must have signed in within the last ten minutes. Not by an API token
 * (STATUS_FORBIDDEN). The last administrator can't go (STATUS_CONFLICT). */
enum status accounts_delete(struct accounts *accounts, const struct principal *principal,
                            struct text password, struct text mfa_code,
                            struct fault *fault) MUST_USE;
/* By an administrator; nothing is asked for. */
enum status accounts_delete_by_admin(struct accounts *accounts, struct uuid user,
                                     struct fault *fault) MUST_USE;

#endif
