/* digest.c - SHA-256 by OpenSSL, and bytes as hexadecimal digits. */
#include <openssl/evp.h>

#include "platform/platform.h"

struct sha256 *sha256_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct sha256 *)context;
}

void sha256_update(struct sha256 *sha, const void *data, size_t length)
{
    EVP_DigestUpdate((EVP_MD_CTX *)sha, data, length);
}

void sha256_final_free(struct sha256 *sha, unsigned char digest[32])
{
    unsigned length = 32;
    EVP_DigestFinal_ex((EVP_MD_CTX *)sha, digest, &length);
    EVP_MD_CTX_free((EVP_MD_CTX *)sha);
}

void hex_encode(const unsigned char *bytes, size_t length, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}
