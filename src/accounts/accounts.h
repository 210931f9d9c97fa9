/* accounts.h - the face of accounts: signing up, proving an address, signing in and out, tokens,
 * and who it is that comes with a credential.
 *
 * Every function is safe from any thread and blocks its caller (a worker). Signing in and asking
 * for a new password tell no stranger whether somebody has an account, neither in words nor by what
 * is hashed and written; signing up does (R31). */
#ifndef LIMINAL_ACCOUNTS_H
#define LIMINAL_ACCOUNTS_H

#include "accounts/account.h"
#include "accounts/secret.h"
#include "base/arena.h"

struct accounts;
struct database;
struct hot_state;
struct mail;

struct accounts_options {
    struct database *database; /* borrowed, migrated */
    struct hot_state *hot;     /* borrowed */
    struct mail *mail; /* borrowed; NULL: letters are queued, and another server sends them */
    unsigned char server_key[SERVER_KEY_BYTES];
    const char *public_url;     /* "https://app.example.com", in front of links in mails */
    uint32_t access_ttl_s;      /* 0: 30 min */
    uint32_t refresh_ttl_s;     /* 0: 14 days */
    bool single_session;        /* signing in signs out elsewhere (R241) */
    const char *const *domains; /* who may sign up; none: everybody */
    size_t domain_count;
    int64_t (*now_us)(void); /* NULL: the machine's clock */
};

enum status accounts_open(struct accounts **out, const struct accounts_options *options,
                          struct fault *fault) MUST_USE;
void accounts_close(struct accounts *accounts);

/* From where somebody comes; for sessions and limits. */
struct client {
    struct text ip, user_agent;
};

/* ---- signing up ---- */

/* A pending account, and a mail with a link to /verify?code=... . STATUS_CONFLICT "User with this
 * email already exists" (R31); STATUS_BUSY after too many from one address. */
enum status accounts_register(struct accounts *accounts, struct text email, struct text password,
                              const struct client *client, struct account *account,
                              struct fault *fault) MUST_USE;
/* The code of the link. STATUS_INVALID "Invalid verification code", "Verification code has
 * expired". */
enum status accounts_verify_email(struct accounts *accounts, struct text code,
                                  struct account *account, struct fault *fault) MUST_USE;

/* ---- signing in ---- */

struct signed_in {
    struct account account;
    struct uuid session;
    char access[ACCESS_TOKEN_BYTES], refresh[SECRET_TEXT_BYTES];
    int64_t access_expires_us, refresh_expires_us;
};

/* STATUS_UNAUTHORIZED "Invalid email or password", whichever it is; STATUS_FORBIDDEN "User account
 * is suspended" only for who knows the password; STATUS_BUSY after too many failures. */
enum status accounts_sign_in(struct accounts *accounts, struct text email, struct text password,
                             const struct client *client, struct signed_in *signed_in,
                             struct fault *fault) MUST_USE;
/* New tokens for a refresh token, which is then used up. One that was used before is in two hands:
 * its session ends (R241). STATUS_UNAUTHORIZED "Invalid or expired token". */
enum status accounts_refresh(struct accounts *accounts, struct text refresh_token,
                             struct signed_in *signed_in, struct fault *fault) MUST_USE;
/* `session` NULL: all of them. */
enum status accounts_sign_out(struct accounts *accounts, struct uuid user,
                              const struct uuid *session, struct fault *fault) MUST_USE;

/* ---- passwords ---- */

/* Says OK in any case; a mail goes out if there is such an account. The link lives 15 minutes. */
enum status accounts_request_reset(struct accounts *accounts, struct text email,
                                   const struct client *client, struct fault *fault) MUST_USE;
/* All sessions end. */
enum status accounts_reset_password(struct accounts *accounts, struct text code,
                                    struct text password, struct fault *fault) MUST_USE;
/* All sessions but `kept` end. STATUS_FORBIDDEN when the current password is another. */
enum status accounts_change_password(struct accounts *accounts, struct uuid user, struct uuid kept,
                                     struct text current, struct text password,
                                     struct fault *fault) MUST_USE;

/* ---- who is it? ---- */

enum credential { CREDENTIAL_SESSION, CREDENTIAL_API_TOKEN };

struct principal {
    enum credential credential;
    struct uuid credential_id; /* the session's or the token's */
    struct account account;
    struct text scopes, limits; /* of an API token: JSON, in the arena */
};

/* An access token ("lat_...") or an API token ("lim_..."), with the same checks whichever header it
 * came in. Asks the database each time: what was revoked is refused at once, by all servers.
 * STATUS_UNAUTHORIZED "Invalid or expired token"; STATUS_FORBIDDEN "User account is ..." (R47). */
enum status accounts_authenticate(struct accounts *accounts, struct text credential,
                                  struct arena *job, struct principal *principal,
                                  struct fault *fault) MUST_USE;

/* ---- API tokens ---- */

struct token_wish {
    struct text name;           /* empty: "Default Token" (R29) */
    int64_t expires_us;         /* 0: a year from now (R29); INT64_MAX: never */
    struct text scopes, limits; /* JSON objects; empty: {} */
};
struct token_view { /* never the token itself (R42) */
    struct uuid id;
    char name[TOKEN_NAME_BYTES], prefix[API_TOKEN_PREFIX_BYTES];
    int64_t created_us, expires_us, last_used_us; /* 0: never */
    bool is_active;
};

/* `secret` is shown this once (R41). STATUS_FORBIDDEN "User cannot generate tokens" (R32, X69). */
enum status accounts_token_create(struct accounts *accounts, struct uuid user,
                                  const struct token_wish *wish, char secret[SECRET_TEXT_BYTES],
                                  struct token_view *token, struct fault *fault) MUST_USE;
/* Newest first (R33), in the arena. */
enum status accounts_token_list(struct accounts *accounts, struct uuid user, struct arena *job,
                                struct token_view **tokens, size_t *count,
                                struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND "Token not found or does not belong to user" (R33). */
enum status accounts_token_revoke(struct accounts *accounts, struct uuid user, struct uuid token,
                                  struct fault *fault) MUST_USE;

/* ---- an administrator's ---- */

/* Suspended and deleted ones are signed out everywhere, and their tokens stop. */
enum status accounts_set_status(struct accounts *accounts, struct uuid user,
                                enum account_status status, struct fault *fault) MUST_USE;

#endif
