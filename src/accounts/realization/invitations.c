/* invitations.c - who may sign up: by invitation, or by the rules for everybody. */
#include "accounts/invitations.h"

#include <stdio.h>

#include "accounts/realization/accounts_parts.h"
#include "accounts/realization/invitation_store.h"

enum { LISTED = 100 };

struct invitation_work {
    struct accounts *accounts;
    struct uuid admin, id;
    struct invitation_view *invitation;
    struct secret_hash hash;
    struct text code;
    struct arena *job;
    struct invitation_view **list;
    size_t *count;
};

/* ---- made ---- */

static enum status insert_invitation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct invitation_work *w = argument;
    TRY(store_invitation_insert(t, w->invitation, &w->hash, w->admin, fault));
    if (!*w->invitation->email) return OK;
    return accounts_mail_code(w->accounts, t, text_of(w->invitation->email), LETTER_INVITATION,
                              w->code, fault);
}

enum status accounts_invite(struct accounts *accounts, struct uuid admin,
                            const struct invitation_wish *wish, char code[SECRET_TEXT_BYTES],
                            struct invitation_view *invitation, struct fault *fault)
{
    struct text plan = wish->plan.length ? wish->plan : TEXT("free");
    int64_t now_us = accounts_now_us(accounts);
    if (wish->email.length) TRY(email_check(wish->email, fault));
    TRY(plan_check(plan, fault));
    *invitation = (struct invitation_view){
        .id = accounts_new_id(accounts),
        .role = wish->role,
        .created_us = now_us,
        .expires_us = now_us + INVITATION_LIFE_S * 1000000ll,
    };
    if (wish->email.length) email_key(wish->email, invitation->email);
    snprintf(invitation->plan, sizeof invitation->plan, "%.*s", TEXT_FORMAT(plan));
    struct invitation_work w = {.accounts = accounts, .admin = admin, .invitation = invitation};
    w.hash = accounts_new_secret("", code);
    w.code = text_of(code);
    return accounts_write_and_mail(accounts, insert_invitation, &w, fault);
}

/* ---- listed and revoked ---- */

static enum status list_invitations(struct transaction *t, void *argument, struct fault *fault)
{
    const struct invitation_work *w = argument;
    return store_invitations_list(t, LISTED, w->job, w->list, w->count, fault);
}

enum status accounts_invitations(struct accounts *accounts, struct arena *job,
                                 struct invitation_view **invitations, size_t *count,
                                 struct fault *fault)
{
    struct invitation_work w = {.job = job, .list = invitations, .count = count};
    return database_read(accounts->options.database, sql_actor_system(), list_invitations, &w,
                         fault);
}

static enum status delete_invitation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct invitation_work *w = argument;
    return store_invitation_delete(t, w->id, fault);
}

enum status accounts_invitation_revoke(struct accounts *accounts, struct uuid id,
                                       struct fault *fault)
{
    struct invitation_work w = {.id = id};
    return database_write(accounts->options.database, sql_actor_system(), delete_invitation, &w,
                          fault);
}

/* ---- used ---- */

enum status accounts_check_uninvited(const struct accounts *accounts, struct text email,
                                     struct fault *fault)
{
    const struct accounts_options *options = &accounts->options;
    if (options->invite_only)
        return fault_set_param(fault, STATUS_FORBIDDEN, "invitation",
                               "who signs up here needs an invitation: ask an administrator");
    if (email_is_of(email, options->domains, options->domain_count)) return OK;
    return fault_set_param(fault, STATUS_FORBIDDEN, "email",
                           "addresses of this domain can't sign up here");
}

enum status accounts_admit(struct accounts *accounts, struct transaction *t, struct text invitation,
                           struct account *account, struct fault *fault)
{
    char key[EMAIL_BYTES];
    struct invitation_view found;
    int64_t now_us = accounts_now_us(accounts);
    if (invitation.length == 0)
        return accounts_check_uninvited(accounts, text_of(account->email), fault);
    struct secret_hash hash = secret_hash_of(invitation);
    email_key(text_of(account->email), key);
    TRY(store_invitation_use(t, &hash, key, now_us, &found, fault));
    account->role = found.role;
    snprintf(account->plan, sizeof account->plan, "%s", found.plan);
    if (!*found.email) return OK;
    account->status = ACCOUNT_ACTIVE; /* the administrator vouches for the address */
    account->verified_us = now_us;
    return OK;
}
