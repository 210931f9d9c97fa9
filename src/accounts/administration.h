/* administration.h - what an administrator does to other people's accounts. That it is one who asks
 * is the caller's to check. The last active administrator can't be taken away (STATUS_CONFLICT). */
#ifndef LIMINAL_ACCOUNTS_ADMINISTRATION_H
#define LIMINAL_ACCOUNTS_ADMINISTRATION_H

#include "accounts/accounts.h"

enum { ACCOUNTS_PAGE_MOST = 100 };

struct account_query {
    struct text search; /* part of the address, in either case; empty: all */
    const char *status; /* "active"...; NULL: all */
    struct uuid before; /* nil: from the newest; else the last one of the page before */
    unsigned limit;     /* 0: 20; at most ACCOUNTS_PAGE_MOST */
};
/* The newest first, in the arena; *more: there are others behind the last. */
enum status accounts_list(struct accounts *accounts, const struct account_query *query,
                          struct arena *job, struct account **list, size_t *count, bool *more,
                          struct fault *fault) MUST_USE;
enum status accounts_find(struct accounts *accounts, struct uuid user, struct account *account,
                          struct fault *fault) MUST_USE;

/* Active, pending or suspended; deleting is personal_data.h's. Who is suspended is signed out
 * everywhere, and the tokens stop; when active again the tokens work, the sessions do not. */
enum status accounts_set_status(struct accounts *accounts, struct uuid user,
                                enum account_status status, struct fault *fault) MUST_USE;
enum status accounts_set_role(struct accounts *accounts, struct uuid user, enum account_role role,
                              struct fault *fault) MUST_USE;
/* A plan's name: small letters, digits, '-', '_'; at most 32. */
enum status accounts_set_plan(struct accounts *accounts, struct uuid user, struct text plan,
                              struct fault *fault) MUST_USE;

#endif
