/* power_loss_test.c - the power goes at hundreds of moments, in all the ways in which a disk may
 * lose what was not yet on it: SQLite's file opens, is sound, and has every acknowledged message
 * whole. */
#include "storage/test_disk.h"

enum { ROUNDS = 12, IMAGES_A_ROUND = 25, APPENDS_EACH = 25 };

static struct test_database server;
static struct append_acks acks;

struct appender {
    struct database *database;
    unsigned conversation;
};

/* An image's moment lies inside a write or an fsync of the thread that writes: what is told by then
 * was durable before. */
static void *append_some(void *argument)
{
    const struct appender *appender = argument;
    struct append append = {.conversation = appender->conversation};
    struct fault fault;
    for (int i = 0; i < APPENDS_EACH; i++) {
        if (append_one(appender->database, &append, &fault) != OK) return argument;
        pthread_mutex_lock(&disk.mutex);
        acks.count[append.conversation]++;
        pthread_mutex_unlock(&disk.mutex);
    }
    return NULL;
}

/* The WAL goes back into the file often, so that images fall into that too. */
static enum status checkpoint_often(struct transaction *t, void *argument, struct fault *fault)
{
    return sql_script(t, "PRAGMA wal_autocheckpoint = 40", fault);
}

static void append_with_images(uint64_t seed)
{
    struct database *database;
    struct fault fault;
    pthread_t threads[APPEND_CONVERSATIONS];
    struct appender appenders[APPEND_CONVERSATIONS];
    disk_watch(server.folder);
    disk.chance = seed;
    disk.one_in = 15;
    disk.acks = &acks;
    assert_ok(database_open_url(&database, server.url, NULL, &fault), &fault);
    assert_ok(database_write(database, sql_actor_system(), checkpoint_often, NULL, &fault), &fault);
    disk.images_wanted = IMAGES_A_ROUND;
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        appenders[i] = (struct appender){database, i};
        assert_int_equal(pthread_create(&threads[i], NULL, append_some, &appenders[i]), 0);
    }
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    disk.images_wanted = 0;
    database_close(database);
}

/* How many images lack something; the first one's problem. */
static unsigned look_at_images(char problem[256])
{
    unsigned bad = 0;
    for (unsigned image = 0; image < disk.images; image++) {
        char url[TEST_URL_BYTES * 2 + 16] = "sqlite:", command[TEST_URL_BYTES * 3];
        struct append_verdict verdict;
        disk_image_path(image, "liminal.db", url + strlen("sqlite:"));
        append_look(url, &disk.acks_at[image], &verdict);
        if (verdict.problem[0] && bad++ == 0) snprintf(problem, 256, "%s", verdict.problem);
        snprintf(command, sizeof command, "rm -r '%.250s/image-%u'", server.folder, image);
        assert_int_equal(system(command), 0);
    }
    return bad;
}

static int start(void **state)
{
    test_database_start(&server, false);
    acks = (struct append_acks){0};
    append_prepare(server.url);
    return 0;
}

static int stop(void **state)
{
    disk.lies = false;
    disk_watch("");
    test_database_stop(&server);
    return 0;
}

static void every_image_has_all_that_was_acknowledged(void **state)
{
    unsigned images = 0;
    char problem[256];
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        append_with_images(round * 0x9e3779b97f4a7c15u);
        unsigned taken = disk.images;
        if (look_at_images(problem)) fail_msg("round %d: %s", (int)round, problem);
        images += taken;
        stop(NULL);
        start(NULL);
    }
    print_message("%u images\n", images);
    assert_true(images >= 100);
}

/* The test can fail: with a disk that lies about fsync, messages are lost. */
static void a_disk_that_lies_is_found_out(void **state)
{
    char problem[256];
    disk.lies = true;
    append_with_images(1);
    assert_true(disk.images > 0);
    assert_true(look_at_images(problem) > 0);
    print_message("without fsync: %s\n", problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_image_has_all_that_was_acknowledged, start, stop),
        cmocka_unit_test_setup_teardown(a_disk_that_lies_is_found_out, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
