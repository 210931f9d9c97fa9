/* turns.h - engines that share one machine's compute threads take turns at them, step by step.
 *
 * Whoever has had the least time is next, so each gets an equal share of the time however long its
 * steps are: after another's long prefill step, several short decode steps follow. Whoever comes
 * back after a pause starts even with the others. An engine alone pays for looking once per step
 * whether somebody waits. */
#ifndef LIMINAL_INFERENCE_TURNS_H
#define LIMINAL_INFERENCE_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct turns;

/* One who takes turns. */
struct turn_taker {
    unsigned cost; /* its time counts this often; 1 unless set after init. With 3, beside one whose
                      time counts once, it gets a quarter */

    struct turn_taker *next; /* of those who wait; private to turns.c, like all below */
    pthread_cond_t is_next;
    uint64_t used_ns, since_ns;
};

/* `now_ns`: a monotonic clock. */
enum status turns_open(struct turns **out, uint64_t (*now_ns)(void), struct fault *fault) MUST_USE;
/* When everybody has left. */
void turns_close(struct turns *turns);

void turn_taker_init(struct turn_taker *taker);
void turn_taker_deinit(struct turn_taker *taker);

/* Before each step: returns when it is this one's turn. Who has the turn already gives way here to
 * those who have had less time. */
void turns_take(struct turns *turns, struct turn_taker *taker);
/* Nothing to do for now. Harmless for one who has no turn. */
void turns_leave(struct turns *turns, struct turn_taker *taker);

#endif
