/* chat_messages.c - see chat_messages.h. */
#include "inference/chat_messages.h"

#include <stdlib.h>
#include <string.h>

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the conversation");
}

static struct text text_of_json(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}

static json_t *json_of_text(struct text t)
{
    return json_stringn(t.data ? t.data : "", t.length);
}

static struct text field_text(const json_t *object, const char *name)
{
    return text_of_json(json_object_get(object, name));
}

static bool has_role(const json_t *message, const char *role)
{
    return text_equal(field_text(message, "role"), text_of(role));
}

static void append_json(struct buffer *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (text)
        buffer_append_string(out, text);
    else
        out->failed = true;
    free(text);
}

/* ---- for templates that know tools ---- */

/* Exactly CALL_ID_LENGTH letters and digits for any id: the end of ours, a digest of others. */
static void shorten_id(struct text id, char out[CALL_ID_LENGTH + 1])
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    if (text_starts_with(id, TEXT("call_"))) id = text_slice(id, 5, id.length);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    bool is_short = id.length == CALL_ID_LENGTH;
    for (size_t i = 0; i < id.length; i++) {
        unsigned char c = (unsigned char)id.data[i];
        is_short = is_short &&
                   ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
        hash = (hash ^ c) * 1099511628211u;
    }
    for (size_t i = 0; i < CALL_ID_LENGTH; i++, hash /= 36)
        out[i] = is_short ? id.data[i] : letters[hash % 36];
    out[CALL_ID_LENGTH] = '\0';
}

static json_t *arranged_id(const struct chat_format *format, struct text id)
{
    char shortened[CALL_ID_LENGTH + 1];
    if (!format->ids_are_short) return json_of_text(id);
    shorten_id(id, shortened);
    return json_string(shortened);
}

static json_t *arranged_arguments(const struct chat_format *format, json_t *arguments)
{
    if (!format->arguments_are_text) return json_incref(arguments);
    char *text = json_dumps(arguments, 0);
    json_t *string = text ? json_string(text) : NULL;
    free(text);
    return string;
}

static json_t *arranged_call(const struct chat_format *format, const json_t *call)
{
    const json_t *function = json_object_get(call, "function");
    return json_pack("{s:o, s:s, s:{s:O, s:o}}", "id", arranged_id(format, field_text(call, "id")),
                     "type", "function", "function", "name", json_object_get(function, "name"),
                     "arguments",
                     arranged_arguments(format, json_object_get(function, "arguments")));
}

/* The assistant's message with the calls `from` to `to` of it. */
static json_t *arranged_caller(const struct chat_format *format, const json_t *message, size_t from,
                               size_t to)
{
    const json_t *calls = json_object_get(message, "tool_calls");
    json_t *copy = json_copy((json_t *)message), *some = json_array();
    int failed = 0;
    for (size_t i = from; i < to; i++)
        failed |= json_array_append_new(some, arranged_call(format, json_array_get(calls, i)));
    bool is_silent = from > 0 || field_text(message, "content").length == 0;
    if (is_silent)
        failed |= json_object_set_new(copy, "content",
                                      format->content_is_null ? json_null() : json_string(""));
    if (from > 0) json_object_del(copy, "reasoning_content"); /* told with the first */
    failed |= json_object_set_new(copy, "tool_calls", some);
    if (!failed) return copy;
    json_decref(copy);
    return NULL;
}

/* A model that makes one call at a time is told of several as of several messages. */
static int add_caller(const struct chat_format *format, json_t *out, const json_t *message)
{
    size_t count = json_array_size(json_object_get(message, "tool_calls"));
    if (format->tools.middle.length > 0)
        return json_array_append_new(out, arranged_caller(format, message, 0, count));
    int failed = 0;
    for (size_t i = 0; i < count; i++)
        failed |= json_array_append_new(out, arranged_caller(format, message, i, i + 1));
    return failed;
}

static int add_result(const struct chat_format *format, json_t *out, const json_t *message)
{
    json_t *copy = json_copy((json_t *)message);
    json_t *id = arranged_id(format, field_text(message, "tool_call_id"));
    if (json_object_set_new(copy, "tool_call_id", id) == 0) return json_array_append_new(out, copy);
    json_decref(copy);
    return -1;
}

static int add_known(const struct chat_format *format, json_t *out, json_t *message)
{
    if (has_role(message, "tool")) return add_result(format, out, message);
    if (json_array_size(json_object_get(message, "tool_calls")) > 0)
        return add_caller(format, out, message);
    return json_array_append(out, message);
}

/* ---- for templates that know none ---- */

static void write_instructions(const json_t *tools, struct buffer *out)
{
    size_t i;
    const json_t *tool;
    buffer_append_string(out,
                         "# Tools\n\n"
                         "You can call functions. Here is what each one does, with the JSON "
                         "schema of its arguments:\n<tools>\n");
    json_array_foreach(tools, i, tool)
    {
        append_json(out, json_object_get(tool, "function"));
        buffer_append_char(out, '\n');
    }
    buffer_append_string(out,
                         "</tools>\n\n"
                         "To call a function, answer with its name and its arguments:\n"
                         "<tool_call>\n"
                         "{\"name\": \"NAME\", \"arguments\": {\"ARGUMENT\": \"VALUE\"}}\n"
                         "</tool_call>\n"
                         "What it gave is then told to you in "
                         "<tool_response></tool_response>.");
}

/* As the model itself is to write them: chat_format.h. */
static void write_calls(const json_t *calls, struct buffer *out)
{
    const struct tool_format *tools = &GENERIC_TOOL_FORMAT;
    size_t i;
    const json_t *call;
    json_array_foreach(calls, i, call)
    {
        const json_t *function = json_object_get(call, "function");
        buffer_append_text(out, i ? tools->middle : tools->opening);
        buffer_append_text(out, field_text(function, "name"));
        buffer_append_text(out, tools->between);
        append_json(out, json_object_get(function, "arguments"));
    }
    buffer_append_text(out, tools->end);
}

static void write_result(struct text content, struct buffer *out)
{
    buffer_append_string(out, "<tool_response>\n");
    buffer_append_text(out, content);
    buffer_append_string(out, "\n</tool_response>");
}

static int add_plain(json_t *out, const char *role, const struct buffer *content)
{
    if (content->failed) return -1;
    json_t *message =
        json_pack("{s:s, s:o}", "role", role, "content", json_of_text(buffer_text(content)));
    return json_array_append_new(out, message);
}

/* Results that follow each other are one message of the user. */
static size_t write_results(const json_t *messages, size_t from, struct buffer *content)
{
    size_t i = from;
    for (; has_role(json_array_get(messages, i), "tool"); i++) {
        if (i > from) buffer_append_char(content, '\n');
        write_result(field_text(json_array_get(messages, i), "content"), content);
    }
    return i;
}

static void write_caller(const json_t *message, struct buffer *content)
{
    struct text said = field_text(message, "content");
    buffer_append_text(content, said);
    if (said.length > 0) buffer_append_char(content, '\n');
    write_calls(json_object_get(message, "tool_calls"), content);
}

/* Set the content of a message, which others may hold too, to two texts. */
static int set_content(json_t *messages, size_t index, struct text first, struct text second)
{
    struct buffer content;
    buffer_init(&content);
    buffer_append_text(&content, first);
    buffer_append_string(&content, "\n\n");
    buffer_append_text(&content, second);
    json_t *copy = json_copy(json_array_get(messages, index));
    json_t *text = content.failed ? NULL : json_of_text(buffer_text(&content));
    buffer_deinit(&content);
    if (json_object_set_new(copy, "content", text) == 0)
        return json_array_set_new(messages, index, copy);
    json_decref(copy);
    return -1;
}

static size_t find_role(const json_t *messages, const char *role)
{
    size_t i = 0;
    while (i < json_array_size(messages) && !has_role(json_array_get(messages, i), role)) i++;
    return i;
}

/* The system's message tells how to call; without one, and where the template takes none, the
 * user's first. */
static int add_instructions(const struct chat_format *format, json_t *out, const json_t *tools)
{
    struct buffer buffer;
    buffer_init(&buffer);
    write_instructions(tools, &buffer);
    struct text instructions = buffer_text(&buffer);
    size_t user = find_role(out, "user");
    int failed = buffer.failed ? -1 : 0;
    if (failed == 0 && find_role(out, "system") == 0)
        failed = set_content(out, 0, field_text(json_array_get(out, 0), "content"), instructions);
    else if (failed == 0 && !format->takes_system && user < json_array_size(out))
        failed =
            set_content(out, user, instructions, field_text(json_array_get(out, user), "content"));
    else if (failed == 0)
        failed = json_array_insert_new(
            out, 0,
            json_pack("{s:s, s:o}", "role", "system", "content", json_of_text(instructions)));
    buffer_deinit(&buffer);
    return failed;
}

static int add_unknown(json_t *out, const json_t *messages, size_t *at)
{
    json_t *message = json_array_get(messages, *at);
    struct buffer content;
    int failed;
    buffer_init(&content);
    if (has_role(message, "tool")) {
        *at = write_results(messages, *at, &content);
        failed = add_plain(out, "user", &content);
    } else if (json_array_size(json_object_get(message, "tool_calls")) > 0) {
        ++*at;
        write_caller(message, &content);
        failed = add_plain(out, "assistant", &content);
    } else {
        ++*at;
        failed = json_array_append(out, message);
    }
    buffer_deinit(&content);
    return failed;
}

enum status chat_messages_arrange(const struct chat_format *format, const json_t *messages,
                                  const json_t *tools, json_t **out, struct fault *fault)
{
    *out = json_array();
    if (!*out) return no_memory(fault);
    int failed = 0;
    size_t at = 0;
    while (at < json_array_size(messages) && !failed) {
        if (format->is_generic)
            failed = add_unknown(*out, messages, &at);
        else
            failed = add_known(format, *out, json_array_get(messages, at++));
    }
    if (!failed && format->is_generic && json_array_size(tools) > 0)
        failed = add_instructions(format, *out, tools);
    if (!failed) return OK;
    json_decref(*out);
    *out = NULL;
    return no_memory(fault);
}
