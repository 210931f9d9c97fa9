/* totp.h - codes of six digits that change every half minute (RFC 6238), and recovery codes.
 *
 * Pure: secrets, randomness and the time are given. */
#ifndef LIMINAL_ACCOUNTS_TOTP_H
#define LIMINAL_ACCOUNTS_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/secret.h"
#include "base/text.h"

enum {
    TOTP_SECRET_BYTES = 20, /* RFC 4226 section 4: as long as SHA-1's answer */
    TOTP_STEP_S = 30,
    TOTP_DIGITS = 6,
    TOTP_SKEW = 1,               /* steps that clocks may differ */
    TOTP_SECRET_TEXT_BYTES = 33, /* 32 letters of base32 and a NUL */
    RECOVERY_RANDOM_BYTES = 7,   /* of which 50 bits count */
    RECOVERY_CODE_BYTES = 12,    /* "k7mq2-x9fw4" and a NUL: 50 bits */
};

/* What the app shows in that step (Unix time / 30). UINT32_MAX, which is none, without memory.
 * `digits` at most 8. */
uint32_t totp_code(const unsigned char *secret, size_t length, int64_t step, unsigned digits);
/* The step that `code` is of, one around now and later than `last_step`; 0 when it is of none. */
int64_t totp_match(const unsigned char secret[TOTP_SECRET_BYTES], struct text code, int64_t now_s,
                   int64_t last_step);

/* In base32 (RFC 4648), to be typed. */
void totp_secret_format(const unsigned char secret[TOTP_SECRET_BYTES],
                        char out[TOTP_SECRET_TEXT_BYTES]);
/* otpauth://totp/ISSUER:ACCOUNT?secret=...&issuer=ISSUER, as apps read it from a picture. */
void totp_uri(struct text issuer, struct text account,
              const unsigned char secret[TOTP_SECRET_BYTES], struct buffer *out);

/* Six digits, maybe with spaces: a code of the app; else it may be a recovery code. */
bool totp_is_code(struct text code);
void recovery_code_format(const unsigned char random[RECOVERY_RANDOM_BYTES],
                          char out[RECOVERY_CODE_BYTES]);
/* Keyed with the server's key, since 50 bits could be found from a plain hash; whatever its case,
 * hyphens and spaces. False when it can be no recovery code. */
bool recovery_code_hash(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                        struct text code, struct secret_hash *hash) MUST_USE;

#endif
