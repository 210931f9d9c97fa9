/* turns.c - see turns.h. */
#include "inference/turns.h"

#include <assert.h>
#include <stdlib.h>

struct turns {
    uint64_t (*now_ns)(void);
    pthread_mutex_t lock;
    struct turn_taker *holder;  /* NULL: the threads are free */
    struct turn_taker *waiting; /* in the order they came */
};

enum status turns_open(struct turns **out, uint64_t (*now_ns)(void), struct fault *fault)
{
    struct turns *turns = calloc(1, sizeof *turns);
    if (!turns) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the engines' turns");
    turns->now_ns = now_ns;
    pthread_mutex_init(&turns->lock, NULL);
    *out = turns;
    return OK;
}

void turns_close(struct turns *turns)
{
    if (!turns) return;
    assert(!turns->holder && !turns->waiting);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

void turn_taker_init(struct turn_taker *taker)
{
    *taker = (struct turn_taker){.cost = 1};
    pthread_cond_init(&taker->is_next, NULL);
}

void turn_taker_deinit(struct turn_taker *taker)
{
    pthread_cond_destroy(&taker->is_next);
}

/* Count the time since it got the turn, or since the last look. */
static void account(const struct turns *turns, struct turn_taker *taker)
{
    uint64_t now_ns = turns->now_ns();
    taker->used_ns += (now_ns - taker->since_ns) * taker->cost;
    taker->since_ns = now_ns;
}

/* Of those who wait: the least time, and among equals who came first. */
static struct turn_taker **neediest(struct turns *turns)
{
    struct turn_taker **best = &turns->waiting;
    for (struct turn_taker **at = best; *at; at = &(*at)->next)
        if ((*at)->used_ns < (*best)->used_ns) best = at;
    return best;
}

static void give_turn(struct turns *turns, struct turn_taker *taker)
{
    turns->holder = taker;
    taker->since_ns = turns->now_ns();
}

static void pass_on(struct turns *turns)
{
    struct turn_taker **at = neediest(turns), *next = *at;
    turns->holder = NULL;
    if (!next) return;
    *at = next->next;
    give_turn(turns, next);
    pthread_cond_signal(&next->is_next);
}

static void wait_for_turn(struct turns *turns, struct turn_taker *taker)
{
    struct turn_taker **end = &turns->waiting;
    while (*end) end = &(*end)->next;
    *end = taker;
    taker->next = NULL;
    while (turns->holder != taker) pthread_cond_wait(&taker->is_next, &turns->lock);
}

/* No credit for a pause: nobody who comes has had less than those who are here. */
static void start_even(const struct turns *turns, struct turn_taker *taker)
{
    uint64_t least_ns = turns->holder ? turns->holder->used_ns : taker->used_ns;
    for (const struct turn_taker *at = turns->waiting; at; at = at->next)
        if (at->used_ns < least_ns) least_ns = at->used_ns;
    if (taker->used_ns < least_ns) taker->used_ns = least_ns;
}

void turns_take(struct turns *turns, struct turn_taker *taker)
{
    pthread_mutex_lock(&turns->lock);
    if (turns->holder == taker) {
        account(turns, taker);
        const struct turn_taker *next = *neediest(turns);
        if (next && next->used_ns < taker->used_ns) {
            pass_on(turns);
            wait_for_turn(turns, taker);
        }
    } else if (turns->holder) {
        start_even(turns, taker);
        wait_for_turn(turns, taker);
    } else {
        give_turn(turns, taker);
    }
    pthread_mutex_unlock(&turns->lock);
}

void turns_leave(struct turns *turns, struct turn_taker *taker)
{
    pthread_mutex_lock(&turns->lock);
    if (turns->holder == taker) {
        account(turns, taker);
        pass_on(turns);
    }
    pthread_mutex_unlock(&turns->lock);
}
