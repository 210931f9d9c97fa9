/* account_store.c - accounts and the links in mails. See account_store.h. */
#include "accounts/realization/account_store.h"

#include <stdio.h>
#include <string.h>

#include "accounts/realization/store_rows.h"

/* ---- accounts ---- */

void row_account(const struct sql_rows *rows, size_t row, size_t column, struct account *account)
{
    const struct sql_value *v = sql_at(rows, row, column);
    *account = (struct account){.id = v[0].uuid, .tenant_id = v[1].uuid};
    row_string(&v[2], account->email, sizeof account->email);
    row_string(&v[3], account->plan, sizeof account->plan);
    if (!account_status_parse(v[4].text, &account->status)) account->status = ACCOUNT_SUSPENDED;
    if (!account_role_parse(v[5].text, &account->role)) account->role = ROLE_USER;
    account->created_us = row_time(&v[6]);
    account->verified_us = row_time(&v[7]);
}

/* The tenant of all who are in none in particular; others are there before their people. */
static enum status ensure_default_tenant(struct transaction *t, const struct account *account,
                                         struct fault *fault)
{
    if (!uuid_is_nil(account->tenant_id)) return OK;
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'default', $2)"
                       " ON CONFLICT (id) DO NOTHING",
                       sql_uuid(account->tenant_id), sql_time(account->created_us));
}

enum status store_account_insert(struct transaction *t, const struct account *account,
                                 const char *hash, struct fault *fault)
{
    char key[EMAIL_BYTES];
    email_key(text_of(account->email), key);
    TRY(ensure_default_tenant(t, account, fault));
    enum status status = SQL_EXECUTE(
        t, NULL, fault,
        "INSERT INTO app_user (id, tenant_id, email, email_key, role, plan_tier, status,"
        " created_at, verified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        sql_uuid(account->id), sql_uuid(account->tenant_id), sql_text(text_of(account->email)),
        sql_text(text_of(key)), sql_text(text_of(account_role_name(account->role))),
        sql_text(text_of(account->plan)), sql_text(text_of(account_status_name(account->status))),
        sql_time(account->created_us), time_or_null(account->verified_us));
    if (status == STATUS_CONFLICT)
        return fault_set_param(fault, STATUS_CONFLICT, "email",
                               "User with this email already exists");
    TRY(status);
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO user_auth_credential (user_id, password_hash, password_algo,"
                       " created_at) VALUES ($1, $2, $3, $4)",
                       sql_uuid(account->id), string_or_null(hash),
                       string_or_null(hash ? "argon2id" : NULL), sql_time(account->created_us));
}

enum status store_account_find(struct transaction *t, struct uuid id, struct account *account,
                               struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " ACCOUNT_COLUMNS " FROM app_user u WHERE u.id = $1", sql_uuid(id)));
    if (rows.count == 0) return fault_set(fault, STATUS_NOT_FOUND, "User not found");
    row_account(&rows, 0, 0, account);
    return OK;
}

enum status store_account_find_email(struct transaction *t, const char *key,
                                     struct account *account, char hash[PASSWORD_HASH_BYTES],
                                     struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " ACCOUNT_COLUMNS ", c.password_hash FROM app_user u"
                  " LEFT JOIN user_auth_credential c ON c.user_id = u.id WHERE u.email_key = $1",
                  sql_text(text_of(key))));
    if (rows.count == 0) return fault_set(fault, STATUS_NOT_FOUND, "User not found");
    row_account(&rows, 0, 0, account);
    row_string(sql_at(&rows, 0, ACCOUNT_COLUMN_COUNT), hash, PASSWORD_HASH_BYTES);
    return OK;
}

/* LIKE's own signs stand for themselves. */
static const char *pattern_of(struct text search, struct arena *job)
{
    char *pattern = arena_alloc(job, 2 * search.length + 3), *end = pattern;
    if (!pattern) return NULL;
    *end++ = '%';
    for (size_t i = 0; i < search.length; i++) {
        char c = search.data[i];
        if (c == '%' || c == '_' || c == '\\') *end++ = '\\';
        *end++ = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    *end = '%';
    return pattern;
}

enum status store_accounts_list(struct transaction *t, struct text search, const char *status,
                                struct uuid before, size_t limit, struct account *list,
                                size_t *count, struct fault *fault)
{
    struct sql_rows rows;
    const char *pattern = pattern_of(search, sql_job(t));
    if (!pattern) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a search");
    /* Ids are of version 7: later ones are greater. */
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " ACCOUNT_COLUMNS " FROM app_user u WHERE u.email_key LIKE $1 ESCAPE '\\'"
                  " AND ($2 = '' OR u.status = $2) AND ($3 OR u.id < $4)"
                  " ORDER BY u.id DESC LIMIT $5",
                  sql_text(text_of(pattern)), sql_text(text_of(status)),
                  sql_bool(uuid_is_nil(before)), sql_uuid(before), sql_integer((int64_t)limit)));
    for (size_t i = 0; i < rows.count; i++) row_account(&rows, i, 0, &list[i]);
    *count = rows.count;
    return OK;
}

enum status store_keep_an_admin(struct transaction *t, struct uuid user, struct fault *fault)
{
    struct sql_rows rows;
    /* The UPDATE locks them all until the end of the transaction. */
    TRY(sql_query(t, sql_job(t), &rows,
                  "UPDATE app_user SET role = 'admin' WHERE role = 'admin' AND status = 'active'"
                  " RETURNING id",
                  NULL, 0, fault));
    if (rows.count != 1 || !uuid_equal(sql_at(&rows, 0, 0)->uuid, user)) return OK;
    return fault_set(fault, STATUS_CONFLICT,
                     "this is the only administrator: make somebody else one first");
}

enum status store_account_update(struct transaction *t, const struct account *account,
                                 struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE app_user SET role = $2, plan_tier = $3, status = $4, verified_at = $5"
                    " WHERE id = $1",
                    sql_uuid(account->id), sql_text(text_of(account_role_name(account->role))),
                    sql_text(text_of(account->plan)),
                    sql_text(text_of(account_status_name(account->status))),
                    time_or_null(account->verified_us)));
    return changed ? OK : fault_set(fault, STATUS_NOT_FOUND, "User not found");
}

enum status store_password_update(struct transaction *t, struct uuid user, const char *hash,
                                  int64_t now_us, struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE user_auth_credential SET password_hash = $2,"
                       " password_algo = 'argon2id', last_updated_at = $3 WHERE user_id = $1",
                       sql_uuid(user), sql_text(text_of(hash)), sql_time(now_us));
}

/* ---- links in mails ---- */

static const char *const purposes[] = {
    [CODE_VERIFY_EMAIL] = "verify_email",
    [CODE_RESET_PASSWORD] = "reset_password",
    [CODE_SET_UP] = "set_up",
};

enum status store_code_insert(struct transaction *t, const struct secret_hash *hash,
                              enum code_purpose purpose, const struct uuid *user, int64_t now_us,
                              int64_t expires_us, struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO one_time_code (code_hash, purpose, user_id, created_at,"
                       " expires_at) VALUES ($1, $2, $3, $4, $5)",
                       hash_value(hash), sql_text(text_of(purposes[purpose])),
                       user ? sql_uuid(*user) : sql_null(SQL_UUID), sql_time(now_us),
                       sql_time(expires_us));
}

/* The UPDATE takes the row first: of two that come at once, one finds it unused. */
enum status store_code_use(struct transaction *t, const struct secret_hash *hash,
                           enum code_purpose purpose, int64_t now_us, struct uuid *user,
                           struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "UPDATE one_time_code SET used_at = $3 WHERE code_hash = $1 AND purpose = $2"
                  " AND used_at IS NULL RETURNING user_id, expires_at",
                  hash_value(hash), sql_text(text_of(purposes[purpose])), sql_time(now_us)));
    if (rows.count == 0)
        return fault_set_param(fault, STATUS_INVALID, "code", "Invalid verification code");
    if (sql_at(&rows, 0, 1)->integer <= now_us)
        return fault_set_param(fault, STATUS_INVALID, "code", "Verification code has expired");
    const struct sql_value *whose = sql_at(&rows, 0, 0);
    *user = whose->is_null ? (struct uuid){{0}} : whose->uuid;
    return OK;
}
