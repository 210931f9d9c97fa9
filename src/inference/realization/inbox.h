/* inbox.h - the way to a thread that never waits for a lock: a list that any thread adds to and one
 * empties, and the bell that wakes it when it sleeps.
 *
 * Must not know what lies in it. */
#ifndef LIMINAL_INFERENCE_INBOX_H
#define LIMINAL_INFERENCE_INBOX_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The first member of what lies in an inbox. */
struct inbox_item {
    struct inbox_item *next;
};

struct inbox {
    _Atomic(struct inbox_item *) newest;
};

/* False when it is closed: the item is still the caller's. Any thread. */
bool inbox_put(struct inbox *inbox, struct inbox_item *item);
/* Likewise for several, all or none, and nobody else's come between them: `newest` leads to
 * `oldest` over `next`. */
bool inbox_put_all(struct inbox *inbox, struct inbox_item *newest, struct inbox_item *oldest);
/* All there is, oldest first; NULL: nothing. One thread, also below. */
struct inbox_item *inbox_take(struct inbox *inbox);
/* Likewise, for the last time: nothing is taken in any more. */
struct inbox_item *inbox_close(struct inbox *inbox);

struct doorbell {
    sem_t sleeper;
    atomic_bool is_rung;
};

void doorbell_init(struct doorbell *bell);
void doorbell_deinit(struct doorbell *bell);
/* Any thread; costs nothing while it is rung already. */
void doorbell_ring(struct doorbell *bell);
/* Sleep until it has been rung since the last time. One thread. */
void doorbell_await(struct doorbell *bell);

#endif
