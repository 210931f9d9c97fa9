/* invitation_store.c - see invitation_store.h. */
#include "accounts/realization/invitation_store.h"

#include <string.h>

#include "accounts/realization/store_rows.h"

#define INVITATION_COLUMNS "id, email_key, role, plan_tier, created_at, expires_at, used_at"

static struct invitation_view row_invitation(const struct sql_rows *rows, size_t row)
{
    const struct sql_value *v = sql_at(rows, row, 0);
    struct invitation_view view = {
        .id = v[0].uuid,
        .created_us = row_time(&v[4]),
        .expires_us = row_time(&v[5]),
        .used_us = row_time(&v[6]),
    };
    row_string(&v[1], view.email, sizeof view.email);
    if (!account_role_parse(v[2].text, &view.role)) view.role = ROLE_USER;
    row_string(&v[3], view.plan, sizeof view.plan);
    return view;
}

enum status store_invitation_insert(struct transaction *t, const struct invitation_view *invitation,
                                    const struct secret_hash *hash, struct uuid invited_by,
                                    struct fault *fault)
{
    const char *email = *invitation->email ? invitation->email : NULL;
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO invitation (id, code_hash, email_key, role, plan_tier,"
                       " invited_by, created_at, expires_at)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                       sql_uuid(invitation->id), hash_value(hash), string_or_null(email),
                       sql_text(text_of(account_role_name(invitation->role))),
                       sql_text(text_of(invitation->plan)), sql_uuid(invited_by),
                       sql_time(invitation->created_us), sql_time(invitation->expires_us));
}

enum status store_invitation_use(struct transaction *t, const struct secret_hash *hash,
                                 const char *email_key, int64_t now_us,
                                 struct invitation_view *invitation, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "UPDATE invitation SET used_at = $3 WHERE code_hash = $1 AND used_at IS NULL"
                  " AND expires_at > $3 AND (email_key IS NULL OR email_key = $2)"
                  " RETURNING " INVITATION_COLUMNS,
                  hash_value(hash), sql_text(text_of(email_key)), sql_time(now_us)));
    if (rows.count == 0)
        return fault_set_param(fault, STATUS_FORBIDDEN, "invitation",
                               "Invalid or expired invitation");
    *invitation = row_invitation(&rows, 0);
    return OK;
}

enum status store_invitations_list(struct transaction *t, size_t limit, struct arena *job,
                                   struct invitation_view **list, size_t *count,
                                   struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " INVITATION_COLUMNS " FROM invitation ORDER BY id DESC LIMIT $1",
                  sql_integer((int64_t)limit)));
    *list = arena_alloc_array(job, rows.count + 1, sizeof **list);
    if (!*list) return fault_set(fault, STATUS_NO_MEMORY, "no memory for invitations");
    for (size_t i = 0; i < rows.count; i++) (*list)[i] = row_invitation(&rows, i);
    *count = rows.count;
    return OK;
}

enum status store_invitation_delete(struct transaction *t, struct uuid id, struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault, "DELETE FROM invitation WHERE id = $1 AND used_at IS NULL",
                    sql_uuid(id)));
    return changed ? OK : fault_set(fault, STATUS_NOT_FOUND, "there is no such open invitation");
}

/* ---- the first administrator ---- */

enum status store_admin_find(struct transaction *t, bool *can_sign_in, struct uuid *keyed,
                             struct fault *fault)
{
    struct sql_rows rows;
    TRY(sql_query(t, sql_job(t), &rows,
                  "SELECT u.id, EXISTS (SELECT 1 FROM user_auth_credential c WHERE c.user_id = u.id"
                  " AND c.password_hash IS NOT NULL)"
                  " OR EXISTS (SELECT 1 FROM user_auth_provider p WHERE p.user_id = u.id)"
                  " FROM app_user u WHERE u.role = 'admin' AND u.status <> 'deleted'",
                  NULL, 0, fault));
    *can_sign_in = false;
    *keyed = (struct uuid){{0}};
    for (size_t i = 0; i < rows.count; i++) {
        if (row_truth(sql_at(&rows, i, 1)))
            *can_sign_in = true;
        else
            *keyed = sql_at(&rows, i, 0)->uuid;
    }
    return OK;
}

enum status store_set_up_use(struct transaction *t, const struct secret_hash *hash, int64_t now_us,
                             struct fault *fault)
{
    struct sql_rows rows;
    bool is_there = false;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "UPDATE one_time_code SET used_at = $1 WHERE purpose = 'set_up'"
                  " AND used_at IS NULL RETURNING code_hash",
                  sql_time(now_us)));
    for (size_t i = 0; i < rows.count; i++) {
        struct text code = sql_at(&rows, i, 0)->text;
        is_there |= text_equal(code, hash_value(hash).text);
    }
    return is_there ? OK : fault_set_param(fault, STATUS_INVALID, "code", "Invalid set-up code");
}

enum status store_account_set_email(struct transaction *t, struct uuid user, const char *email,
                                    struct fault *fault)
{
    char key[EMAIL_BYTES];
    email_key(text_of(email), key);
    enum status status =
        SQL_EXECUTE(t, NULL, fault, "UPDATE app_user SET email = $2, email_key = $3 WHERE id = $1",
                    sql_uuid(user), sql_text(text_of(email)), sql_text(text_of(key)));
    if (status != STATUS_CONFLICT) return status;
    return fault_set_param(fault, STATUS_CONFLICT, "email", "User with this email already exists");
}
