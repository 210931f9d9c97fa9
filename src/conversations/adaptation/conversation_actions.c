/* conversation_actions.c - see conversation_actions.h. */
#include "conversations/adaptation/conversation_actions.h"

#include <stdio.h>

#include "base/moment.h"
#include "conversations/content_struct.h"
#include "conversations/export.h"
#include "http/json_body.h"

/* ---- conversations ---- */

static enum status tell(struct conversation_call *call, const struct conversation *conversation)
{
    conversation_append_json(&call->out, conversation);
    return OK;
}

enum status action_create(struct conversation_call *call, struct fault *fault)
{
    struct conversation conversation = {.title = TEXT("")};
    TRY(json_read_text(call->body, "title", &conversation.title, fault));
    TRY(call_read_object(call, "meta", &conversation.meta, fault));
    TRY(conversation_create(call->conversations, call->user, &conversation, fault));
    call->http_code = 201;
    return tell(call, &conversation);
}

static enum status read_status(struct text word, enum conversation_status *status,
                               struct fault *fault)
{
    if (conversation_status_parse(word, status)) return OK;
    return fault_set_param(fault, STATUS_INVALID, "status",
                           "status must be \"open\" or "
                           "\"archived\"");
}

enum status action_list(struct conversation_call *call, struct fault *fault)
{
    struct page_wish wish;
    struct page_cursor cursor;
    struct conversation_page page;
    enum conversation_status status = CONVERSATION_OPEN;
    struct text word = http_query_parameter(call->exchange, "status");
    if (word.length) TRY(read_status(word, &status, fault));
    TRY(call_page_wish(call, CURSOR_CONVERSATIONS, PAGE_LIMIT, &wish, &cursor, fault));
    TRY(conversation_list(call->conversations, call->user, status, &wish, call->job, &page, fault));
    buffer_append_char(&call->out, '[');
    for (size_t i = 0; i < page.count; i++) {
        if (i) buffer_append_char(&call->out, ',');
        conversation_append_json(&call->out, &page.items[i]);
    }
    buffer_append_char(&call->out, ']');
    call->is_page = true;
    if (page.has_more) page_cursor_format(CURSOR_CONVERSATIONS, page.next, call->next_cursor);
    return OK;
}

enum status action_get(struct conversation_call *call, struct fault *fault)
{
    struct uuid id;
    struct conversation conversation;
    TRY(call_path_id(call, &id, fault));
    TRY(conversation_get(call->conversations, call->user, id, call->job, &conversation, fault));
    return tell(call, &conversation);
}

static enum status read_context(const struct conversation_call *call, struct uuid *context,
                                struct fault *fault)
{
    struct text word = TEXT("");
    *context = (struct uuid){{0}};
    TRY(json_read_text(call->body, "active_context_id", &word, fault));
    if (word.length == 0 || uuid_parse(word, context)) return OK;
    return fault_set_param(fault, STATUS_INVALID, "active_context_id",
                           "active_context_id must be a UUID or null");
}

enum status action_change(struct conversation_call *call, struct fault *fault)
{
    struct uuid id, context;
    struct text title = TEXT(""), meta, word = TEXT("");
    enum conversation_status status;
    struct conversation_change change = {.title = NULL};
    struct conversation conversation;
    TRY(call_path_id(call, &id, fault));
    TRY(json_read_text(call->body, "title", &title, fault));
    TRY(json_read_text(call->body, "status", &word, fault));
    TRY(call_read_object(call, "meta", &meta, fault));
    TRY(read_context(call, &context, fault));
    if (json_body_field(call->body, "status")) {
        TRY(read_status(word, &status, fault));
        change.status = &status;
    }
    /* null empties these; what is not there stays */
    if (json_object_get(call->body, "title")) change.title = &title;
    if (json_object_get(call->body, "meta")) change.meta = &meta;
    if (json_object_get(call->body, "active_context_id")) change.active_context = &context;
    TRY(conversation_change(call->conversations, call->user, id, &change, call->job, &conversation,
                            fault));
    return tell(call, &conversation);
}

enum status action_delete(struct conversation_call *call, struct fault *fault)
{
    struct uuid id;
    char text[UUID_TEXT_BYTES];
    TRY(call_path_id(call, &id, fault));
    TRY(conversation_delete(call->conversations, call->user, id, fault));
    uuid_format(id, text);
    buffer_printf(&call->out, "{\"id\":\"%s\",\"deleted\":true}", text);
    return OK;
}

enum status action_fork(struct conversation_call *call, struct fault *fault)
{
    struct uuid id, message;
    struct text word = TEXT("");
    struct conversation conversation;
    TRY(call_path_id(call, &id, fault));
    TRY(json_read_text(call->body, "message_id", &word, fault));
    if (!uuid_parse(word, &message))
        return fault_set_param(fault, STATUS_INVALID, "message_id",
                               "message_id must be the id of a message of this conversation");
    TRY(conversation_fork(call->conversations, call->user, id, message, call->job, &conversation,
                          fault));
    call->http_code = 201;
    return tell(call, &conversation);
}

/* ---- messages ---- */

enum status action_messages(struct conversation_call *call, struct fault *fault)
{
    struct uuid id;
    struct page_wish wish;
    struct page_cursor cursor;
    struct message_page page;
    struct text order = http_query_parameter(call->exchange, "order");
    bool newest_first = text_equal(order, TEXT("desc"));
    TRY(call_path_id(call, &id, fault));
    if (order.length && !newest_first && !text_equal(order, TEXT("asc")))
        return fault_set_param(fault, STATUS_INVALID, "order", "order must be \"asc\" or \"desc\"");
    TRY(call_page_wish(call, CURSOR_MESSAGES, PAGE_LIMIT, &wish, &cursor, fault));
    TRY(message_list(call->conversations, call->user, id, newest_first, &wish, call->job, &page,
                     fault));
    buffer_append_char(&call->out, '[');
    for (size_t i = 0; i < page.count; i++) {
        if (i) buffer_append_char(&call->out, ',');
        message_append_json(&call->out, &page.items[i]);
    }
    buffer_append_char(&call->out, ']');
    call->is_page = true;
    if (page.has_more) page_cursor_format(CURSOR_MESSAGES, page.next, call->next_cursor);
    return OK;
}

static enum status read_struct(const struct conversation_call *call, struct message *message,
                               struct fault *fault)
{
    json_t *made;
    TRY(content_struct_normalise(json_body_field(call->body, "content_struct"), message->content,
                                 &made, fault));
    if (!made) return OK;
    enum status status = call_keep_tree(call, made, &message->content_struct, fault);
    json_decref(made);
    return status;
}

static enum status read_message(const struct conversation_call *call, struct message *message,
                                struct fault *fault)
{
    struct text sender = TEXT("user");
    if (!json_body_field(call->body, "content"))
        return fault_set_param(fault, STATUS_INVALID, "content", "content is required");
    TRY(json_read_text(call->body, "content", &message->content, fault));
    TRY(json_read_text(call->body, "sender", &sender, fault));
    TRY(json_read_text(call->body, "role", &message->role, fault));
    TRY(call_read_object(call, "meta", &message->meta, fault));
    if (json_object_get(json_object_get(call->body, "meta"), "summary"))
        return fault_set_param(
            fault, STATUS_INVALID, "meta.summary",
            "meta.summary is the server's: it stands for messages that it hides");
    if (!message_sender_parse(sender, &message->sender))
        return fault_set_param(fault, STATUS_INVALID, "sender",
                               "sender must be \"user\", \"assistant\", \"system\" or \"tool\"");
    return read_struct(call, message, fault);
}

enum status action_append(struct conversation_call *call, struct fault *fault)
{
    struct message message = {.tokens_in = -1, .tokens_out = -1};
    TRY(call_path_id(call, &message.conversation_id, fault));
    TRY(read_message(call, &message, fault));
    TRY(message_append(call->conversations, call->user, &message, fault));
    call->http_code = 201;
    message_append_json(&call->out, &message);
    return OK;
}

/* ---- searching ---- */

/* The snippet as plain text, and where in it, in characters, words were found. */
static void append_snippet(struct buffer *out, struct text marked)
{
    struct buffer plain, matches;
    buffer_init(&plain);
    buffer_init(&matches);
    size_t characters = 0;
    for (size_t i = 0; i < marked.length; i++) {
        char c = marked.data[i];
        if (c == SNIPPET_OPEN) {
            buffer_printf(&matches, "%s[%zu", matches.length ? "," : "", characters);
        } else if (c == SNIPPET_CLOSE) {
            buffer_printf(&matches, ",%zu]", characters);
        } else {
            buffer_append_char(&plain, c);
            characters += ((unsigned char)c & 0xC0) != 0x80;
        }
    }
    buffer_append_json_string(out, buffer_text(&plain));
    buffer_append_string(out, ",\"matches\":[");
    buffer_append_text(out, buffer_text(&matches));
    buffer_append_char(out, ']');
    if (plain.failed || matches.failed) out->failed = true;
    buffer_deinit(&plain);
    buffer_deinit(&matches);
}

static void append_hit(struct buffer *out, const struct message_hit *hit)
{
    char message[UUID_TEXT_BYTES], conversation[UUID_TEXT_BYTES], created[MOMENT_TEXT_BYTES];
    uuid_format(hit->message_id, message);
    uuid_format(hit->conversation_id, conversation);
    moment_format(hit->created_us, created);
    buffer_printf(out, "{\"message_id\":\"%s\",\"conversation_id\":\"%s\",\"title\":", message,
                  conversation);
    if (hit->title.length)
        buffer_append_json_string(out, hit->title);
    else
        buffer_append_string(out, "null");
    buffer_printf(out, ",\"sender\":\"%s\",\"created_at\":\"%s\",\"snippet\":",
                  message_sender_name(hit->sender), created);
    append_snippet(out, hit->snippet);
    buffer_append_char(out, '}');
}

enum status action_search(struct conversation_call *call, struct fault *fault)
{
    struct page_wish wish;
    struct page_cursor unused;
    struct message_hit *hits;
    size_t count;
    TRY(call_page_wish(call, CURSOR_MESSAGES, SEARCH_LIMIT, &wish, &unused, fault));
    TRY(message_search(call->conversations, call->user, http_query_parameter(call->exchange, "q"),
                       wish.limit, call->job, &hits, &count, fault));
    buffer_append_char(&call->out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i) buffer_append_char(&call->out, ',');
        append_hit(&call->out, &hits[i]);
    }
    buffer_append_char(&call->out, ']');
    call->is_page = true;
    return OK;
}

/* ---- export ---- */

/* Page after page, so that only the text is in memory as a whole. */
static enum status export_all(struct conversation_call *call, struct uuid id,
                              enum export_format format, struct fault *fault)
{
    struct page_wish wish = {.limit = PAGE_DEFAULT};
    struct message_page page = {.has_more = true};
    struct page_cursor cursor;
    while (page.has_more) {
        struct arena job;
        arena_init(&job, 0);
        enum status status =
            message_list(call->conversations, call->user, id, false, &wish, &job, &page, fault);
        if (status == OK)
            export_messages(&call->out, format, page.items, page.count, wish.after == NULL);
        arena_deinit(&job);
        TRY(status);
        TRY(buffer_status(&call->out, fault));
        cursor = page.next;
        wish.after = &cursor;
    }
    return OK;
}

enum status action_export(struct conversation_call *call, struct fault *fault)
{
    struct uuid id;
    struct conversation conversation;
    enum export_format format = EXPORT_MARKDOWN;
    char name[EXPORT_NAME_BYTES], disposition[EXPORT_NAME_BYTES + 32];
    struct text word = http_query_parameter(call->exchange, "format");
    TRY(call_path_id(call, &id, fault));
    if (word.length && !export_format_parse(word, &format))
        return fault_set_param(fault, STATUS_INVALID, "format",
                               "format must be \"md\" or \"json\"");
    TRY(conversation_get(call->conversations, call->user, id, call->job, &conversation, fault));
    export_begin(&call->out, format, &conversation);
    TRY(export_all(call, id, format, fault));
    export_end(&call->out, format);
    TRY(buffer_status(&call->out, fault));
    export_file_name(format, &conversation, name);
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s\"", name);
    http_set_header(call->exchange, "Content-Disposition", disposition);
    http_reply(call->exchange, 200, export_content_type(format), buffer_text(&call->out));
    call->is_answered = true;
    return OK;
}
