/* token_store.c - API tokens. See account_store.h. */
#include "accounts/realization/store_rows.h"

#define TOKEN_COLUMNS                                                                \
    "k.id, k.user_id, k.name, k.prefix, k.created_at, k.expires_at, k.last_used_at," \
    " k.revoked_at, k.scopes, k.limits, k.spent_tokens"
enum { TOKEN_COLUMN_COUNT = 11 };

static struct api_token row_token(const struct sql_rows *rows, size_t row)
{
    const struct sql_value *v = sql_at(rows, row, 0);
    struct api_token token = {
        .id = v[0].uuid,
        .user_id = v[1].uuid,
        .created_us = row_time(&v[4]),
        .expires_us = row_time(&v[5]),
        .last_used_us = row_time(&v[6]),
        .revoked_us = row_time(&v[7]),
        .scopes = row_text(&v[8]),
        .limits = row_text(&v[9]),
        .spent = v[10].integer,
    };
    row_string(&v[2], token.name, sizeof token.name);
    row_string(&v[3], token.prefix, sizeof token.prefix);
    return token;
}

enum status store_token_insert(struct transaction *t, const struct api_token *token,
                               const struct secret_hash *hash, struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO api_token (id, user_id, name, prefix, token_hash, scopes,"
                       " limits, created_at, expires_at)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                       sql_uuid(token->id), sql_uuid(token->user_id),
                       sql_text(text_of(token->name)), sql_text(text_of(token->prefix)),
                       hash_value(hash), sql_json(token->scopes), sql_json(token->limits),
                       sql_time(token->created_us), time_or_null(token->expires_us));
}

enum status store_token_find(struct transaction *t, struct arena *job,
                             const struct secret_hash *hash, int64_t now_us,
                             struct api_token *token, struct account *account, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault,
                  "SELECT " TOKEN_COLUMNS ", " ACCOUNT_COLUMNS " FROM api_token k"
                  " JOIN app_user u ON u.id = k.user_id WHERE k.token_hash = $1",
                  hash_value(hash)));
    if (rows.count) *token = row_token(&rows, 0);
    if (!rows.count || token->revoked_us || (token->expires_us && token->expires_us <= now_us))
        return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    row_account(&rows, 0, TOKEN_COLUMN_COUNT, account);
    return OK;
}

enum status store_token_find_id(struct transaction *t, struct uuid id, int64_t now_us,
                                struct account *account, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT " ACCOUNT_COLUMNS " FROM api_token k JOIN app_user u ON u.id = k.user_id"
                  " WHERE k.id = $1 AND k.revoked_at IS NULL"
                  " AND (k.expires_at IS NULL OR k.expires_at > $2)",
                  sql_uuid(id), sql_time(now_us)));
    if (!rows.count) return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid or expired token");
    row_account(&rows, 0, 0, account);
    return OK;
}

enum status store_tokens_list(struct transaction *t, struct arena *job, struct uuid user,
                              struct api_token **tokens, size_t *count, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault,
                  "SELECT " TOKEN_COLUMNS " FROM api_token k WHERE k.user_id = $1"
                  " ORDER BY k.created_at DESC, k.id DESC",
                  sql_uuid(user)));
    *tokens = arena_alloc_array(job, rows.count + 1, sizeof **tokens);
    if (!*tokens) return fault_set(fault, STATUS_NO_MEMORY, "no memory for tokens");
    for (size_t i = 0; i < rows.count; i++) (*tokens)[i] = row_token(&rows, i);
    *count = rows.count;
    return OK;
}

enum status store_token_revoke(struct transaction *t, struct uuid user, struct uuid id,
                               int64_t now_us, struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE api_token SET revoked_at = coalesce(revoked_at, $3)"
                    " WHERE id = $2 AND user_id = $1",
                    sql_uuid(user), sql_uuid(id), sql_time(now_us)));
    if (changed) return OK;
    return fault_set(fault, STATUS_NOT_FOUND, "Token not found or does not belong to user");
}

enum status store_token_touch(struct transaction *t, struct uuid id, int64_t now_us, int64_t spent,
                              struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE api_token SET last_used_at = coalesce($2, last_used_at),"
                       " spent_tokens = spent_tokens + $3 WHERE id = $1",
                       sql_uuid(id), time_or_null(now_us), sql_integer(spent));
}

enum status store_token_spend(struct transaction *t, struct uuid id, int64_t spent, int64_t cap,
                              bool *within, struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE api_token SET spent_tokens = spent_tokens + $2 WHERE id = $1"
                    " AND ($2 <= 0 OR spent_tokens + $2 <= $3)",
                    sql_uuid(id), sql_integer(spent), sql_integer(cap)));
    *within = changed > 0;
    return OK;
}
