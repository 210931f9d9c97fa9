/* accounts_parts.h - what the files of the service share. */
#ifndef LIMINAL_ACCOUNTS_PARTS_H
#define LIMINAL_ACCOUNTS_PARTS_H

#include "accounts/account_letter.h"
#include "accounts/accounts.h"
#include "accounts/realization/account_store.h"
#include "accounts/realization/hash_pool.h"
#include "accounts/realization/seen.h"
#include "storage/hot_state.h"

struct accounts {
    struct accounts_options options;
    char *public_url;
    struct hash_pool *hashing;
    struct seen *seen;
    struct housekeeper *housekeeper;
    struct provider_client **providers; /* one for each of options.providers */
};

int64_t accounts_now_us(const struct accounts *accounts);
struct uuid accounts_new_id(const struct accounts *accounts);
/* A new random secret with its mark ("" for links), and its hash. */
struct secret_hash accounts_new_secret(const char *mark, char secret[SECRET_TEXT_BYTES]);
/* The user's credentials, or some of them, just ended. */
void accounts_tell_ended(const struct accounts *accounts, struct uuid user);

/* STATUS_BUSY, naming the wait, once `most` have come within `ttl_s`; counts this one. */
enum status accounts_limit(struct accounts *accounts, const char *what, struct text who,
                           uint64_t most, uint32_t ttl_s, struct fault *fault) MUST_USE;

/* Forget what was counted. */
enum status accounts_limit_clear(struct accounts *accounts, const char *what, struct text who,
                                 struct fault *fault) MUST_USE;

/* A transaction that may queue letters; they leave once it is committed. */
enum status accounts_write_and_mail(struct accounts *accounts, sql_work *work, void *argument,
                                    struct fault *fault) MUST_USE;
/* The letter that brings a code, whose hash the caller keeps for account_letter_life_us. */
enum status accounts_mail_code(struct accounts *accounts, struct transaction *t,
                               struct text recipient, enum account_letter_kind kind,
                               struct text code, struct fault *fault) MUST_USE;
/* Is this the user's password? STATUS_FORBIDDEN, naming the field, when it is not; STATUS_BUSY
 * after too many. OK and *has_password false for who signs in elsewhere. */
enum status accounts_check_password(struct accounts *accounts, struct uuid user,
                                    struct text password, const char *field, bool *has_password,
                                    struct fault *fault) MUST_USE;

/* A link for `purpose` into the database, and the letter that brings it. */
enum status accounts_mail_link(struct accounts *accounts, struct transaction *t,
                               const struct account *account, enum code_purpose purpose,
                               struct fault *fault) MUST_USE;

/* May this address sign up without an invitation? STATUS_FORBIDDEN. */
enum status accounts_check_uninvited(const struct accounts *accounts, struct text email,
                                     struct fault *fault) MUST_USE;
/* May this new account be? With an invitation, which is used up, it gets its role and plan. */
enum status accounts_admit(struct accounts *accounts, struct transaction *t, struct text invitation,
                           struct account *account, struct fault *fault) MUST_USE;

/* A session of out->account, and its tokens; the others end where only one may be (R241). `mfa_us`:
 * when a second factor was shown; 0: none. */
enum status accounts_begin_session(struct accounts *accounts, struct transaction *t,
                                   const struct client *client, int64_t mfa_us,
                                   struct signed_in *out, struct fault *fault) MUST_USE;

#endif
