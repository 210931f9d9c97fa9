/* test_database.h - real databases for tests: a new SQLite file, and a private PostgreSQL server.
 * Only tests include this. */
#ifndef LIMINAL_STORAGE_TEST_DATABASE_H
#define LIMINAL_STORAGE_TEST_DATABASE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test_support.h"
#include "storage/realization/databases.h"

enum { TEST_PATH_BYTES = 256 };

struct test_database {
    char folder[TEST_PATH_BYTES]; /* SQLite's */
    char url[TEST_PATH_BYTES];    /* for database_open_url */
    bool is_postgres;
};

/* The last line that a command prints, without its newline. */
static inline void test_command(const char *command, char *line, size_t capacity)
{
    FILE *pipe = popen(command, "r");
    if (!pipe) fail_msg("%s can't be run", command);
    char read[TEST_PATH_BYTES];
    if (line) *line = '\0';
    while (fgets(read, sizeof read, pipe))
        if (line) snprintf(line, capacity, "%.*s", (int)strcspn(read, "\n"), read);
    if (pclose(pipe) != 0) fail_msg("%s failed", command);
}

/* kill, restart, stop */
static inline void test_postgres(const struct test_database *database, const char *what)
{
    char command[2 * TEST_PATH_BYTES];
    snprintf(command, sizeof command, "tests/services/postgres.sh %s '%s'", what, database->url);
    test_command(command, NULL, 0);
}

static inline void test_database_start(struct test_database *database, bool is_postgres)
{
    *database = (struct test_database){.is_postgres = is_postgres};
    if (is_postgres) {
        test_command("tests/services/postgres.sh start", database->url, sizeof database->url);
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
    char command[2 * TEST_PATH_BYTES];
    snprintf(command, sizeof command, "rm -rf '%s'", database->folder);
    test_command(command, NULL, 0);
}

#endif
