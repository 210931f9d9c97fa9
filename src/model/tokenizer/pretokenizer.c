/* pretokenizer.c - see pretokenizer.h. */
#include "model/tokenizer/pretokenizer.h"

#include "model/tokenizer/unicode.h"

void pretokenizer_deinit(struct pretokenizer *pretokenizer)
{
    for (size_t i = 0; i < pretokenizer->count; i++)
        splitter_close(&pretokenizer->stages[i].splitter);
    pretokenizer->count = 0;
}

void pretokenizer_work_deinit(struct pretokenizer_work *work)
{
    splitter_work_deinit(&work->splitter);
    for (size_t i = 0; i < PRETOKENIZER_STAGES; i++) buffer_deinit(&work->rewritten[i]);
}

enum status pretokenizer_add_take(struct pretokenizer *pretokenizer, struct stage stage,
                                  struct fault *fault)
{
    if (pretokenizer->is_byte_level || pretokenizer->count == PRETOKENIZER_STAGES) {
        splitter_close(&stage.splitter);
        return pretokenizer->is_byte_level
                   ? fault_set(fault, STATUS_UNSUPPORTED,
                               "a pre-tokenizer behind ByteLevel is not supported")
                   : fault_set(fault, STATUS_UNSUPPORTED, "more than %d pre-tokenizer stages",
                               PRETOKENIZER_STAGES);
    }
    pretokenizer->stages[pretokenizer->count++] = stage;
    return OK;
}

enum status pretokenizer_add_split(struct pretokenizer *pretokenizer, struct text pattern,
                                   bool is_literal, enum split_behavior behavior, bool invert,
                                   struct fault *fault)
{
    struct stage stage = {.kind = STAGE_SPLIT};
    TRY(splitter_open(&stage.splitter, pattern, is_literal, behavior, invert, fault));
    return pretokenizer_add_take(pretokenizer, stage, fault);
}

enum status pretokenizer_add_bert(struct pretokenizer *pretokenizer, struct fault *fault)
{
    TRY(pretokenizer_add_split(pretokenizer, TEXT("\\s+"), false, SPLIT_REMOVED, false, fault));
    return pretokenizer_add_split(pretokenizer, TEXT("[!-/:-@\\x5B-`{-~\\p{P}]"), false,
                                  SPLIT_ISOLATED, false, fault);
}

/* One run over the chain; `index` is the stage whose turn it is. */
struct chain {
    const struct pretokenizer *pretokenizer;
    struct pretokenizer_work *work;
    enum status (*emit)(void *context, struct text word);
    void *context;
    struct fault *fault;
    size_t index;
    bool is_start; /* does the next piece start the whole input? */
};

static enum status rewrite(const struct chain *chain, const struct stage *stage, struct text piece,
                           struct text *out)
{
    struct buffer *buffer = &chain->work->rewritten[chain->index];
    bool wants_prefix =
        stage->scheme == PREFIX_ALWAYS || (stage->scheme == PREFIX_FIRST && chain->is_start);
    bool has_prefix = text_starts_with(piece, TEXT(" ")) || text_starts_with(piece, stage->space);
    buffer_clear(buffer);
    if (wants_prefix && !has_prefix) buffer_append_text(buffer, stage->space);
    for (size_t at = 0; at < piece.length; at++) {
        if (piece.data[at] == ' ')
            buffer_append_text(buffer, stage->space);
        else
            buffer_append_char(buffer, piece.data[at]);
    }
    *out = buffer_text(buffer);
    return buffer_status(buffer, chain->fault);
}

static enum status run_stage(void *context, struct text piece)
{
    struct chain *chain = context;
    if (chain->index == chain->pretokenizer->count) return chain->emit(chain->context, piece);
    const struct stage *stage = &chain->pretokenizer->stages[chain->index];
    enum status status;
    if (stage->kind == STAGE_PREFIX) {
        TRY(rewrite(chain, stage, piece, &piece));
        chain->is_start = false;
        chain->index++;
        status = run_stage(chain, piece);
    } else {
        chain->index++;
        status = splitter_run(&stage->splitter, piece, &chain->work->splitter, run_stage, chain,
                              chain->fault);
    }
    chain->index--;
    return status;
}

enum status pretokenizer_run(const struct pretokenizer *pretokenizer, struct text t, bool is_start,
                             struct pretokenizer_work *work,
                             enum status (*emit)(void *context, struct text word), void *context,
                             struct fault *fault)
{
    struct chain chain = {pretokenizer, work, emit, context, fault, 0, is_start};
    while (t.length > 0) {
        size_t valid = unicode_valid_prefix(t);
        if (valid > 0) TRY(run_stage(&chain, text_slice(t, 0, valid)));
        size_t next = valid;
        while (next < t.length && unicode_valid_prefix(text_slice(t, next, next + 4)) == 0) next++;
        if (next > valid) TRY(emit(context, text_slice(t, valid, next)));
        t = text_slice(t, next, t.length);
        chain.is_start = false;
    }
    return OK;
}
