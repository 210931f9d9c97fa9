/* migrate_test.c - up, down, what must not have changed, and many who migrate at once, on both
 * databases. */
#include "storage/realization/migrate.h"

#include <pthread.h>
#include <stdatomic.h>

#include "storage/test_database.h"

static struct test_database server;
static struct database *db;

/* What both dialects spell alike is the same script. */
static const struct migration scripts[] = {
    {1, "things", "CREATE TABLE thing (id BIGINT PRIMARY KEY); INSERT INTO thing VALUES (1)",
     "DROP TABLE thing"},
    {2, "parts", "CREATE TABLE part (id BIGINT PRIMARY KEY)", "DROP TABLE part"},
    {3, "colours", "ALTER TABLE part ADD COLUMN colour TEXT",
     "ALTER TABLE part DROP COLUMN colour"},
};

static struct migration_set first(size_t count)
{
    return (struct migration_set){{scripts, scripts}, count};
}

static void count_told(void *argument, const struct migration *migration)
{
    atomic_fetch_add((atomic_int *)argument, 1);
}

static int up(const struct migration_set *set)
{
    struct fault fault;
    atomic_int told = 0;
    assert_ok(migrate_up(db, set, count_told, &told, &fault), &fault);
    return told;
}

static int down(const struct migration_set *set, uint32_t version)
{
    struct fault fault;
    atomic_int told = 0;
    assert_ok(migrate_down(db, set, version, count_told, &told, &fault), &fault);
    return told;
}

static void up_and_down(void **state)
{
    struct migration_set two = first(2), three = first(3);
    assert_int_equal(up(&two), 2);
    assert_int_equal(up(&two), 0);
    assert_int_equal(up(&three), 1);
    struct fault fault;
    struct arena job;
    struct applied_migration *applied;
    size_t count, pending;
    arena_init(&job, 0);
    assert_ok(migrate_status(db, &three, &job, &applied, &count, &pending, &fault), &fault);
    assert_int_equal(count, 3);
    assert_int_equal(pending, 0);
    assert_string_equal(applied[2].name, "colours");
    assert_true(applied[2].applied_us > 1700000000000000);
    arena_deinit(&job);
    assert_int_equal(down(&three, 1), 2);
    assert_int_equal(up(&three), 2);
    assert_int_equal(down(&three, 0), 3);
    assert_int_equal(down(&three, 0), 0);
}

static void refuses_a_database_that_differs(void **state)
{
    struct fault fault;
    struct migration_set three = first(3), two = first(2);
    struct migration changed[3] = {scripts[0], scripts[1], scripts[2]};
    changed[1].up = "CREATE TABLE part (id BIGINT PRIMARY KEY, more BIGINT)";
    struct migration_set other = {{changed, changed}, 3};
    up(&three);
    assert_status(migrate_up(db, &other, NULL, NULL, &fault), STATUS_CONFLICT);
    assert_contains(fault.message, "migration 2 (parts) was changed");
    assert_status(migrate_up(db, &two, NULL, NULL, &fault), STATUS_CONFLICT);
    assert_contains(fault.message, "newer Liminal");
    assert_status(migrate_down(db, &two, 0, NULL, NULL, &fault), STATUS_CONFLICT);
    down(&three, 0);
}

static void a_script_that_fails_leaves_nothing(void **state)
{
    struct fault fault;
    struct migration bad[2] = {scripts[0],
                               {2, "bad", "CREATE TABLE half (id BIGINT); nonsense", ""}};
    struct migration_set set = {{bad, bad}, 2}, good = first(2);
    assert_status(migrate_up(db, &set, NULL, NULL, &fault), STATUS_INTERNAL);
    assert_contains(fault.message, "migration 2 (bad)");
    assert_int_equal(up(&good), 1); /* the first one stayed */
    down(&good, 0);
}

static atomic_int applications, failures;

static void *migrate_at_once(void *argument)
{
    struct database *own;
    struct fault fault;
    if (database_open_url(&own, server.url, NULL, &fault) != OK ||
        migrate_up(own, argument, count_told, &applications, &fault) != OK)
        failures++;
    else
        database_close(own);
    return NULL;
}

/* Each with connections of its own, as processes would. */
static void many_at_once_apply_each_once(void **state)
{
    enum { PROCESSES = 6 };
    pthread_t threads[PROCESSES];
    struct migration_set three = first(3);
    applications = failures = 0;
    for (int i = 0; i < PROCESSES; i++) pthread_create(&threads[i], NULL, migrate_at_once, &three);
    for (int i = 0; i < PROCESSES; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    assert_int_equal(applications, 3);
    down(&three, 0);
}

static int open_database(bool is_postgres)
{
    struct fault fault;
    test_database_start(&server, is_postgres);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_and_down),
        cmocka_unit_test(refuses_a_database_that_differs),
        cmocka_unit_test(a_script_that_fails_leaves_nothing),
        cmocka_unit_test(many_at_once_apply_each_once),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, open_sqlite, close_all);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, open_postgres, close_all);
}
