/* normalizer.h - what is done to a text as a whole before it is cut into words.
 *
 * A list of steps, applied in order. Filled once by a reader, then read-only; the memory it works
 * in belongs to the calling thread. */
#ifndef LIMINAL_MODEL_TOKENIZER_NORMALIZER_H
#define LIMINAL_MODEL_TOKENIZER_NORMALIZER_H

#include "base/status.h"
#include "base/text.h"

enum normalizer_kind {
    NORMALIZE_PREPEND, /* `with`, unless the text is empty */
    NORMALIZE_REPLACE, /* every `what` by `with` */
};

struct normalizer_step {
    enum normalizer_kind kind;
    struct text what, with; /* owned by the tokenizer */
};

enum { NORMALIZER_STEPS = 16 };

struct normalizer {
    struct normalizer_step steps[NORMALIZER_STEPS];
    size_t count;
};

struct normalizer_work {
    struct buffer buffers[2]; /* each step reads one and writes the other */
};
void normalizer_work_deinit(struct normalizer_work *work);

/* STATUS_UNSUPPORTED when there are too many. */
enum status normalizer_add(struct normalizer *normalizer, struct normalizer_step step,
                           struct fault *fault) MUST_USE;
/* *out is `t` itself or lies in `work`. */
enum status normalizer_apply(const struct normalizer *normalizer, struct text t,
                             struct normalizer_work *work, struct text *out,
                             struct fault *fault) MUST_USE;

#endif
