/* hot_states.h - the hot states there are: in this process, and in a Redis that several share. */
#ifndef LIMINAL_STORAGE_HOT_STATES_H
#define LIMINAL_STORAGE_HOT_STATES_H

#include "storage/hot_state.h"

/* Holds at most `budget_bytes` (0: 64 MB). When what lives fills that, more is refused with
 * STATUS_NO_MEMORY: nothing is forgotten before its time. */
enum status hot_memory_open(struct hot_state **out, uint64_t budget_bytes,
                            struct fault *fault) MUST_USE;

struct hot_redis_options {
    const char *url;    /* redis://[user:password@]host[:port][/database], or unix:/path/to.sock */
    const char *prefix; /* before every key; NULL: "liminal:" */
    unsigned connections; /* at most; 0: 8 */
};
/* Connects when first needed, and again, with growing pauses, after the server went away. Fails
 * only for a URL that can't be read. The process must ignore SIGPIPE, which hiredis does not keep
 * away. */
enum status hot_redis_open(struct hot_state **out, const struct hot_redis_options *options,
                           struct fault *fault) MUST_USE;

#endif
