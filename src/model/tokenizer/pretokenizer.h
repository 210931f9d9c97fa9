/* pretokenizer.h - from a text to the words that the model sees: a chain of stages, each of which
 * takes a piece and hands pieces on to the next. Filled once by a reader, then read-only. */
#ifndef LIMINAL_MODEL_TOKENIZER_PRETOKENIZER_H
#define LIMINAL_MODEL_TOKENIZER_PRETOKENIZER_H

#include "model/tokenizer/splitter.h"

enum stage_kind {
    STAGE_SPLIT,
    STAGE_PREFIX, /* rewrite: spaces by `space`, and `space` in front */
};

enum prefix_scheme { PREFIX_NEVER, PREFIX_FIRST, PREFIX_ALWAYS };

struct stage {
    enum stage_kind kind;
    struct splitter splitter;  /* STAGE_SPLIT */
    struct text space;         /* STAGE_PREFIX; owned by the tokenizer */
    enum prefix_scheme scheme; /* FIRST: only at the start of the whole input */
};

enum { PRETOKENIZER_STAGES = 12 };

struct pretokenizer {
    struct stage stages[PRETOKENIZER_STAGES];
    size_t count;
    bool is_byte_level; /* what comes out is written in the byte-level alphabet: no more stages */
};
void pretokenizer_deinit(struct pretokenizer *pretokenizer);
/* Takes the stage over, also when it cannot be added (STATUS_UNSUPPORTED): there are too many, or
 * it would see the byte-level alphabet. */
enum status pretokenizer_add_take(struct pretokenizer *pretokenizer, struct stage stage,
                                  struct fault *fault) MUST_USE;
/* Add a STAGE_SPLIT. */
enum status pretokenizer_add_split(struct pretokenizer *pretokenizer, struct text pattern,
                                   bool is_literal, enum split_behavior behavior, bool invert,
                                   struct fault *fault) MUST_USE;

/* The stages of BERT: words between white space, punctuation one by one. */
enum status pretokenizer_add_bert(struct pretokenizer *pretokenizer, struct fault *fault) MUST_USE;

struct pretokenizer_work {
    struct splitter_work splitter;
    struct buffer rewritten[PRETOKENIZER_STAGES]; /* of each STAGE_PREFIX */
};
void pretokenizer_work_deinit(struct pretokenizer_work *work);

/* Call `emit` for each word of `t`. Runs of bytes that are not UTF-8 are words of their own, which
 * no stage sees. `is_start`: `t` is the start of the whole input. */
enum status pretokenizer_run(const struct pretokenizer *pretokenizer, struct text t, bool is_start,
                             struct pretokenizer_work *work,
                             enum status (*emit)(void *context, struct text word), void *context,
                             struct fault *fault) MUST_USE;

#endif
