/* hot_state_contract_test.c - what hot_state.h promises, held by each realization alike. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "storage/realization/hot_states.h"
#include "storage/test_service.h"

static char redis[TEST_URL_BYTES];
static bool is_redis;
static struct hot_state *hot, *other; /* another server's view of the same */
static struct arena job;
static struct fault fault;

static void open_state(struct hot_state **state)
{
    if (is_redis)
        assert_ok(hot_redis_open(state, &(struct hot_redis_options){.url = redis}, &fault), &fault);
    else
        assert_ok(hot_memory_open(state, 0, &fault), &fault);
}

static int open_all(bool with_redis)
{
    is_redis = with_redis;
    if (is_redis) test_service("redis", "start", "", redis);
    open_state(&hot);
    other = hot;
    if (is_redis) open_state(&other);
    return 0;
}

static int open_memory(void **state)
{
    return open_all(false);
}

static int open_redis(void **state)
{
    return open_all(true);
}

static int close_all(void **state)
{
    if (other != hot) hot_close(other);
    hot_close(hot);
    if (is_redis) test_service("redis", "stop", redis, NULL);
    return 0;
}

static int begin_test(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int end_test(void **state)
{
    arena_deinit(&job);
    return 0;
}

static void put(const char *key, struct text value, uint64_t ttl_ms)
{
    assert_ok(hot_put(hot, text_of(key), value, ttl_ms, &fault), &fault);
}

static void expect(const char *key, struct text wanted)
{
    struct text value;
    assert_ok(hot_get(other, text_of(key), &job, &value, &fault), &fault);
    assert_true(text_equal(value, wanted));
}

static void expect_nothing(const char *key)
{
    struct text value;
    assert_status(hot_get(other, text_of(key), &job, &value, &fault), STATUS_NOT_FOUND);
}

static void keeps_and_forgets(void **state)
{
    put("a", TEXT("one"), 60000);
    put("b", TEXT("\0 bytes \xff\r\n"), 60000);
    put("empty", TEXT(""), 60000);
    expect("a", TEXT("one"));
    expect("b", TEXT("\0 bytes \xff\r\n"));
    expect("empty", TEXT(""));
    put("a", TEXT("two"), 60000);
    expect("a", TEXT("two"));
    assert_ok(hot_delete(other, TEXT("a"), &fault), &fault);
    assert_ok(hot_delete(other, TEXT("a"), &fault), &fault);
    expect_nothing("a");
    put("short", TEXT("x"), 50);
    expect("short", TEXT("x"));
    usleep(80000);
    expect_nothing("short");
    put("forever", TEXT("x"), UINT64_MAX);
    expect("forever", TEXT("x"));
}

static void bounds(void **state)
{
    static char bytes[HOT_VALUE_BYTES + 1];
    struct text value, most = {bytes, HOT_VALUE_BYTES}, key = {bytes, HOT_KEY_BYTES};
    memset(bytes, 'k', sizeof bytes);
    assert_ok(hot_put(hot, key, most, 60000, &fault), &fault);
    assert_ok(hot_get(other, key, &job, &value, &fault), &fault);
    assert_true(text_equal(value, most));
    assert_status(hot_put(hot, key, (struct text){bytes, HOT_VALUE_BYTES + 1}, 1, &fault),
                  STATUS_TOO_LARGE);
    assert_status(hot_put(hot, (struct text){bytes, HOT_KEY_BYTES + 1}, most, 1, &fault),
                  STATUS_TOO_LARGE);
    assert_status(hot_delete(hot, TEXT(""), &fault), STATUS_TOO_LARGE);
    assert_ok(hot_delete(hot, key, &fault), &fault);
}

static void counts_from_the_first(void **state)
{
    uint64_t count;
    for (uint64_t i = 1; i <= 5; i++) {
        assert_ok(hot_count(i % 2 ? hot : other, TEXT("tries"), 200, &count, &fault), &fault);
        assert_int_equal(count, i);
        usleep(10000);
    }
    usleep(200000); /* the life began with the first, whatever came after */
    assert_ok(hot_count(hot, TEXT("tries"), 200, &count, &fault), &fault);
    assert_int_equal(count, 1);
}

static void a_bucket_pays_until_it_is_empty(void **state)
{
    const struct hot_bucket bucket = {.per_second = 20, .burst = 3};
    struct hot_allowance got;
    for (int i = 0; i < 3; i++) {
        assert_ok(hot_spend(i % 2 ? hot : other, TEXT("bucket"), &bucket, 1, &got, &fault), &fault);
        assert_true(got.allowed && got.wait_ms == 0);
    }
    assert_ok(hot_spend(hot, TEXT("bucket"), &bucket, 1, &got, &fault), &fault);
    assert_false(got.allowed);
    assert_true(got.left < 1 && got.wait_ms > 0 && got.wait_ms <= 50);
    usleep((useconds_t)(got.wait_ms + 2) * 1000);
    assert_ok(hot_spend(hot, TEXT("bucket"), &bucket, 1, &got, &fault), &fault);
    assert_true(got.allowed);
    assert_ok(hot_spend(hot, TEXT("bucket"), &bucket, 4, &got, &fault), &fault);
    assert_true(!got.allowed && got.wait_ms == UINT64_MAX); /* never holds so much */
    usleep(300000);
    assert_ok(hot_spend(hot, TEXT("bucket"), &bucket, 0, &got, &fault), &fault);
    assert_true(fabs(got.left - 3) < 0.01); /* and no more than that */
}

static void a_bucket_is_arithmetic(void **state)
{
    const struct hot_bucket bucket = {.per_second = 2, .burst = 10};
    double left = 4;
    struct hot_allowance got = hot_bucket_spend(&bucket, &left, 1500, 6);
    assert_true(got.allowed && left == 1 && got.left == 1);
    got = hot_bucket_spend(&bucket, &left, 0, 2);
    assert_true(!got.allowed && left == 1 && got.wait_ms == 500);
    got = hot_bucket_spend(&bucket, &left, 3600000, 0);
    assert_true(got.allowed && left == 10);
    const struct hot_bucket still = {.per_second = 0, .burst = 1};
    left = 0.5;
    assert_true(hot_bucket_spend(&still, &left, 1000000, 1).wait_ms == UINT64_MAX);
}

/* ---- many at once ---- */

enum { THREADS = 8, ROUNDS = 100 };
static atomic_int taken, claimed, paid, failures;

static void *grab(void *argument)
{
    struct hot_state *mine = (uintptr_t)argument % 2 ? hot : other;
    const struct hot_bucket bucket = {.per_second = 0, .burst = 50};
    struct arena own;
    struct fault what;
    arena_init(&own, 0);
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        struct text value;
        bool is_mine;
        struct hot_allowance got;
        snprintf(key, sizeof key, "once %d", i);
        enum status status = hot_take(mine, text_of(key), &own, &value, &what);
        if (status == OK) taken++;
        if (status != OK && status != STATUS_NOT_FOUND) failures++;
        snprintf(key, sizeof key, "claim %d", i);
        if (hot_claim(mine, text_of(key), TEXT("who"), 60000, &own, &is_mine, &value, &what) != OK)
            failures++;
        else if (is_mine)
            claimed++;
        else if (!text_equal(value, TEXT("who")))
            failures++;
        if (hot_spend(mine, TEXT("fixed"), &bucket, 1, &got, &what) != OK) failures++;
        if (got.allowed) paid++;
    }
    arena_deinit(&own);
    return NULL;
}

static void one_of_many_gets_it(void **state)
{
    pthread_t threads[THREADS];
    taken = claimed = paid = failures = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "once %d", i);
        put(key, TEXT("x"), 60000);
    }
    for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, grab, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    assert_int_equal(taken, ROUNDS);
    assert_int_equal(claimed, ROUNDS);
    assert_int_equal(paid, 50);
}

/* ---- each its own ---- */

static void memory_forgets_nothing_before_its_time(void **state)
{
    struct hot_state *small;
    char key[32];
    assert_ok(hot_memory_open(&small, 100000, &fault), &fault);
    enum status status = OK;
    int stored = 0;
    for (; stored < 10000 && status == OK; stored++) {
        snprintf(key, sizeof key, "key %d", stored);
        status = hot_put(small, text_of(key), TEXT("some value"), stored % 2 ? 60000 : 30, &fault);
    }
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_true(stored > 100);
    struct text value;
    assert_ok(hot_get(small, TEXT("key 1"), &job, &value, &fault), &fault);
    usleep(50000); /* half of them have expired */
    assert_ok(hot_put(small, TEXT("more"), TEXT("some value"), 60000, &fault), &fault);
    hot_close(small);
}

static void wait_for_redis(void)
{
    enum status status = STATUS_UNAVAILABLE;
    for (int i = 0; i < 100 && status != OK; i++) {
        usleep(100000);
        status = hot_check(hot, &fault);
    }
    assert_ok(status, &fault);
}

static void a_missing_redis_is_a_fault_and_found_again(void **state)
{
    struct text value;
    test_service("redis", "kill", redis, NULL);
    for (int i = 0; i < 12; i++) /* all connections of the pool */
        assert_status(hot_get(hot, TEXT("x"), &job, &value, &fault), STATUS_UNAVAILABLE);
    assert_contains(fault.message, "Redis can't be reached");
    assert_status(hot_check(hot, &fault), STATUS_UNAVAILABLE);
    test_service("redis", "restart", redis, NULL);
    wait_for_redis();
    put("back", TEXT("again"), 60000);
}

/* Whoever asks must be able to tell "no" from "nobody knows": no operation answers anything. */
static void a_missing_redis_never_answers(void **state)
{
    const struct hot_bucket bucket = {.per_second = 1, .burst = 1};
    const struct text key = TEXT("revoked"), word = TEXT("yes");
    struct hot_allowance allowance = {0};
    struct text value = {0};
    bool mine = false;
    uint64_t count = 0;
    put("revoked", word, 60000);
    test_service("redis", "stop-server", redis, NULL);
    assert_status(hot_get(hot, key, &job, &value, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_put(hot, key, word, 1000, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_take(hot, key, &job, &value, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_delete(hot, key, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_claim(hot, key, word, 1000, &job, &mine, &value, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_count(hot, key, 1000, &count, &fault), STATUS_UNAVAILABLE);
    assert_status(hot_spend(hot, key, &bucket, 1, &allowance, &fault), STATUS_UNAVAILABLE);
    assert_false(mine || allowance.allowed || count || value.data);
    test_service("redis", "restart", redis, NULL);
    wait_for_redis();
    /* One that keeps nothing on the disk has forgotten: what must not be lost is in the database.
     */
    assert_status(hot_get(hot, key, &job, &value, &fault), STATUS_NOT_FOUND);
}

static void bad_urls_are_refused_without_their_password(void **state)
{
    static const char *const urls[] = {
        "",
        "http://x",
        "redis://",
        "redis://:secret@",
        "redis://secret@host",
        "redis://h:0",
        "redis://h:99999",
        "redis://h/x",
        "redis://[::1",
        "unix:relative",
        "redis://u:secret%2@h",
    };
    struct hot_state *none;
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct hot_redis_options options = {.url = urls[i]};
        assert_status(hot_redis_open(&none, &options, &fault), STATUS_INVALID);
        assert_null(strstr(fault.message, "secret"));
    }
    static const char *const good[] = {"redis://h", "redis://h:1/7", "redis://:p%40w@[::1]:6380/0",
                                       "redis://u:p@h", "unix:/tmp/x"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct hot_redis_options options = {.url = good[i]};
        assert_ok(hot_redis_open(&none, &options, &fault), &fault);
        hot_close(none);
    }
}

#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

/* clang-format off */
#define CONTRACT                                    \
    CONTRACT_TEST(keeps_and_forgets),               \
    CONTRACT_TEST(bounds),                          \
    CONTRACT_TEST(counts_from_the_first),           \
    CONTRACT_TEST(a_bucket_pays_until_it_is_empty), \
    CONTRACT_TEST(one_of_many_gets_it)
/* clang-format on */

int main(void)
{
    const struct CMUnitTest memory[] = {
        CONTRACT,
        CONTRACT_TEST(a_bucket_is_arithmetic),
        CONTRACT_TEST(memory_forgets_nothing_before_its_time),
    };
    const struct CMUnitTest server[] = {
        CONTRACT,
        CONTRACT_TEST(a_missing_redis_is_a_fault_and_found_again),
        CONTRACT_TEST(a_missing_redis_never_answers),
        CONTRACT_TEST(bad_urls_are_refused_without_their_password),
    };
    signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests_name("in the process", memory, open_memory, close_all);
    return failed + cmocka_run_group_tests_name("Redis", server, open_redis, close_all);
}
