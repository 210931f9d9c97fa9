/* invitations.h - whom an administrator lets in, and how the first administrator comes to be. */
#ifndef LIMINAL_ACCOUNTS_INVITATIONS_H
#define LIMINAL_ACCOUNTS_INVITATIONS_H

#include "accounts/accounts.h"

enum { INVITATION_LIFE_S = 7 * 24 * 3600 };

struct invitation_wish {
    struct text email; /* only this address may use it, and counts as proven; empty: any */
    struct text plan;  /* empty: "free" */
    enum account_role role;
};
struct invitation_view {
    struct uuid id;
    char email[EMAIL_BYTES], plan[PLAN_BYTES]; /* email "": any */
    enum account_role role;
    int64_t created_us, expires_us, used_us; /* used_us 0: not yet */
};

/* Works once, for seven days. The code is shown this once: a link to /register?invitation=CODE. */
enum status accounts_invite(struct accounts *accounts, struct uuid admin,
                            const struct invitation_wish *wish, char code[SECRET_TEXT_BYTES],
                            struct invitation_view *invitation, struct fault *fault) MUST_USE;
/* The newest 100, in the arena. */
enum status accounts_invitations(struct accounts *accounts, struct arena *job,
                                 struct invitation_view **invitations, size_t *count,
                                 struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND when there is none, or it was used. */
enum status accounts_invitation_revoke(struct accounts *accounts, struct uuid id,
                                       struct fault *fault) MUST_USE;

/* ---- the first administrator ---- */

/* When there is no administrator: *needed, and a code that makes one (a link to /setup?code=CODE);
 * it is good until somebody used one. */
enum status accounts_first_admin(struct accounts *accounts, char code[SECRET_TEXT_BYTES],
                                 bool *needed, struct fault *fault) MUST_USE;
/* An active administrator. STATUS_INVALID "Invalid set-up code", also when there is one by now. */
enum status accounts_set_up(struct accounts *accounts, struct text code, struct text email,
                            struct text password, const struct client *client,
                            struct account *account, struct fault *fault) MUST_USE;

/* An active administrator who can't sign in but have keys: for the first start on one's own
 * machine. The one there is, when it was made before; accounts_set_up makes it a person's, who then
 * has its keys. STATUS_CONFLICT when there is an administrator who can sign in. */
enum status accounts_local_admin(struct accounts *accounts, struct account *account,
                                 struct fault *fault) MUST_USE;

#endif
