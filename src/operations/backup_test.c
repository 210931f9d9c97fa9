/* backup_test.c - backups of both databases restored into both, with their files; what must not
 * happen to a backup or a target; and that a backup is of one moment. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations/operations.h"
#include "operations/test_rows.h"
#include "storage/realization/databases.h"

enum { PATH_BYTES = 512 };

static struct test_database from, to; /* from: with rows; to: migrated, with the tables, empty */
static char folder[64], old_home[PATH_BYTES], new_home[PATH_BYTES], backup[PATH_BYTES];
static char aside[RESTORE_ASIDE_BYTES];
static struct operations_report report;
static struct fault fault;

/* ---- files ---- */

static void write_file(const char *home, const char *name, const char *text)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", home, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_ok(directory_make(path, &fault), &fault);
    *slash = '/';
    assert_ok(file_write_atomic(path, text, strlen(text), 0640, &fault), &fault);
}

static bool file_is(const char *home, const char *name, const char *text)
{
    char path[2 * PATH_BYTES];
    struct buffer found;
    snprintf(path, sizeof path, "%s/%s", home, name);
    if (!file_exists(path)) return false;
    buffer_init(&found);
    assert_ok(file_read(path, 1 << 20, &found, &fault), &fault);
    bool same = text_equal(buffer_text(&found), text_of(text));
    buffer_deinit(&found);
    return same;
}

/* Names of 120 letters: a path that needs an extended header. */
static const char *deep_name(void)
{
    static char name[400];
    size_t length = (size_t)snprintf(name, sizeof name, "user/");
    for (; length < 350; length++)
        name[length] = length % 121 == 120 ? '/' : (char)('a' + length % 26);
    return name;
}

static void make_files(void)
{
    write_file(old_home, "server.key", "thirty-two secret bytes, or so");
    write_file(old_home, "user/notes.txt", "");
    write_file(old_home, deep_name(), "deep");
    write_file(old_home, "models/model.gguf", "large");
    write_file(old_home, "liminal.conf", "port = 1");
}

/* ---- a source, a target, folders ---- */

static void start(bool from_postgres, bool to_postgres)
{
    snprintf(folder, sizeof folder, "/tmp/liminal-backup.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(old_home, sizeof old_home, "%s/old", folder);
    snprintf(new_home, sizeof new_home, "%s/new", folder);
    snprintf(backup, sizeof backup, "%s/backup.tar", folder);
    test_database_start(&from, from_postgres);
    test_database_start(&to, to_postgres);
    test_database_fill(from.url, true);
    test_database_fill(to.url, false);
    make_files();
}

static int stop(void **state)
{
    char command[PATH_BYTES];
    test_database_stop(&from);
    test_database_stop(&to);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static int start_sqlite(void **state)
{
    start(false, false);
    return 0;
}

static enum status back_up(void)
{
    return backup_write(
        backup,
        &(struct backup_source){.database = from.url, .data_folder = old_home, .program = "a test"},
        NULL, &report, &fault);
}

static enum status restore(bool force)
{
    const struct restore_target target = {
        .database = to.url, .data_folder = new_home, .program = "a test", .force = force};
    return backup_restore(backup, &target, NULL, &report, aside, &fault);
}

static void assert_files_came(void)
{
    assert_true(file_is(new_home, "server.key", "thirty-two secret bytes, or so"));
    assert_true(file_is(new_home, "user/notes.txt", ""));
    assert_true(file_is(new_home, deep_name(), "deep"));
    assert_false(file_is(new_home, "models/model.gguf", "large"));
    assert_false(file_is(new_home, "liminal.conf", "port = 1"));
    struct stat info;
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/server.key", new_home);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void there_and_back(bool from_postgres, bool to_postgres)
{
    start(from_postgres, to_postgres);
    assert_ok(back_up(), &fault);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.rows, TEST_ODD_ROWS + 43 + 4);
    assert_int_equal(report.bytes, file_size(backup));
    assert_ok(restore(false), &fault);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.rows, TEST_ODD_ROWS + 43 + 4);
    assert_string_equal(aside, "");
    assert_same_rows(from.url, to.url);
    assert_files_came();
    stop(NULL);
}

static void from_each_into_each(void **state)
{
    for (int way = 0; way < 4; way++) there_and_back(way & 1, way & 2);
}

/* ---- what is there already ---- */

static void nothing_is_overwritten(void **state)
{
    assert_ok(back_up(), &fault);
    int64_t size = file_size(backup);
    assert_status(back_up(), STATUS_CONFLICT);
    assert_contains(fault.message, "exists already");
    assert_int_equal(file_size(backup), size);
    write_file(new_home, "server.key", "another");
    assert_status(restore(false), STATUS_CONFLICT);
    assert_contains(fault.message, "server.key");
    assert_true(file_is(new_home, "server.key", "another"));
    memcpy(to.url, from.url, sizeof to.url); /* has rows */
    assert_status(restore(false), STATUS_CONFLICT);
}

static void force_keeps_what_was_there(void **state)
{
    struct buffer before, after;
    buffer_init(&before);
    buffer_init(&after);
    assert_ok(back_up(), &fault);
    write_file(new_home, "server.key", "another");
    test_database_describe(from.url, &before);
    struct test_database kept = to;
    memcpy(to.url, from.url, sizeof to.url);
    assert_ok(restore(true), &fault);
    test_database_describe(from.url, &after);
    assert_string_equal(before.data, after.data);
    assert_files_came();
    assert_true(file_is(aside, "server.key", "another"));

    snprintf(backup, sizeof backup, "%.400s/liminal-backup.tar", aside);
    snprintf(new_home, sizeof new_home, "%s/third", folder);
    to = kept; /* what was there can itself be put back */
    assert_ok(restore(false), &fault);
    assert_same_rows(from.url, to.url);
    buffer_deinit(&before);
    buffer_deinit(&after);
}

/* ---- damage ---- */

static void assert_nothing_changed(void)
{
    struct buffer there;
    buffer_init(&there);
    test_database_describe(to.url, &there);
    assert_contains(there.data, "every type 0 ");
    buffer_deinit(&there);
    assert_false(file_exists(new_home));
}

static void damage_is_found_before_anything_changes(void **state)
{
    assert_ok(back_up(), &fault);
    struct buffer whole;
    buffer_init(&whole);
    assert_ok(file_read(backup, 1 << 24, &whole, &fault), &fault);
    for (size_t at = 100; at < whole.length - 1024; at += whole.length / 40) {
        whole.data[at] ^= 1;
        assert_ok(file_write_atomic(backup, whole.data, whole.length, 0600, &fault), &fault);
        whole.data[at] ^= 1;
        enum status status = restore(false);
        if (status == OK) fail_msg("a changed byte at %zu was not found", at);
        assert_nothing_changed();
    }
    for (size_t length = 0; length < whole.length - 1024; length += whole.length / 20) {
        assert_ok(file_write_atomic(backup, whole.data, length, 0600, &fault), &fault);
        assert_status(restore(false), STATUS_CORRUPT);
        assert_nothing_changed();
    }
    buffer_deinit(&whole);
}

static bool give_up(void *argument, uint64_t done, uint64_t total)
{
    return done < 100000;
}

static void a_stopped_backup_leaves_nothing(void **state)
{
    const struct operations_progress progress = {give_up, NULL};
    const struct backup_source source = {.database = from.url, .program = "a test"};
    assert_status(backup_write(backup, &source, &progress, &report, &fault), STATUS_CANCELLED);
    char command[PATH_BYTES];
    snprintf(command, sizeof command, "test -z \"$(ls %s | grep backup)\"", folder);
    assert_int_equal(system(command), 0);
}

/* ---- a database among the files ---- */

static void the_database_is_no_file(void **state)
{
    char url[2 * PATH_BYTES];
    snprintf(url, sizeof url, "sqlite:%s/../old/./mine.db", old_home);
    test_database_fill(url, false);
    const struct backup_source source = {
        .database = url, .data_folder = old_home, .program = "a test"};
    struct database *open_still; /* so that its WAL is there too */
    assert_ok(database_open_url(&open_still, url, NULL, &fault), &fault);
    test_write(open_still, test_fill);
    assert_ok(backup_write(backup, &source, NULL, &report, &fault), &fault);
    database_close(open_still);
    assert_int_equal(report.files, 3);
    assert_ok(restore(false), &fault);
    assert_files_came();
    assert_same_rows(url, to.url);
}

/* ---- one moment ---- */

struct writing {
    struct database *database;
    atomic_bool stop;
};

/* A pair of rows at a time: a backup has both or none. */
static enum status insert_pair(struct transaction *t, void *argument, struct fault *f)
{
    const int64_t *number = argument;
    return SQL_EXECUTE(t, NULL, f, "INSERT INTO egg (id, hen) VALUES ($1, NULL), ($2, NULL)",
                       sql_integer(1000 + 2 * *number), sql_integer(1001 + 2 * *number));
}

static void *write_pairs(void *argument)
{
    struct writing *writing = argument;
    for (int64_t number = 0; !atomic_load(&writing->stop); number++) {
        struct fault own;
        if (database_write(writing->database, sql_actor_system(), insert_pair, &number, &own) != OK)
            break;
    }
    return NULL;
}

static enum status count_eggs(struct transaction *t, void *argument, struct fault *f)
{
    struct sql_rows rows;
    TRY(sql_query(t, sql_job(t), &rows, "SELECT count(*) FROM egg WHERE id >= 1000", NULL, 0, f));
    *(int64_t *)argument = sql_at(&rows, 0, 0)->integer;
    return OK;
}

static int64_t eggs_in(const char *url)
{
    struct database *database;
    int64_t count;
    assert_ok(database_open_url(&database, url, NULL, &fault), &fault);
    assert_ok(database_read(database, sql_actor_system(), count_eggs, &count, &fault), &fault);
    database_close(database);
    return count;
}

static void a_backup_is_of_one_moment(bool is_postgres)
{
    start(is_postgres, false);
    struct writing writing = {0};
    pthread_t thread;
    assert_ok(database_open_url(&writing.database, from.url, NULL, &fault), &fault);
    pthread_create(&thread, NULL, write_pairs, &writing);
    while (eggs_in(from.url) < 20) usleep(1000);
    assert_ok(back_up(), &fault);
    atomic_store(&writing.stop, true);
    pthread_join(thread, NULL);
    database_close(writing.database);
    assert_ok(restore(false), &fault); /* which compares the sums */
    int64_t kept = eggs_in(to.url);
    assert_true(kept >= 20 && kept % 2 == 0);
    stop(NULL);
}

static void of_one_moment_while_others_write(void **state)
{
    a_backup_is_of_one_moment(false);
    a_backup_is_of_one_moment(true);
}

/* ---- no room ---- */

static void without_room_it_says_so(void **state)
{
    const struct backup_source source = {.database = from.url, .program = "a test"};
    assert_status(backup_write("/dev/full/backup.tar", &source, NULL, &report, &fault), STATUS_IO);
    assert_status(backup_write("/nowhere/backup.tar", &source, NULL, &report, &fault), STATUS_IO);
    assert_contains(fault.message, "/nowhere/backup.tar");
}

#define BACKUP_TEST(name) cmocka_unit_test_setup_teardown(name, start_sqlite, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_each_into_each),
        cmocka_unit_test(of_one_moment_while_others_write),
        BACKUP_TEST(the_database_is_no_file),
        BACKUP_TEST(nothing_is_overwritten),
        BACKUP_TEST(force_keeps_what_was_there),
        BACKUP_TEST(damage_is_found_before_anything_changes),
        BACKUP_TEST(a_stopped_backup_leaves_nothing),
        BACKUP_TEST(without_room_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
