/* thread_pool.h - a fixed set of threads that run one job at a time, all of them together.
 *
 * Jobs of a forward pass follow each other within microseconds, so a waiting thread first spins
 * (a hand-over then costs about a microsecond), soon lets others of its core go first between
 * looks, and parks in the kernel when nothing comes for THREAD_POOL_SPIN_NS: an idle server uses no
 * processor time. Knows nothing of what the jobs compute. */
#ifndef LIMINAL_COMPUTE_CPU_THREAD_POOL_H
#define LIMINAL_COMPUTE_CPU_THREAD_POOL_H

#include "base/status.h"

enum { THREAD_POOL_SPIN_NS = 100000, THREAD_POOL_MAX = 256 };

struct thread_pool;

/* `threads` counts the caller's own: 1 starts none. */
enum status thread_pool_new(struct thread_pool **pool, unsigned threads,
                            struct fault *fault) MUST_USE;
void thread_pool_free(struct thread_pool *pool);
unsigned thread_pool_threads(const struct thread_pool *pool);

/* work(argument, 0..threads-1, threads) on every thread, 0 being the caller. Returns when all are
 * done; what they wrote is then visible to the caller. */
void thread_pool_run(struct thread_pool *pool,
                     void (*work)(void *argument, unsigned thread, unsigned threads),
                     void *argument);
/* Inside a job: wait until every thread has come here. All must call it equally often. */
void thread_pool_barrier(struct thread_pool *pool);

#endif
