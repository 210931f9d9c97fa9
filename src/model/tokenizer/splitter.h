/* splitter.h - cutting a text at the matches of a regular expression (PCRE2, compiled to machine
 * code, Unicode properties), in the five manners of Hugging Face's pre-tokenizers.
 *
 * Patterns are written in the dialect of Oniguruma, which those tokenizers use; where PCRE2 means
 * something else by the same letters the pattern is rewritten, and what cannot be is refused. */
#ifndef LIMINAL_MODEL_TOKENIZER_SPLITTER_H
#define LIMINAL_MODEL_TOKENIZER_SPLITTER_H

#include "base/status.h"
#include "base/text.h"

enum split_behavior {
    SPLIT_REMOVED,              /* matches are dropped */
    SPLIT_ISOLATED,             /* matches are pieces of their own */
    SPLIT_MERGED_WITH_PREVIOUS, /* a match ends the piece before it */
    SPLIT_MERGED_WITH_NEXT,     /* a match starts the piece behind it */
    SPLIT_CONTIGUOUS,           /* neighbouring matches are one piece */
};

struct splitter {
    void *code; /* pcre2_code_8 */
    enum split_behavior behavior;
    bool invert; /* what does not match is the match */
};

/* What a thread needs to match; NULL members until first used. */
struct splitter_work {
    void *match, *context, *stack;
};
void splitter_work_deinit(struct splitter_work *work);

/* `is_literal`: the pattern is plain text. STATUS_UNSUPPORTED tells what is not understood. */
enum status splitter_open(struct splitter *splitter, struct text pattern, bool is_literal,
                          enum split_behavior behavior, bool invert, struct fault *fault) MUST_USE;
void splitter_close(struct splitter *splitter);

/* The next non-empty match at or after `from` in valid UTF-8; *start == *end == t.length when there
 * is none. STATUS_TOO_LARGE when the pattern backtracks beyond all measure. */
enum status splitter_find(const struct splitter *splitter, struct text t, size_t from,
                          struct splitter_work *work, size_t *start, size_t *end,
                          struct fault *fault) MUST_USE;
/* Call `emit` for each piece of `t` (valid UTF-8), in order; stops when it fails. */
enum status splitter_run(const struct splitter *splitter, struct text t, struct splitter_work *work,
                         enum status (*emit)(void *context, struct text piece), void *context,
                         struct fault *fault) MUST_USE;

#endif
