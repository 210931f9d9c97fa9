/* test_rows.h - databases full of what is hard to move, and whether two hold the same. Only tests
 * include this. */
#ifndef LIMINAL_OPERATIONS_TEST_ROWS_H
#define LIMINAL_OPERATIONS_TEST_ROWS_H

#include "operations/realization/tables.h"
#include "platform/platform.h"
#include "storage/realization/migrate.h"
#include "storage/test_database.h"

/* A table that Liminal does not have: every type, a key of two columns, rows that refer to others
 * of the same table, a circle of two tables, a name that needs quotes. */
static const char *const test_tables[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "CREATE TABLE \"every type\" (id UUID NOT NULL, seq BIGINT NOT NULL, parent BIGINT,"
        " flag BOOLEAN, ratio DOUBLE, name TEXT, bytes BLOB, at TIMESTAMP, meta JSON_TEXT,"
        " upper_name TEXT AS (upper(name)), PRIMARY KEY (id, seq),"
        " FOREIGN KEY (id, parent) REFERENCES \"every type\" (id, seq));"
        "CREATE TABLE egg (id BIGINT PRIMARY KEY, hen BIGINT REFERENCES hen (id));"
        "CREATE TABLE hen (id BIGINT PRIMARY KEY, egg BIGINT NOT NULL REFERENCES egg (id))",
    [SQL_POSTGRES] =
        "CREATE TABLE \"every type\" (id uuid NOT NULL, seq bigint NOT NULL, parent bigint,"
        " flag boolean, ratio double precision, name text, bytes bytea, at timestamptz, meta jsonb,"
        " upper_name text GENERATED ALWAYS AS (upper(name)) STORED, PRIMARY KEY (id, seq),"
        " FOREIGN KEY (id, parent) REFERENCES \"every type\" (id, seq));"
        "CREATE TABLE egg (id bigint PRIMARY KEY, hen bigint);"
        "CREATE TABLE hen (id bigint PRIMARY KEY, egg bigint NOT NULL REFERENCES egg (id));"
        "ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen (id)",
};

static inline enum status test_make_tables(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, test_tables[sql_dialect(t)], f);
}

enum { TEST_ODD_ROWS = 700 }; /* more than two pages */

static inline enum status test_insert_odd(struct transaction *t, int64_t seq, struct fault *f)
{
    static const char *const names[] = {"", "plain", "\"quoted\" \\ and\nlines\ttabs",
                                        "Füße, 漢字, 🙂", "' OR 1=1 --"};
    static const char *const metas[] = {
        "{\"b\": 1, \"a\": [true, null, 1.50, 1e2, \"\\u00e9\\n\"]}", "[]", "\"text\"", "17",
        "{\"b\":{\"z\":-0.0,\"y\":12345678901234567}, \"aa\":2, \"b\":{\"z\":1E+1}}"};
    struct uuid id = {{0x01, 0x93, [15] = (unsigned char)(seq % 3)}};
    char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(seq * 7 + (int64_t)i * 31);
    const char *meta = metas[seq % 5], *name = names[seq % 5];
    bool holey = seq % 7 == 3;                                /* nulls wherever they may be */
    int64_t parent = seq + 3 < TEST_ODD_ROWS ? seq + 3 : seq; /* later ones: none is there yet */
    struct sql_value values[] = {
        sql_uuid(id),
        sql_integer(seq),
        sql_integer(parent),
        holey ? sql_null(SQL_BOOL) : sql_bool(seq % 2),
        holey ? sql_null(SQL_REAL) : sql_real((double)seq / 3 * (seq % 2 ? -1e300 : 1e-300)),
        holey ? sql_null(SQL_TEXT) : sql_text(text_of(name)),
        holey ? sql_null(SQL_BLOB) : sql_blob((struct text){bytes, (size_t)(seq % 64)}),
        holey ? sql_null(SQL_TIME) : sql_time(seq * 1234567890123 - 100000000000000),
        holey ? sql_null(SQL_JSON) : sql_json(text_of(meta)),
    };
    return sql_execute(t, NULL,
                       "INSERT INTO \"every type\" (id, seq, parent, flag, ratio, name, bytes, at,"
                       " meta) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                       values, ARRAY_COUNT(values), f);
}

static inline enum status test_insert_people(struct transaction *t, struct fault *f)
{
    struct uuid id = {{[15] = 1}};
    TRY(SQL_EXECUTE(t, NULL, f, "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'us', $2)",
                    sql_uuid(id), sql_time(1700000000123456)));
    TRY(SQL_EXECUTE(t, NULL, f,
                    "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                    " VALUES ($1, $1, 'ada@example.com', 'ada@example.com', $2)",
                    sql_uuid(id), sql_time(-1)));
    TRY(SQL_EXECUTE(t, NULL, f,
                    "INSERT INTO conversation (id, user_id, title, created_at, updated_at)"
                    " VALUES ($1, $1, 'About hens', $2, $2)",
                    sql_uuid(id), sql_time(1700000000123456)));
    for (unsigned char seq = 1; seq <= 40; seq++) {
        char content[64];
        snprintf(content, sizeof content, "message %u about hens", seq);
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO message (id, conversation_id, user_id, sender, role, content,"
                        " seq, created_at) VALUES ($1, $2, $2, 'user', 'user', $3, $4, $5)",
                        sql_uuid((struct uuid){{[14] = 1, [15] = seq}}), sql_uuid(id),
                        sql_text(text_of(content)), sql_integer(seq), sql_time(seq)));
    }
    return OK;
}

/* Fills a database whose constraints can't wait; children come before their parents on purpose. */
static inline enum status test_fill(struct transaction *t, void *argument, struct fault *f)
{
    struct moved_tables tables;
    TRY(tables_open(&tables, t, sql_job(t), f));
    TRY(target_begin(&tables, t, f));
    TRY(test_insert_people(t, f));
    for (int64_t seq = 0; seq < TEST_ODD_ROWS; seq++) TRY(test_insert_odd(t, seq, f));
    TRY(sql_execute(t, NULL, "INSERT INTO egg (id, hen) VALUES (1, 2), (2, NULL)", NULL, 0, f));
    return sql_execute(t, NULL, "INSERT INTO hen (id, egg) VALUES (1, 2), (2, 1)", NULL, 0, f);
}

static inline void test_write(struct database *database, sql_work *work)
{
    struct fault fault;
    assert_ok(database_write(database, sql_actor_system(), work, NULL, &fault), &fault);
}

/* A migrated database with those tables; their rows too where that is wanted. */
static inline void test_database_fill(const char *url, bool with_rows)
{
    struct database *database;
    struct fault fault;
    assert_ok(database_open_url(&database, url, NULL, &fault), &fault);
    assert_ok(migrate_up(database, &migrations_built_in, NULL, NULL, &fault), &fault);
    test_write(database, test_make_tables);
    if (with_rows) test_write(database, test_fill);
    database_close(database);
}

/* ---- what is there ---- */

struct test_summing {
    const struct schema_table *table;
    struct table_sum sum;
};

static inline enum status test_add(void *argument, const struct sql_rows *rows, struct fault *f)
{
    struct test_summing *summing = argument;
    return table_sum_add(&summing->sum, summing->table, rows, f);
}

static inline enum status test_describe(struct transaction *t, void *argument, struct fault *f)
{
    struct moved_tables tables;
    struct buffer *out = argument;
    TRY(tables_open(&tables, t, sql_job(t), f));
    buffer_clear(out);
    for (size_t i = 0; i < tables.schema.table_count; i++) {
        struct test_summing summing = {.table = tables.items[i].table};
        char hex[65];
        TRY(table_read(t, summing.table, &tables.items[i].statements, test_add, &summing, f));
        hex_encode(summing.sum.digest, 32, hex);
        buffer_printf(out, "%s %llu %s\n", summing.table->name,
                      (unsigned long long)summing.sum.rows, hex);
    }
    return OK;
}

/* A line for each table: its name, its rows, their sum. */
static inline void test_database_describe(const char *url, struct buffer *out)
{
    struct database *database;
    struct fault fault;
    assert_ok(database_open_url(&database, url, NULL, &fault), &fault);
    assert_ok(database_read(database, sql_actor_system(), test_describe, out, &fault), &fault);
    database_close(database);
}

static inline void assert_same_rows(const char *url, const char *other)
{
    struct buffer here, there;
    buffer_init(&here);
    buffer_init(&there);
    test_database_describe(url, &here);
    test_database_describe(other, &there);
    assert_string_equal(here.data, there.data);
    buffer_deinit(&here);
    buffer_deinit(&there);
}

#endif
