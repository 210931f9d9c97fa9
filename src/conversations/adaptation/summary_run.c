/* summary_run.c - see summary_run.h. */
#include "conversations/adaptation/summary_run.h"

#include "gateway/gateway.h"
#include "http/json_body.h"
#include "inference/adaptation/tenant.h"
#include "inference/chat_prompt.h"
#include "inference/engine.h"
#include "inference/model_lease.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

enum { LEAST_BYTES = 64 /* of a message that is not told whole */ };

/* Between start and end it is the engine's thread's. */
struct summary_run {
    struct http_exchange *exchange;
    struct model_lease *lease; /* a share of its own */
    struct generation *generation;
    int64_t stands_for;
    struct buffer text;
    int64_t tokens_in, tokens_out;
    struct fault fault; /* status OK: none */
};

/* ---- what the model is told ---- */

static bool is_within_character(struct text text, size_t at)
{
    return at < text.length && ((unsigned char)text.data[at] & 0xC0) == 0x80;
}

/* Beginning and end of what is longer than a model can read even by itself; it is told so. */
static void append_bounded(struct buffer *out, struct text text, size_t most_bytes)
{
    if (text.length <= most_bytes) {
        buffer_append_text(out, text);
        return;
    }
    size_t begin = most_bytes / 2, end = text.length - most_bytes / 2;
    while (is_within_character(text, begin)) begin--;
    while (is_within_character(text, end)) end++;
    buffer_append_text(out, text_slice(text, 0, begin));
    buffer_printf(out, " [%zu bytes are left out here] ", end - begin);
    buffer_append_text(out, text_slice(text, end, text.length));
}

static void append_wish(struct buffer *out, const json_t *told, size_t most_bytes)
{
    size_t index;
    const json_t *message;
    buffer_append_string(out,
                         "Summarise this conversation in at most 150 words. Keep names, "
                         "numbers, decisions, and what is still open. Write nothing but the "
                         "summary.");
    json_array_foreach(told, index, message)
    {
        buffer_append_string(out, "\n\n");
        buffer_append_text(out, json_field_text(message, "role"));
        buffer_append_string(out, ": ");
        append_bounded(out, json_field_text(message, "content"), most_bytes);
        json_append(out, json_object_get(message, "tool_calls"));
    }
}

static enum status encode_wish(const struct model_lease *lease, const json_t *told,
                               size_t most_bytes, struct token_list *prompt, struct fault *fault)
{
    struct buffer wish;
    buffer_init(&wish);
    append_wish(&wish, told, most_bytes);
    json_t *messages =
        wish.failed ? NULL
                    : json_pack("[{s:s, s:s%}]", "role", "user", "content", wish.data, wish.length);
    buffer_deinit(&wish);
    if (!messages) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a summary");
    const struct chat_prompt chat = {.messages = messages, .now_unix = clock_wall_ms() / 1000};
    enum status status = chat_prompt_encode(lease->chat_template, engine_tokenizer(lease->engine),
                                            &chat, NULL, prompt, NULL, fault);
    json_decref(messages);
    return status;
}

/* Messages are told whole unless one of them is beyond the model. */
static enum status encode(const struct model_lease *lease, const json_t *told, uint32_t answer,
                          struct token_list *prompt, struct fault *fault)
{
    size_t most_bytes = 0, index;
    const json_t *message;
    json_array_foreach(told, index, message)
    {
        size_t length = json_field_text(message, "content").length;
        if (length > most_bytes) most_bytes = length;
    }
    for (;; most_bytes /= 2) {
        TRY(encode_wish(lease, told, most_bytes, prompt, fault));
        bool fits = prompt->count + answer <= engine_context_length(lease->engine);
        if (fits || most_bytes < LEAST_BYTES) return OK; /* else the engine refuses it, and why */
        prompt->count = 0;
    }
}

/* ---- the engine's thread ---- */

static void on_event(void *argument, const struct generation_event *event)
{
    struct summary_run *run = argument;
    buffer_append_text(&run->text, event->text);
    run->tokens_in = event->prompt_tokens;
    run->tokens_out = event->completion_tokens;
    if (event->end == END_ERROR) run->fault = *event->fault;
    if (event->end == END_CANCELLED)
        fault_set(&run->fault, STATUS_CANCELLED, "the client has left");
    if (event->end == END_NONE && http_client_gone(run->exchange))
        engine_cancel(run->lease->engine, run->generation);
    if (event->end != END_NONE) http_resume(run->exchange);
}

/* ---- the handler's ---- */

static void run_end(struct summary_run *run)
{
    generation_release(run->generation);
    model_lease_release(run->lease);
    buffer_deinit(&run->text);
}

static enum status submit(struct summary_run *run, const struct token_list *prompt,
                          uint32_t most_tokens, struct fault *fault)
{
    struct generation_request request = {
        .prompt = prompt->ids,
        .prompt_count = prompt->count,
        .max_tokens = most_tokens,
        .top_logprobs = -1,
        .on_event = on_event,
        .argument = run,
    };
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    TRY(gateway_claim_tokens(run->exchange, prompt->count + most_tokens, fault));
    TRY(tenant_of(&request.tenant, text_of(gateway_caller_name(run->exchange)), TEXT(""), fault));
    TRY(engine_prepare(run->lease->engine, &request, &run->generation, fault));
    TRY(engine_reserve(run->lease->engine, 1, fault));
    http_defer(run->exchange);
    engine_start(run->lease->engine, &run->generation, 1);
    return OK;
}

enum status summary_run_start(struct summary_run **out, struct http_exchange *exchange,
                              struct model_lease *lease, const json_t *told, int64_t stands_for,
                              uint32_t most_tokens, struct fault *fault)
{
    struct token_list prompt = {.ids = NULL};
    if (!lease->chat_template) {
        *fault = lease->chat_template_fault;
        return fault->status;
    }
    struct summary_run *run = arena_alloc(http_arena(exchange), sizeof *run);
    if (!run) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a summary");
    run->exchange = exchange;
    run->lease = model_lease_share(lease);
    run->stands_for = stands_for;
    *out = run; /* also for who is resumed before this returns */
    enum status status = encode(lease, told, most_tokens, &prompt, fault);
    if (status == OK) status = submit(run, &prompt, most_tokens, fault);
    token_list_deinit(&prompt);
    if (status == OK) return OK;
    run_end(run);
    *out = NULL;
    fault_prefix(fault, "the conversation is too long for the model, and can't be summarised");
    return status;
}

/* What a model thought before is no part of its summary. */
static struct text without_reasoning(struct text text, struct text close)
{
    for (size_t at; close.length && (at = text_find(text, close)) != SIZE_MAX;)
        text = text_slice(text, at + close.length, text.length);
    return text_trim(text);
}

static enum status take_summary(const struct summary_run *run, struct message *summary,
                                struct fault *fault)
{
    if (run->fault.status != OK) {
        *fault = run->fault;
        return fault->status;
    }
    TRY(buffer_status(&run->text, fault));
    struct arena *job = http_arena(run->exchange);
    struct text text =
        without_reasoning(buffer_text(&run->text), run->lease->chat_format.reasoning_close);
    if (text.length == 0) /* said, so that neither people nor the model miss it without knowing */
        text = TEXT(
            "(What was said before this has no summary: the model wrote nothing when it was "
            "asked for one.)");
    const char *content = arena_copy(job, text.data, text.length);
    const char *meta =
        arena_printf(job, "{\"summary\":true,\"stands_for\":%lld}", (long long)run->stands_for);
    if (!content || !meta) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a summary");
    *summary = (struct message){
        .sender = SENDER_SYSTEM,
        .content = {content, text.length},
        .tokens_in = run->tokens_in,
        .tokens_out = run->tokens_out,
        .meta = text_of(meta),
    };
    return OK;
}

enum status summary_run_end(struct summary_run *run, struct message *summary, struct fault *fault)
{
    enum status status = take_summary(run, summary, fault);
    if (status != OK)
        fault_prefix(fault, "the conversation is too long for the model, and can't be summarised");
    run_end(run);
    return status;
}
