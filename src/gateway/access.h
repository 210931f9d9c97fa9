/* access.h - who may: pure rules over who asks and what for. */
#ifndef LIMINAL_GATEWAY_ACCESS_H
#define LIMINAL_GATEWAY_ACCESS_H

#include "accounts/accounts.h"
#include "base/status.h"
#include "base/text.h"

enum access {
    ACCESS_UNSAID,   /* no route may be so */
    ACCESS_OPEN,     /* anybody */
    ACCESS_MODELS,   /* whoever may use the models: an account, or the service's key */
    ACCESS_ACCOUNT,  /* an account, by its session or one of its keys */
    ACCESS_PERSON,   /* an account by its session: no key makes keys */
    ACCESS_ADMIN,    /* an administrator by its session */
    ACCESS_OPERATOR, /* an administrator, or the service's key */
};

enum caller_kind { CALLER_STRANGER, CALLER_SERVICE, CALLER_ACCOUNT };

struct caller {
    enum caller_kind kind;
    struct principal principal; /* of CALLER_ACCOUNT */
    bool by_cookie;             /* so a browser may have been led here by another site */
    struct client client;       /* from where */
};

/* STATUS_UNAUTHORIZED for strangers, STATUS_FORBIDDEN for who is known; the fault names what is
 * wanted. */
enum status access_judge(enum access access, const struct caller *caller,
                         struct fault *fault) MUST_USE;

/* ---- credentials ---- */

enum { SESSION_COOKIE_BYTES = 32 };
#define SESSION_COOKIE "liminal_session"
#define CSRF_COOKIE    "liminal_csrf"

struct credential_found {
    struct text secret; /* empty: none */
    bool by_cookie;
};
/* X-API-Key, else Authorization, else the cookie. STATUS_UNAUTHORIZED "Invalid authorization
 * format" (R21). */
enum status credential_find(struct text api_key, struct text authorization, struct text cookies,
                            struct credential_found *found, struct fault *fault) MUST_USE;
/* The value of one cookie of a Cookie header; empty: not there. */
struct text cookie_value(struct text cookies, struct text name);
/* In a time that tells nothing of `secret` but its length. */
bool secret_equal(struct text secret, struct text given);

/* ---- from where ---- */

/* `remote` unless that is a proxy we know: then the last address of X-Forwarded-For that is none.
 * A proxy is an address or a network, "10.0.0.0/8", "::1". */
struct text client_address(struct text remote, struct text forwarded_for,
                           const char *const *proxies);
/* Can this be read as an address or a network? */
bool proxy_is_valid(const char *proxy);

#endif
