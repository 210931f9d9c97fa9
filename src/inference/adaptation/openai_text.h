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
    char id[40];         /* "chatcmpl-" + 8 hex digits (R17), "cmpl-" ... */
    int64_t created;     /* Unix seconds */
    struct text model;   /* as the client called it */
    bool include_usage;  /* streams: "usage" in every piece */
    struct text members; /* JSON: more members of every answer and piece; empty: none */
};

struct openai_usage {
    uint32_t prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens;
    uint32_t drafted_tokens, accepted_tokens;
};

/* How an answer ended. */
struct openai_finish {
    enum generation_end end; /* END_NONE: more follows */
    bool with_calls;         /* of tools, which the client is to make */
};
/* "stop", "length", "tool_calls", or NULL for what did not end by itself. */
const char *openai_finish_reason(struct openai_finish finish);

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

/* ---- messages of a chat ---- */

enum { OPENAI_CALL_ID_BYTES = 16 };

/* Append the beginning of a call, {"id":...,"function":{...,"arguments": without their value. */
void openai_append_call(struct buffer *out, struct text id, struct text name);

struct openai_message {
    struct text content;
    struct text reasoning; /* empty: none is told */
    struct text calls;     /* JSON, comma-separated; with them an empty content is null */
};

enum openai_delta_kind { DELTA_TEXT, DELTA_REASONING, DELTA_CALL, DELTA_ARGUMENTS };
struct openai_delta {
    enum openai_delta_kind kind;
    struct text text;    /* of a DELTA_CALL, its name */
    uint32_t call;       /* which one */
    struct text call_id; /* of a DELTA_CALL */
};

/* ---- whole answers ---- */

/* One choice of a whole answer; SHAPE_TEXT takes the message's content only. `logprobs` is JSON or
 * empty. */
void openai_append_choice(struct buffer *out, enum openai_shape shape, uint32_t index,
                          const struct openai_message *message, struct text logprobs,
                          struct openai_finish finish);
/* A whole answer around its choices (JSON, comma-separated). */
void openai_append_answer(struct buffer *out, const struct openai_head *head, struct text choices,
                          const struct openai_usage *usage);

/* ---- streams ---- */

/* One server-sent event with a piece of one choice. */
struct openai_piece {
    uint32_t index;
    bool is_first; /* the chat's role comes with it, and a content that is empty, or */
    bool is_null;  /* null, where calls may be all that follows */
    struct openai_delta delta;
    struct text logprobs;
    struct openai_finish finish;
};
void openai_append_piece(struct buffer *out, const struct openai_head *head,
                         const struct openai_piece *piece);
/* The event with the usage and no choices. */
void openai_append_usage_piece(struct buffer *out, const struct openai_head *head,
                               const struct openai_usage *usage);

#endif
