/* kv_store_test.c - what is found is what was written, whatever happened to the file meanwhile: a
 * restart, a full disk, damage, another model, a server killed in the middle. */
#include "inference/realization/kv_store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test_support.h"
#include "platform/platform.h"

enum { PAGE_BYTES = 6000, SLOTS = 8, SLOT_BYTES = 8192 };

static char path[64];
static struct doorbell bell;

static int make_folder(void **state)
{
    char folder[] = "/tmp/liminal-kv-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pages", folder);
    doorbell_init(&bell);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    doorbell_deinit(&bell);
    return 0;
}

static struct kv_store_options options_of(uint32_t slots)
{
    return (struct kv_store_options){
        .path = path,
        .budget_bytes = 2 * KV_STORE_BLOCK + slots * (SLOT_BYTES + KV_STORE_RECORD_BYTES),
        .page_bytes = PAGE_BYTES,
        .identity = {"this model, this program"},
        .done = &bell,
    };
}

static struct kv_store *open_store(uint32_t slots)
{
    struct kv_store *store;
    struct fault fault;
    struct kv_store_options options = options_of(slots);
    assert_ok(kv_store_open(&store, &options, &fault), &fault);
    return store;
}

/* Labels need not be what a cache would say. */
static struct page_label label_of(int number)
{
    struct page_label label = {.before = {{(uint64_t)number - 1, 7}},
                               .name = {{(uint64_t)number, 9}}};
    for (int i = 0; i < KV_PAGE_TOKENS; i++) label.tokens[i] = number * 100 + i;
    return label;
}

static void fill(unsigned char *page, int number)
{
    for (int i = 0; i < PAGE_BYTES; i++) page[i] = (unsigned char)(number * 31 + i * 7 + i / 256);
}

static void drain(struct kv_store *store)
{
    struct kv_store_read read;
    while (kv_store_is_busy(store)) {
        doorbell_await(&bell);
        assert_false(kv_store_collect(store, &read));
    }
}

static void save(struct kv_store *store, int number)
{
    unsigned char page[PAGE_BYTES];
    struct page_label label = label_of(number);
    fill(page, number);
    assert_true(kv_store_save(store, &label, page));
    memset(page, 0, sizeof page); /* it was copied */
    drain(store);
}

/* Found, and what it should be. A page that is found must never be anything else. */
static bool holds(struct kv_store *store, int number)
{
    unsigned char page[PAGE_BYTES], wanted[PAGE_BYTES];
    struct page_label label = label_of(number);
    if (kv_store_find(store, &label) != KV_STORED) return false;
    assert_true(kv_store_read(store, &label, page, &label));
    assert_int_equal(kv_store_find(store, &label), KV_COMING);
    struct kv_store_read read;
    while (!kv_store_collect(store, &read)) doorbell_await(&bell);
    assert_ptr_equal(read.ticket, &label);
    assert_ptr_equal(read.page, page);
    if (!read.is_sound) {
        assert_int_equal(kv_store_find(store, &label), KV_ABSENT);
        return false;
    }
    fill(wanted, number);
    assert_memory_equal(page, wanted, sizeof page);
    return true;
}

static struct kv_store_counters counters_of(const struct kv_store *store)
{
    struct kv_store_counters counters;
    kv_store_counters(store, &counters);
    return counters;
}

/* ---- the ordinary way ---- */

static void pages_survive_a_restart(void **state)
{
    struct kv_store *store = open_store(SLOTS);
    struct hash_key key = *kv_store_key(store);
    for (int i = 0; i < 5; i++) save(store, i);
    save(store, 3); /* again: nothing to do */
    assert_int_equal(counters_of(store).saved, 5);
    for (int i = 0; i < 6; i++) assert_int_equal(holds(store, i), i < 5);
    kv_store_close(store);
    store = open_store(SLOTS);
    assert_memory_equal(&key, kv_store_key(store), sizeof key);
    assert_int_equal(counters_of(store).stored, 5);
    for (int i = 0; i < 6; i++) assert_int_equal(holds(store, i), i < 5);
    kv_store_close(store);
}

static void another_label_is_another_page(void **state)
{
    struct kv_store *store = open_store(SLOTS);
    save(store, 1);
    struct page_label label = label_of(1);
    label.tokens[KV_PAGE_TOKENS - 1]++; /* as if two had the same name */
    assert_int_equal(kv_store_find(store, &label), KV_ABSENT);
    label = label_of(1);
    label.before.words[1]++;
    assert_int_equal(kv_store_find(store, &label), KV_ABSENT);
    kv_store_close(store);
}

static void the_longest_unused_makes_room(void **state)
{
    struct kv_store *store = open_store(4);
    assert_int_equal(counters_of(store).slots, 4);
    for (int i = 0; i < 4; i++) save(store, i);
    assert_true(holds(store, 0)); /* used: 1 is the oldest now */
    save(store, 4);
    assert_false(holds(store, 1));
    kv_store_close(store);
    store = open_store(4); /* the order survives: 2 is next */
    save(store, 5);
    for (int i = 0; i < 6; i++) assert_int_equal(holds(store, i), i != 1 && i != 2);
    kv_store_close(store);
}

static void too_much_at_once_is_refused(void **state)
{
    struct kv_store *store = open_store(64);
    unsigned char page[PAGE_BYTES];
    int taken = 0, refused = 0;
    for (int i = 0; i < 2 * KV_STORE_SAVES; i++) {
        struct page_label label = label_of(i);
        fill(page, i);
        if (kv_store_save(store, &label, page))
            taken++;
        else
            refused++;
    }
    assert_int_equal(taken, KV_STORE_SAVES); /* for nobody collected */
    assert_int_equal(refused, KV_STORE_SAVES);
    drain(store);
    for (int i = 0; i < taken; i++) assert_true(holds(store, i));
    kv_store_close(store);
}

static void closing_finishes_what_was_asked(void **state)
{
    struct kv_store *store = open_store(64);
    unsigned char page[PAGE_BYTES];
    for (int i = 0; i < KV_STORE_SAVES; i++) {
        struct page_label label = label_of(i);
        fill(page, i);
        assert_true(kv_store_save(store, &label, page));
    }
    kv_store_close(store);
    store = open_store(64);
    for (int i = 0; i < KV_STORE_SAVES; i++) assert_true(holds(store, i));
    kv_store_close(store);
}

static void the_file_is_its_servers_alone(void **state)
{
    struct kv_store *store = open_store(SLOTS), *second;
    struct kv_store_options options = options_of(SLOTS);
    struct fault fault;
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_status(kv_store_open(&second, &options, &fault), STATUS_CONFLICT);
    assert_contains(fault.message, path);
    kv_store_close(store);
}

/* ---- other ways ---- */

static void other_models_find_nothing(void **state)
{
    struct kv_store *store = open_store(SLOTS);
    save(store, 1);
    kv_store_close(store);
    struct kv_store_options options = options_of(SLOTS);
    options.identity.digest[31] ^= 1;
    struct fault fault;
    assert_ok(kv_store_open(&store, &options, &fault), &fault);
    assert_false(holds(store, 1));
    save(store, 1);
    kv_store_close(store);
    store = open_store(SLOTS); /* nor does the first again */
    assert_false(holds(store, 1));
    kv_store_close(store);
    store = open_store(SLOTS + 1); /* another size */
    assert_false(holds(store, 1));
    kv_store_close(store);
}

static void flip(off_t at)
{
    int file = open(path, O_RDWR);
    unsigned char byte;
    assert_int_equal(pread(file, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(file, &byte, 1, at), 1);
    close(file);
}

static void damaged_bytes_are_never_found(void **state)
{
    const struct kv_store_header header = {.page_bytes = PAGE_BYTES, .slots = SLOTS};
    for (int where = 0; where < 200; where++) {
        struct kv_store *store = open_store(SLOTS);
        for (int i = 0; i < SLOTS; i++) save(store, i);
        kv_store_close(store);
        struct stat file;
        assert_int_equal(stat(path, &file), 0);
        off_t end = (off_t)kv_store_page_at(&header, 0);
        /* Header, table, pages in turn. */
        off_t at = where % 3 == 0   ? 8 + where * 120 / 200
                   : where % 3 == 1 ? KV_STORE_BLOCK + rand() % (SLOTS * KV_STORE_RECORD_BYTES)
                                    : end + rand() % (int)(file.st_size - end);
        flip(at);
        store = open_store(SLOTS);
        int found = 0;
        for (int i = 0; i < SLOTS; i++) found += holds(store, i);
        if (where % 3 == 0) assert_int_equal(found, 0);
        if (where % 3 == 1) assert_int_equal(found, SLOTS - 1);
        if (where % 3 == 2) assert_in_range(found, SLOTS - 1, SLOTS); /* between two pages */
        kv_store_close(store);
    }
}

static void a_file_that_ends_early_has_fewer_pages(void **state)
{
    const struct kv_store_header header = {.page_bytes = PAGE_BYTES, .slots = SLOTS};
    struct kv_store *store = open_store(SLOTS);
    for (int i = 0; i < SLOTS; i++) save(store, i);
    kv_store_close(store);
    assert_int_equal(truncate(path, (off_t)kv_store_page_at(&header, 3) + 100), 0);
    store = open_store(SLOTS);
    int found = 0;
    for (int i = 0; i < SLOTS; i++) found += holds(store, i);
    assert_int_equal(found, 3);
    save(store, 100); /* and goes on */
    assert_true(holds(store, 100));
    kv_store_close(store);
    for (int length = 0; length < 200; length += 13) { /* died at birth */
        assert_int_equal(truncate(path, length), 0);
        kv_store_close(open_store(SLOTS));
    }
}

static void what_is_no_store_is_left_alone(void **state)
{
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++) fputs("somebody's letters\n", file);
    fclose(file);
    struct kv_store *store;
    struct kv_store_options options = options_of(SLOTS);
    struct fault fault;
    assert_status(kv_store_open(&store, &options, &fault), STATUS_INVALID);
    assert_contains(fault.message, path);
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, 1900);
    options.budget_bytes = 10000;
    assert_status(kv_store_open(&store, &options, &fault), STATUS_INVALID);
    options = options_of(SLOTS);
    options.path = "/nowhere/pages";
    assert_status(kv_store_open(&store, &options, &fault), STATUS_IO);
}

/* No more bytes than there are: as on a full disk. */
static void a_full_disk_loses_pages_and_nothing_else(void **state)
{
    const struct kv_store_header header = {.page_bytes = PAGE_BYTES, .slots = SLOTS};
    struct kv_store *store = open_store(SLOTS);
    struct rlimit before, full;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = kv_store_page_at(&header, 2);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int i = 0; i < 5; i++) save(store, i);
    assert_int_equal(counters_of(store).saved, 2);
    assert_int_equal(counters_of(store).failed, 3);
    for (int i = 0; i < 5; i++) assert_int_equal(holds(store, i), i < 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    save(store, 4); /* room again */
    assert_true(holds(store, 4));
    kv_store_close(store);
}

/* ---- killed ---- */

static void write_until_killed(void)
{
    struct kv_store *store = open_store(SLOTS);
    unsigned char page[PAGE_BYTES];
    struct kv_store_read read;
    for (int i = 0;; i++) {
        int number = i % 50;
        struct page_label label = label_of(number);
        fill(page, number);
        while (!kv_store_save(store, &label, page)) {
            doorbell_await(&bell);
            kv_store_collect(store, &read);
        }
    }
}

static void a_killed_server_leaves_only_whole_pages(void **state)
{
    int found = 0;
    for (int round = 0; round < 30; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) write_until_killed();
        nanosleep(&(struct timespec){.tv_nsec = 5000000 + rand() % 10000000}, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct kv_store *store = open_store(SLOTS);
        for (int i = 0; i < 50; i++) found += holds(store, i);
        assert_int_equal(counters_of(store).failed, 0); /* the kernel lived */
        kv_store_close(store);
    }
    assert_true(found > 30);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(pages_survive_a_restart),
        TEST(another_label_is_another_page),
        TEST(the_longest_unused_makes_room),
        TEST(too_much_at_once_is_refused),
        TEST(closing_finishes_what_was_asked),
        TEST(the_file_is_its_servers_alone),
        TEST(other_models_find_nothing),
        TEST(damaged_bytes_are_never_found),
        TEST(a_file_that_ends_early_has_fewer_pages),
        TEST(what_is_no_store_is_left_alone),
        TEST(a_full_disk_loses_pages_and_nothing_else),
        TEST(a_killed_server_leaves_only_whole_pages),
    };
    assert_int_equal(log_configure("off", NULL), OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
