/* secret.h - what proves who somebody is: random tokens, of which only hashes are kept, and tokens
 * of sessions, which are signed and kept nowhere.
 *
 * Pure: randomness, keys and the time are given. Comparisons take the same time whatever differs.
 */
#ifndef LIMINAL_ACCOUNTS_SECRET_H
#define LIMINAL_ACCOUNTS_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "base/uuid.h"

enum {
    SECRET_BYTES = 32,
    SECRET_TEXT_BYTES = 48, /* the longest form, with a mark in front and a NUL */
    SECRET_HASH_BYTES = 32,
    API_TOKEN_PREFIX_BYTES = 13, /* "lim_" and 8 letters, shown in lists; and a NUL */
    ACCESS_TOKEN_BYTES = 64,     /* of a session's tokens; with a NUL */
    SERVER_KEY_BYTES = 32,
};

struct secret_hash {
    unsigned char bytes[SECRET_HASH_BYTES];
};

#define API_TOKEN_MARK     "lim_"
#define REFRESH_TOKEN_MARK "lrt_"
#define ACCESS_TOKEN_MARK  "lat_"
#define COOKIE_MARK        "lct_"

/* The mark and 43 letters (R29). */
void secret_format(const unsigned char random[SECRET_BYTES], const char *mark,
                   char out[SECRET_TEXT_BYTES]);
/* SHA-256: enough for what is random. It is looked up by, so that no secret is ever compared byte
 * by byte with a guess. */
struct secret_hash secret_hash_of(struct text secret);

/* For programs, half an hour; for browsers, a week. One does not pass for the other. */
enum session_token_kind { SESSION_TOKEN_ACCESS, SESSION_TOKEN_COOKIE };
struct session_token {
    enum session_token_kind kind;
    struct uuid session;
    int64_t expires_s; /* Unix time */
};

/* Signed with the server's key. */
void session_token_make(const unsigned char key[SERVER_KEY_BYTES],
                        const struct session_token *token, char out[ACCESS_TOKEN_BYTES]);
/* False for what this key did not sign, or when it is over. */
bool session_token_read(const unsigned char key[SERVER_KEY_BYTES], struct text token, int64_t now_s,
                        struct session_token *read) MUST_USE;

#endif
