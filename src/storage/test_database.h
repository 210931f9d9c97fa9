/* test_database.h - real databases for tests: a new SQLite file, and a private PostgreSQL server.
 * Only tests include this. */
#ifndef LIMINAL_STORAGE_TEST_DATABASE_H
#define LIMINAL_STORAGE_TEST_DATABASE_H

#include <stdlib.h>
#include <unistd.h>

#include "storage/realization/databases.h"
#include "storage/test_service.h"

struct test_database {
    char folder[TEST_URL_BYTES]; /* SQLite's */
    char url[TEST_URL_BYTES];    /* for database_open_url */
    bool is_postgres;
};

/* kill, restart, stop */
static inline void test_postgres(const struct test_database *database, const char *what)
{
    test_service("postgres", what, database->url, NULL);
}

static inline void test_database_start(struct test_database *database, bool is_postgres)
{
    *database = (struct test_database){.is_postgres = is_postgres};
    if (is_postgres) {
        test_service("postgres", "start", "", database->url);
        return;
    }
    snprintf(database->folder, sizeof database->folder, "/tmp/liminal-sqlite.XXXXXX");
    assert_non_null(mkdtemp(database->folder));
    int length =
        snprintf(database->url, sizeof database->url, "sqlite:%.200s/liminal.db", database->folder);
    assert_true(length > 0);
}

static inline void test_database_stop(const struct test_database *database)
{
    if (database->is_postgres) {
        test_postgres(database, "stop");
        return;
    }
    static const char *const files[] = {"liminal.db", "liminal.db-wal", "liminal.db-shm"};
    char path[2 * TEST_URL_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", database->folder, files[i]);
        unlink(path);
    }
    rmdir(database->folder);
}

#endif
