/* mfa_secret.h - an app's secret as it lies in the database: sealed with a key made of the
 * server's, together with whose it is, so that nobody can put one into another's row. */
#ifndef LIMINAL_ACCOUNTS_MFA_SECRET_H
#define LIMINAL_ACCOUNTS_MFA_SECRET_H

#include "accounts/realization/mfa_store.h"

void mfa_secret_seal(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                     const unsigned char secret[TOTP_SECRET_BYTES],
                     unsigned char sealed[SEALED_SECRET_BYTES]);
/* STATUS_CORRUPT when it was sealed with another key, or for somebody else. */
enum status mfa_secret_open(const unsigned char key[SERVER_KEY_BYTES], struct uuid user,
                            const unsigned char sealed[SEALED_SECRET_BYTES],
                            unsigned char secret[TOTP_SECRET_BYTES], struct fault *fault) MUST_USE;

#endif
