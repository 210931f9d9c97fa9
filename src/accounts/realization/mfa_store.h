/* mfa_store.h - second factors in the database. Every function names its user. */
#ifndef LIMINAL_ACCOUNTS_MFA_STORE_H
#define LIMINAL_ACCOUNTS_MFA_STORE_H

#include <sodium.h>

#include "accounts/totp.h"
#include "storage/sql.h"

enum { /* a nonce, then the user's id and the secret, sealed together */
       SEALED_SECRET_BYTES =
           crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + 16 + TOTP_SECRET_BYTES,
};

struct factor {
    unsigned char sealed[SEALED_SECRET_BYTES];
    int64_t confirmed_us, last_step; /* confirmed_us 0: not yet */
};

/* STATUS_NOT_FOUND when there is none. */
enum status store_factor_find(struct transaction *t, struct uuid user, struct factor *factor,
                              struct fault *fault) MUST_USE;
/* In the place of one that is not confirmed. STATUS_CONFLICT when one is. */
enum status store_factor_put(struct transaction *t, struct uuid user,
                             const unsigned char sealed[SEALED_SECRET_BYTES], int64_t now_us,
                             struct fault *fault) MUST_USE;
/* STATUS_CONFLICT when it is already. */
enum status store_factor_confirm(struct transaction *t, struct uuid user, int64_t step,
                                 int64_t now_us, struct fault *fault) MUST_USE;
/* Of many who use one step at once, one gets *used. */
enum status store_factor_use_step(struct transaction *t, struct uuid user, int64_t step, bool *used,
                                  struct fault *fault) MUST_USE;
/* And its recovery codes. */
enum status store_factor_delete(struct transaction *t, struct uuid user,
                                struct fault *fault) MUST_USE;

/* Instead of those there are. */
enum status store_recovery_put(struct transaction *t, struct uuid user,
                               const struct secret_hash *hashes, size_t count,
                               struct fault *fault) MUST_USE;
enum status store_recovery_use(struct transaction *t, struct uuid user,
                               const struct secret_hash *hash, int64_t now_us, bool *used,
                               struct fault *fault) MUST_USE;
enum status store_recovery_left(struct transaction *t, struct uuid user, unsigned *left,
                                struct fault *fault) MUST_USE;

#endif
