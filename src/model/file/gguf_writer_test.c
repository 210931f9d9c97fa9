/* gguf_writer_test.c - what is written is read back the same; a full disk leaves the old file and
 * no rubbish. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test_support.h"
#include "model/file/gguf.h"
#include "platform/platform.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/liminal-writer-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(path);
    return rmdir(folder);
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void add_entries(struct gguf_writer *writer)
{
    gguf_writer_add_string(writer, "general.architecture", TEXT("test"));
    gguf_writer_add_u32(writer, "u", 4000000000u);
    gguf_writer_add_f32(writer, "f", -0.1f);
    gguf_writer_add_bool(writer, "b", true);
    gguf_writer_add_string(writer, "empty", TEXT(""));
    gguf_writer_add_strings(writer, "s", (struct text[]){TEXT("one"), TEXT("a\0b")}, 2);
    gguf_writer_add_i32s(writer, "i", (int32_t[]){-1, 2, INT32_MAX}, 3);
    gguf_writer_add_f32s(writer, "none", NULL, 0);
}

static void check_entries(const struct gguf *gguf)
{
    assert_int_equal(gguf_version(gguf), 3);
    assert_int_equal(gguf_entry_count(gguf), 8);
    assert_int_equal(gguf_find(gguf, "u")->u, 4000000000u);
    assert_true((float)gguf_find(gguf, "f")->f == -0.1f);
    assert_int_equal(gguf_find(gguf, "b")->kind, GGUF_BOOL);
    assert_int_equal(gguf_find(gguf, "b")->u, 1);
    assert_int_equal(gguf_find(gguf, "empty")->string.length, 0);
    assert_true(text_equal(gguf_find(gguf, "s")->array.strings[1], TEXT("a\0b")));
    int32_t numbers[3];
    memcpy(numbers, gguf_find(gguf, "i")->array.data, sizeof numbers);
    assert_int_equal(numbers[0], -1);
    assert_int_equal(numbers[2], INT32_MAX);
    assert_int_equal(gguf_find(gguf, "none")->array.count, 0);
}

/* 5 floats need padding before what follows; the second tensor comes in pieces. */
static void write_tensors(struct gguf_writer *writer, size_t rows)
{
    struct fault fault;
    float values[32];
    for (int i = 0; i < 32; i++) values[i] = (float)i;
    gguf_writer_declare(writer, TEXT("a"), TENSOR_F32, (uint64_t[]){5}, 1);
    gguf_writer_declare(writer, TEXT("b"), TENSOR_F32, (uint64_t[]){32, rows}, 2);
    assert_ok(gguf_writer_data(writer, values, 20, &fault), &fault);
    for (size_t i = 0; i < rows; i++) {
        assert_ok(gguf_writer_data(writer, values, 4, &fault), &fault);
        assert_ok(gguf_writer_data(writer, values + 1, 124, &fault), &fault);
    }
}

static void what_is_written_is_read(void **state)
{
    struct gguf_writer *writer;
    struct gguf *gguf;
    struct fault fault;
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    add_entries(writer);
    write_tensors(writer, 3);
    assert_false(file_exists(path)); /* not before it is whole */
    assert_ok(gguf_writer_finish(writer, &fault), &fault);
    assert_int_equal(files_in_folder(), 1);

    assert_ok(gguf_open(&gguf, path, &fault), &fault);
    check_entries(gguf);
    assert_int_equal(gguf_tensor_count(gguf), 2);
    const struct gguf_tensor *tensor = gguf_find_tensor(gguf, "b");
    assert_int_equal(tensor->bytes, 3 * 128);
    assert_int_equal((uintptr_t)tensor->data % 32, 0);
    float row[32];
    memcpy(row, (const char *)tensor->data + 256, sizeof row);
    for (int i = 0; i < 32; i++) assert_true(row[i] == (float)i);
    gguf_close(gguf);
}

/* Every kind, also those that only other writers use, survives being copied. */
static void entries_are_copied_from_another_file(void **state)
{
    struct file_map map;
    struct gguf *first, *second;
    struct gguf_writer *writer;
    struct fault fault;
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    add_entries(writer);
    gguf_writer_add_value(writer, TEXT("i8"), &(struct gguf_value){.kind = GGUF_I8, .i = -7});
    gguf_writer_add_value(writer, TEXT("u16"), &(struct gguf_value){.kind = GGUF_U16, .u = 65535});
    gguf_writer_add_value(writer, TEXT("i64"), &(struct gguf_value){.kind = GGUF_I64, .i = -1});
    gguf_writer_add_value(writer, TEXT("f64"), &(struct gguf_value){.kind = GGUF_F64, .f = 0.1});
    assert_ok(gguf_writer_finish(writer, &fault), &fault);
    assert_ok(file_map_open(&map, path, &fault), &fault);
    assert_ok(gguf_open_memory(&first, map.data, map.length, &fault), &fault);
    assert_int_equal(gguf_find(first, "i8")->i, -7);

    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    for (size_t i = 0; i < gguf_entry_count(first); i++)
        gguf_writer_add_value(writer, gguf_entry_at(first, i)->key,
                              &gguf_entry_at(first, i)->value);
    assert_ok(gguf_writer_finish(writer, &fault), &fault);
    struct file_map copy;
    assert_ok(file_map_open(&copy, path, &fault), &fault);
    assert_ok(gguf_open_memory(&second, copy.data, copy.length, &fault), &fault);
    assert_int_equal(copy.length, map.length);
    assert_memory_equal(copy.data, map.data, map.length);
    gguf_close(first);
    gguf_close(second);
    file_map_close(&map);
    file_map_close(&copy);
}

static void write_old_file(void)
{
    struct fault fault;
    assert_ok(file_write_atomic(path, "old", 3, 0600, &fault), &fault);
}

static void check_old_file(void)
{
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(file_size(path), 3);
}

/* Run `use` with files limited to a size, as on a full disk. */
static void with_file_limit(rlim_t bytes, void (*use)(void))
{
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    use();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

static void write_too_much(void)
{
    struct gguf_writer *writer;
    struct fault fault;
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    gguf_writer_declare(writer, TEXT("large"), TENSOR_F32, (uint64_t[]){1 << 20}, 1);
    assert_status(gguf_writer_data(writer, "1234", 4, &fault), STATUS_IO); /* told at once */
    assert_contains(fault.message, path);
    assert_contains(fault.message, "free some space");
    gguf_writer_abort(writer);
}

/* Entries alone are only written out at the end. */
static void write_too_many_entries(void)
{
    struct gguf_writer *writer;
    struct fault fault;
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    static char text[100000];
    gguf_writer_add_string(writer, "large", (struct text){text, sizeof text});
    assert_status(gguf_writer_finish(writer, &fault), STATUS_IO);
    assert_contains(fault.message, "free some space");
}

static void a_full_disk_keeps_the_old_file(void **state)
{
    write_old_file();
    with_file_limit(65536, write_too_much);
    check_old_file();
    with_file_limit(65536, write_too_many_entries);
    check_old_file();
}

static void giving_up_leaves_nothing(void **state)
{
    struct gguf_writer *writer;
    struct fault fault;
    write_old_file();
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    add_entries(writer);
    write_tensors(writer, 1000);
    gguf_writer_abort(writer);
    check_old_file();
    gguf_writer_abort(NULL);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct gguf_writer *writer;
    struct fault fault;
    assert_status(gguf_writer_open(&writer, "/nowhere/at/all.gguf", &fault), STATUS_IO);
    assert_contains(fault.message, "/nowhere/at/all.gguf");
    assert_null(writer);
}

static void permissions_follow_the_umask(void **state)
{
    struct gguf_writer *writer;
    struct fault fault;
    mode_t old = umask(027);
    assert_ok(gguf_writer_open(&writer, path, &fault), &fault);
    assert_ok(gguf_writer_finish(writer, &fault), &fault);
    umask(old);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_is_read),
        IN_FOLDER(entries_are_copied_from_another_file),
        IN_FOLDER(a_full_disk_keeps_the_old_file),
        IN_FOLDER(giving_up_leaves_nothing),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        IN_FOLDER(permissions_follow_the_umask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
