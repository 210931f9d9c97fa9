/* openai_text.h - the JSON of completions, whole and in pieces, in OpenAI's two shapes.
 *
 * Pure: appends to buffers. Must not know how the tokens came to be, nor where the text goes. */
#ifndef LIMINAL_INFERENCE_OPENAI_TEXT_H
#define LIMINAL_INFERENCE_OPENAI_TEXT_H

#include "base/text.h"
#include "inference/engine.h"

enum openai_shape { SHAPE_CHAT, SHAPE_TEXT };

/* What all pieces of one answer have in common. */
struct openai_head {
    enum openai_shape shape;
    char id[40];        /* "chatcmpl-" + 8 hex digits (R17), "cmpl-" ... */
    int64_t created;    /* Unix seconds */
    struct text model;  /* as the client called it */
    bool include_usage; /* streams: "usage" in every piece */
};

struct openai_usage {
    uint32_t prompt_tokens, completion_tokens, cached_tokens;
};

/* "stop", "length", or NULL for what did not end by itself. */
const char *openai_finish_reason(enum generation_end end);

/* One token's entry of chat logprobs.content, with a comma before it if `out` is not empty. */
void openai_append_chat_logprob(struct buffer *out, const struct tokenizer *tokenizer,
                                const struct generation_event *event);

/* The four arrays of the legacy logprobs object, built token by token. */
struct legacy_logprobs {
    struct buffer tokens, logprobs, top, offsets;
};
void legacy_logprobs_deinit(struct legacy_logprobs *lists);
void legacy_logprobs_clear(struct legacy_logprobs *lists);
void legacy_logprobs_add(struct legacy_logprobs *lists, const struct tokenizer *tokenizer,
                         const struct generation_event *event, size_t text_offset);
/* {"tokens":[...],...} */
void legacy_logprobs_append(const struct legacy_logprobs *lists, struct buffer *out);

/* One choice of a whole answer. `logprobs` is JSON or empty. */
void openai_append_choice(struct buffer *out, enum openai_shape shape, uint32_t index,
                          struct text content, struct text logprobs, enum generation_end end);
/* A whole answer around its choices (JSON, comma-separated). */
void openai_append_answer(struct buffer *out, const struct openai_head *head, struct text choices,
                          const struct openai_usage *usage);

/* One server-sent event with a piece of one choice. `is_first`: the chat's role comes with it. */
struct openai_piece {
    uint32_t index;
    bool is_first;
    struct text content, logprobs;
    enum generation_end end; /* END_NONE: more follows */
};
void openai_append_piece(struct buffer *out, const struct openai_head *head,
                         const struct openai_piece *piece);
/* The event with the usage and no choices. */
void openai_append_usage_piece(struct buffer *out, const struct openai_head *head,
                               const struct openai_usage *usage);

#endif
