/* turn_line_test.c - jobs take turns, a full line refuses, and closing waits for the last turn. */
#include "inference/adaptation/turn_line.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"

static char order[4096];

/* Touched by the line's thread alone until the line is closed. */
struct lettered_job {
    struct turn_job job;
    char letter;
    int turns_left;
    pthread_mutex_t *gate; /* NULL: none */
};

static bool take_turn(struct turn_job *job)
{
    struct lettered_job *lettered = (struct lettered_job *)job;
    if (lettered->gate) {
        pthread_mutex_lock(lettered->gate);
        pthread_mutex_unlock(lettered->gate);
    }
    order[strlen(order)] = lettered->letter;
    return --lettered->turns_left > 0;
}

static struct turn_line *open_line(void)
{
    struct turn_line *line = NULL;
    struct fault fault;
    memset(order, 0, sizeof order);
    assert_int_equal(turn_line_open(&line, &fault), OK);
    return line;
}

static void jobs_take_turns(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct lettered_job first = {{NULL, take_turn}, '-', 1, &gate};
    struct lettered_job jobs[] = {
        {{NULL, take_turn}, 'a', 4, NULL},
        {{NULL, take_turn}, 'b', 1, NULL},
        {{NULL, take_turn}, 'c', 2, NULL},
    };
    struct turn_line *line = open_line();
    pthread_mutex_lock(&gate); /* all are in line before the first is done */
    assert_int_equal(turn_line_add(line, &first.job, NULL), OK);
    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++)
        assert_int_equal(turn_line_add(line, &jobs[i].job, NULL), OK);
    pthread_mutex_unlock(&gate);
    turn_line_close(line);
    assert_string_equal(order, "-abcacaa");
}

static void a_full_line_refuses_and_closing_waits(void **state)
{
    enum { MORE_THAN_FIT = 1000 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct lettered_job *jobs = calloc(MORE_THAN_FIT, sizeof *jobs);
    assert_non_null(jobs);
    struct turn_line *line = open_line();
    struct fault fault;
    pthread_mutex_lock(&gate);
    size_t taken = 0;
    for (enum status status = OK; status == OK && taken < MORE_THAN_FIT;) {
        jobs[taken] = (struct lettered_job){{NULL, take_turn}, 'x', 2, &gate};
        status = turn_line_add(line, &jobs[taken].job, &fault);
        if (status == OK)
            taken++;
        else
            assert_int_equal(status, STATUS_BUSY);
    }
    assert_int_equal(taken, 64);
    pthread_mutex_unlock(&gate);
    turn_line_close(line);
    assert_int_equal(strlen(order), 2 * taken);
    free(jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_take_turns),
        cmocka_unit_test(a_full_line_refuses_and_closing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
