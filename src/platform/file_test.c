/* file_test.c - maps, whole-file reads and atomic writes on a real temporary directory. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test_support.h"
#include "platform/platform.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[2][160];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/liminal-file-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void what_is_written_is_read_and_mapped(void **state)
{
    struct fault fault;
    struct buffer back;
    struct file_map map;
    buffer_init(&back);
    assert_ok(file_write_atomic(in_folder("a"), "hello", 5, 0600, &fault), &fault);
    assert_int_equal(file_size(in_folder("a")), 5);
    assert_ok(file_read(in_folder("a"), 5, &back, &fault), &fault);
    assert_string_equal(back.data, "hello");
    assert_ok(file_map_open(&map, in_folder("a"), &fault), &fault);
    assert_memory_equal(map.data, "hello", 5);
    file_map_release(&map, 0, 1 << 20);
    assert_memory_equal(map.data, "hello", 5);
    file_map_close(&map);
    struct stat info;
    assert_int_equal(stat(in_folder("a"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    buffer_deinit(&back);
}

static void an_empty_file_maps_to_nothing(void **state)
{
    struct fault fault;
    struct file_map map;
    assert_ok(file_write_atomic(in_folder("empty"), "", 0, 0644, &fault), &fault);
    assert_ok(file_map_open(&map, in_folder("empty"), &fault), &fault);
    assert_int_equal(map.length, 0);
    file_map_close(&map);
}

static void faults_name_the_path_and_the_cause(void **state)
{
    struct fault fault;
    struct file_map map;
    struct buffer out;
    buffer_init(&out);
    assert_status(file_map_open(&map, in_folder("absent"), &fault), STATUS_NOT_FOUND);
    assert_contains(fault.message, "absent: No such file");
    assert_status(file_map_open(&map, folder, &fault), STATUS_INVALID);
    assert_contains(fault.message, "not a regular file");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_status(file_map_open(&map, in_folder("pipe"), &fault), STATUS_INVALID); /* at once */
    assert_contains(fault.message, "not a regular file");
    assert_ok(file_write_atomic(in_folder("big"), "0123456789", 10, 0644, &fault), &fault);
    assert_status(file_read(in_folder("big"), 9, &out, &fault), STATUS_TOO_LARGE);
    assert_status(directory_make(in_folder("big"), &fault), STATUS_CONFLICT);
    assert_status(file_write_atomic(in_folder("no/such/folder"), "x", 1, 0644, &fault),
                  STATUS_NOT_FOUND);
    buffer_deinit(&out);
}

/* A full disk, played by the kernel's limit on file size: the old content must survive. */
static void a_failed_write_keeps_the_old_file(void **state)
{
    struct fault fault;
    struct buffer back;
    buffer_init(&back);
    assert_ok(file_write_atomic(in_folder("keep"), "old", 3, 0644, &fault), &fault);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {.rlim_cur = 1024, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    static char large[8192];
    enum status status = file_write_atomic(in_folder("keep"), large, sizeof large, 0644, &fault);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, STATUS_IO);
    assert_ok(file_read(in_folder("keep"), 100, &back, &fault), &fault);
    assert_string_equal(back.data, "old");
    char command[160];
    snprintf(command, sizeof command, "test $(ls '%s' | grep -c 'keep') -eq 1", folder);
    assert_int_equal(system(command), 0); /* no temporary file left */
    buffer_deinit(&back);
}

static void folders_are_made_deep_and_private(void **state)
{
    struct fault fault;
    struct stat info;
    assert_ok(directory_make(in_folder("x/y/z"), &fault), &fault);
    assert_ok(directory_make(in_folder("x/y/z"), &fault), &fault);
    assert_int_equal(stat(in_folder("x/y/z"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_mapped),
        cmocka_unit_test(an_empty_file_maps_to_nothing),
        cmocka_unit_test(faults_name_the_path_and_the_cause),
        cmocka_unit_test(a_failed_write_keeps_the_old_file),
        cmocka_unit_test(folders_are_made_deep_and_private),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
