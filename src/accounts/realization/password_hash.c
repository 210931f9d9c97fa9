/* password_hash.c - see password_hash.h. Parameters: OWASP's first choice for argon2id (19 MiB, two
 * passes, one lane). */
#include "accounts/realization/password_hash.h"

#include <crypt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/account.h"

enum { PASSES = 2 };
#define MEMORY_BYTES ((size_t)19 << 20)

enum status password_hash(struct text password, char hash[PASSWORD_HASH_BYTES], struct fault *fault)
{
    _Static_assert(crypto_pwhash_argon2id_STRBYTES <= PASSWORD_HASH_BYTES, "room for the hash");
    if (sodium_init() < 0)
        return fault_set(fault, STATUS_INTERNAL, "the cryptographic library can't be used");
    int error =
        crypto_pwhash_argon2id_str(hash, password.data, password.length, PASSES, MEMORY_BYTES);
    return error ? fault_set(fault, STATUS_NO_MEMORY, "no memory to hash a password") : OK;
}

/* crypt() wants a string; a NUL inside would cut it, so such a password matches nothing. */
static bool bcrypt_matches(struct text password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    char copy[PASSWORD_MOST + 1];
    if (!data || password.length > PASSWORD_MOST ||
        (password.length && memchr(password.data, '\0', password.length))) {
        free(data);
        return false;
    }
    memcpy(copy, password.data, password.length);
    copy[password.length] = '\0';
    const char *made = crypt_r(copy, hash, data);
    size_t length = strlen(hash);
    bool equal = made && strlen(made) == length && sodium_memcmp(made, hash, length) == 0;
    sodium_memzero(copy, sizeof copy);
    sodium_memzero(data, sizeof *data);
    free(data);
    return equal;
}

bool password_matches(struct text password, const char *hash)
{
    /* of a password that nobody has */
    static const char nobodys[] =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool matches;
    if (sodium_init() < 0) return false;
    if (strncmp(hash, "$2", 2) == 0)
        matches = bcrypt_matches(password, hash);
    else
        matches =
            crypto_pwhash_str_verify(*hash ? hash : nobodys, password.data, password.length) == 0;
    return matches && *hash;
}

bool password_hash_is_old(const char *hash)
{
    return crypto_pwhash_argon2id_str_needs_rehash(hash, PASSES, MEMORY_BYTES) != 0;
}
