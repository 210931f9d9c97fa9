/* prompt_lookup.h - guess what comes next from what was there before: where the end of a text stood
 * earlier, what followed it then may follow it again. (Saxena 2023, prompt lookup decoding.) Pure.
 */
#ifndef LIMINAL_INFERENCE_PROMPT_LOOKUP_H
#define LIMINAL_INFERENCE_PROMPT_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

enum {
    LOOKUP_LEAST = 2,      /* tokens that must agree */
    LOOKUP_MOST = 32,      /* more than these make it no surer */
    LOOKUP_WINDOW = 65536, /* tokens that are looked through, from the end */
};

/* A place in a text that continues the end of another. */
struct lookup {
    size_t next;    /* index in the text of what followed */
    size_t matched; /* tokens before it that agree; 0: nothing found */
};

/* Where the end of `tokens` stood in `text` (which may be the same tokens: its own end is no
 * answer). The longest agreement, of equals the latest; something follows it. */
struct lookup prompt_lookup(const int32_t *text, size_t text_count, const int32_t *tokens,
                            size_t count);

#endif
