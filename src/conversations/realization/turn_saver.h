/* turn_saver.h - answers on their way into the database.
 *
 * One thread saves for all: what is being written now and then, together in one transaction, and
 * what has ended at once. Whoever generates only adds to a buffer. A row being written names a time
 * until which it holds; the thread moves that on with each save, so that the row of a server that
 * died stops holding by itself, and no server touches the rows of another that lives. */
#ifndef LIMINAL_CONVERSATIONS_TURN_SAVER_H
#define LIMINAL_CONVERSATIONS_TURN_SAVER_H

#include "conversations/realization/conversations_parts.h"

struct turn {
    struct conversations *conversations;
    struct uuid user;
    struct turn *next; /* of the saver's list */
    size_t asked;      /* messages appended before the answer */
    bool is_first;     /* the conversation was made for it */

    /* Held by the saver's mutex. When the turn has ended, nobody but the saver has it. */
    struct message message; /* but for its texts */
    struct buffer content, content_struct, meta;
    uint64_t ended_ns; /* 0: not yet */
    void (*saved)(void *argument, enum status status, const struct fault *fault);
    void *argument;
};

/* Until when a row that is saved now holds. */
int64_t turn_lease_us(const struct conversations *conversations, int64_t now_us);

/* The turn is saved from now on. */
void turn_saver_add(struct turn *turn);
/* Some turn has ended; under the mutex. */
void turn_saver_wake(struct turn_saver *saver);

#endif
