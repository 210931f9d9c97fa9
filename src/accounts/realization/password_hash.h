/* password_hash.h - passwords as they are kept: argon2id, and bcrypt from elsewhere, which is only
 * checked. Slow and hungry on purpose: 19 MiB and about 15 ms each, so only hash_pool.h calls it.
 */
#ifndef LIMINAL_ACCOUNTS_PASSWORD_HASH_H
#define LIMINAL_ACCOUNTS_PASSWORD_HASH_H

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

enum { PASSWORD_HASH_BYTES = 128 };

enum status password_hash(struct text password, char hash[PASSWORD_HASH_BYTES],
                          struct fault *fault) MUST_USE;
/* "$argon2id$..." or "$2b$..." (2a, 2y). `hash` empty: takes as long as any other, and is false, so
 * that nobody learns by the time whether there is such an account. */
bool password_matches(struct text password, const char *hash) MUST_USE;
/* Should it be hashed anew, now that the password is at hand? */
bool password_hash_is_old(const char *hash);

#endif
