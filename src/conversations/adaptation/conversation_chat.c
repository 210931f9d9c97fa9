/* conversation_chat.c - see conversation_chat.h. */
#include "conversations/adaptation/conversation_chat.h"

#include <stdio.h>
#include <string.h>

#include "conversations/adaptation/chat_history.h"
#include "conversations/adaptation/summary_run.h"
#include "conversations/adaptation/told_messages.h"
#include "gateway/gateway.h"
#include "http/json_body.h"
#include "inference/engine.h"
#include "inference/model_lease.h"

enum {
    ANSWER_TOKENS = 512, /* kept free where a request does not say how long its answer may be */
    AROUND_TOKENS = 32,  /* what a template puts around a conversation, about */
    MEMBERS_BYTES = 128,
    ROUNDS_LIMIT = 8, /* of summarising, for one request */
};

/* Lives in the exchange's arena. */
struct kept_turn {
    struct conversations *conversations;
    struct uuid user, conversation; /* nil: a new one */
    struct arena *job;
    const char *model;
    const json_t *asked; /* during the handler: the request's own messages */
    struct text metadata;
    struct turn *turn;

    /* The engine's thread's: calls of tools so far, and the arguments of the last. */
    json_t *calls;
    struct buffer name, id, arguments;
    bool is_calling, has_failed;

    void (*go_on)(void *argument, const struct fault *fault);
    void *argument;
};

/* Of an exchange, across the rounds of summarising. */
struct summaries {
    struct summary_run *run; /* that was waited for */
    int rounds;
};

/* ---- what the request says ---- */

static enum status read_id(const json_t *root, const char *name, struct uuid *id, bool *is_there,
                           struct fault *fault)
{
    struct text word = TEXT("");
    TRY(json_read_text(root, name, &word, fault));
    *is_there = json_body_field(root, name) != NULL;
    if (!*is_there || uuid_parse(word, id)) return OK;
    return fault_set_param(fault, STATUS_INVALID, name, "%s must be a UUID", name);
}

static enum status read_metadata(const json_t *root, struct arena *job, struct text *metadata,
                                 struct fault *fault)
{
    json_t *tree;
    struct buffer text;
    TRY(json_read_object(root, "metadata", &tree, fault));
    if (!tree) return OK;
    buffer_init(&text);
    json_append(&text, tree);
    enum status status = buffer_status(&text, fault);
    char *copy = status == OK ? arena_copy(job, text.data, text.length) : NULL;
    *metadata = (struct text){copy, text.length};
    buffer_deinit(&text);
    if (status == OK && !copy) status = fault_set(fault, STATUS_NO_MEMORY, "no memory");
    return status;
}

static enum status read_request(struct kept_turn *kept, const json_t *root, struct fault *fault)
{
    struct uuid user;
    bool has_user, has_conversation;
    TRY(read_id(root, "user_id", &user, &has_user, fault));
    if (has_user && !uuid_equal(user, kept->user))
        return fault_set_param(fault, STATUS_FORBIDDEN, "user_id",
                               "user_id must be your own, or left out");
    TRY(read_id(root, "conversation_id", &kept->conversation, &has_conversation, fault));
    return read_metadata(root, kept->job, &kept->metadata, fault);
}

/* What the model has for messages, when answer and tools have their part. */
static uint32_t room_for_messages(const json_t *root, const struct model_lease *lease)
{
    uint32_t context = engine_context_length(lease->engine);
    const json_t *most = json_body_field(root, "max_completion_tokens");
    if (!most) most = json_body_field(root, "max_tokens");
    json_int_t answer = json_is_integer(most) ? json_integer_value(most) : ANSWER_TOKENS;
    struct buffer tools;
    buffer_init(&tools);
    json_append(&tools, json_body_field(root, "tools"));
    uint64_t taken = AROUND_TOKENS + tools.length / 3; /* JSON: three bytes a token, at least */
    buffer_deinit(&tools);
    taken += answer > 0 && answer < context / 2 ? (uint64_t)answer : context / 4;
    return taken < context ? context - (uint32_t)taken : 0;
}

/* ---- before ---- */

static enum status put_in_front(json_t *messages, json_t *told, size_t *count, struct fault *fault)
{
    size_t index;
    json_t *message;
    json_array_foreach(told, index,
                       message) if (json_array_insert(messages, index, message) !=
                                    0) return fault_set(fault, STATUS_NO_MEMORY,
                                                        "no memory for the conversation");
    *count = json_array_size(told);
    return OK;
}

/* Clients that send their instruction with each question do not mean it to be there many times. */
static void drop_known_instructions(json_t *asked, const json_t *told)
{
    size_t index;
    const json_t *known;
    json_array_foreach(
        told, index,
        known) for (size_t i = 0; i < json_array_size(asked);
                    i++) if (text_equal(json_field_text(known, "role"), TEXT("system")) &&
                             json_equal(json_array_get(asked, i), known))
        json_array_remove(asked, i--);
}

/* Many templates know one instruction, at the beginning: those that history begins with, and its
 * summary, become one. */
static enum status join_instructions(json_t *told, struct fault *fault)
{
    struct buffer joined;
    buffer_init(&joined);
    size_t count = 0;
    while (text_equal(json_field_text(json_array_get(told, count), "role"), TEXT("system"))) {
        if (count) buffer_append_string(&joined, "\n\n");
        buffer_append_text(&joined, json_field_text(json_array_get(told, count++), "content"));
    }
    bool held = !joined.failed;
    if (held && count > 1) {
        json_t *content = json_stringn(joined.data, joined.length);
        held = json_object_set_new(json_array_get(told, 0), "content", content) == 0;
        while (held && --count > 0) json_array_remove(told, count);
    }
    buffer_deinit(&joined);
    return held ? OK : fault_set(fault, STATUS_NO_MEMORY, "no memory for the conversation");
}

/* A summary that an earlier round asked for becomes a part of the conversation. */
static enum status keep_summary(struct kept_turn *kept, struct summaries *summaries,
                                struct fault *fault)
{
    struct message summary;
    struct summary_run *run = summaries->run;
    if (!run) return OK;
    summaries->run = NULL;
    TRY(summary_run_end(run, &summary, fault));
    summary.conversation_id = kept->conversation;
    return message_append(kept->conversations, kept->user, &summary, fault);
}

static enum status summarise(struct summaries *summaries, struct http_exchange *exchange,
                             struct model_lease *lease, const json_t *surplus, int64_t stands_for,
                             uint32_t most_tokens, struct fault *fault)
{
    if (++summaries->rounds > ROUNDS_LIMIT)
        return fault_set_param(fault, STATUS_TOO_LARGE, "conversation_id",
                               "the conversation does not fit this model, though it was summarised "
                               "%d times: ask a model with a longer context",
                               ROUNDS_LIMIT);
    return summary_run_start(&summaries->run, exchange, lease, surplus, stands_for, most_tokens,
                             fault);
}

static struct summaries *summaries_of(struct kept_chat *chat, struct arena *job)
{
    if (!*chat->memory) *chat->memory = arena_alloc(job, sizeof(struct summaries));
    return *chat->memory;
}

static enum status load_history(struct kept_turn *kept, struct http_exchange *exchange,
                                const json_t *root, struct model_lease *lease,
                                struct kept_chat *chat, struct fault *fault)
{
    json_t *messages = json_object_get(root, "messages"), *told;
    struct summaries *summaries = summaries_of(chat, kept->job);
    uint32_t context = engine_context_length(lease->engine);
    int64_t stands_for;
    const struct chat_room room = {
        .tokenizer = engine_tokenizer(lease->engine),
        .tokens = room_for_messages(root, lease),
        .summary_tokens = context / 8 < SUMMARY_TOKENS ? context / 8 : SUMMARY_TOKENS,
    };
    if (!summaries) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    TRY(keep_summary(kept, summaries, fault));
    TRY(chat_history_load(kept->conversations, kept->user, kept->conversation, &room, messages,
                          &told, &stands_for, fault));
    enum status status;
    if (stands_for) {
        status =
            summarise(summaries, exchange, lease, told, stands_for, room.summary_tokens, fault);
        chat->is_deferred = status == OK;
    } else {
        drop_known_instructions(messages, told);
        status = join_instructions(told, fault);
        if (status == OK) status = put_in_front(messages, told, &chat->told_before, fault);
    }
    json_decref(told);
    return status;
}

static enum status prepare(void *context, struct http_exchange *exchange, json_t *root,
                           struct model_lease *lease, struct kept_chat *chat, struct fault *fault)
{
    struct arena *job = http_arena(exchange);
    struct kept_turn *kept = arena_alloc(job, sizeof *kept);
    if (!kept) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    kept->conversations = context;
    kept->user = gateway_caller(exchange)->principal.account.id;
    kept->job = job;
    kept->model = arena_copy(job, lease->name, strlen(lease->name));
    chat->turn = kept;
    TRY(read_request(kept, root, fault));
    json_t *messages = json_object_get(root, "messages");
    kept->asked = messages;
    if (!json_is_array(messages) || uuid_is_nil(kept->conversation)) return OK;

    return load_history(kept, exchange, root, lease, chat, fault);
}

/* ---- beginning ---- */

static enum status take_asked(const struct kept_turn *kept, size_t from, struct message **messages,
                              size_t *count, struct fault *fault)
{
    *count = json_array_size(kept->asked) - from;
    *messages = arena_alloc_array(kept->job, *count, sizeof **messages);
    if (!*messages) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    for (size_t i = 0; i < *count; i++)
        TRY(message_take(json_array_get(kept->asked, from + i), kept->job, &(*messages)[i], fault));
    (*messages)[0].conversation_id = kept->conversation;
    return OK;
}

static enum status begin(struct kept_chat *chat, struct fault *fault)
{
    struct kept_turn *kept = chat->turn;
    struct message *messages;
    size_t count;
    char *members = arena_alloc(kept->job, MEMBERS_BYTES);
    char conversation[UUID_TEXT_BYTES], message[UUID_TEXT_BYTES];
    if (!members) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    TRY(take_asked(kept, chat->told_before, &messages, &count, fault));
    TRY(turn_begin(kept->conversations, kept->user, messages, count, kept->metadata, &kept->turn,
                   fault));
    uuid_format(turn_conversation(kept->turn), conversation);
    uuid_format(turn_message(kept->turn), message);
    snprintf(members, MEMBERS_BYTES, "\"conversation_id\":\"%s\",\"message_id\":\"%s\"",
             conversation, message);
    chat->members = text_of(members);
    return OK;
}

static void refused(struct kept_chat *chat)
{
    const struct kept_turn *kept = chat->turn;
    turn_withdraw(kept->turn);
}

/* ---- the answer, on the engine's thread ---- */

static void end_call(struct kept_turn *kept)
{
    if (!kept->is_calling) return;
    kept->is_calling = false;
    if (!kept->calls) kept->calls = json_array();
    struct text id = buffer_text(&kept->id), name = buffer_text(&kept->name),
                arguments = buffer_text(&kept->arguments);
    json_t *call =
        json_pack("{s:s%, s:{s:s%, s:s%}}", "id", id.data, id.length, "function", "name", name.data,
                  name.length, "arguments", arguments.data ? arguments.data : "", arguments.length);
    if (!call || json_array_append_new(kept->calls, call) != 0) kept->has_failed = true;
}

static void begin_call(struct kept_turn *kept, const struct openai_delta *delta)
{
    end_call(kept);
    buffer_clear(&kept->id);
    buffer_clear(&kept->name);
    buffer_clear(&kept->arguments);
    buffer_append_text(&kept->id, delta->call_id);
    buffer_append_text(&kept->name, delta->text);
    kept->is_calling = true;
}

static void told(void *turn, const struct openai_delta *delta)
{
    struct kept_turn *kept = turn;
    switch (delta->kind) {
    case DELTA_TEXT: turn_add(kept->turn, delta->text); break;
    case DELTA_CALL: begin_call(kept, delta); break;
    case DELTA_ARGUMENTS: buffer_append_text(&kept->arguments, delta->text); break;
    case DELTA_REASONING: break; /* is not part of what was said */
    }
}

static void saved(void *argument, enum status status, const struct fault *fault)
{
    const struct kept_turn *kept = argument;
    kept->go_on(kept->argument, status == OK ? NULL : fault);
}

static void append_meta(const struct kept_turn *kept, const struct chat_ending *ending,
                        struct buffer *meta)
{
    buffer_append_string(meta, "{\"model\":");
    buffer_append_json_string(meta, text_of(kept->model));
    if (ending->is_whole && ending->finish)
        buffer_printf(meta, ",\"finish_reason\":\"%s\"", ending->finish);
    buffer_append_char(meta, '}');
}

static void ended(void *turn, const struct chat_ending *ending,
                  void (*go_on)(void *argument, const struct fault *fault), void *argument)
{
    struct kept_turn *kept = turn;
    struct fault fault;
    struct buffer meta;
    struct text calls = TEXT("");
    kept->go_on = go_on;
    kept->argument = argument;
    end_call(kept);
    buffer_init(&meta);
    append_meta(kept, ending, &meta);
    if (calls_keep(kept->calls, kept->job, &calls, &fault) != OK) kept->has_failed = true;
    bool is_whole = ending->is_whole && !kept->has_failed && !meta.failed;
    const struct turn_end end = {
        .state = is_whole ? MESSAGE_COMPLETE : MESSAGE_INTERRUPTED,
        .tokens_in = ending->prompt_tokens,
        .tokens_out = ending->completion_tokens,
        .content_struct = calls,
        .meta = buffer_text(&meta),
    };
    json_decref(kept->calls);
    buffer_deinit(&kept->id);
    buffer_deinit(&kept->name);
    buffer_deinit(&kept->arguments);
    turn_finish(kept->turn, &end, saved, kept);
    buffer_deinit(&meta);
}

struct chat_keeper conversation_chat_keeper(struct conversations *conversations)
{
    return (struct chat_keeper){
        .context = conversations,
        .prepare = prepare,
        .begin = begin,
        .refused = refused,
        .told = told,
        .ended = ended,
    };
}
