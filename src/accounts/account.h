/* account.h - people and what they may: the rules, without database, clock or network.
 *
 * The sentences are the seeds' own, word for word (R26, R27, R32, R39, R47). */
#ifndef LIMINAL_ACCOUNTS_ACCOUNT_H
#define LIMINAL_ACCOUNTS_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "base/uuid.h"

enum {
    EMAIL_BYTES = 255,    /* with its NUL (RFC 5321: 254) */
    PASSWORD_LEAST = 8,   /* characters (R39) */
    PASSWORD_MOST = 1024, /* bytes: what is hashed must be bounded */
    TOKEN_NAME_BYTES = 101,
    PLAN_BYTES = 33,
    PENDING_GRACE_S = 24 * 3600, /* X69 */
};

enum account_status { ACCOUNT_PENDING, ACCOUNT_ACTIVE, ACCOUNT_SUSPENDED, ACCOUNT_DELETED };
enum account_role { ROLE_USER, ROLE_ADMIN };

struct account {
    struct uuid id, tenant_id;
    char email[EMAIL_BYTES]; /* as its owner writes it */
    char plan[PLAN_BYTES];
    enum account_status status;
    enum account_role role;
    int64_t created_us, verified_us; /* verified_us 0: not yet */
};

/* "pending_verification", "active", "suspended", "deleted"; "user", "admin". */
const char *account_status_name(enum account_status status);
bool account_status_parse(struct text name, enum account_status *status) MUST_USE;
const char *account_role_name(enum account_role role);
bool account_role_parse(struct text name, enum account_role *role) MUST_USE;

/* A plan's name: 1 to 32 small letters, digits, '-' and '_'. */
enum status plan_check(struct text plan, struct fault *fault) MUST_USE;

/* ---- e-mail addresses ---- */

/* R26: one @, ASCII, and a last label of two letters or more; of at most 254 bytes.
 * STATUS_INVALID "Invalid email format". */
enum status email_check(struct text email, struct fault *fault) MUST_USE;
/* What makes two spellings one account: all in lower case. `email` must have passed email_check. */
void email_key(struct text email, char key[EMAIL_BYTES]);
/* Is its domain one of these ("example.com")? With no domains: yes. */
bool email_is_of(struct text email, const char *const *domains, size_t count);

/* ---- passwords ---- */

/* At least 8 characters, at most 1024 bytes, not the address itself. */
enum status password_check(struct text password, struct text email, struct fault *fault) MUST_USE;

/* ---- what an account may ---- */

/* Sign in and use the service: active; pending for a day after it was made (X69). Else
 * STATUS_FORBIDDEN "User account is {status}" (R47). */
enum status account_check_usable(const struct account *account, int64_t now_us,
                                 struct fault *fault) MUST_USE;
/* R32, X69: only active ones; "User cannot generate tokens". */
enum status account_check_may_make_tokens(const struct account *account,
                                          struct fault *fault) MUST_USE;
/* R27: only from pending; "User is not in pending verification status". */
enum status account_verify(struct account *account, int64_t now_us, struct fault *fault) MUST_USE;

#endif
