/* test_migrated.h - a database with the program's own schema, SQLite or PostgreSQL, for a whole
 * program of tests. Only tests include this. */
#ifndef LIMINAL_STORAGE_TEST_MIGRATED_H
#define LIMINAL_STORAGE_TEST_MIGRATED_H

#include "storage/realization/migrate.h"
#include "storage/test_database.h"

static struct test_database server;
static struct database *owner; /* of the tables */
static struct database *db;    /* as the service, which row-level security binds */
static struct fault fault;

static inline int open_migrated(bool is_postgres)
{
    test_database_start(&server, is_postgres);
    assert_ok(database_open_url(&owner, server.url, NULL, &fault), &fault);
    assert_ok(migrate_up(owner, &migrations_built_in, NULL, NULL, &fault), &fault);
    assert_ok(database_open_url(&db, server.url, "liminal_service", &fault), &fault);
    return 0;
}

static inline int open_sqlite(void **state)
{
    return open_migrated(false);
}

static inline int open_postgres(void **state)
{
    return open_migrated(true);
}

static inline int close_databases(void **state)
{
    database_close(db);
    database_close(owner);
    test_database_stop(&server);
    return 0;
}

/* An array of tests. */
#define run_on_both(tests)                                                        \
    (cmocka_run_group_tests_name("SQLite", tests, open_sqlite, close_databases) + \
     cmocka_run_group_tests_name("PostgreSQL", tests, open_postgres, close_databases))

#endif
