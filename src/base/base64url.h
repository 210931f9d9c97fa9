/* base64url.h - bytes as the letters of RFC 4648 section 5, without padding: for tokens and links.
 */
#ifndef LIMINAL_BASE_BASE64URL_H
#define LIMINAL_BASE_BASE64URL_H

#include <stdbool.h>

#include "base/text.h"

#define BASE64URL_BYTES(bytes) (((bytes)*4 + 2) / 3) /* letters of so many bytes */

/* Writes BASE64URL_BYTES(length) letters and a NUL. */
void base64url_encode(const void *bytes, size_t length, char *out);
/* False unless t is the one encoding of exactly `length` bytes. */
bool base64url_decode(struct text t, void *bytes, size_t length) MUST_USE;

#endif
