/* stores_test.c - which database the settings mean, and opening it for the first time. */
#include "app/stores.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/test_support.h"
#include "platform/platform.h"

static struct arena arena;
static struct fault fault;

static int set_up(void **state)
{
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&arena);
    return 0;
}

static const char *url_of(const struct settings *settings)
{
    const char *url = NULL;
    assert_ok(stores_database_url(settings, &arena, &url, &fault), &fault);
    return url;
}

static void test_which_database(void **state)
{
    struct settings settings = {.data_dir = "/data", .database_user = "me", .database_port = 5432};
    assert_string_equal(url_of(&settings), "sqlite:/data/liminal.db");
    settings.database_host = "db.example.org";
    settings.database_name = "liminal";
    assert_string_equal(url_of(&settings), "postgresql://me@db.example.org:5432/liminal");
    settings.database = "sqlite:/elsewhere";
    assert_string_equal(url_of(&settings), "sqlite:/elsewhere");
}

/* R37: what is special in a URL may be in a password, and a host may be the folder of a socket. */
static void test_parts_are_encoded(void **state)
{
    struct settings settings = {.database_host = "/run/postgresql",
                                .database_port = 5433,
                                .database_name = "a b",
                                .database_user = "me",
                                .database_password = "p@ss:w/rd%?#"};
    assert_string_equal(url_of(&settings),
                        "postgresql://me:p%40ss%3Aw%2Frd%25%3F%23@%2Frun%2Fpostgresql:5433/a%20b");
}

static void test_first_start_and_second(void **state)
{
    char folder[] = "/tmp/liminal-stores-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    struct settings settings = {.data_dir = folder};
    for (int start = 0; start < 2; start++) {
        struct stores stores;
        assert_ok(stores_open(&stores, &settings, &arena, &fault), &fault);
        assert_ok(database_check(stores.database, &fault), &fault);
        assert_ok(hot_check(stores.hot, &fault), &fault);
        stores_close(&stores);
    }
    snprintf(path, sizeof path, "%s/liminal.db", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_a_database_that_is_not_there(void **state)
{
    struct stores stores;
    struct settings settings = {.database = "postgresql://me:secret@/liminal?host=/nowhere"};
    assert_status(stores_open(&stores, &settings, &arena, &fault), STATUS_UNAVAILABLE);
    assert_null(strstr(fault.message, "secret"));
    settings = (struct settings){.database = "mysql://elsewhere/liminal"};
    assert_status(stores_open(&stores, &settings, &arena, &fault), STATUS_INVALID);
    assert_contains(fault.message, "postgresql://");
}

int main(void)
{
    if (log_configure("error", NULL) != OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_which_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_are_encoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_start_and_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_database_that_is_not_there, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
