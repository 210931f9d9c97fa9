/* administration.c - what an administrator does to other people's accounts. */
#include "accounts/administration.h"

#include <stdio.h>
#include <string.h>

#include "accounts/realization/accounts_parts.h"

enum { DEFAULT_PAGE = 20 };

/* ---- finding ---- */

struct listing {
    const struct account_query *query;
    size_t limit;
    struct arena *job;
    struct account **list;
    size_t *count;
    bool *more;
};

static enum status list_accounts(struct transaction *t, void *argument, struct fault *fault)
{
    const struct listing *l = argument;
    *l->list = arena_alloc_array(l->job, l->limit + 1, sizeof **l->list);
    if (!*l->list) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a list of accounts");
    TRY(store_accounts_list(t, l->query->search, l->query->status, l->query->before, l->limit + 1,
                            *l->list, l->count, fault));
    *l->more = *l->count > l->limit;
    if (*l->more) *l->count = l->limit;
    return OK;
}

enum status accounts_list(struct accounts *accounts, const struct account_query *query,
                          struct arena *job, struct account **list, size_t *count, bool *more,
                          struct fault *fault)
{
    enum account_status status;
    if (query->limit > ACCOUNTS_PAGE_MOST)
        return fault_set_param(fault, STATUS_INVALID, "limit", "a page has at most %d accounts",
                               ACCOUNTS_PAGE_MOST);
    if (query->status && !account_status_parse(text_of(query->status), &status))
        return fault_set_param(fault, STATUS_INVALID, "status",
                               "a status is pending_verification, active, suspended or deleted");
    if (query->search.length >= EMAIL_BYTES || !utf8_valid(query->search))
        return fault_set_param(fault, STATUS_INVALID, "search", "no address is like that");
    struct listing l = {query, query->limit ? query->limit : DEFAULT_PAGE, job, list, count, more};
    return database_read(accounts->options.database, sql_actor_system(), list_accounts, &l, fault);
}

struct finding {
    struct uuid user;
    struct account *account;
};

static enum status find_account(struct transaction *t, void *argument, struct fault *fault)
{
    const struct finding *f = argument;
    return store_account_find(t, f->user, f->account, fault);
}

enum status accounts_find(struct accounts *accounts, struct uuid user, struct account *account,
                          struct fault *fault)
{
    struct finding f = {user, account};
    return database_read(accounts->options.database, sql_actor_system(), find_account, &f, fault);
}

/* ---- changing ---- */

struct change {
    struct accounts *accounts;
    struct uuid user;
    const enum account_status *status; /* NULL: as it is, as with the others */
    const enum account_role *role;
    struct text plan;
};

static enum status change_account(struct transaction *t, void *argument, struct fault *fault)
{
    const struct change *c = argument;
    struct account account;
    int64_t now_us = accounts_now_us(c->accounts);
    TRY(store_account_find(t, c->user, &account, fault));
    if (account.status == ACCOUNT_DELETED)
        return fault_set(fault, STATUS_CONFLICT, "User account is deleted");
    bool ends = c->status && *c->status != ACCOUNT_ACTIVE;
    bool steps_down = c->role && *c->role != ROLE_ADMIN;
    if (ends || steps_down) TRY(store_keep_an_admin(t, c->user, fault));
    if (c->status) account.status = *c->status;
    if (c->status && *c->status == ACCOUNT_ACTIVE && !account.verified_us)
        account.verified_us = now_us; /* the administrator vouches for the address */
    if (c->role) account.role = *c->role;
    if (c->plan.length) snprintf(account.plan, sizeof account.plan, "%.*s", TEXT_FORMAT(c->plan));
    TRY(store_account_update(t, &account, fault));
    return ends ? store_sessions_revoke(t, c->user, NULL, NULL, now_us, fault) : OK;
}

static enum status change(struct change *c, struct fault *fault)
{
    TRY(database_write(c->accounts->options.database, sql_actor_system(), change_account, c,
                       fault));
    accounts_tell_ended(c->accounts, c->user);
    return OK;
}

enum status accounts_set_status(struct accounts *accounts, struct uuid user,
                                enum account_status status, struct fault *fault)
{
    struct change c = {.accounts = accounts, .user = user, .status = &status};
    if (status == ACCOUNT_DELETED)
        return fault_set_param(fault, STATUS_INVALID, "status",
                               "an account is deleted with all it has, not by its status");
    return change(&c, fault);
}

enum status accounts_set_role(struct accounts *accounts, struct uuid user, enum account_role role,
                              struct fault *fault)
{
    struct change c = {.accounts = accounts, .user = user, .role = &role};
    return change(&c, fault);
}

enum status accounts_set_plan(struct accounts *accounts, struct uuid user, struct text plan,
                              struct fault *fault)
{
    struct change c = {.accounts = accounts, .user = user, .plan = plan};
    TRY(plan_check(plan, fault));
    return change(&c, fault);
}
