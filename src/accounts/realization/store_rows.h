/* store_rows.h - what the stores of accounts share: columns, and values from and to rows. */
#ifndef LIMINAL_ACCOUNTS_STORE_ROWS_H
#define LIMINAL_ACCOUNTS_STORE_ROWS_H

#include <stdio.h>

#include "accounts/realization/account_store.h"

/* Of app_user as u; row_account reads them. */
#define ACCOUNT_COLUMNS \
    "u.id, u.tenant_id, u.email, u.plan_tier, u.status, u.role, u.created_at, u.verified_at"
enum { ACCOUNT_COLUMN_COUNT = 8 };
void row_account(const struct sql_rows *rows, size_t row, size_t column, struct account *account);

static inline int64_t row_time(const struct sql_value *value)
{
    return value->is_null ? 0 : value->integer;
}
/* Of an expression: SQLite knows no truth there, only 1 and 0. */
static inline bool row_truth(const struct sql_value *value)
{
    return value->type == SQL_BOOL ? value->boolean : value->integer != 0;
}
static inline void row_string(const struct sql_value *value, char *out, size_t capacity)
{
    struct text text = value->is_null ? TEXT("") : value->text;
    snprintf(out, capacity, "%.*s", TEXT_FORMAT(text));
}
static inline struct text row_text(const struct sql_value *value)
{
    return value->is_null ? (struct text){0} : value->text;
}
static inline struct sql_value time_or_null(int64_t unix_us)
{
    return unix_us ? sql_time(unix_us) : sql_null(SQL_TIME);
}
static inline struct sql_value string_or_null(const char *string)
{
    return string ? sql_text(text_of(string)) : sql_null(SQL_TEXT);
}
static inline struct sql_value hash_value(const struct secret_hash *hash)
{
    return sql_blob((struct text){(const char *)hash->bytes, sizeof hash->bytes});
}

#endif
