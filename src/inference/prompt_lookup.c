/* prompt_lookup.c - see prompt_lookup.h. A scan from the end: some microseconds, against the
 * milliseconds of a step. */
#include "inference/prompt_lookup.h"

/* How many tokens before text[next] and before the end of `tokens` agree. */
static size_t agreement(const int32_t *text, size_t next, const int32_t *tokens, size_t count)
{
    size_t most = next < count ? next : count, matched = 0;
    if (most > LOOKUP_MOST) most = LOOKUP_MOST;
    while (matched < most && text[next - 1 - matched] == tokens[count - 1 - matched]) matched++;
    return matched;
}

struct lookup prompt_lookup(const int32_t *text, size_t text_count, const int32_t *tokens,
                            size_t count)
{
    struct lookup best = {.matched = 0};
    if (text_count < LOOKUP_LEAST || count < LOOKUP_LEAST) return best;
    size_t least = text_count > LOOKUP_WINDOW ? text_count - LOOKUP_WINDOW : 0;
    const int32_t last = tokens[count - 1];
    for (size_t next = text_count - 1; next > least && best.matched < LOOKUP_MOST; next--) {
        if (text[next - 1] != last) continue;
        size_t matched = agreement(text, next, tokens, count);
        if (matched >= LOOKUP_LEAST && matched > best.matched)
            best = (struct lookup){next, matched};
    }
    return best;
}
