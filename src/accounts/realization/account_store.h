/* account_store.h - accounts, sessions and tokens in the database: each function is a few
 * statements inside the caller's transaction. Every query that serves a user names that user. */
#ifndef LIMINAL_ACCOUNTS_ACCOUNT_STORE_H
#define LIMINAL_ACCOUNTS_ACCOUNT_STORE_H

#include "accounts/account.h"
#include "accounts/realization/password_hash.h"
#include "accounts/secret.h"
#include "storage/sql.h"

/* ---- accounts ---- */

/* A nil tenant is the default one, made when missing. `password_hash` NULL: signs in elsewhere.
 * STATUS_CONFLICT "User with this email already exists" (R31). */
enum status store_account_insert(struct transaction *t, const struct account *account,
                                 const char *password_hash, struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND "User not found". By key: email_key(). */
enum status store_account_find(struct transaction *t, struct uuid id, struct account *account,
                               struct fault *fault) MUST_USE;
enum status store_account_find_email(struct transaction *t, const char *key,
                                     struct account *account, char hash[PASSWORD_HASH_BYTES],
                                     struct fault *fault) MUST_USE;
/* Whose address has `search` (empty: all) in it, newest first; `status` NULL: any; `before` nil:
 * from the newest. At most `limit` into `list`. */
enum status store_accounts_list(struct transaction *t, struct text search, const char *status,
                                struct uuid before, size_t limit, struct account *list,
                                size_t *count, struct fault *fault) MUST_USE;
/* STATUS_CONFLICT when `user` is the only active administrator. Of many who ask at once each sees
 * what the one before did. */
enum status store_keep_an_admin(struct transaction *t, struct uuid user,
                                struct fault *fault) MUST_USE;
enum status store_account_update(struct transaction *t, const struct account *account,
                                 struct fault *fault) MUST_USE;
enum status store_password_update(struct transaction *t, struct uuid user, const char *hash,
                                  int64_t now_us, struct fault *fault) MUST_USE;

/* ---- links in mails ---- */

enum code_purpose { CODE_VERIFY_EMAIL, CODE_RESET_PASSWORD, CODE_SET_UP };

/* `user` NULL: of no account, and of no use (accounts_request_reset). */
enum status store_code_insert(struct transaction *t, const struct secret_hash *hash,
                              enum code_purpose purpose, const struct uuid *user, int64_t now_us,
                              int64_t expires_us, struct fault *fault) MUST_USE;
/* Use it up. STATUS_INVALID "Invalid verification code" when there is none or it was used,
 * "Verification code has expired" (R30). *user: nil when it was for nobody in particular. */
enum status store_code_use(struct transaction *t, const struct secret_hash *hash,
                           enum code_purpose purpose, int64_t now_us, struct uuid *user,
                           struct fault *fault) MUST_USE;

/* ---- sessions ---- */

struct session {
    struct uuid id, user_id;
    int64_t created_us, expires_us, last_seen_us, revoked_us; /* revoked_us 0: it lives */
    int64_t mfa_us;  /* when it showed a second factor; 0: never */
    bool has_factor; /* has its account one? (only read) */
    struct text user_agent, ip;
};

enum status store_session_insert(struct transaction *t, const struct session *session,
                                 struct fault *fault) MUST_USE;
/* With its account, in one query; its texts last as long as the transaction. STATUS_UNAUTHORIZED
 * "Invalid or expired token". */
enum status store_session_find(struct transaction *t, struct uuid id, int64_t now_us,
                               struct session *session, struct account *account,
                               struct fault *fault) MUST_USE;
/* The user's that live, the newest first, in the arena. */
enum status store_sessions_list(struct transaction *t, struct arena *job, struct uuid user,
                                int64_t now_us, struct session **sessions, size_t *count,
                                struct fault *fault) MUST_USE;
enum status store_session_shorten(struct transaction *t, struct uuid id, int64_t expires_us,
                                  struct fault *fault) MUST_USE;
enum status store_session_extend(struct transaction *t, struct uuid id, int64_t expires_us,
                                 struct fault *fault) MUST_USE;
/* It has shown a second factor. */
enum status store_session_set_mfa(struct transaction *t, struct uuid id, int64_t now_us,
                                  struct fault *fault) MUST_USE;
enum status store_session_touch(struct transaction *t, struct uuid id, int64_t now_us,
                                struct fault *fault) MUST_USE;
/* `id` NULL: all of the user's, except `kept` (may be NULL). STATUS_NOT_FOUND for one that is not
 * the user's. */
enum status store_sessions_revoke(struct transaction *t, struct uuid user, const struct uuid *id,
                                  const struct uuid *kept, int64_t now_us,
                                  struct fault *fault) MUST_USE;

enum status store_refresh_insert(struct transaction *t, const struct secret_hash *hash,
                                 const struct session *session, int64_t now_us, int64_t expires_us,
                                 struct fault *fault) MUST_USE;
/* Use it up; *reused: it had been used before, so somebody has a copy. STATUS_UNAUTHORIZED when it
 * is unknown or over. */
enum status store_refresh_use(struct transaction *t, const struct secret_hash *hash, int64_t now_us,
                              struct uuid *session, bool *reused, struct fault *fault) MUST_USE;

/* ---- API tokens ---- */

struct api_token {
    struct uuid id, user_id;
    char name[TOKEN_NAME_BYTES], prefix[API_TOKEN_PREFIX_BYTES];
    int64_t created_us, expires_us, last_used_us, revoked_us; /* 0: never */
    int64_t spent;                                            /* tokens of models */
    struct text scopes, limits;                               /* JSON */
};

enum status store_token_insert(struct transaction *t, const struct api_token *token,
                               const struct secret_hash *hash, struct fault *fault) MUST_USE;
/* With its account. STATUS_UNAUTHORIZED "Invalid or expired token". */
enum status store_token_find(struct transaction *t, struct arena *job,
                             const struct secret_hash *hash, int64_t now_us,
                             struct api_token *token, struct account *account,
                             struct fault *fault) MUST_USE;
/* Newest first (R33). */
enum status store_tokens_list(struct transaction *t, struct arena *job, struct uuid user,
                              struct api_token **tokens, size_t *count,
                              struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND "Token not found or does not belong to user". */
enum status store_token_revoke(struct transaction *t, struct uuid user, struct uuid id,
                               int64_t now_us, struct fault *fault) MUST_USE;
/* When it was used last (0: as before), and how many tokens more it has spent. */
enum status store_token_touch(struct transaction *t, struct uuid id, int64_t now_us, int64_t spent,
                              struct fault *fault) MUST_USE;
/* `spent` more, unless that were more than `cap` in all: then *within is false. What is given back
 * (negative) always fits. */
enum status store_token_spend(struct transaction *t, struct uuid id, int64_t spent, int64_t cap,
                              bool *within, struct fault *fault) MUST_USE;
/* Its row by id, with its account, as store_token_find. */
enum status store_token_find_id(struct transaction *t, struct uuid id, int64_t now_us,
                                struct account *account, struct fault *fault) MUST_USE;

#endif
