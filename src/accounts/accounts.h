/* accounts.h - the face of accounts: signing up, proving an address, signing in and out, sessions,
 * tokens, and who it is that comes with a credential.
 *
 * More of the face: mfa.h (second factors), sign_in_elsewhere.h (OpenID Connect and GitHub),
 * invitations.h (and the first administrator), administration.h, personal_data.h (take it along,
 * delete it), api_scope.h (what a token may).
 *
 * Every function is safe from any thread and blocks its caller (a worker). Signing in and asking
 * for a new password tell no stranger whether somebody has an account, neither in words nor by what
 * is hashed and written; signing up does (R31). */
#ifndef LIMINAL_ACCOUNTS_H
#define LIMINAL_ACCOUNTS_H

#include "accounts/account.h"
#include "accounts/api_scope.h"
#include "accounts/secret.h"
#include "base/arena.h"

struct accounts;
struct database;
struct hot_state;
struct mail;
struct identity_provider;
struct personal_data;

/* Somebody's credentials ended on this server: streams that run for them shall end now. Streams on
 * other servers learn of it by accounts_recheck. Called from any thread; must not block. */
typedef void accounts_ended(void *argument, struct uuid user);

struct accounts_options {
    struct database *database; /* borrowed, migrated */
    struct hot_state *hot;     /* borrowed */
    struct mail *mail; /* borrowed; NULL: letters are queued, and another server sends them */
    unsigned char server_key[SERVER_KEY_BYTES];
    const char *public_url;     /* "https://app.example.com", in front of links in mails */
    uint32_t access_ttl_s;      /* 0: 30 min */
    uint32_t refresh_ttl_s;     /* 0: 14 days */
    bool single_session;        /* signing in signs out elsewhere (R241) */
    bool invite_only;           /* signing up needs an invitation */
    const char *const *domains; /* who may sign up; none: everybody */
    size_t domain_count;
    const struct identity_provider *providers; /* sign_in_elsewhere.h; borrowed */
    size_t provider_count;
    const struct personal_data *const *personal; /* of other capabilities; borrowed */
    size_t personal_count;
    accounts_ended *ended;   /* may be NULL */
    void *argument;          /* of ended */
    unsigned hashes;         /* of passwords at once, of 19 MiB each; 0: half of the cores */
    unsigned hash_queue;     /* who may wait for one; beyond, STATUS_BUSY; 0: 8 */
    int64_t (*now_us)(void); /* NULL: the machine's clock */
};

enum status accounts_open(struct accounts **out, const struct accounts_options *options,
                          struct fault *fault) MUST_USE;
void accounts_close(struct accounts *accounts);
/* Write now what accounts_authenticate and accounts_token_spend leave for the next second. */
enum status accounts_flush(struct accounts *accounts, struct fault *fault) MUST_USE;

/* From where somebody comes; for sessions and limits. */
struct client {
    struct text ip, user_agent;
    bool is_mobile; /* its cookie lives a day instead of a week (R201) */
};

/* ---- signing up ---- */

struct sign_up {
    struct text email, password;
    struct text invitation; /* its code; empty: none */
};

/* A pending account, and a mail with a link to /verify?code=... ; an active one, and no mail, when
 * an administrator invited this very address. STATUS_CONFLICT "User with this email already exists"
 * (R31); STATUS_FORBIDDEN for who needs an invitation; STATUS_BUSY after too many from one
 * address. */
enum status accounts_register(struct accounts *accounts, const struct sign_up *wish,
                              const struct client *client, struct account *account,
                              struct fault *fault) MUST_USE;
/* The code of the link. STATUS_INVALID "Invalid verification code", "Verification code has
 * expired". */
enum status accounts_verify_email(struct accounts *accounts, struct text code,
                                  struct account *account, struct fault *fault) MUST_USE;
/* Another mail with a link, for who has an account that waits for it; OK for everybody else. */
enum status accounts_request_verification(struct accounts *accounts, struct text email,
                                          const struct client *client,
                                          struct fault *fault) MUST_USE;

/* ---- signing in ---- */

struct credentials {
    struct text email, password;
    struct text mfa_code; /* of the app, or a recovery code; empty: none */
};

/* A session's tokens: access and refresh for programs (R241), or the one cookie for browsers
 * (R201: a week, on phones a day). A browser's page needs nothing but the cookie. */
struct signed_in {
    struct account account;
    struct uuid session;
    char access[ACCESS_TOKEN_BYTES], refresh[SECRET_TEXT_BYTES], cookie[ACCESS_TOKEN_BYTES];
    int64_t access_expires_us, refresh_expires_us, cookie_expires_us;
};

/* STATUS_UNAUTHORIZED "Invalid email or password", whichever it is; the same with fault.param
 * MFA_REQUIRED when only the second factor is missing (mfa.h); STATUS_FORBIDDEN "User account is
 * suspended" only for who knows the password; STATUS_BUSY after too many failures. */
enum status accounts_sign_in(struct accounts *accounts, const struct credentials *credentials,
                             const struct client *client, struct signed_in *signed_in,
                             struct fault *fault) MUST_USE;
/* New tokens for a refresh token, which is then used up. One that was used before is in two hands:
 * its session ends (R241). STATUS_UNAUTHORIZED "Invalid or expired token", or MFA_REQUIRED for a
 * session that began before there was a second factor and has not shown it (R202): the token is not
 * used up by that. */
enum status accounts_refresh(struct accounts *accounts, struct text refresh_token,
                             struct text mfa_code, struct signed_in *signed_in,
                             struct fault *fault) MUST_USE;
/* `session` NULL: all of them. STATUS_NOT_FOUND for one that is not this user's. */
enum status accounts_sign_out(struct accounts *accounts, struct uuid user,
                              const struct uuid *session, struct fault *fault) MUST_USE;

/* ---- sessions ---- */

struct session_view {
    struct uuid id;
    struct text user_agent, ip;
    int64_t created_us, last_seen_us, expires_us; /* last_seen_us: to the minute */
    bool is_current;
};

/* Those that live, the newest first, in the arena; `current` may be nil. One of them is ended by
 * accounts_sign_out. */
enum status accounts_sessions(struct accounts *accounts, struct uuid user, struct uuid current,
                              struct arena *job, struct session_view **sessions, size_t *count,
                              struct fault *fault) MUST_USE;

/* ---- passwords ---- */

/* Says OK in any case; a mail goes out if there is such an account. The link lives 15 minutes. */
enum status accounts_request_reset(struct accounts *accounts, struct text email,
                                   const struct client *client, struct fault *fault) MUST_USE;
/* All sessions end. */
enum status accounts_reset_password(struct accounts *accounts, struct text code,
                                    struct text password, struct fault *fault) MUST_USE;
/* All sessions but `kept` end. STATUS_FORBIDDEN when the current password is another, or there is
 * none (who signs in elsewhere): a link by mail sets one. */
enum status accounts_change_password(struct accounts *accounts, struct uuid user, struct uuid kept,
                                     struct text current, struct text password,
                                     struct fault *fault) MUST_USE;

/* ---- who is it? ---- */

enum credential { CREDENTIAL_SESSION, CREDENTIAL_COOKIE, CREDENTIAL_API_TOKEN };

struct principal {
    enum credential credential;
    struct uuid credential_id; /* the session's or the token's */
    struct account account;
    bool rotate_cookie; /* it is a day old: give a new one (accounts_cookie_rotate) */
    /* Of an API token, in the arena; else everything is allowed and nothing is limited. */
    struct text token_name;
    struct api_scope scope;
    struct api_limits limits;
};

/* An access token ("lat_..."), a cookie's value ("lct_...") or an API token ("lim_..."), with the
 * same checks whichever header it came in. Asks the database each time: what was revoked is refused
 * at once, by all servers. What was seen is written later and by the minute (R46): never waits for
 * a disk. STATUS_UNAUTHORIZED "Invalid or expired token"; STATUS_FORBIDDEN "User account is ..."
 * (R47). */
enum status accounts_authenticate(struct accounts *accounts, struct text credential,
                                  struct arena *job, struct principal *principal,
                                  struct fault *fault) MUST_USE;
/* Is who was let in still welcome? For streams, every second or two: one query. The faults are
 * those of accounts_authenticate; an access token that expired meanwhile is none. */
enum status accounts_recheck(struct accounts *accounts, const struct principal *principal,
                             struct fault *fault) MUST_USE;
/* A new cookie in a new session; the old one is good for another minute, for the requests that are
 * on their way (R201). */
enum status accounts_cookie_rotate(struct accounts *accounts, const struct principal *principal,
                                   const struct client *client, struct signed_in *signed_in,
                                   struct fault *fault) MUST_USE;

/* ---- API tokens ---- */

struct token_wish {
    struct text name;           /* empty: "Default Token" (R29) */
    int64_t expires_us;         /* 0: a year from now (R29); INT64_MAX: never */
    struct text scopes, limits; /* JSON objects (api_scope.h); empty: {} */
};
struct token_view { /* never the token itself (R42) */
    struct uuid id;
    char name[TOKEN_NAME_BYTES], prefix[API_TOKEN_PREFIX_BYTES];
    int64_t created_us, expires_us, last_used_us; /* 0: never */
    uint64_t spent_tokens;
    struct text scopes, limits; /* JSON */
    bool is_active;
};

/* `secret` is shown this once (R41). STATUS_FORBIDDEN "User cannot generate tokens" (R32, X69).
 * `wish` must last as long as `token`, which borrows from it. */
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

/* Count so many tokens of a model as spent by an API token; of other credentials nothing is
 * counted. With a cap it is decided and written at once, before the tokens are made: claim what a
 * request may need, and give back what it did not use by a negative number, which is never refused.
 * STATUS_FORBIDDEN, naming the token and its cap, when they would exceed it: then nothing is
 * counted. */
enum status accounts_token_spend(struct accounts *accounts, const struct principal *principal,
                                 int64_t tokens, struct fault *fault) MUST_USE;

#endif
