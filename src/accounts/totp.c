/* totp.c - see totp.h. */
#include "accounts/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#include "accounts/url_form.h"

enum { SHA1_BYTES = 20, RECOVERY_LETTERS = 10 };

/* ---- codes ---- */

/* RFC 4226 section 5.3, with the step as the counter. */
uint32_t totp_code(const unsigned char *secret, size_t length, int64_t step, unsigned digits)
{
    unsigned char counter[8], mac[SHA1_BYTES];
    unsigned mac_length = 0;
    for (int i = 0; i < 8; i++) counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    if (!HMAC(EVP_sha1(), secret, (int)length, counter, sizeof counter, mac, &mac_length))
        return UINT32_MAX;
    const unsigned char *at = mac + (mac[SHA1_BYTES - 1] & 0xf);
    uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
                      (uint32_t)at[2] << 8 | (uint32_t)at[3];
    uint32_t modulus = 1;
    for (unsigned i = 0; i < digits; i++) modulus *= 10;
    return number % modulus;
}

/* Without spaces; false unless it is six digits. */
static bool read_code(struct text code, uint32_t *number)
{
    unsigned digits = 0;
    *number = 0;
    for (size_t i = 0; i < code.length; i++) {
        if (code.data[i] == ' ') continue;
        if (code.data[i] < '0' || code.data[i] > '9' || ++digits > TOTP_DIGITS) return false;
        *number = *number * 10 + (uint32_t)(code.data[i] - '0');
    }
    return digits == TOTP_DIGITS;
}

bool totp_is_code(struct text code)
{
    uint32_t number;
    return read_code(code, &number);
}

int64_t totp_match(const unsigned char secret[TOTP_SECRET_BYTES], struct text code, int64_t now_s,
                   int64_t last_step)
{
    uint32_t number;
    int64_t now = now_s / TOTP_STEP_S, found = 0;
    if (!read_code(code, &number)) return 0;
    for (int64_t step = now - TOTP_SKEW; step <= now + TOTP_SKEW; step++) {
        bool is_it = totp_code(secret, TOTP_SECRET_BYTES, step, TOTP_DIGITS) == number;
        if (is_it && step > last_step && !found) found = step;
    }
    return found;
}

/* ---- letters ---- */

/* `letters` has 32; bits that are over at the end are dropped, so `length` bytes should be whole
 * fives. */
static void base32(const unsigned char *bytes, size_t count, const char *letters, char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t made = 0; made < count; made++) {
        if (held < 5) {
            bits = bits << 8 | *bytes++;
            held += 8;
        }
        held -= 5;
        out[made] = letters[bits >> held & 31];
    }
    out[count] = '\0';
}

void totp_secret_format(const unsigned char secret[TOTP_SECRET_BYTES],
                        char out[TOTP_SECRET_TEXT_BYTES])
{
    base32(secret, TOTP_SECRET_TEXT_BYTES - 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", out);
}

void totp_uri(struct text issuer, struct text account,
              const unsigned char secret[TOTP_SECRET_BYTES], struct buffer *out)
{
    char letters[TOTP_SECRET_TEXT_BYTES];
    totp_secret_format(secret, letters);
    buffer_append_string(out, "otpauth://totp/");
    url_append_encoded(out, issuer);
    buffer_append_char(out, ':');
    url_append_encoded(out, account);
    buffer_printf(out, "?secret=%s&issuer=", letters);
    url_append_encoded(out, issuer);
    sodium_memzero(letters, sizeof letters);
}

/* ---- recovery codes ---- */

/* Without those that look alike: 0 and o, 1 and l. */
static const char recovery_letters[] = "23456789abcdefghijkmnpqrstuvwxyz";

void recovery_code_format(const unsigned char random[RECOVERY_RANDOM_BYTES],
                          char out[RECOVERY_CODE_BYTES])
{
    _Static_assert(sizeof recovery_letters == 33, "32 letters");
    char letters[RECOVERY_LETTERS + 1];
    base32(random, RECOVERY_LETTERS, recovery_letters, letters);
    memcpy(out, letters, 5);
    out[5] = '-';
    memcpy(out + 6, letters + 5, 6);
    sodium_memzero(letters, sizeof letters);
}

bool recovery_code_hash(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                        struct text code, struct secret_hash *hash)
{
    char letters[RECOVERY_LETTERS];
    size_t count = 0;
    for (size_t i = 0; i < code.length; i++) {
        char c = code.data[i];
        if (c == '-' || c == ' ') continue;
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c == '\0' || !strchr(recovery_letters, c) || count == RECOVERY_LETTERS) return false;
        letters[count++] = c;
    }
    if (count != RECOVERY_LETTERS) return false;
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, SERVER_KEY_BYTES, sizeof hash->bytes);
    crypto_generichash_update(&state, (const unsigned char *)"recovery", 8);
    crypto_generichash_update(&state, user.bytes, sizeof user.bytes);
    crypto_generichash_update(&state, (const unsigned char *)letters, sizeof letters);
    crypto_generichash_final(&state, hash->bytes, sizeof hash->bytes);
    return true;
}
