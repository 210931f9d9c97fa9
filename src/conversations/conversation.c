/* conversation.c - see conversation.h. */
#include "conversations/conversation.h"

#include <jansson.h>
#include <string.h>

#include "base/moment.h"

/* ---- names ---- */

static const char *const status_names[] = {"open", "archived"};
static const char *const sender_names[] = {"user", "assistant", "system", "tool"};
static const char *const state_names[] = {"complete", "writing", "interrupted"};

static bool name_find(const char *const *names, size_t count, struct text name, unsigned *found)
{
    for (unsigned i = 0; i < count; i++)
        if (text_equal(name, text_of(names[i]))) {
            *found = i;
            return true;
        }
    return false;
}

const char *conversation_status_name(enum conversation_status status)
{
    return status_names[status];
}
bool conversation_status_parse(struct text name, enum conversation_status *status)
{
    return name_find(status_names, ARRAY_COUNT(status_names), name, status);
}
const char *message_sender_name(enum message_sender sender)
{
    return sender_names[sender];
}
bool message_sender_parse(struct text name, enum message_sender *sender)
{
    return name_find(sender_names, ARRAY_COUNT(sender_names), name, sender);
}
const char *message_state_name(enum message_state state)
{
    return state_names[state];
}
bool message_state_parse(struct text name, enum message_state *state)
{
    return name_find(state_names, ARRAY_COUNT(state_names), name, state);
}

enum message_state message_state_at(enum message_state state, int64_t writing_until_us,
                                    int64_t now_us)
{
    bool is_abandoned = state == MESSAGE_WRITING && writing_until_us < now_us;
    return is_abandoned ? MESSAGE_INTERRUPTED : state;
}

/* ---- bounds ---- */

static enum status text_check(struct text text, size_t limit_bytes, const char *field,
                              struct fault *fault)
{
    if (text.length > limit_bytes)
        return fault_set_param(fault, STATUS_TOO_LARGE, field, "%s is longer than %zu bytes", field,
                               limit_bytes);
    if (!utf8_valid(text) || (text.length && memchr(text.data, '\0', text.length)))
        return fault_set_param(fault, STATUS_INVALID, field,
                               "%s must be UTF-8 without NUL characters", field);
    return OK;
}

static size_t count_characters(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
    return count;
}

enum status title_check(struct text title, struct fault *fault)
{
    TRY(text_check(title, (size_t)4 * TITLE_CHARACTERS, "title", fault));
    if (count_characters(title) > TITLE_CHARACTERS)
        return fault_set_param(fault, STATUS_INVALID, "title", "title is longer than %d characters",
                               TITLE_CHARACTERS);
    for (size_t i = 0; i < title.length; i++)
        if ((unsigned char)title.data[i] < ' ')
            return fault_set_param(fault, STATUS_INVALID, "title",
                                   "title must be one line without control characters");
    return OK;
}

static enum status object_check(struct text json, size_t limit_bytes, const char *field,
                                struct fault *fault)
{
    if (json.length == 0) return OK;
    TRY(text_check(json, limit_bytes, field, fault));
    json_t *tree = json_loadb(json.data, json.length, 0, NULL);
    bool is_object = json_is_object(tree);
    json_decref(tree);
    if (is_object) return OK;
    return fault_set_param(fault, STATUS_INVALID, field, "%s must be a JSON object", field);
}

enum status meta_check(struct text meta, struct fault *fault)
{
    return object_check(meta, META_BYTES, "meta", fault);
}

enum status message_check(const struct message *message, struct fault *fault)
{
    TRY(text_check(message->content, MESSAGE_BYTES, "content", fault));
    TRY(text_check(message->role, ROLE_BYTES, "role", fault));
    TRY(object_check(message->content_struct, MESSAGE_BYTES, "content_struct", fault));
    return meta_check(message->meta, fault);
}

/* ---- titles ---- */

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* The first line with anything in it but Markdown's marks. */
static struct text first_line(struct text content)
{
    size_t at = 0;
    while (at < content.length && (is_space(content.data[at]) || strchr("#>*-`", content.data[at])))
        at++;
    size_t end = at;
    while (end < content.length && content.data[end] != '\n') end++;
    return text_trim(text_slice(content, at, end));
}

struct text title_of_message(struct text content, char out[TITLE_MADE_BYTES])
{
    static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */
    struct text line = first_line(content);
    size_t length = 0, characters = 0, at = 0, last_word = 0;
    while (at < line.length && characters < TITLE_MADE_CHARACTERS - 1) {
        uint32_t codepoint;
        size_t bytes = utf8_decode(line.data + at, line.length - at, &codepoint);
        if (bytes == 0) break;
        bool space = is_space(line.data[at]);
        if (space && length && out[length - 1] != ' ') {
            last_word = length;
            out[length++] = ' ';
            characters++;
        } else if (!space) {
            memcpy(out + length, line.data + at, bytes);
            length += bytes;
            characters++;
        }
        at += bytes;
    }
    if (at < line.length) {
        if (last_word > length / 2) length = last_word;
        memcpy(out + length, more, sizeof more - 1);
        length += sizeof more - 1;
    }
    out[length] = '\0';
    return (struct text){out, length};
}

/* ---- as JSON ---- */

static void append_id(struct buffer *out, const char *name, struct uuid id)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(id, text);
    buffer_printf(out, "\"%s\":\"%s\"", name, text);
}

static void append_moment(struct buffer *out, const char *name, int64_t unix_us)
{
    char text[MOMENT_TEXT_BYTES];
    moment_format(unix_us, text);
    buffer_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void append_tree(struct buffer *out, const char *name, struct text json)
{
    buffer_printf(out, ",\"%s\":", name);
    buffer_append_text(out, json.length ? json : TEXT("null"));
}

static void append_count(struct buffer *out, const char *name, int64_t count)
{
    if (count < 0)
        buffer_printf(out, ",\"%s\":null", name);
    else
        buffer_printf(out, ",\"%s\":%lld", name, (long long)count);
}

void conversation_append_json(struct buffer *out, const struct conversation *conversation)
{
    buffer_append_char(out, '{');
    append_id(out, "id", conversation->id);
    buffer_append_string(out, ",\"title\":");
    if (conversation->title.length)
        buffer_append_json_string(out, conversation->title);
    else
        buffer_append_string(out, "null");
    buffer_printf(out, ",\"status\":\"%s\"", conversation_status_name(conversation->status));
    append_moment(out, "created_at", conversation->created_us);
    append_moment(out, "updated_at", conversation->updated_us);
    append_count(out, "message_count", conversation->message_count);
    if (uuid_is_nil(conversation->active_context)) {
        buffer_append_string(out, ",\"active_context_id\":null");
    } else {
        buffer_append_char(out, ',');
        append_id(out, "active_context_id", conversation->active_context);
    }
    append_tree(out, "meta", conversation->meta);
    buffer_append_char(out, '}');
}

void message_append_json(struct buffer *out, const struct message *message)
{
    const char *sender = message_sender_name(message->sender);
    buffer_append_char(out, '{');
    append_id(out, "id", message->id);
    buffer_append_char(out, ',');
    append_id(out, "conversation_id", message->conversation_id);
    append_count(out, "seq", message->seq);
    buffer_printf(out, ",\"sender\":\"%s\",\"role\":", sender);
    buffer_append_json_string(out, message->role.length ? message->role : text_of(sender));
    buffer_append_string(out, ",\"content\":");
    buffer_append_json_string(out, message->content);
    append_tree(out, "content_struct", message->content_struct);
    buffer_printf(out, ",\"state\":\"%s\"", message_state_name(message->state));
    append_moment(out, "created_at", message->created_us);
    append_count(out, "token_count_in", message->tokens_in);
    append_count(out, "token_count_out", message->tokens_out);
    append_tree(out, "meta", message->meta);
    buffer_append_char(out, '}');
}
