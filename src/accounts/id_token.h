/* id_token.h - ID tokens of OpenID Connect: is it signed by who says so, for us, now, and for this
 * very sign-in? (OpenID Connect Core 3.1.3.7, RFC 7515, RFC 7517, RFC 7518)
 *
 * Signatures are RS256 or ES256; "none" and those with shared secrets are refused. Pure: keys and
 * the time are given. */
#ifndef LIMINAL_ACCOUNTS_ID_TOKEN_H
#define LIMINAL_ACCOUNTS_ID_TOKEN_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"

enum { ID_TOKEN_BYTES = 32768, ID_SUBJECT_BYTES = 255 };

struct id_expectation {
    struct text issuer, client_id, nonce;
    int64_t now_s;
};
struct id_claims {
    struct text subject; /* who it is there: never empty */
    struct text email;   /* empty: not said */
    bool email_verified;
};

/* `keys`: the provider's JWKS ({"keys": [...]}). STATUS_NOT_FOUND when none of them fits: they may
 * have changed; STATUS_UNAUTHORIZED, saying why, for all else that is not as it must be. The texts
 * lie in the arena. */
enum status id_token_verify(struct text token, const json_t *keys,
                            const struct id_expectation *expected, struct arena *job,
                            struct id_claims *claims, struct fault *fault) MUST_USE;

/* "email" and "email_verified" of an object of claims: here, or from the userinfo endpoint. */
enum status id_claims_read_email(const json_t *object, struct arena *job, struct id_claims *claims,
                                 struct fault *fault) MUST_USE;

#endif
