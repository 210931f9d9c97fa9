/* mfa_store.c - see mfa_store.h. */
#include "accounts/realization/mfa_store.h"

#include <string.h>

#include "accounts/realization/store_rows.h"

/* ---- the app's secret ---- */

enum status store_factor_find(struct transaction *t, struct uuid user, struct factor *factor,
                              struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT sealed_secret, confirmed_at, last_step FROM user_mfa WHERE user_id = $1",
                  sql_uuid(user)));
    if (rows.count == 0) return fault_set(fault, STATUS_NOT_FOUND, "there is no second factor");
    const struct sql_value *v = sql_at(&rows, 0, 0);
    if (v[0].text.length != SEALED_SECRET_BYTES)
        return fault_set(fault, STATUS_CORRUPT, "the second factor's secret can't be read");
    memcpy(factor->sealed, v[0].text.data, SEALED_SECRET_BYTES);
    factor->confirmed_us = row_time(&v[1]);
    factor->last_step = v[2].integer;
    return OK;
}

enum status store_factor_put(struct transaction *t, struct uuid user,
                             const unsigned char sealed[SEALED_SECRET_BYTES], int64_t now_us,
                             struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "INSERT INTO user_mfa (user_id, sealed_secret, created_at) VALUES ($1, $2, $3)"
                    " ON CONFLICT (user_id) DO UPDATE SET sealed_secret = $2, created_at = $3"
                    " WHERE user_mfa.confirmed_at IS NULL",
                    sql_uuid(user),
                    sql_blob((struct text){(const char *)sealed, SEALED_SECRET_BYTES}),
                    sql_time(now_us)));
    if (changed) return OK;
    return fault_set(fault, STATUS_CONFLICT,
                     "a second factor is enabled already: disable it before you set up another");
}

enum status store_factor_confirm(struct transaction *t, struct uuid user, int64_t step,
                                 int64_t now_us, struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE user_mfa SET confirmed_at = $3, last_step = $2 WHERE user_id = $1"
                    " AND confirmed_at IS NULL",
                    sql_uuid(user), sql_integer(step), sql_time(now_us)));
    if (changed) return OK;
    return fault_set(fault, STATUS_CONFLICT, "a second factor is enabled already");
}

enum status store_factor_use_step(struct transaction *t, struct uuid user, int64_t step, bool *used,
                                  struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE user_mfa SET last_step = $2 WHERE user_id = $1 AND last_step < $2",
                    sql_uuid(user), sql_integer(step)));
    *used = changed > 0;
    return OK;
}

enum status store_factor_delete(struct transaction *t, struct uuid user, struct fault *fault)
{
    TRY(SQL_EXECUTE(t, NULL, fault, "DELETE FROM user_recovery_code WHERE user_id = $1",
                    sql_uuid(user)));
    return SQL_EXECUTE(t, NULL, fault, "DELETE FROM user_mfa WHERE user_id = $1", sql_uuid(user));
}

/* ---- recovery codes ---- */

enum status store_recovery_put(struct transaction *t, struct uuid user,
                               const struct secret_hash *hashes, size_t count, struct fault *fault)
{
    TRY(SQL_EXECUTE(t, NULL, fault, "DELETE FROM user_recovery_code WHERE user_id = $1",
                    sql_uuid(user)));
    for (size_t i = 0; i < count; i++)
        TRY(SQL_EXECUTE(t, NULL, fault,
                        "INSERT INTO user_recovery_code (user_id, code_hash) VALUES ($1, $2)",
                        sql_uuid(user), hash_value(&hashes[i])));
    return OK;
}

enum status store_recovery_use(struct transaction *t, struct uuid user,
                               const struct secret_hash *hash, int64_t now_us, bool *used,
                               struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE user_recovery_code SET used_at = $3 WHERE user_id = $1"
                    " AND code_hash = $2 AND used_at IS NULL",
                    sql_uuid(user), hash_value(hash), sql_time(now_us)));
    *used = changed > 0;
    return OK;
}

enum status store_recovery_left(struct transaction *t, struct uuid user, unsigned *left,
                                struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT count(*) FROM user_recovery_code WHERE user_id = $1 AND used_at IS NULL",
                  sql_uuid(user)));
    *left = (unsigned)sql_at(&rows, 0, 0)->integer;
    return OK;
}
