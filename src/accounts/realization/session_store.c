/* session_store.c - sessions and their refresh tokens. See account_store.h. */
#include "accounts/realization/store_rows.h"

#define SESSION_COLUMNS                                                                        \
    "s.id, s.user_id, s.created_at, s.expires_at, s.last_seen_at, s.revoked_at, s.user_agent," \
    " s.ip_addr, s.mfa_at, EXISTS (SELECT 1 FROM user_mfa m WHERE m.user_id = s.user_id"       \
    " AND m.confirmed_at IS NOT NULL)"
enum { SESSION_COLUMN_COUNT = 10 };

static struct session row_session(const struct sql_rows *rows, size_t row)
{
    const struct sql_value *v = sql_at(rows, row, 0);
    return (struct session){
        .id = v[0].uuid,
        .user_id = v[1].uuid,
        .created_us = row_time(&v[2]),
        .expires_us = row_time(&v[3]),
        .last_seen_us = row_time(&v[4]),
        .revoked_us = row_time(&v[5]),
        .user_agent = row_text(&v[6]),
        .ip = row_text(&v[7]),
        .mfa_us = row_time(&v[8]),
        .has_factor = row_truth(&v[9]),
    };
}

enum status store_session_insert(struct transaction *t, const struct session *session,
                                 struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO auth_session (id, user_id, created_at, expires_at,"
                       " last_seen_at, user_agent, ip_addr, mfa_at)"
                       " VALUES ($1, $2, $3, $4, $3, $5, $6, $7)",
                       sql_uuid(session->id), sql_uuid(session->user_id),
                       sql_time(session->created_us), sql_time(session->expires_us),
                       sql_text(session->user_agent), sql_text(session->ip),
                       time_or_null(session->mfa_us));
}

enum status store_session_find(struct transaction *t, struct uuid id, int64_t now_us,
                               struct session *session, struct account *account,
                               struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " SESSION_COLUMNS ", " ACCOUNT_COLUMNS " FROM auth_session s"
                  " JOIN app_user u ON u.id = s.user_id WHERE s.id = $1",
                  sql_uuid(id)));
    if (rows.count) *session = row_session(&rows, 0);
    if (!rows.count || session->revoked_us || session->expires_us <= now_us)
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    row_account(&rows, 0, SESSION_COLUMN_COUNT, account);
    return OK;
}

enum status store_sessions_list(struct transaction *t, struct arena *job, struct uuid user,
                                int64_t now_us, struct session **sessions, size_t *count,
                                struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault,
                  "SELECT " SESSION_COLUMNS " FROM auth_session s WHERE s.user_id = $1"
                  " AND s.revoked_at IS NULL AND s.expires_at > $2"
                  " ORDER BY s.created_at DESC, s.id DESC",
                  sql_uuid(user), sql_time(now_us)));
    *sessions = arena_alloc_array(job, rows.count + 1, sizeof **sessions);
    if (!*sessions) return fault_set(fault, STATUS_NO_MEMORY, "no memory for sessions");
    for (size_t i = 0; i < rows.count; i++) (*sessions)[i] = row_session(&rows, i);
    *count = rows.count;
    return OK;
}

enum status store_session_shorten(struct transaction *t, struct uuid id, int64_t expires_us,
                                  struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE auth_session SET expires_at = $2 WHERE id = $1 AND expires_at > $2",
                       sql_uuid(id), sql_time(expires_us));
}

enum status store_session_extend(struct transaction *t, struct uuid id, int64_t expires_us,
                                 struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE auth_session SET expires_at = $2 WHERE id = $1 AND expires_at < $2",
                       sql_uuid(id), sql_time(expires_us));
}

enum status store_session_set_mfa(struct transaction *t, struct uuid id, int64_t now_us,
                                  struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault, "UPDATE auth_session SET mfa_at = $2 WHERE id = $1",
                       sql_uuid(id), sql_time(now_us));
}

enum status store_session_touch(struct transaction *t, struct uuid id, int64_t now_us,
                                struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE auth_session SET last_seen_at = $2 WHERE id = $1"
                       " AND last_seen_at < $2",
                       sql_uuid(id), sql_time(now_us));
}

enum status store_sessions_revoke(struct transaction *t, struct uuid user, const struct uuid *id,
                                  const struct uuid *kept, int64_t now_us, struct fault *fault)
{
    uint64_t changed;
    static const struct uuid none;
    if (!id)
        return SQL_EXECUTE(t, NULL, fault,
                           "UPDATE auth_session SET revoked_at = $2 WHERE user_id = $1"
                           " AND revoked_at IS NULL AND id <> $3",
                           sql_uuid(user), sql_time(now_us), sql_uuid(kept ? *kept : none));
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE auth_session SET revoked_at = $2 WHERE user_id = $1"
                    " AND revoked_at IS NULL AND id = $3",
                    sql_uuid(user), sql_time(now_us), sql_uuid(*id)));
    return changed ? OK : fault_set(fault, STATUS_NOT_FOUND, "there is no such session");
}

/* ---- refresh tokens ---- */

enum status store_refresh_insert(struct transaction *t, const struct secret_hash *hash,
                                 const struct session *session, int64_t now_us, int64_t expires_us,
                                 struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO refresh_token (token_hash, session_id, user_id, created_at,"
                       " expires_at) VALUES ($1, $2, $3, $4, $5)",
                       hash_value(hash), sql_uuid(session->id), sql_uuid(session->user_id),
                       sql_time(now_us), sql_time(expires_us));
}

enum status store_refresh_use(struct transaction *t, const struct secret_hash *hash, int64_t now_us,
                              struct uuid *session, bool *reused, struct fault *fault)
{
    struct sql_rows rows;
    *reused = false;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "UPDATE refresh_token SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL"
                  " RETURNING session_id, expires_at",
                  hash_value(hash), sql_time(now_us)));
    if (rows.count == 0) {
        TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                      "SELECT session_id, expires_at FROM refresh_token WHERE token_hash = $1",
                      hash_value(hash)));
        *reused = rows.count > 0;
    }
    if (rows.count == 0 || (!*reused && sql_at(&rows, 0, 1)->integer <= now_us))
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    *session = sql_at(&rows, 0, 0)->uuid;
    return OK;
}
