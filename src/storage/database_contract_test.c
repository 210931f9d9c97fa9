/* database_contract_test.c - what sql.h promises, held by each realization alike. */
#include <pthread.h>
#include <stdatomic.h>

#include "storage/test_database.h"

static struct test_database server;
static struct database *db;
static struct arena job;

/* Columns of every type, in the words of either dialect. */
static const char *const tables[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "CREATE TABLE thing (id UUID PRIMARY KEY, flag BOOLEAN, number BIGINT, real REAL,"
        " name TEXT UNIQUE, bytes BLOB, made_at TIMESTAMP, meta JSON_TEXT,"
        " CONSTRAINT number_is_small CHECK (number < 1000000));"
        "CREATE TABLE part (id UUID PRIMARY KEY,"
        " thing_id UUID NOT NULL REFERENCES thing (id), seq BIGINT,"
        " UNIQUE (thing_id, seq));"
        "CREATE TABLE counter (id BIGINT PRIMARY KEY, value BIGINT NOT NULL)",
    [SQL_POSTGRES] =
        "CREATE TABLE thing (id uuid PRIMARY KEY, flag boolean, number bigint,"
        " real double precision, name text UNIQUE, bytes bytea, made_at timestamptz,"
        " meta jsonb, CONSTRAINT number_is_small CHECK (number < 1000000));"
        "CREATE TABLE part (id uuid PRIMARY KEY,"
        " thing_id uuid NOT NULL REFERENCES thing (id), seq bigint,"
        " UNIQUE (thing_id, seq));"
        "CREATE TABLE counter (id bigint PRIMARY KEY, value bigint NOT NULL)",
};

static struct uuid id_of(unsigned char number)
{
    return (struct uuid){{0x01, 0x93, 0x6f, 0x2c, 0, 0, 0x70, 0, 0x80, [15] = number}};
}

static enum status make_tables(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_script(t, tables[sql_dialect(t)], fault);
}

static enum status empty_tables(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_script(t, "DELETE FROM part; DELETE FROM thing; DELETE FROM counter", fault);
}

static void write_ok(sql_work *work, void *argument)
{
    struct fault fault;
    assert_ok(database_write(db, sql_actor_system(), work, argument, &fault), &fault);
}

static void read_ok(sql_work *work, void *argument)
{
    struct fault fault;
    assert_ok(database_read(db, sql_actor_system(), work, argument, &fault), &fault);
}

static int open_database(bool is_postgres)
{
    struct fault fault;
    test_database_start(&server, is_postgres);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
    write_ok(make_tables, NULL);
    return 0;
}

static int open_sqlite(void **state)
{
    return open_database(false);
}

static int open_postgres(void **state)
{
    return open_database(true);
}

static int close_all(void **state)
{
    database_close(db);
    test_database_stop(&server);
    return 0;
}

static int begin_test(void **state)
{
    arena_init(&job, 0);
    write_ok(empty_tables, NULL);
    return 0;
}

static int end_test(void **state)
{
    arena_deinit(&job);
    return 0;
}

/* ---- values ---- */

static enum status insert_thing(struct transaction *t, void *argument, struct fault *fault)
{
    const struct sql_value *values = argument;
    uint64_t changed = 0;
    TRY(sql_execute(t, &changed,
                    "INSERT INTO thing (id, flag, number, real, name, bytes, made_at, meta)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    values, 8, fault));
    assert_int_equal(changed, 1);
    return OK;
}

static enum status select_things(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_query(t, &job, argument,
                     "SELECT id, flag, number, real, name, bytes, made_at, meta FROM thing"
                     " ORDER BY id",
                     NULL, 0, fault);
}

static void values_come_back_as_they_went(void **state)
{
    struct sql_value values[] = {
        sql_uuid(id_of(1)),
        sql_bool(true),
        sql_integer(-123456789012345),
        sql_real(-0.1),
        sql_text(TEXT("Grüße, 世界 🌍\n'quoted' $1")),
        sql_blob(TEXT("\0\xff\x80 bytes\0")),
        sql_time(1795167760123456),
        sql_json(TEXT("{\"a\": [1, null, \"\\u00fc\"]}")),
    };
    const struct sql_value nulls[] = {
        sql_uuid(id_of(2)), sql_null(SQL_BOOL), sql_null(SQL_INTEGER), sql_null(SQL_REAL),
        sql_null(SQL_TEXT), sql_null(SQL_BLOB), sql_null(SQL_TIME),    sql_null(SQL_JSON),
    };
    write_ok(insert_thing, values);
    write_ok(insert_thing, (void *)nulls);
    struct sql_rows rows;
    read_ok(select_things, &rows);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.columns, 8);
    for (size_t column = 0; column < 8; column++) {
        const struct sql_value *got = sql_at(&rows, 0, column), *wanted = &values[column];
        assert_int_equal(got->type, wanted->type);
        assert_false(got->is_null);
        if (column) assert_true(sql_at(&rows, 1, column)->is_null);
        switch (wanted->type) {
        case SQL_UUID: assert_true(uuid_equal(got->uuid, wanted->uuid)); break;
        case SQL_BOOL: assert_true(got->boolean == wanted->boolean); break;
        case SQL_REAL: assert_true(got->real == wanted->real); break;
        case SQL_INTEGER:
        case SQL_TIME: assert_true(got->integer == wanted->integer); break;
        case SQL_TEXT:
        case SQL_BLOB: assert_true(text_equal(got->text, wanted->text)); break;
        case SQL_JSON: assert_true(text_starts_with(got->text, TEXT("{\"a\": [1, null"))); break;
        case SQL_NULL: break;
        }
    }
}

/* Numbers of parameters need not come in order, and may repeat. */
static enum status select_out_of_order(struct transaction *t, void *argument, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, &job, &rows, fault,
                  "SELECT name FROM thing WHERE number = $2 AND name = $1 AND number <= $2",
                  sql_text(TEXT("n")), sql_integer(7)));
    assert_int_equal(rows.count, 1);
    return OK;
}

static struct sql_value *thing(unsigned char number, const char *name)
{
    static struct sql_value values[8];
    values[0] = sql_uuid(id_of(number));
    values[1] = sql_bool(false);
    values[2] = sql_integer(number);
    values[3] = sql_real(0.5);
    values[4] = sql_text(text_of(name));
    values[5] = sql_blob(TEXT(""));
    values[6] = sql_time(0);
    values[7] = sql_json(TEXT("{}"));
    return values;
}

static void parameters_go_by_number(void **state)
{
    write_ok(insert_thing, thing(7, "n"));
    read_ok(select_out_of_order, NULL);
}

/* ---- faults ---- */

static void write_fails(sql_work *work, void *argument, enum status status, const char *param)
{
    struct fault fault;
    assert_status(database_write(db, sql_actor_system(), work, argument, &fault), status);
    assert_string_equal(fault.param, param);
}

static enum status insert_part(struct transaction *t, void *argument, struct fault *fault)
{
    const unsigned char *numbers = argument; /* part, thing, seq */
    return SQL_EXECUTE(t, NULL, fault, "INSERT INTO part (id, thing_id, seq) VALUES ($1, $2, $3)",
                       sql_uuid(id_of(numbers[0])), sql_uuid(id_of(numbers[1])),
                       sql_integer(numbers[2]));
}

static enum status delete_things(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_execute(t, argument, "DELETE FROM thing", NULL, 0, fault);
}

static enum status bad_statement(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_execute(t, NULL, "SELECT nonsense FROM nowhere", NULL, 0, fault);
}

static void constraints_are_told_apart(void **state)
{
    write_ok(insert_thing, thing(1, "one"));
    write_fails(insert_thing, thing(2, "one"), STATUS_CONFLICT, "thing.name");
    write_fails(insert_thing, thing(1, "two"), STATUS_CONFLICT, "thing.id");
    struct sql_value *big = thing(3, "three");
    big[2] = sql_integer(5000000);
    write_fails(insert_thing, big, STATUS_INVALID, "number_is_small");
    write_fails(insert_part, (unsigned char[]){1, 99, 0}, STATUS_CONFLICT, "");
    write_ok(insert_part, (unsigned char[]){1, 1, 0});
    write_fails(insert_part, (unsigned char[]){2, 1, 0}, STATUS_CONFLICT,
                "part.thing_id, part.seq");
    write_fails(delete_things, NULL, STATUS_CONFLICT, "");
    write_fails(bad_statement, NULL, STATUS_INTERNAL, "");
    write_ok(insert_part, (unsigned char[]){2, 1, 1}); /* statements that failed work again */
}

/* ---- many rows at once ---- */

enum { MANY = 300 };

/* So many rows of counter, the last of which has the first one's key where that is wanted. */
struct filling {
    size_t rows;
    bool repeats;
};

static enum status fill_counters(struct transaction *t, void *argument, struct fault *fault)
{
    const struct filling *filling = argument;
    struct sql_value values[2 * MANY];
    for (size_t row = 0; row < filling->rows; row++) {
        bool is_repeated = filling->repeats && row == filling->rows - 1;
        values[2 * row] = sql_integer(is_repeated ? 0 : (int64_t)row);
        values[2 * row + 1] = sql_integer((int64_t)row * 10);
    }
    return sql_execute_rows(t, "INSERT INTO counter (id, value) VALUES ($1, $2)", values, 2,
                            filling->rows, fault);
}

static enum status sum_counters(struct transaction *t, void *argument, struct fault *fault)
{
    struct sql_rows rows;
    TRY(sql_query(t, &job, &rows,
                  "SELECT count(*), CAST(coalesce(sum(value), 0) AS bigint) FROM counter", NULL, 0,
                  fault));
    ((int64_t *)argument)[0] = sql_at(&rows, 0, 0)->integer;
    ((int64_t *)argument)[1] = sql_at(&rows, 0, 1)->integer;
    return OK;
}

static void many_rows_at_once_are_all_or_none(void **state)
{
    int64_t found[2];
    write_fails(fill_counters, &(struct filling){MANY, true}, STATUS_CONFLICT, "counter.id");
    read_ok(sum_counters, found);
    assert_int_equal(found[0], 0);
    write_ok(fill_counters, &(struct filling){MANY, false});
    write_ok(fill_counters, &(struct filling){0, false});
    read_ok(sum_counters, found);
    assert_int_equal(found[0], MANY);
    assert_int_equal(found[1], 10 * MANY * (MANY - 1) / 2);
}

/* ---- transactions ---- */

static enum status insert_then_refuse(struct transaction *t, void *argument, struct fault *fault)
{
    TRY(insert_thing(t, argument, fault));
    return fault_set(fault, STATUS_FORBIDDEN, "second thoughts");
}

static enum status count_things(struct transaction *t, void *argument, struct fault *fault)
{
    struct sql_rows rows;
    TRY(sql_query(t, &job, &rows, "SELECT count(*) FROM thing", NULL, 0, fault));
    *(int64_t *)argument = sql_at(&rows, 0, 0)->integer;
    return OK;
}

static void what_fails_leaves_nothing(void **state)
{
    struct fault fault;
    int64_t count;
    assert_status(database_write(db, sql_actor_system(), insert_then_refuse, thing(1, "x"), &fault),
                  STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "second thoughts");
    read_ok(count_things, &count);
    assert_int_equal(count, 0);
}

static void reading_changes_nothing(void **state)
{
    struct fault fault;
    int64_t count;
    assert_int_not_equal(database_read(db, sql_actor_system(), insert_thing, thing(1, "x"), &fault),
                         OK);
    read_ok(count_things, &count);
    assert_int_equal(count, 0);
}

static enum status changed_rows(struct transaction *t, void *argument, struct fault *fault)
{
    uint64_t changed = 9;
    TRY(SQL_EXECUTE(t, &changed, fault, "UPDATE thing SET flag = $1", sql_bool(true)));
    assert_int_equal(changed, 2);
    TRY(SQL_EXECUTE(t, &changed, fault, "UPDATE thing SET flag = $1 WHERE number > $2",
                    sql_bool(true), sql_integer(100)));
    assert_int_equal(changed, 0);
    struct sql_rows rows;
    TRY(SQL_QUERY(t, &job, &rows, fault,
                  "INSERT INTO counter (id, value) VALUES ($1, 1)"
                  " ON CONFLICT (id) DO UPDATE SET value = counter.value + 1 RETURNING value",
                  sql_integer(1)));
    assert_int_equal(sql_at(&rows, 0, 0)->integer, 1);
    return OK;
}

static void counts_what_changed(void **state)
{
    write_ok(insert_thing, thing(1, "a"));
    write_ok(insert_thing, thing(2, "b"));
    write_ok(changed_rows, NULL);
}

static enum status insert_many(struct transaction *t, void *argument, struct fault *fault)
{
    for (unsigned i = 0; i < 200; i++) {
        struct sql_value *values = thing((unsigned char)i, "");
        char name[16];
        snprintf(name, sizeof name, "thing %u", i);
        values[4] = sql_text(text_of(name));
        TRY(insert_thing(t, values, fault));
    }
    return OK;
}

static void an_arena_bounds_the_answer(void **state)
{
    struct fault fault;
    struct sql_rows rows;
    write_ok(insert_many, NULL);
    read_ok(select_things, &rows);
    assert_int_equal(rows.count, 200);
    arena_deinit(&job);
    arena_init(&job, 20000);
    assert_status(database_read(db, sql_actor_system(), select_things, &rows, &fault),
                  STATUS_TOO_LARGE);
}

/* ---- many threads ---- */

enum { THREADS = 8, INCREMENTS = 50 };

static enum status increment(struct transaction *t, void *argument, struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO counter (id, value) VALUES ($1, 1)"
                       " ON CONFLICT (id) DO UPDATE SET value = counter.value + 1",
                       sql_integer(7));
}

static enum status read_counter(struct transaction *t, void *argument, struct fault *fault)
{
    struct sql_rows rows;
    struct arena own;
    arena_init(&own, 0);
    enum status status =
        SQL_QUERY(t, &own, &rows, fault, "SELECT value FROM counter WHERE id = $1", sql_integer(7));
    if (status == OK && rows.count) *(int64_t *)argument = sql_at(&rows, 0, 0)->integer;
    arena_deinit(&own);
    return status;
}

static atomic_int failures;

/* Every other piece of work fails, and must take nothing of its neighbours along. */
static void *increment_often(void *argument)
{
    struct fault fault;
    int64_t last = 0;
    for (int i = 0; i < INCREMENTS; i++) {
        int64_t now = 0;
        if (database_write(db, sql_actor_system(), increment, NULL, &fault) != OK) failures++;
        if (database_write(db, sql_actor_system(), bad_statement, NULL, &fault) != STATUS_INTERNAL)
            failures++;
        if (database_read(db, sql_actor_system(), read_counter, &now, &fault) != OK) failures++;
        if (now <= last) failures++; /* what one wrote, it reads */
        last = now;
    }
    return NULL;
}

static void writers_do_not_disturb_each_other(void **state)
{
    pthread_t threads[THREADS];
    failures = 0;
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, increment_often, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    int64_t value = 0;
    read_ok(read_counter, &value);
    assert_int_equal(value, THREADS * INCREMENTS);
}

static void what_was_written_is_there_after_reopening(void **state)
{
    struct fault fault;
    int64_t value = 0;
    write_ok(increment, NULL);
    database_close(db);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
    assert_ok(database_check(db, &fault), &fault);
    read_ok(read_counter, &value);
    assert_int_equal(value, 1);
}

/* ---- a server that goes away ---- */

static enum status kill_in_between(struct transaction *t, void *argument, struct fault *fault)
{
    TRY(increment(t, NULL, fault));
    bool *killed = argument;
    if (!*killed) {
        *killed = true;
        test_postgres(&server, "kill");
        test_postgres(&server, "restart");
    }
    return increment(t, NULL, fault);
}

static void a_transaction_survives_its_connection(void **state)
{
    bool killed = false;
    int64_t value = 0;
    write_ok(kill_in_between, &killed);
    read_ok(read_counter, &value);
    assert_int_equal(value, 2); /* both increments once */
}

static void a_missing_server_is_told_at_once_and_found_again(void **state)
{
    struct fault fault;
    test_postgres(&server, "kill");
    for (int i = 0; i < 3; i++) assert_status(database_check(db, &fault), STATUS_UNAVAILABLE);
    assert_contains(fault.message, "PostgreSQL can't be reached");
    assert_null(strchr(fault.message, '/')); /* its socket's path is for the log */
    test_postgres(&server, "restart");
    enum status status = STATUS_UNAVAILABLE;
    for (int i = 0; i < 100 && status != OK; i++) {
        usleep(100000);
        status = database_check(db, &fault);
    }
    assert_ok(status, &fault);
}

static void bad_urls_are_refused_without_their_password(void **state)
{
    struct database *none;
    struct fault fault;
    static const char *const urls[] = {"mysql://x", "", "sqlite:", "postgres://u:secret@[",
                                       "http://x/y"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        assert_status(database_open_url(&none, urls[i], NULL, &fault), STATUS_INVALID);
        assert_null(strstr(fault.message, "secret"));
    }
}

#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

/* clang-format off */
#define CONTRACT                                              \
    CONTRACT_TEST(values_come_back_as_they_went),             \
    CONTRACT_TEST(parameters_go_by_number),                   \
    CONTRACT_TEST(constraints_are_told_apart),                \
    CONTRACT_TEST(many_rows_at_once_are_all_or_none),         \
    CONTRACT_TEST(what_fails_leaves_nothing),                 \
    CONTRACT_TEST(reading_changes_nothing),                   \
    CONTRACT_TEST(counts_what_changed),                       \
    CONTRACT_TEST(an_arena_bounds_the_answer),                \
    CONTRACT_TEST(writers_do_not_disturb_each_other),         \
    CONTRACT_TEST(what_was_written_is_there_after_reopening), \
    CONTRACT_TEST(bad_urls_are_refused_without_their_password)
/* clang-format on */

int main(void)
{
    const struct CMUnitTest file[] = {CONTRACT};
    const struct CMUnitTest server_too[] = {
        CONTRACT,
        CONTRACT_TEST(a_transaction_survives_its_connection),
        CONTRACT_TEST(a_missing_server_is_told_at_once_and_found_again),
    };
    int failed = cmocka_run_group_tests_name("SQLite", file, open_sqlite, close_all);
    return failed + cmocka_run_group_tests_name("PostgreSQL", server_too, open_postgres, close_all);
}
