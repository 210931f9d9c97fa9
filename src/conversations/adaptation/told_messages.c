/* told_messages.c - see told_messages.h. */
#include "conversations/adaptation/told_messages.h"

#include <stdlib.h>

#include "http/json_body.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for a conversation");
}

/* What we wrote ourselves; NULL when there is nothing. */
static json_t *parse(struct text json)
{
    return json.length ? json_loadb(json.data, json.length, 0, NULL) : NULL;
}

static enum status keep_tree(json_t *tree, struct arena *job, struct text *kept,
                             struct fault *fault)
{
    struct buffer text;
    buffer_init(&text);
    json_append(&text, tree);
    char *copy = tree && !text.failed ? arena_copy(job, text.data, text.length) : NULL;
    *kept = (struct text){copy, text.length};
    buffer_deinit(&text);
    json_decref(tree);
    return copy ? OK : no_memory(fault);
}

int64_t summary_stands_for(const struct message *message)
{
    bool may_be = message->sender == SENDER_SYSTEM && message->state == MESSAGE_COMPLETE &&
                  message->meta.length;
    if (!may_be) return 0;
    json_t *meta = parse(message->meta);
    int64_t seq = 0;
    if (json_is_true(json_object_get(meta, "summary")))
        seq = json_integer_value(json_object_get(meta, "stands_for"));
    json_decref(meta);
    return seq;
}

/* ---- told ---- */

/* A segment as one of OpenAI's calls; NULL for other segments, and without memory. */
static json_t *tell_call(const json_t *segment)
{
    json_t *arguments = json_object_get(segment, "arguments");
    json_t *id = json_object_get(json_object_get(segment, "meta"), "id");
    if (!text_equal(json_field_text(segment, "type"), TEXT("tool_call")) || !json_is_string(id))
        return NULL;
    char *text = json_dumps(arguments, JSON_COMPACT | JSON_ENCODE_ANY);
    json_t *call =
        json_pack("{s:O, s:s, s:{s:O, s:s}}", "id", id, "type", "function", "function", "name",
                  json_object_get(segment, "name"), "arguments", text ? text : "{}");
    free(text);
    return call;
}

static json_t *tell_calls(const struct message *message)
{
    size_t index;
    json_t *segment, *structure = parse(message->content_struct), *calls = json_array();
    json_array_foreach(json_object_get(structure, "segments"), index, segment)
    {
        json_t *call = tell_call(segment);
        if (call) json_array_append_new(calls, call);
    }
    json_decref(structure);
    return calls;
}

static bool tell_extras(const struct message *message, json_t *told)
{
    if (message->sender == SENDER_TOOL) {
        json_t *meta = parse(message->meta);
        json_t *id = json_object_get(meta, "tool_call_id");
        bool held = !id || json_object_set(told, "tool_call_id", id) == 0;
        json_decref(meta);
        return held;
    }
    if (message->sender != SENDER_ASSISTANT || message->content_struct.length == 0) return true;
    json_t *calls = tell_calls(message);
    bool has_calls = json_array_size(calls) > 0;
    bool held = !has_calls || json_object_set(told, "tool_calls", calls) == 0;
    json_decref(calls);
    return held;
}

enum status message_tell(const struct message *message, json_t **told, struct fault *fault)
{
    struct text before = TEXT(""), content = message->content;
    *told = NULL;
    if (message->state == MESSAGE_WRITING) return OK;
    if (summary_stands_for(message)) before = TEXT("Summary of the conversation until here:\n");
    bool is_silent = message->sender == SENDER_ASSISTANT && content.length == 0 &&
                     message->content_struct.length == 0;
    if (is_silent) content = TEXT("(no answer)");
    json_t *made =
        json_pack("{s:s, s:s%+%}", "role", message_sender_name(message->sender), "content",
                  before.data, before.length, content.data ? content.data : "", content.length);
    if (!made || !tell_extras(message, made)) {
        json_decref(made);
        return no_memory(fault);
    }
    *told = made;
    return OK;
}

/* ---- taken ---- */

/* Text parts one per line, as the model is told them. */
static enum status take_content(const json_t *content, struct arena *job, struct text *taken,
                                struct fault *fault)
{
    size_t index;
    const json_t *part;
    *taken = json_is_string(content) ? json_text_of(content) : TEXT("");
    if (!json_is_array(content)) return OK;
    struct buffer text;
    buffer_init(&text);
    json_array_foreach(content, index, part)
    {
        if (index) buffer_append_char(&text, '\n');
        buffer_append_text(&text, json_field_text(part, "text"));
    }
    char *copy = text.failed ? NULL : arena_copy(job, text.data ? text.data : "", text.length);
    *taken = (struct text){copy, text.length};
    buffer_deinit(&text);
    return copy ? OK : no_memory(fault);
}

/* Arguments that are no JSON are kept as the text that they are. */
static json_t *keep_call(const json_t *call)
{
    const json_t *function = json_object_get(call, "function");
    json_t *text = json_object_get(function, "arguments");
    json_t *arguments = json_loadb(json_string_value(text), json_string_length(text), 0, NULL);
    json_t *segment = json_pack(
        "{s:s, s:O, s:O, s:{s:O}}", "type", "tool_call", "name", json_object_get(function, "name"),
        "arguments", arguments ? arguments : text, "meta", "id", json_object_get(call, "id"));
    json_decref(arguments);
    return segment;
}

enum status calls_keep(const json_t *tool_calls, struct arena *job, struct text *content_struct,
                       struct fault *fault)
{
    size_t index;
    const json_t *call;
    *content_struct = TEXT("");
    if (json_array_size(tool_calls) == 0) return OK;
    json_t *segments = json_array();
    json_array_foreach(tool_calls, index, call) json_array_append_new(segments, keep_call(call));
    return keep_tree(json_pack("{s:o}", "segments", segments), job, content_struct, fault);
}

enum status message_take(const json_t *told, struct arena *job, struct message *message,
                         struct fault *fault)
{
    struct text role = json_field_text(told, "role");
    json_t *id = json_object_get(told, "tool_call_id");
    *message = (struct message){.role = role, .tokens_in = -1, .tokens_out = -1};
    if (!message_sender_parse(role, &message->sender)) message->sender = SENDER_SYSTEM;
    TRY(take_content(json_object_get(told, "content"), job, &message->content, fault));
    TRY(calls_keep(json_object_get(told, "tool_calls"), job, &message->content_struct, fault));
    if (message->sender != SENDER_TOOL || !id) return OK;
    return keep_tree(json_pack("{s:O}", "tool_call_id", id), job, &message->meta, fault);
}
