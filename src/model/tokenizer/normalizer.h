/* normalizer.h - what is done to a text as a whole before it is cut into words.
 *
 * A list of steps, applied in order. Filled once by a reader, then read-only; the memory it works
 * in belongs to the calling thread. Bytes that are not UTF-8 pass unchanged, except through
 * NORMALIZE_CLEAN, which drops them. */
#ifndef LIMINAL_MODEL_TOKENIZER_NORMALIZER_H
#define LIMINAL_MODEL_TOKENIZER_NORMALIZER_H

#include "model/tokenizer/splitter.h"
#include "model/tokenizer/unicode.h"

enum normalizer_kind {
    NORMALIZE_PREPEND,     /* `with`, unless the text is empty */
    NORMALIZE_REPLACE,     /* every `what` by `with` */
    NORMALIZE_SUBSTITUTE,  /* every match of `pattern` by `with` */
    NORMALIZE_STRIP_LEFT,  /* white space */
    NORMALIZE_STRIP_RIGHT, /* white space */
    NORMALIZE_NFC,
    NORMALIZE_NFD,
    NORMALIZE_LOWERCASE,
    NORMALIZE_DROP_MARKS,            /* Mn, Mc, Me */
    NORMALIZE_DROP_NONSPACING_MARKS, /* Mn */
    NORMALIZE_CLEAN,                 /* BERT: drop controls, U+0000, U+FFFD; one kind of space */
    NORMALIZE_SPACE_CJK,             /* BERT: spaces around Chinese characters */
};

struct normalizer_step {
    enum normalizer_kind kind;
    struct text what, with;   /* owned by the tokenizer */
    struct splitter *pattern; /* owned by the normalizer's arena; closed by normalizer_deinit */
};

enum { NORMALIZER_STEPS = 16 };

struct normalizer {
    struct normalizer_step steps[NORMALIZER_STEPS];
    size_t count;
};
void normalizer_deinit(struct normalizer *normalizer);

struct normalizer_work {
    struct buffer buffers[2]; /* each step reads one and writes the other */
    struct codepoints codepoints;
    struct splitter_work splitter;
};
void normalizer_work_deinit(struct normalizer_work *work);

/* STATUS_UNSUPPORTED when there are too many; `step.pattern` is then closed. */
enum status normalizer_add(struct normalizer *normalizer, struct normalizer_step step,
                           struct fault *fault) MUST_USE;
/* The steps of BERT's own normalizer. */
enum status normalizer_add_bert(struct normalizer *normalizer, bool clean, bool space_cjk,
                                bool strip_accents, bool lowercase, struct fault *fault) MUST_USE;
/* *out is `t` itself or lies in `work`. */
enum status normalizer_apply(const struct normalizer *normalizer, struct text t,
                             struct normalizer_work *work, struct text *out,
                             struct fault *fault) MUST_USE;

#endif
