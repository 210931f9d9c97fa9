/* disk_full_test.c - a disk without room: each who wanted to write is told so, reading goes on,
 * nothing is damaged, and with room it works again as if nothing had been. */
#include <signal.h>
#include <sys/resource.h>

#include "storage/test_disk.h"

enum { APPENDS_EACH = 200, ROOM_BYTES = 60000 };

static struct test_database server;
static struct database *db;
static struct fault fault;

static int start(void **state)
{
    test_database_start(&server, false);
    append_prepare(server.url);
    disk_watch(server.folder);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
    return 0;
}

static int stop(void **state)
{
    database_close(db);
    disk_watch("");
    test_database_stop(&server);
    return 0;
}

struct appender {
    unsigned conversation;
    int64_t acknowledged, refused;
    enum status unexpected; /* another than STATUS_IO */
    char message[FAULT_MESSAGE_BYTES];
};

static void *append_some(void *argument)
{
    struct appender *appender = argument;
    struct append append = {.conversation = appender->conversation};
    struct fault own;
    for (int i = 0; i < APPENDS_EACH; i++) {
        enum status status = append_one(db, &append, &own);
        if (status == OK) {
            appender->acknowledged++;
        } else {
            appender->refused++;
            if (status != STATUS_IO) appender->unexpected = status;
            memcpy(appender->message, own.message, sizeof own.message);
        }
    }
    return NULL;
}

static int64_t append_all(struct append_acks *acks)
{
    struct appender appenders[APPEND_CONVERSATIONS] = {0};
    pthread_t threads[APPEND_CONVERSATIONS];
    int64_t refused = 0;
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        appenders[i].conversation = i;
        assert_int_equal(pthread_create(&threads[i], NULL, append_some, &appenders[i]), 0);
    }
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(appenders[i].unexpected, OK);
        if (appenders[i].refused) assert_contains(appenders[i].message, "is full: make room");
        acks->count[i] += appenders[i].acknowledged;
        refused += appenders[i].refused;
    }
    return refused;
}

/* Exactly those that were acknowledged: what was refused is not there. */
static void assert_sound(const struct append_acks *acks)
{
    struct append_verdict verdict = {.acks = acks};
    assert_ok(database_read(db, sql_actor_system(), append_check, &verdict, &fault), &fault);
    if (verdict.problem[0]) fail_msg("%s", verdict.problem);
    assert_memory_equal(verdict.found, acks->count, sizeof acks->count);
}

static void fill_and_recover(void (*set_room)(bool))
{
    struct append_acks acks = {0};
    set_room(false);
    int64_t refused = append_all(&acks);
    assert_true(refused > 0);
    assert_sound(&acks); /* reading goes on */
    set_room(true);
    assert_int_equal(append_all(&acks), 0);
    assert_sound(&acks);
    database_close(db);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
    assert_sound(&acks);
}

static void set_room_of_disk(bool has_room)
{
    pthread_mutex_lock(&disk.mutex);
    disk.room_bytes = has_room ? INT64_MAX : ROOM_BYTES;
    pthread_mutex_unlock(&disk.mutex);
}

static void a_full_disk(void **state)
{
    fill_and_recover(set_room_of_disk);
}

/* The kernel refuses: no file may become larger. */
static void set_limit(bool has_room)
{
    static struct rlimit before;
    if (has_room) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        return;
    }
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit limit = {
        .rlim_cur = (rlim_t)file_size(database_url_file(server.url)) + ROOM_BYTES,
        .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_limit_on_files(void **state)
{
    disk_watch(""); /* the files themselves */
    database_close(db);
    assert_ok(database_open_url(&db, server.url, NULL, &fault), &fault);
    fill_and_recover(set_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk, start, stop),
        cmocka_unit_test_setup_teardown(a_limit_on_files, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
