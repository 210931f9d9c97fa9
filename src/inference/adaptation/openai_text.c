/* openai_text.c - see openai_text.h. */
#include "inference/adaptation/openai_text.h"

#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

const char *openai_finish_reason(struct openai_finish finish)
{
    if (finish.end == END_STOP) return finish.with_calls ? "tool_calls" : "stop";
    return finish.end == END_LENGTH ? "length" : NULL;
}

static void append_finish(struct buffer *out, struct openai_finish finish)
{
    const char *reason = openai_finish_reason(finish);
    if (reason)
        buffer_printf(out, ",\"finish_reason\":\"%s\"}", reason);
    else
        buffer_append_string(out, ",\"finish_reason\":null}");
}

/* ---- log probabilities ---- */

/* JSON has no -Infinity; -9999 is what OpenAI writes for it. */
static void append_logprob(struct buffer *out, float logprob)
{
    if (logprob < -9999) logprob = -9999;
    buffer_printf(out, "%.6g", (double)logprob);
}

static void append_token(struct buffer *out, const struct tokenizer *tokenizer, int32_t token,
                         float logprob)
{
    struct buffer piece;
    buffer_init(&piece);
    tokenizer_piece(tokenizer, token, true, &piece);
    buffer_append_string(out, "{\"token\":");
    buffer_append_json_string(out, buffer_text(&piece));
    buffer_append_string(out, ",\"logprob\":");
    append_logprob(out, logprob);
    buffer_append_string(out, ",\"bytes\":[");
    for (size_t i = 0; i < piece.length; i++)
        buffer_printf(out, i ? ",%u" : "%u", (unsigned char)piece.data[i]);
    buffer_append_char(out, ']');
    if (piece.failed) out->failed = true;
    buffer_deinit(&piece);
}

void openai_append_chat_logprob(struct buffer *out, const struct tokenizer *tokenizer,
                                const struct generation_event *event)
{
    if (out->length) buffer_append_char(out, ',');
    append_token(out, tokenizer, event->token, event->logprob);
    buffer_append_string(out, ",\"top_logprobs\":[");
    for (size_t i = 0; i < event->top_count; i++) {
        if (i) buffer_append_char(out, ',');
        append_token(out, tokenizer, event->top[i].token, event->top[i].logprob);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "]}");
}

void legacy_logprobs_deinit(struct legacy_logprobs *lists)
{
    buffer_deinit(&lists->tokens);
    buffer_deinit(&lists->logprobs);
    buffer_deinit(&lists->top);
    buffer_deinit(&lists->offsets);
}

void legacy_logprobs_clear(struct legacy_logprobs *lists)
{
    buffer_clear(&lists->tokens);
    buffer_clear(&lists->logprobs);
    buffer_clear(&lists->top);
    buffer_clear(&lists->offsets);
}

static void append_piece_string(struct buffer *out, const struct tokenizer *tokenizer,
                                int32_t token)
{
    struct buffer piece;
    buffer_init(&piece);
    tokenizer_piece(tokenizer, token, true, &piece);
    buffer_append_json_string(out, buffer_text(&piece));
    if (piece.failed) out->failed = true;
    buffer_deinit(&piece);
}

/* The names of tokens are the keys of an object: of two with the same text (parts of characters),
 * the more probable one is told. */
static void append_top_object(struct buffer *out, const struct tokenizer *tokenizer,
                              const struct generation_event *event)
{
    struct buffer names[LOGPROBS_LIMIT];
    size_t told = 0;
    buffer_append_char(out, '{');
    for (size_t i = 0; i < event->top_count; i++) {
        struct buffer *name = &names[told];
        buffer_init(name);
        append_piece_string(name, tokenizer, event->top[i].token);
        bool repeated = false;
        for (size_t j = 0; j < told; j++)
            repeated = repeated || text_equal(buffer_text(name), buffer_text(&names[j]));
        if (repeated) {
            buffer_deinit(name);
            continue;
        }
        if (told++) buffer_append_char(out, ',');
        buffer_append_text(out, buffer_text(name));
        buffer_append_char(out, ':');
        append_logprob(out, event->top[i].logprob);
    }
    buffer_append_char(out, '}');
    for (size_t i = 0; i < told; i++) buffer_deinit(&names[i]);
}

void legacy_logprobs_add(struct legacy_logprobs *lists, const struct tokenizer *tokenizer,
                         const struct generation_event *event, size_t text_offset)
{
    if (lists->tokens.length) {
        buffer_append_char(&lists->tokens, ',');
        buffer_append_char(&lists->logprobs, ',');
        buffer_append_char(&lists->top, ',');
        buffer_append_char(&lists->offsets, ',');
    }
    append_piece_string(&lists->tokens, tokenizer, event->token);
    append_logprob(&lists->logprobs, event->logprob);
    append_top_object(&lists->top, tokenizer, event);
    buffer_printf(&lists->offsets, "%zu", text_offset);
}

void legacy_logprobs_append(const struct legacy_logprobs *lists, struct buffer *out)
{
    buffer_append_string(out, "{\"tokens\":[");
    buffer_append_text(out, buffer_text(&lists->tokens));
    buffer_append_string(out, "],\"token_logprobs\":[");
    buffer_append_text(out, buffer_text(&lists->logprobs));
    buffer_append_string(out, "],\"top_logprobs\":[");
    buffer_append_text(out, buffer_text(&lists->top));
    buffer_append_string(out, "],\"text_offset\":[");
    buffer_append_text(out, buffer_text(&lists->offsets));
    buffer_append_string(out, "]}");
}

/* ---- answers ---- */

/* Chat wraps its entries in an object, the legacy format is one already. */
static void append_logprobs(struct buffer *out, enum openai_shape shape, struct text logprobs)
{
    buffer_append_string(out, ",\"logprobs\":");
    if (logprobs.length == 0) {
        buffer_append_string(out, "null");
    } else if (shape == SHAPE_TEXT) {
        buffer_append_text(out, logprobs);
    } else {
        buffer_append_string(out, "{\"content\":[");
        buffer_append_text(out, logprobs);
        buffer_append_string(out, "],\"refusal\":null}");
    }
}

static void append_head(struct buffer *out, const struct openai_head *head, bool is_piece)
{
    const char *object = head->shape == SHAPE_TEXT ? "text_completion"
                         : is_piece                ? "chat.completion.chunk"
                                                   : "chat.completion";
    buffer_printf(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", head->id,
                  object, (long long)head->created);
    buffer_append_json_string(out, head->model);
    if (head->members.length) {
        buffer_append_char(out, ',');
        buffer_append_text(out, head->members);
    }
    buffer_append_string(out, ",\"choices\":[");
}

static void append_usage(struct buffer *out, const struct openai_usage *usage)
{
    buffer_printf(out,
                  "{\"prompt_tokens\":%u,\"completion_tokens\":%u,\"total_tokens\":%u,"
                  "\"prompt_tokens_details\":{\"cached_tokens\":%u},"
                  "\"completion_tokens_details\":{\"reasoning_tokens\":%u,"
                  "\"accepted_prediction_tokens\":%u,\"rejected_prediction_tokens\":%u}}",
                  usage->prompt_tokens, usage->completion_tokens,
                  usage->prompt_tokens + usage->completion_tokens, usage->cached_tokens,
                  usage->reasoning_tokens, usage->accepted_tokens,
                  usage->drafted_tokens - usage->accepted_tokens);
}

static void append_field(struct buffer *out, const char *name, struct text value)
{
    buffer_printf(out, "\"%s\":", name);
    buffer_append_json_string(out, value);
}

static void append_call_fields(struct buffer *out, struct text id, struct text name)
{
    append_field(out, "id", id);
    buffer_append_string(out, ",\"type\":\"function\",\"function\":{");
    append_field(out, "name", name);
    buffer_append_string(out, ",\"arguments\":");
}

void openai_append_call(struct buffer *out, struct text id, struct text name)
{
    buffer_append_char(out, '{');
    append_call_fields(out, id, name);
}

static void append_message(struct buffer *out, const struct openai_message *message)
{
    bool is_null = message->content.length == 0 && message->calls.length > 0;
    buffer_append_string(out, "\"message\":{\"role\":\"assistant\",");
    if (is_null)
        buffer_append_string(out, "\"content\":null");
    else
        append_field(out, "content", message->content);
    if (message->reasoning.length > 0) {
        buffer_append_char(out, ',');
        append_field(out, "reasoning_content", message->reasoning);
    }
    if (message->calls.length > 0) {
        buffer_append_string(out, ",\"tool_calls\":[");
        buffer_append_text(out, message->calls);
        buffer_append_char(out, ']');
    }
    buffer_append_string(out, ",\"refusal\":null}");
}

void openai_append_choice(struct buffer *out, enum openai_shape shape, uint32_t index,
                          const struct openai_message *message, struct text logprobs,
                          struct openai_finish finish)
{
    buffer_printf(out, "{\"index\":%u,", index);
    if (shape == SHAPE_CHAT)
        append_message(out, message);
    else
        append_field(out, "text", message->content);
    append_logprobs(out, shape, logprobs);
    append_finish(out, finish);
}

void openai_append_answer(struct buffer *out, const struct openai_head *head, struct text choices,
                          const struct openai_usage *usage)
{
    append_head(out, head, false);
    buffer_append_text(out, choices);
    buffer_append_string(out, "],\"usage\":");
    append_usage(out, usage);
    buffer_append_char(out, '}');
}

/* A call begins with all but its arguments, as OpenAI sends it. */
static void append_call_delta(struct buffer *out, const struct openai_delta *delta)
{
    buffer_printf(out, "\"tool_calls\":[{\"index\":%u,", delta->call);
    if (delta->kind == DELTA_CALL) {
        append_call_fields(out, delta->call_id, delta->text);
        buffer_append_string(out, "\"\"}}]");
    } else {
        buffer_append_string(out, "\"function\":{");
        append_field(out, "arguments", delta->text);
        buffer_append_string(out, "}}]");
    }
}

static void append_delta(struct buffer *out, const struct openai_piece *piece)
{
    const struct openai_delta *delta = &piece->delta;
    buffer_append_string(out, "\"delta\":{");
    if (piece->is_first)
        buffer_printf(out, "\"role\":\"assistant\",\"content\":%s",
                      piece->is_null ? "null" : "\"\"");
    else if (delta->kind == DELTA_CALL || delta->kind == DELTA_ARGUMENTS)
        append_call_delta(out, delta);
    else if (delta->kind == DELTA_REASONING)
        append_field(out, "reasoning_content", delta->text);
    else if (delta->text.length || piece->logprobs.length)
        append_field(out, "content", delta->text);
    buffer_append_char(out, '}');
}

void openai_append_piece(struct buffer *out, const struct openai_head *head,
                         const struct openai_piece *piece)
{
    buffer_append_string(out, "data: ");
    append_head(out, head, true);
    buffer_printf(out, "{\"index\":%u,", piece->index);
    if (head->shape == SHAPE_CHAT)
        append_delta(out, piece);
    else
        append_field(out, "text", piece->delta.text);
    append_logprobs(out, head->shape, piece->logprobs);
    append_finish(out, piece->finish);
    buffer_append_char(out, ']');
    if (head->include_usage) buffer_append_string(out, ",\"usage\":null");
    buffer_append_string(out, "}\n\n");
}

void openai_append_usage_piece(struct buffer *out, const struct openai_head *head,
                               const struct openai_usage *usage)
{
    buffer_append_string(out, "data: ");
    append_head(out, head, true);
    buffer_append_string(out, "],\"usage\":");
    append_usage(out, usage);
    buffer_append_string(out, "}\n\n");
}
