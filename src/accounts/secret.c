/* secret.c - see secret.h. */
#include "accounts/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"

/* What a session's token holds, before base64url. */
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

static const char *const marks[] = {
    [SESSION_TOKEN_ACCESS] = ACCESS_TOKEN_MARK,
    [SESSION_TOKEN_COOKIE] = COOKIE_MARK,
};

/* The mark is signed too. */
static void sign(const unsigned char key[SERVER_KEY_BYTES], enum session_token_kind kind,
                 const unsigned char token[TOKEN_BYTES], unsigned char signature[SIGNATURE_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, SERVER_KEY_BYTES, SIGNATURE_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)marks[kind], strlen(marks[kind]));
    crypto_generichash_update(&state, token, SIGNED_BYTES);
    crypto_generichash_final(&state, signature, SIGNATURE_BYTES);
}

void session_token_make(const unsigned char key[SERVER_KEY_BYTES],
                        const struct session_token *token, char out[ACCESS_TOKEN_BYTES])
{
    unsigned char bytes[TOKEN_BYTES];
    memcpy(bytes, token->session.bytes, EXPIRY_AT);
    for (int i = 0; i < 8; i++)
        bytes[EXPIRY_AT + i] = (unsigned char)((uint64_t)token->expires_s >> (56 - 8 * i));
    sign(key, token->kind, bytes, bytes + SIGNED_BYTES);
    char letters[BASE64URL_BYTES(TOKEN_BYTES) + 1];
    base64url_encode(bytes, TOKEN_BYTES, letters);
    snprintf(out, ACCESS_TOKEN_BYTES, "%s%s", marks[token->kind], letters);
}

bool session_token_read(const unsigned char key[SERVER_KEY_BYTES], struct text token, int64_t now_s,
                        struct session_token *read)
{
    unsigned char bytes[TOKEN_BYTES], wanted[SIGNATURE_BYTES];
    if (text_starts_with(token, TEXT(ACCESS_TOKEN_MARK)))
        read->kind = SESSION_TOKEN_ACCESS;
    else if (text_starts_with(token, TEXT(COOKIE_MARK)))
        read->kind = SESSION_TOKEN_COOKIE;
    else
        return false;
    struct text letters = text_slice(token, strlen(marks[read->kind]), token.length);
    if (!base64url_decode(letters, bytes, TOKEN_BYTES)) return false;
    sign(key, read->kind, bytes, wanted);
    if (sodium_memcmp(wanted, bytes + SIGNED_BYTES, SIGNATURE_BYTES) != 0) return false;
    uint64_t expires_s = 0;
    for (int i = 0; i < 8; i++) expires_s = expires_s << 8 | bytes[EXPIRY_AT + i];
    read->expires_s = (int64_t)expires_s;
    memcpy(read->session.bytes, bytes, EXPIRY_AT);
    return now_s < read->expires_s;
}
