/* stop_matcher.c - see stop_matcher.h. What is held is shorter than the longest stop string, so a
 * plain search over it is cheap. */
#include "inference/stop_matcher.h"

#include <string.h>

void stop_matcher_init(struct stop_matcher *matcher, const struct text *stops, size_t count)
{
    *matcher = (struct stop_matcher){.stops = stops, .count = count};
    buffer_init(&matcher->held);
}

void stop_matcher_deinit(struct stop_matcher *matcher)
{
    buffer_deinit(&matcher->held);
}

/* Where the first of the stop strings begins, or SIZE_MAX. */
static size_t find_stop(const struct stop_matcher *matcher, struct text t)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < matcher->count; i++) {
        size_t at = text_find(t, matcher->stops[i]);
        if (at < first) first = at;
    }
    return first;
}

static bool may_become_stop(const struct stop_matcher *matcher, struct text tail)
{
    for (size_t i = 0; i < matcher->count; i++)
        if (text_starts_with(matcher->stops[i], tail)) return true;
    return false;
}

/* Length of the longest ending that is the beginning of a stop string. */
static size_t unsure_length(const struct stop_matcher *matcher, struct text t)
{
    size_t from = 0;
    while (from < t.length && !may_become_stop(matcher, text_slice(t, from, t.length))) from++;
    return t.length - from;
}

bool stop_matcher_add(struct stop_matcher *matcher, struct text piece, struct buffer *out)
{
    if (matcher->count == 0) {
        buffer_append_text(out, piece);
        return false;
    }
    buffer_append_text(&matcher->held, piece);
    struct text held = buffer_text(&matcher->held);
    size_t stop = find_stop(matcher, held);
    bool found = stop != SIZE_MAX;
    size_t shown = found ? stop : held.length - unsure_length(matcher, held);
    buffer_append(out, held.data, shown);
    size_t rest = found ? 0 : held.length - shown;
    if (rest) memmove(matcher->held.data, matcher->held.data + shown, rest);
    matcher->held.length = rest;
    if (matcher->held.data) matcher->held.data[rest] = '\0';
    return found;
}

void stop_matcher_finish(struct stop_matcher *matcher, struct buffer *out)
{
    buffer_append_text(out, buffer_text(&matcher->held));
    buffer_clear(&matcher->held);
}
