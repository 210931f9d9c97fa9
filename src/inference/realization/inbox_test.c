/* inbox_test.c - nothing is lost, doubled or out of order, whoever puts and whenever it closes; and
 * figures on a board are of one moment. */
#include "inference/realization/inbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/test_support.h"
#include "inference/realization/board.h"

enum { WRITERS = 4, LETTERS = 20000 };

struct letter {
    struct inbox_item item;
    int writer, number;
};

static struct inbox inbox;
static struct doorbell bell;
static struct letter letters[WRITERS][LETTERS];
static atomic_int writing;

static void *write_letters(void *argument)
{
    int writer = *(int *)argument, taken = 0;
    for (int i = 0; i < LETTERS; i++) {
        letters[writer][i] = (struct letter){.writer = writer, .number = i};
        taken += inbox_put(&inbox, &letters[writer][i].item);
        doorbell_ring(&bell);
    }
    assert_int_equal(taken, LETTERS);
    atomic_fetch_sub(&writing, 1);
    doorbell_ring(&bell);
    return NULL;
}

static int expect_in_order(struct inbox_item *item, int *last)
{
    int count = 0;
    for (; item; item = item->next, count++) {
        struct letter *letter = (struct letter *)item;
        assert_int_equal(letter->number, last[letter->writer] + 1);
        last[letter->writer] = letter->number;
    }
    return count;
}

/* The reader sleeps whenever there is nothing: a lost ring would leave it asleep. */
static void letters_arrive_in_order(void **state)
{
    pthread_t threads[WRITERS];
    int numbers[WRITERS], last[WRITERS], count = 0;
    atomic_init(&inbox.newest, NULL);
    doorbell_init(&bell);
    atomic_store(&writing, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        last[i] = -1;
        assert_int_equal(pthread_create(&threads[i], NULL, write_letters, &numbers[i]), 0);
    }
    while (atomic_load(&writing) > 0) {
        doorbell_await(&bell);
        count += expect_in_order(inbox_take(&inbox), last);
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    count += expect_in_order(inbox_take(&inbox), last);
    assert_int_equal(count, WRITERS * LETTERS);
    doorbell_deinit(&bell);
}

static void several_arrive_together(void **state)
{
    struct letter posted[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    int last[WRITERS] = {-1};
    atomic_init(&inbox.newest, NULL);
    assert_true(inbox_put(&inbox, &posted[0].item));
    posted[2].item.next = &posted[1].item;
    assert_true(inbox_put_all(&inbox, &posted[2].item, &posted[1].item));
    assert_true(inbox_put(&inbox, &posted[3].item));
    assert_int_equal(expect_in_order(inbox_take(&inbox), last), 4);
}

static void a_closed_inbox_takes_nothing(void **state)
{
    struct letter first = {.number = 1}, late = {.number = 2};
    atomic_init(&inbox.newest, NULL);
    assert_true(inbox_put(&inbox, &first.item));
    assert_ptr_equal(inbox_close(&inbox), &first.item);
    assert_null(first.item.next);
    assert_false(inbox_put(&inbox, &late.item));
    assert_false(inbox_put_all(&inbox, &late.item, &late.item));
}

/* ---- the board ---- */

static struct board board;
static atomic_bool is_over;

static void *look(void *argument)
{
    uint64_t last = 0, looks = 0;
    while (!atomic_load(&is_over) || looks == 0) {
        uint64_t figures[BOARD_WORDS];
        board_read(&board, figures, sizeof figures);
        for (int i = 1; i < BOARD_WORDS; i++)
            assert_int_equal(figures[i], figures[0] * (uint64_t)i);
        assert_true(figures[0] >= last);
        last = figures[0];
        looks++;
    }
    return NULL;
}

static void figures_are_of_one_moment(void **state)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
    for (uint64_t moment = 1; moment < 50000; moment++) {
        uint64_t figures[BOARD_WORDS] = {moment};
        for (int i = 1; i < BOARD_WORDS; i++) figures[i] = moment * (uint64_t)i;
        board_write(&board, figures, sizeof figures);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_arrive_in_order),
        cmocka_unit_test(several_arrive_together),
        cmocka_unit_test(a_closed_inbox_takes_nothing),
        cmocka_unit_test(figures_are_of_one_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
