/* jwk.h - public keys as JSON (RFC 7517, RFC 7518), and signatures that they check. Pure. */
#ifndef LIMINAL_ACCOUNTS_JWK_H
#define LIMINAL_ACCOUNTS_JWK_H

#include <jansson.h>

#include "base/text.h"

enum jwk_algorithm { JWK_RS256, JWK_ES256 };
/* "RS256", "ES256"; false for all others, "none" among them. */
bool jwk_algorithm_parse(struct text name, enum jwk_algorithm *algorithm) MUST_USE;

enum jwk_verdict { JWK_SIGNED, JWK_FORGED, JWK_NO_KEY };
/* By the key of that id; without an id, by any that fits. Keys for other uses, of other kinds, or
 * that are too weak (RSA below 2048 bits) do not fit. `keys`: {"keys": [...]}. */
enum jwk_verdict jwk_set_verify(const json_t *keys, enum jwk_algorithm algorithm, struct text kid,
                                struct text signed_text, struct text signature);

#endif
