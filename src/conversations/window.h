/* window.h - what of a conversation a model is told when it can't be told all.
 *
 * Nothing is cut away silently: what does not fit is first summarised, and the summary, a message
 * of the conversation like any other (R143), stands for it from then on. Pure: token counts are
 * given. */
#ifndef LIMINAL_CONVERSATIONS_WINDOW_H
#define LIMINAL_CONVERSATIONS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct window_message {
    int64_t seq;
    uint32_t tokens;
    bool is_pinned;     /* an instruction for the whole conversation: always told */
    bool is_bound;      /* to the one before, without which it makes no sense: a tool's result */
    int64_t stands_for; /* of a summary: all up to this seq; 0: it is no summary */
};

enum { WINDOW_NO_SUMMARY = -1 };

struct window {
    int64_t summary; /* index of the summary that is told, or WINDOW_NO_SUMMARY */
    /* When all fits, [first, count) are told besides the pinned ones; summaries among them are not.
     * Else summarise the messages with indices [first, end) and the summary before them, and
     * choose again. */
    size_t first, end;
    bool must_summarise;
};

/* `messages` are in the order of seq, the last being what is to be answered. `budget`: tokens there
 * are for them; `summary_budget`: how long a summary may become, for it must fit as well.
 * STATUS_TOO_LARGE when what can't be summarised (the pinned ones and the last) is beyond the
 * budget already. */
enum status window_choose(const struct window_message *messages, size_t count, uint32_t budget,
                          uint32_t summary_budget, struct window *window,
                          struct fault *fault) MUST_USE;
/* Is the message with this index told, by a window that fits? */
bool window_tells(const struct window *window, const struct window_message *messages, size_t index);

#endif
