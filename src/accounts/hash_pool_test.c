/* hash_pool_test.c - only so many hash, only so many wait, and who waits gets an answer. */
#include "accounts/realization/hash_pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/test_support.h"

enum { CALLERS = 12, QUEUE = 2 };

static struct hash_pool *pool;
static atomic_int hashed, refused, others;

static void *hash_once(void *argument)
{
    char hash[PASSWORD_HASH_BYTES];
    struct fault fault;
    enum status status = hash_pool_hash(pool, TEXT("correct horse"), hash, &fault);
    if (status == OK)
        hashed++;
    else if (status == STATUS_BUSY)
        refused++;
    else
        others++;
    return NULL;
}

static void it_hashes_and_matches(void **state)
{
    char hash[PASSWORD_HASH_BYTES];
    struct fault fault;
    bool matches;
    assert_ok(hash_pool_open(&pool, 1, QUEUE, &fault), &fault);
    assert_ok(hash_pool_check(pool, &fault), &fault);
    assert_ok(hash_pool_hash(pool, TEXT("correct horse"), hash, &fault), &fault);
    assert_ok(hash_pool_matches(pool, TEXT("correct horse"), hash, &matches, &fault), &fault);
    assert_true(matches);
    assert_ok(hash_pool_matches(pool, TEXT("wrong horse"), hash, &matches, &fault), &fault);
    assert_false(matches);
    assert_ok(hash_pool_matches(pool, TEXT("correct horse"), "", &matches, &fault), &fault);
    assert_false(matches);
    hash_pool_close(pool);
}

/* Whoever comes first: each is answered, and those who are refused are told to come again. */
static void who_comes_to_a_full_queue_is_sent_away(void **state)
{
    pthread_t threads[CALLERS];
    struct fault fault;
    assert_ok(hash_pool_open(&pool, 1, QUEUE, &fault), &fault);
    hashed = refused = others = 0;
    for (int i = 0; i < CALLERS; i++) pthread_create(&threads[i], NULL, hash_once, NULL);
    for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(hashed + refused, CALLERS);
    assert_true(hashed >= 1);
    assert_int_equal(others, 0);
    assert_ok(hash_pool_check(pool, &fault), &fault); /* and afterwards there is room again */
    hash_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hashes_and_matches),
        cmocka_unit_test(who_comes_to_a_full_queue_is_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
