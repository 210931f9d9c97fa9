/* secret.c - see secret.h. */
#include "accounts/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"

/* What an access token holds, before base64url. */
enum { EXPIRY_AT = 16, SIGNED_BYTES = 24, SIGNATURE_BYTES = 16, TOKEN_BYTES = 40 };

void secret_format(const unsigned char random[SECRET_BYTES], const char *mark,
                   char out[SECRET_TEXT_BYTES])
{
    char letters[BASE64URL_BYTES(SECRET_BYTES) + 1];
    base64url_encode(random, SECRET_BYTES, letters);
    snprintf(out, SECRET_TEXT_BYTES, "%.4s%s", mark, letters);
    sodium_memzero(letters, sizeof letters);
}

struct secret_hash secret_hash_of(struct text secret)
{
    struct secret_hash hash;
    crypto_hash_sha256(hash.bytes, (const unsigned char *)secret.data, secret.length);
    return hash;
}

static void sign(const unsigned char key[SERVER_KEY_BYTES], const unsigned char token[TOKEN_BYTES],
                 unsigned char signature[SIGNATURE_BYTES])
{
    crypto_generichash(signature, SIGNATURE_BYTES, token, SIGNED_BYTES, key, SERVER_KEY_BYTES);
}

void access_token_make(const unsigned char key[SERVER_KEY_BYTES], struct uuid session,
                       int64_t expires_s, char out[ACCESS_TOKEN_BYTES])
{
    unsigned char token[TOKEN_BYTES];
    memcpy(token, session.bytes, EXPIRY_AT);
    for (int i = 0; i < 8; i++)
        token[EXPIRY_AT + i] = (unsigned char)((uint64_t)expires_s >> (56 - 8 * i));
    sign(key, token, token + SIGNED_BYTES);
    char letters[BASE64URL_BYTES(TOKEN_BYTES) + 1];
    base64url_encode(token, TOKEN_BYTES, letters);
    snprintf(out, ACCESS_TOKEN_BYTES, ACCESS_TOKEN_MARK "%s", letters);
}

bool access_token_read(const unsigned char key[SERVER_KEY_BYTES], struct text token, int64_t now_s,
                       struct uuid *session)
{
    unsigned char read[TOKEN_BYTES], wanted[SIGNATURE_BYTES];
    if (!text_starts_with(token, TEXT(ACCESS_TOKEN_MARK))) return false;
    struct text letters = text_slice(token, strlen(ACCESS_TOKEN_MARK), token.length);
    if (!base64url_decode(letters, read, TOKEN_BYTES)) return false;
    sign(key, read, wanted);
    if (sodium_memcmp(wanted, read + SIGNED_BYTES, SIGNATURE_BYTES) != 0) return false;
    uint64_t expires_s = 0;
    for (int i = 0; i < 8; i++) expires_s = expires_s << 8 | read[EXPIRY_AT + i];
    memcpy(session->bytes, read, EXPIRY_AT);
    return now_s < (int64_t)expires_s;
}
