/* personal_data.c - what is kept of a person, taken along or deleted. */
#include "accounts/personal_data.h"

#include <stdio.h>

#include "accounts/realization/mfa_check.h"
#include "accounts/realization/mfa_store.h"
#include "mail/mail.h"
#include "storage/sql_json.h"

#define FRESH_US (10 * 60 * 1000000ll) /* who has no password must have signed in since then */

/* ---- taken along ---- */

/* What a person has here, as queries; the names are those of the export. Neither hashes nor
 * secrets. */
struct section {
    const char *name;
    bool is_list;
    const char *sql;
    const char *columns[10]; /* in the order of the query */
};
static const struct section sections[] = {
    {"account",
     false,
     "SELECT id, email, handle, role, plan_tier, status, created_at, verified_at, meta"
     " FROM app_user WHERE id = $1",
     {"id", "email", "handle", "role", "plan", "status", "created_at", "verified_at", "meta"}},
    {"identities",
     true,
     "SELECT provider, provider_uid, created_at FROM user_auth_provider WHERE user_id = $1"
     " ORDER BY created_at, provider",
     {"provider", "id", "created_at"}},
    {"settings",
     false,
     "SELECT locale, timezone, default_voice, default_style, flags FROM user_settings"
     " WHERE user_id = $1",
     {"locale", "timezone", "default_voice", "default_style", "flags"}},
    {"second_factor",
     false,
     "SELECT created_at, confirmed_at FROM user_mfa WHERE user_id = $1",
     {"created_at", "confirmed_at"}},
    {"sessions",
     true,
     "SELECT id, created_at, last_seen_at, expires_at, revoked_at, mfa_at, user_agent, ip_addr"
     " FROM auth_session WHERE user_id = $1 ORDER BY created_at, id",
     {"id", "created_at", "last_seen_at", "expires_at", "revoked_at", "second_factor_at",
      "user_agent", "ip"}},
    {"api_tokens",
     true,
     "SELECT id, name, prefix, scopes, limits, spent_tokens, created_at, expires_at, last_used_at,"
     " revoked_at FROM api_token WHERE user_id = $1 ORDER BY created_at, id",
     {"id", "name", "prefix", "scopes", "limits", "spent_tokens", "created_at", "expires_at",
      "last_used_at", "revoked_at"}},
};

static enum status append_section(struct transaction *t, const struct section *section,
                                  struct uuid user, struct buffer *json, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault, section->sql, sql_uuid(user)));
    if (section->is_list) buffer_append_char(json, '[');
    for (size_t i = 0; i < rows.count; i++) {
        if (i) buffer_append_char(json, ',');
        sql_append_object(json, &rows, i, section->columns);
    }
    if (section->is_list) buffer_append_char(json, ']');
    if (!section->is_list && rows.count == 0) buffer_append_string(json, "null");
    return OK;
}

struct export
{
    const struct accounts_options *options;
    struct uuid user;
    struct buffer *json;
};

static enum status export(struct transaction *t, void *argument, struct fault *fault) {
    const struct export *e = argument; struct account account;
    TRY(store_account_find(t, e->user, &account, fault));
    buffer_clear(e->json); /* this may be the second run */
    for (size_t i = 0; i < ARRAY_COUNT(sections);
         i++){buffer_printf(e->json, "%c\"%s\":", i ? ',' : '{', sections[i].name);
              TRY(append_section(t, &sections[i], e->user, e->json, fault));}
for (size_t i = 0; i < e->options->personal_count; i++)
{
    const struct personal_data *other = e->options->personal[i];
    buffer_printf(e->json, ",\"%s\":", other->name);
    TRY(other->append(t, e->user, e->json, fault));
}
buffer_append_char(e->json, '}');
return buffer_status(e->json, fault);
}

enum status accounts_export(struct accounts *accounts, struct uuid user, struct buffer *json,
                            struct fault *fault)
{
    struct export e = {&accounts->options, user, json};
    return database_read(accounts->options.database, sql_actor_user(user), export, &e, fault);
}

/* ---- deleted ---- */

struct deletion {
    struct accounts *accounts;
    struct uuid user;
    const struct uuid *fresh; /* this session must have begun a moment ago; NULL: it need not */
};

/* All that has a user_id in tables of ours. */
static enum status delete_rows(struct transaction *t, struct uuid user, struct fault *fault)
{
    static const char *const deletions[] = {
        "DELETE FROM user_auth_credential WHERE user_id = $1",
        "DELETE FROM user_auth_provider WHERE user_id = $1",
        "DELETE FROM user_settings WHERE user_id = $1",
        "DELETE FROM auth_session WHERE user_id = $1", /* and their refresh tokens */
        "DELETE FROM api_token WHERE user_id = $1",
        "DELETE FROM one_time_code WHERE user_id = $1",
    };
    for (size_t i = 0; i < ARRAY_COUNT(deletions); i++)
        TRY(SQL_EXECUTE(t, NULL, fault, deletions[i], sql_uuid(user)));
    return store_factor_delete(t, user, fault);
}

/* The row that stays says nothing of the person. */
static enum status make_nobody(struct transaction *t, struct uuid user, int64_t now_us,
                               struct fault *fault)
{
    char id[UUID_TEXT_BYTES], email[EMAIL_BYTES];
    uuid_format(user, id);
    snprintf(email, sizeof email, "%s@deleted.invalid", id);
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE app_user SET email = $2, email_key = $2, handle = NULL, meta = $3,"
                       " role = 'user', status = 'deleted', deleted_at = $4 WHERE id = $1",
                       sql_uuid(user), sql_text(text_of(email)), sql_json(TEXT("{}")),
                       sql_time(now_us));
}

static enum status delete_person(struct transaction *t, void *argument, struct fault *fault)
{
    const struct deletion *d = argument;
    const struct accounts_options *options = &d->accounts->options;
    int64_t now_us = accounts_now_us(d->accounts);
    struct account account;
    struct session session;
    if (d->fresh) {
        TRY(store_session_find(t, *d->fresh, now_us, &session, &account, fault));
        if (now_us - session.created_us > FRESH_US)
            return fault_set(fault, STATUS_FORBIDDEN,
                             "sign in again before you delete your account");
    }
    TRY(store_account_find(t, d->user, &account, fault));
    if (account.status == ACCOUNT_DELETED)
        return fault_set(fault, STATUS_NOT_FOUND, "User not found");
    TRY(store_keep_an_admin(t, d->user, fault));
    for (size_t i = 0; i < options->personal_count; i++)
        TRY(options->personal[i]->erase(t, d->user, fault));
    TRY(mail_forget(t, text_of(account.email), fault));
    TRY(delete_rows(t, d->user, fault));
    return make_nobody(t, d->user, now_us, fault);
}

static enum status run_deletion(struct deletion *d, struct fault *fault)
{
    TRY(database_write(d->accounts->options.database, sql_actor_system(), delete_person, d, fault));
    accounts_tell_ended(d->accounts, d->user);
    return OK;
}

enum status accounts_delete(struct accounts *accounts, const struct principal *principal,
                            struct text password, struct text mfa_code, struct fault *fault)
{
    struct deletion d = {.accounts = accounts, .user = principal->account.id};
    bool has_password, shown;
    if (principal->credential == CREDENTIAL_API_TOKEN)
        return fault_set(fault, STATUS_FORBIDDEN, "an API token can't delete its account");
    TRY(accounts_check_password(accounts, d.user, password, "password", &has_password, fault));
    TRY(mfa_check(accounts, d.user, mfa_code, &shown, fault));
    if (!has_password) d.fresh = &principal->credential_id;
    return run_deletion(&d, fault);
}

enum status accounts_delete_by_admin(struct accounts *accounts, struct uuid user,
                                     struct fault *fault)
{
    struct deletion d = {.accounts = accounts, .user = user};
    return run_deletion(&d, fault);
}
