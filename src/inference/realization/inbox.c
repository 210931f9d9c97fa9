/* inbox.c - see inbox.h. A stack whose items are only ever taken all together, so that no item can
 * be gone and back again while another thread adds (no ABA). */
#include "inference/realization/inbox.h"

#include <errno.h>
#include <stddef.h>

static struct inbox_item closed; /* its address marks a closed inbox */

bool inbox_put_all(struct inbox *inbox, struct inbox_item *newest, struct inbox_item *oldest)
{
    struct inbox_item *before = atomic_load(&inbox->newest);
    do {
        if (before == &closed) return false;
        oldest->next = before;
    } while (!atomic_compare_exchange_weak(&inbox->newest, &before, newest));
    return true;
}

bool inbox_put(struct inbox *inbox, struct inbox_item *item)
{
    return inbox_put_all(inbox, item, item);
}

static struct inbox_item *oldest_first(struct inbox_item *newest)
{
    struct inbox_item *oldest = NULL;
    while (newest && newest != &closed) {
        struct inbox_item *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

struct inbox_item *inbox_take(struct inbox *inbox)
{
    if (!atomic_load_explicit(&inbox->newest, memory_order_relaxed)) return NULL;
    return oldest_first(atomic_exchange(&inbox->newest, NULL));
}

struct inbox_item *inbox_close(struct inbox *inbox)
{
    return oldest_first(atomic_exchange(&inbox->newest, &closed));
}

void doorbell_init(struct doorbell *bell)
{
    sem_init(&bell->sleeper, 0, 0);
    atomic_init(&bell->is_rung, false);
}

void doorbell_deinit(struct doorbell *bell)
{
    sem_destroy(&bell->sleeper);
}

void doorbell_ring(struct doorbell *bell)
{
    if (!atomic_exchange(&bell->is_rung, true)) sem_post(&bell->sleeper);
}

void doorbell_await(struct doorbell *bell)
{
    while (sem_wait(&bell->sleeper) != 0 && errno == EINTR) continue;
    /* An exchange, for it sees what was done before the last ring; after a store what was put into
     * an inbox might not be seen yet, and its ring would be lost. */
    atomic_exchange(&bell->is_rung, false);
}
