/* mfa_secret.c - see mfa_secret.h. */
#include "accounts/realization/mfa_secret.h"

#include <string.h>

#include "platform/platform.h"

enum { PLAIN_BYTES = sizeof(struct uuid) + TOTP_SECRET_BYTES };

static void sealing_key(const unsigned char key[SERVER_KEY_BYTES],
                        unsigned char out[crypto_secretbox_KEYBYTES])
{
    static const unsigned char purpose[] = "the secrets of second factors";
    crypto_generichash(out, crypto_secretbox_KEYBYTES, purpose, sizeof purpose, key,
                       SERVER_KEY_BYTES);
}

void mfa_secret_seal(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                     const unsigned char secret[TOTP_SECRET_BYTES],
                     unsigned char sealed[SEALED_SECRET_BYTES])
{
    unsigned char plain[PLAIN_BYTES], box_key[crypto_secretbox_KEYBYTES];
    unsigned char *nonce = sealed, *box = sealed + crypto_secretbox_NONCEBYTES;
    memcpy(plain, user.bytes, sizeof user.bytes);
    memcpy(plain + sizeof user.bytes, secret, TOTP_SECRET_BYTES);
    sealing_key(key, box_key);
    entropy_fill(nonce, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(box, plain, sizeof plain, nonce, box_key);
    sodium_memzero(plain, sizeof plain);
    sodium_memzero(box_key, sizeof box_key);
}

enum status mfa_secret_open(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                            const unsigned char sealed[SEALED_SECRET_BYTES],
                            unsigned char secret[TOTP_SECRET_BYTES], struct fault *fault)
{
    unsigned char plain[PLAIN_BYTES], box_key[crypto_secretbox_KEYBYTES];
    const unsigned char *nonce = sealed, *box = sealed + crypto_secretbox_NONCEBYTES;
    sealing_key(key, box_key);
    bool is_ours =
        crypto_secretbox_open_easy(plain, box, SEALED_SECRET_BYTES - crypto_secretbox_NONCEBYTES,
                                   nonce, box_key) == 0 &&
        memcmp(plain, user.bytes, sizeof user.bytes) == 0;
    if (is_ours) memcpy(secret, plain + sizeof user.bytes, TOTP_SECRET_BYTES);
    sodium_memzero(plain, sizeof plain);
    sodium_memzero(box_key, sizeof box_key);
    if (is_ours) return OK;
    return fault_set(fault, STATUS_CORRUPT,
                     "the second factor was sealed with another server key: an administrator has "
                     "to restore the key, or remove the factor");
}
