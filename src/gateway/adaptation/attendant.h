/* attendant.h - a thread for what requests leave to be done: answers end on the engine's thread or
 * a loop's, which must not wait for a database or a Redis. */
#ifndef LIMINAL_GATEWAY_ATTENDANT_H
#define LIMINAL_GATEWAY_ATTENDANT_H

#include "base/status.h"

struct attendant;

/* Allocated by malloc as the first member of what it needs; `run` frees it. */
struct errand {
    void (*run)(struct errand *errand);
    struct errand *next;
};

/* `tick` is called about once a second, between errands. */
enum status attendant_open(struct attendant **out, void (*tick)(void *argument), void *argument,
                           struct fault *fault) MUST_USE;
/* Does what is left to do first. */
void attendant_close(struct attendant *attendant);
/* Any thread; never blocks. */
void attendant_send(struct attendant *attendant, struct errand *errand);

#endif
