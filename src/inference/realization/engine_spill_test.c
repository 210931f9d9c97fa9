/* engine_spill_test.c - prompts that come back from disk: after they found no room in memory, after
 * a restart, and never wrong when the file is. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/compute.h"
#include "inference/realization/engine_test_support.h"
#include "platform/platform.h"

enum { T = KV_PAGE_TOKENS, PROMPT = 150, ANSWER = 20, STORE_BYTES = 64 << 20 };

static char folder[64];

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/liminal-spill-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

/* The one file in it. */
static void store_path(char *path, size_t capacity)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    *path = '\0';
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') snprintf(path, capacity, "%s/%s", folder, entry->d_name);
    closedir(dir);
    assert_true(*path);
}

static int remove_folder(void **state)
{
    char path[400];
    store_path(path, sizeof path);
    unlink(path);
    return rmdir(folder);
}

static struct engine_options options_of(uint32_t pages)
{
    return (struct engine_options){
        .sequences = 8,
        .context_length = 240,
        .kv_budget_bytes = (uint64_t)pages * (16 * 6 * 2 * 288 * 2),
        .spill_bytes = STORE_BYTES,
        .spill_folder = folder,
        .audit = true,
    };
}

static struct engine *open_spilling(uint32_t pages)
{
    struct engine_options options = options_of(pages);
    return open_engine(&options);
}

static void make_prompt(struct engine *engine, int32_t *tokens, uint32_t variant)
{
    uint32_t vocabulary = engine_model(engine)->vocabulary;
    for (uint32_t i = 0; i < PROMPT; i++)
        tokens[i] = (int32_t)(300 + (i * 7919 + variant * 104729) % (vocabulary - 300));
}

static struct told *start_variant(struct engine *engine, uint32_t variant, uint64_t tenant)
{
    int32_t tokens[PROMPT];
    make_prompt(engine, tokens, variant);
    struct generation_request request = request_of(tokens, PROMPT, ANSWER, told_new());
    request.tenant = tenant;
    request.sampling.temperature = 1;
    request.sampling.seed = variant;
    return start_request(engine, &request);
}

static struct told *answer_variant(struct engine *engine, uint32_t variant, uint64_t tenant)
{
    struct told *told = start_variant(engine, variant, tenant);
    told_wait(told, SIZE_MAX);
    return told;
}

/* Until the file has as many pages. */
static void wait_stored(struct engine *engine, uint32_t pages)
{
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        if (counters_of(engine).kv_pages_stored >= pages) return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail_msg("%u pages are stored, not %u", counters_of(engine).kv_pages_stored, pages);
}

enum { WHOLE = PROMPT / T };

static void a_prompt_survives_a_restart(void **state)
{
    struct engine *engine = open_spilling(64);
    struct told *first = answer_variant(engine, 1, 5);
    engine_close(engine);
    engine = open_spilling(64);
    assert_true(counters_of(engine).kv_pages_stored >= WHOLE);
    struct told *again = answer_variant(engine, 1, 5);
    assert_int_equal(again->cached_tokens, WHOLE * T);
    expect_same(first, again);
    assert_int_equal(counters_of(engine).kv_pages_restored, WHOLE);
    struct told *other = answer_variant(engine, 1, 6); /* not for another tenant */
    assert_int_equal(other->cached_tokens, 0);
    expect_same(first, other);
    engine_close(engine);
    told_free(first);
    told_free(again);
    told_free(other);
}

/* Far more conversations than fit into memory take turns; none is read twice. */
static void what_finds_no_room_is_read_back(void **state)
{
    enum { VARIANTS = 8 };
    struct engine *engine = open_spilling(16);
    struct told *first[VARIANTS];
    for (uint32_t i = 0; i < VARIANTS; i++) {
        first[i] = answer_variant(engine, i, 0);
        wait_stored(engine, (i + 1) * WHOLE);
    }
    assert_true(counters_of(engine).kv_pages_evicted > 0);
    for (uint32_t i = 0; i < VARIANTS; i++) {
        struct told *again = answer_variant(engine, i, 0);
        assert_true(again->cached_tokens >= WHOLE * T);
        expect_same(first[i], again);
        told_free(again);
        told_free(first[i]);
    }
    assert_true(counters_of(engine).kv_pages_restored >= (VARIANTS - 1) * WHOLE);
    assert_int_equal(counters_of(engine).kv_spill_failures, 0);
    engine_close(engine);
}

/* All at once want the same pages from disk: they come once. Some leave meanwhile. */
static void a_crowd_waits_for_the_same_pages(void **state)
{
    enum { CROWD = 8 };
    struct engine *engine = open_spilling(64);
    struct told *first = answer_variant(engine, 1, 0);
    engine_close(engine);
    engine = open_spilling(64);
    struct told *told[CROWD];
    for (int i = 0; i < CROWD; i++) told[i] = start_variant(engine, 1, 0);
    engine_cancel(engine, told[0]->generation);
    engine_cancel(engine, told[3]->generation);
    for (int i = 0; i < CROWD; i++) {
        told_wait(told[i], SIZE_MAX);
        if (told[i]->end != END_CANCELLED) expect_same(first, told[i]);
        told_free(told[i]);
    }
    assert_int_equal(counters_of(engine).kv_pages_restored, WHOLE);
    engine_close(engine);
    told_free(first);
}

/* Hardly more pages than one conversation needs, while others are on their way from disk. */
static void want_of_pages_and_disk_go_together(void **state)
{
    enum { VARIANTS = 6, ROUNDS = 3 };
    struct engine *engine = open_spilling(15);
    struct told *first[VARIANTS], *told[VARIANTS * 2];
    for (uint32_t i = 0; i < VARIANTS; i++) {
        first[i] = answer_variant(engine, i, 0);
        wait_stored(engine, (i + 1) * WHOLE);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < VARIANTS * 2; i++) {
            told[i] = start_variant(engine, i % VARIANTS, 0);
            if (i % 5 == 4) engine_cancel(engine, told[i - 2]->generation);
        }
        for (uint32_t i = 0; i < VARIANTS * 2; i++) {
            told_wait(told[i], SIZE_MAX);
            if (told[i]->end != END_CANCELLED) expect_same(first[i % VARIANTS], told[i]);
            told_free(told[i]);
        }
    }
    struct engine_counters counters = counters_of(engine);
    print_message("%llu spilled, %llu restored, %llu evicted, %llu parked\n",
                  (unsigned long long)counters.kv_pages_spilled,
                  (unsigned long long)counters.kv_pages_restored,
                  (unsigned long long)counters.kv_pages_evicted,
                  (unsigned long long)counters.preempted);
    assert_true(counters.kv_pages_restored > 0);
    for (uint32_t i = 0; i < VARIANTS; i++) told_free(first[i]);
    engine_close(engine);
}

static void damage_costs_time_and_nothing_else(void **state)
{
    struct engine *engine = open_spilling(64);
    struct told *first = answer_variant(engine, 1, 0);
    engine_close(engine);
    char path[400];
    struct stat file;
    store_path(path, sizeof path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    int fd = open(path, O_RDWR);
    off_t page_bytes = 16 * 6 * 2 * 288 * 2, pages = (file.st_size / page_bytes - 3) * page_bytes;
    for (off_t at = file.st_size - pages; at < file.st_size; at += 2 * page_bytes) {
        assert_int_equal(pwrite(fd, "damage", 6, at), 6);
    }
    close(fd);
    engine = open_spilling(64);
    struct told *again = answer_variant(engine, 1, 0);
    assert_true(again->cached_tokens < WHOLE * T);
    expect_same(first, again);
    assert_true(counters_of(engine).kv_spill_failures > 0);
    engine_close(engine);
    engine = open_spilling(64); /* what was damaged is there again */
    struct told *third = answer_variant(engine, 1, 0);
    assert_int_equal(third->cached_tokens, WHOLE * T);
    expect_same(first, third);
    engine_close(engine);
    told_free(first);
    told_free(again);
    told_free(third);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(a_prompt_survives_a_restart),        TEST(what_finds_no_room_is_read_back),
        TEST(a_crowd_waits_for_the_same_pages),   TEST(want_of_pages_and_disk_go_together),
        TEST(damage_costs_time_and_nothing_else),
    };
    assert_int_equal(log_configure("off", NULL), OK);
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
