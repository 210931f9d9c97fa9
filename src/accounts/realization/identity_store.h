/* identity_store.h - who an account is at other services, in the database. */
#ifndef LIMINAL_ACCOUNTS_IDENTITY_STORE_H
#define LIMINAL_ACCOUNTS_IDENTITY_STORE_H

#include "accounts/realization/account_store.h"

/* The account that used this identity. STATUS_NOT_FOUND. */
enum status store_identity_find(struct transaction *t, struct text provider, struct text subject,
                                struct account *account, struct fault *fault) MUST_USE;
/* STATUS_CONFLICT when it is somebody's already. */
enum status store_identity_insert(struct transaction *t, struct uuid id, struct uuid user,
                                  struct text provider, struct text subject, int64_t now_us,
                                  struct fault *fault) MUST_USE;
/* The account has no password any more. */
enum status store_password_remove(struct transaction *t, struct uuid user, int64_t now_us,
                                  struct fault *fault) MUST_USE;

#endif
