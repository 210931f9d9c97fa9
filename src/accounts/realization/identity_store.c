/* identity_store.c - see identity_store.h. */
#include "accounts/realization/identity_store.h"

#include "accounts/realization/store_rows.h"

enum status store_identity_find(struct transaction *t, struct text provider, struct text subject,
                                struct account *account, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " ACCOUNT_COLUMNS " FROM user_auth_provider p"
                  " JOIN app_user u ON u.id = p.user_id"
                  " WHERE p.provider = $1 AND p.provider_uid = $2",
                  sql_text(provider), sql_text(subject)));
    if (rows.count == 0) return fault_set(fault, STATUS_NOT_FOUND, "User not found");
    row_account(&rows, 0, 0, account);
    return OK;
}

enum status store_identity_insert(struct transaction *t, struct uuid id, struct uuid user,
                                  struct text provider, struct text subject, int64_t now_us,
                                  struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO user_auth_provider (id, user_id, provider, provider_uid,"
                       " created_at) VALUES ($1, $2, $3, $4, $5)",
                       sql_uuid(id), sql_uuid(user), sql_text(provider), sql_text(subject),
                       sql_time(now_us));
}

enum status store_password_remove(struct transaction *t, struct uuid user, int64_t now_us,
                                  struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE user_auth_credential SET password_hash = NULL, password_algo = NULL,"
                       " last_updated_at = $2 WHERE user_id = $1",
                       sql_uuid(user), sql_time(now_us));
}
