/* stop_matcher.h - finds stop strings in text that arrives in pieces, and holds back what may
 * become one, so that no part of a stop string is ever shown.
 *
 * Pure. Must not know tokens. Pieces are whole characters, and stop strings are valid UTF-8, so
 * what is let through is whole characters too. */
#ifndef LIMINAL_INFERENCE_STOP_MATCHER_H
#define LIMINAL_INFERENCE_STOP_MATCHER_H

#include "inference/engine.h"

struct stop_matcher {
    const struct text *stops; /* borrowed */
    size_t count;
    struct buffer held; /* the beginning of a stop string, perhaps */
};

void stop_matcher_init(struct stop_matcher *matcher, const struct text *stops, size_t count);
void stop_matcher_deinit(struct stop_matcher *matcher);
/* Append to `out` what may be shown. True when a stop string was found: then everything from its
 * first character on is dropped, and nothing may be added any more. */
bool stop_matcher_add(struct stop_matcher *matcher, struct text piece, struct buffer *out);
/* The text ended without a stop string: show what was held back. */
void stop_matcher_finish(struct stop_matcher *matcher, struct buffer *out);

#endif
