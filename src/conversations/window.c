/* window.c - see window.h. */
#include "conversations/window.h"

/* The newest summary stands for the most. */
static int64_t newest_summary(const struct window_message *messages, size_t count)
{
    int64_t found = WINDOW_NO_SUMMARY;
    for (size_t i = 0; i < count; i++)
        if (messages[i].stands_for > 0 &&
            (found < 0 || messages[i].stands_for >= messages[found].stands_for))
            found = (int64_t)i;
    return found;
}

bool window_tells(const struct window *window, const struct window_message *messages, size_t index)
{
    if (messages[index].stands_for > 0) return (int64_t)index == window->summary;
    return messages[index].is_pinned || index >= window->first;
}

/* What is told besides pinned messages and summaries. */
static bool is_talk(const struct window_message *message)
{
    return !message->is_pinned && message->stands_for == 0;
}

static uint64_t told_tokens(const struct window *window, const struct window_message *messages,
                            size_t count)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < count; i++)
        if (window_tells(window, messages, i)) tokens += messages[i].tokens;
    return tokens;
}

/* The tokens of what is always told, and of the last message. */
static uint64_t least_tokens(const struct window_message *messages, size_t count)
{
    uint64_t tokens = count ? messages[count - 1].tokens : 0;
    for (size_t i = 0; i + 1 < count; i++)
        if (messages[i].is_pinned) tokens += messages[i].tokens;
    return tokens;
}

/* Leave at least half of the room to what comes next, or each turn would summarise again; but
 * summarise no more at once than a model can read. */
static size_t end_of_summarised(const struct window *window, const struct window_message *messages,
                                size_t count, uint64_t room, uint64_t readable)
{
    uint64_t kept = 0, read = 0;
    for (size_t i = window->first; i < count; i++)
        if (is_talk(&messages[i])) kept += messages[i].tokens;
    if (window->summary >= 0) read = messages[window->summary].tokens;
    size_t end = window->first;
    while (end + 1 < count && (end == window->first || messages[end].is_bound || kept > room / 2)) {
        if (is_talk(&messages[end])) {
            bool may_end = end > window->first && !messages[end].is_bound;
            if (may_end && read + messages[end].tokens > readable) break;
            read += messages[end].tokens;
            kept -= messages[end].tokens;
        }
        end++;
    }
    return end;
}

enum status window_choose(const struct window_message *messages, size_t count, uint32_t budget,
                          uint32_t summary_budget, struct window *window, struct fault *fault)
{
    *window = (struct window){.summary = newest_summary(messages, count), .end = count};
    int64_t covered = window->summary >= 0 ? messages[window->summary].stands_for : 0;
    while (window->first < count && messages[window->first].seq <= covered) window->first++;
    if (told_tokens(window, messages, count) <= budget) return OK;

    uint64_t least = least_tokens(messages, count) + summary_budget;
    if (least > budget)
        return fault_set_param(fault, STATUS_TOO_LARGE, "messages",
                               "the last message and the instructions take %llu tokens with room "
                               "for a summary, but the model has %u for them: send less, or ask a "
                               "model with a longer context",
                               (unsigned long long)least, budget);
    window->must_summarise = true;
    window->end = end_of_summarised(window, messages, count, budget - least, budget);
    return OK;
}
