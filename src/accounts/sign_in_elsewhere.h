/* sign_in_elsewhere.h - signing in with an account at another service: any that speaks OpenID
 * Connect (with discovery and PKCE), Google among them, and GitHub.
 *
 * The browser goes there by elsewhere_begin's address and comes back to
 * /v1/auth/oauth/{provider}/callback, where elsewhere_finish decides who it is. What comes back is
 * believed only in the browser that left, once, within ten minutes.
 *
 * Whom it signs in: the account that used this identity before; else the one with the same address,
 * when the provider says that it has verified it; else a new one (by the rules of signing up). An
 * account whose address was never proven here loses its password in that moment: somebody else may
 * have set it. */
#ifndef LIMINAL_ACCOUNTS_SIGN_IN_ELSEWHERE_H
#define LIMINAL_ACCOUNTS_SIGN_IN_ELSEWHERE_H

#include "accounts/accounts.h"
#include "accounts/identity_provider.h"

struct departure {
    struct text url;                /* where to send the browser, in the arena */
    char cookie[SECRET_TEXT_BYTES]; /* for the browser: HttpOnly, SameSite=Lax, 10 minutes */
};
/* `return_to`: a path of ours ("/dashboard") to go to at the end; empty: "/". `invitation` may be
 * empty. STATUS_NOT_FOUND for an unknown provider, STATUS_INVALID for a return_to that is not ours,
 * STATUS_UNAVAILABLE when the provider does not answer. */
enum status elsewhere_begin(struct accounts *accounts, struct text provider, struct text return_to,
                            struct text invitation, struct arena *job, struct departure *departure,
                            struct fault *fault) MUST_USE;

struct arrival { /* what came to the callback */
    struct text state, code, error, cookie;
    struct text issuer; /* "iss" (RFC 9207); empty: not said */
};
struct elsewhere {
    struct signed_in signed_in;
    struct text return_to;          /* in the arena */
    bool mfa_required;              /* nobody is signed in yet: elsewhere_mfa with the ticket */
    char ticket[SECRET_TEXT_BYTES]; /* good for five minutes */
};
/* STATUS_UNAUTHORIZED for what is not believed; STATUS_FORBIDDEN when the provider has not verified
 * the address, or who signs up may not; STATUS_UNAVAILABLE when the provider does not answer;
 * STATUS_BUSY after too many from one address. */
enum status elsewhere_finish(struct accounts *accounts, struct text provider,
                             const struct arrival *arrival, const struct client *client,
                             struct arena *job, struct elsewhere *elsewhere,
                             struct fault *fault) MUST_USE;
enum status elsewhere_mfa(struct accounts *accounts, struct text ticket, struct text mfa_code,
                          const struct client *client, struct signed_in *signed_in,
                          struct fault *fault) MUST_USE;

/* Of which services may one be chosen? In the order of the settings. */
size_t elsewhere_providers(const struct accounts *accounts,
                           const struct identity_provider **providers);

#endif
