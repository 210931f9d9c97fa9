/* mfa_check.h - asking for the second factor: for all who let somebody in. */
#ifndef LIMINAL_ACCOUNTS_MFA_CHECK_H
#define LIMINAL_ACCOUNTS_MFA_CHECK_H

#include "accounts/mfa.h"
#include "accounts/realization/accounts_parts.h"

/* When the user has a second factor: `code` must be a right one, and is used up; then *shown. Else
 * OK. STATUS_UNAUTHORIZED, MFA_REQUIRED without a code, "mfa_code" for a wrong one; STATUS_BUSY
 * while it is locked; what hot state says when it can't be reached. Not inside a transaction. */
enum status mfa_check(struct accounts *accounts, struct uuid user, struct text code, bool *shown,
                      struct fault *fault) MUST_USE;
/* STATUS_UNAUTHORIZED, MFA_REQUIRED. */
enum status mfa_is_missing(struct fault *fault);

#endif
