/* copy_test.c - everything from one database to the other and back: every table, those that nobody
 * told of too, with its values to the bit; and what is refused. */
#include "operations/operations.h"
#include "operations/test_rows.h"

static struct test_database servers[SQL_DIALECTS];
static struct fault fault;

static int start_both(void **state)
{
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++)
        test_database_start(&servers[dialect], dialect == SQL_POSTGRES);
    return 0;
}

static int stop_both(void **state)
{
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++)
        test_database_stop(&servers[dialect]);
    return 0;
}

static enum status ask(struct transaction *t, const char *sql, int64_t *answer, struct fault *f)
{
    struct sql_rows rows;
    TRY(sql_query(t, sql_job(t), &rows, sql, NULL, 0, f));
    *answer = sql_at(&rows, 0, 0)->integer;
    return OK;
}

static enum status search(struct transaction *t, void *argument, struct fault *f)
{
    static const char *const sql[SQL_DIALECTS] = {
        "SELECT count(*) FROM message_search WHERE message_search MATCH 'hens'",
        "SELECT count(*) FROM message WHERE search @@ to_tsquery('simple', 'hens')"};
    return ask(t, sql[sql_dialect(t)], argument, f);
}

static enum status count_waiting(struct transaction *t, void *argument, struct fault *f)
{
    if (sql_dialect(t) == SQL_SQLITE) return OK;
    return ask(t, "SELECT count(*) FROM pg_constraint WHERE condeferrable", argument, f);
}

static int64_t answer_of(const char *url, sql_work *work)
{
    struct database *database;
    int64_t answer = 0;
    assert_ok(database_open_url(&database, url, NULL, &fault), &fault);
    assert_ok(database_read(database, sql_actor_system(), work, &answer, &fault), &fault);
    database_close(database);
    return answer;
}

static bool count_reports(void *argument, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    ++*(uint64_t *)argument;
    return true;
}

static void copy(enum sql_dialect from, enum sql_dialect to)
{
    struct operations_report report;
    uint64_t reports = 0;
    const struct operations_progress progress = {count_reports, &reports};
    assert_ok(database_copy(servers[from].url, servers[to].url, &progress, &report, &fault),
              &fault);
    assert_int_equal(report.rows, TEST_ODD_ROWS + 43 + 4);
    assert_true(report.tables >= 17);
    assert_true(reports > 3);
    assert_same_rows(servers[from].url, servers[to].url);
    assert_int_equal(answer_of(servers[to].url, search), 40); /* what follows from rows is there */
    assert_int_equal(answer_of(servers[to].url, count_waiting), 0); /* constraints are as before */
}

static void from_sqlite_to_postgres(void **state)
{
    test_database_fill(servers[SQL_SQLITE].url, true);
    test_database_fill(servers[SQL_POSTGRES].url, false);
    copy(SQL_SQLITE, SQL_POSTGRES);
}

static void from_postgres_to_sqlite(void **state)
{
    test_database_fill(servers[SQL_POSTGRES].url, true);
    test_database_fill(servers[SQL_SQLITE].url, false);
    copy(SQL_POSTGRES, SQL_SQLITE);
}

static enum status copy_it(enum sql_dialect from, enum sql_dialect to)
{
    struct operations_report report;
    return database_copy(servers[from].url, servers[to].url, NULL, &report, &fault);
}

static void what_is_not_empty_is_refused(void **state)
{
    test_database_fill(servers[SQL_SQLITE].url, true);
    test_database_fill(servers[SQL_POSTGRES].url, true);
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_CONFLICT);
    assert_contains(fault.message, "not empty");
    assert_status(copy_it(SQL_POSTGRES, SQL_SQLITE), STATUS_CONFLICT);
}

/* A table that the target lacks is named, and nothing of the others is left there. */
static void no_table_is_forgotten(void **state)
{
    test_database_fill(servers[SQL_SQLITE].url, true);
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_CONFLICT);
    assert_contains(fault.message, "is not the same in both databases");
    struct buffer there;
    buffer_init(&there);
    test_database_describe(servers[SQL_POSTGRES].url, &there);
    assert_contains(there.data, "app_user 0 ");
    buffer_deinit(&there);
}

static enum status put_text_for_number(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, "UPDATE \"every type\" SET ratio = 'no number' WHERE seq = 5", f);
}

static enum status put_no_utf8(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(
        t, "UPDATE \"every type\" SET ratio = 1, name = CAST(x'ff' AS TEXT) WHERE seq = 5", f);
}

static void spoil(sql_work *work)
{
    struct database *database;
    assert_ok(database_open_url(&database, servers[SQL_SQLITE].url, NULL, &fault), &fault);
    test_write(database, work);
    database_close(database);
}

/* What only SQLite would take. */
static void a_value_that_does_not_fit_is_named(void **state)
{
    test_database_fill(servers[SQL_SQLITE].url, true);
    test_database_fill(servers[SQL_POSTGRES].url, false);
    spoil(put_text_for_number);
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_CORRUPT);
    assert_contains(fault.message, "every type.ratio");
    spoil(put_no_utf8);
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_INVALID);
    assert_contains(fault.message, "every type: ");
    assert_contains(fault.message, "UTF8");
}

static void a_source_without_data(void **state)
{
    struct database *database;
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_NOT_FOUND);
    assert_false(file_exists(database_url_file(servers[SQL_SQLITE].url)));
    assert_ok(database_open_url(&database, servers[SQL_SQLITE].url, NULL, &fault), &fault);
    database_close(database);
    assert_status(copy_it(SQL_SQLITE, SQL_POSTGRES), STATUS_NOT_FOUND);
    assert_contains(fault.message, "no data");
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown(name, start_both, stop_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COPY_TEST(from_sqlite_to_postgres),
        COPY_TEST(from_postgres_to_sqlite),
        COPY_TEST(what_is_not_empty_is_refused),
        COPY_TEST(no_table_is_forgotten),
        COPY_TEST(a_value_that_does_not_fit_is_named),
        COPY_TEST(a_source_without_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
