/* invitation_store.h - invitations, and the codes that make the first administrator, in the
 * database. */
#ifndef LIMINAL_ACCOUNTS_INVITATION_STORE_H
#define LIMINAL_ACCOUNTS_INVITATION_STORE_H

#include "accounts/invitations.h"
#include "accounts/realization/account_store.h"

enum status store_invitation_insert(struct transaction *t, const struct invitation_view *invitation,
                                    const struct secret_hash *hash, struct uuid invited_by,
                                    struct fault *fault) MUST_USE;
/* Use it up for this address. STATUS_FORBIDDEN "Invalid or expired invitation". */
enum status store_invitation_use(struct transaction *t, const struct secret_hash *hash,
                                 const char *email_key, int64_t now_us,
                                 struct invitation_view *invitation, struct fault *fault) MUST_USE;
/* The newest first. */
enum status store_invitations_list(struct transaction *t, size_t limit, struct arena *job,
                                   struct invitation_view **list, size_t *count,
                                   struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND when there is none, or it was used. */
enum status store_invitation_delete(struct transaction *t, struct uuid id,
                                    struct fault *fault) MUST_USE;

/* ---- the first administrator ---- */

/* *can_sign_in: there is one with a password, or an identity elsewhere. *keyed: one who has
 * neither, and works by keys only; nil: there is none. */
enum status store_admin_find(struct transaction *t, bool *can_sign_in, struct uuid *keyed,
                             struct fault *fault) MUST_USE;
/* Uses up all set-up codes, of which this must be one. STATUS_INVALID "Invalid set-up code". Of
 * many who come at once, with whatever codes, one gets through. */
enum status store_set_up_use(struct transaction *t, const struct secret_hash *hash, int64_t now_us,
                             struct fault *fault) MUST_USE;
/* Another address. STATUS_CONFLICT "User with this email already exists". */
enum status store_account_set_email(struct transaction *t, struct uuid user, const char *email,
                                    struct fault *fault) MUST_USE;

#endif
