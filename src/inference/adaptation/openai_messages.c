/* openai_messages.c - see openai_messages.h. */
#include "inference/adaptation/openai_messages.h"

#include <stdio.h>

#include "http/json_body.h"

enum { FIELD_BYTES = 64 /* ".tool_calls[17].function.arguments" */ };

struct reader {
    json_t *messages; /* so far */
    json_t *called;   /* ids of calls so far, to the names of what was called */
    size_t prompt_bytes, arguments_bytes;
    int prompt_is_blank; /* the user's last; -1: none yet */
};

/* The message that is being read. */
struct place {
    const json_t *message;
    size_t index;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

/* A fault about a field of one message, by its full name. */
static enum status message_fault(struct fault *fault, enum status status, size_t index,
                                 const char *field, const char *what)
{
    char param[FAULT_PARAM_BYTES];
    snprintf(param, sizeof param, "messages[%zu]%s", index, field);
    return fault_set_param(fault, status, param, "%s %s", param, what);
}

/* ---- role and content ---- */

static enum status read_role(const struct place *at, struct text *role, struct fault *fault)
{
    const json_t *field = json_object_get(at->message, "role");
    if (!json_is_string(field))
        return message_fault(fault, STATUS_INVALID, at->index, ".role", "must be a string");
    *role = json_text_of(field);
    if (text_equal(*role, TEXT("developer"))) *role = TEXT("system"); /* OpenAI's newer name */
    if (text_equal(*role, TEXT("function")))
        return message_fault(fault, STATUS_UNSUPPORTED, at->index, ".role",
                             "function is not supported: use tools and the role tool");
    if (!text_equal(*role, TEXT("system")) && !text_equal(*role, TEXT("user")) &&
        !text_equal(*role, TEXT("assistant")) && !text_equal(*role, TEXT("tool")))
        return message_fault(fault, STATUS_INVALID, at->index, ".role",
                             "must be system, developer, user, assistant or tool");
    return OK;
}

static enum status read_part(const json_t *part, size_t index, size_t at, struct buffer *content,
                             struct fault *fault)
{
    char field[FIELD_BYTES];
    snprintf(field, sizeof field, ".content[%zu]", at);
    const json_t *type = json_object_get(part, "type");
    if (!json_is_object(part) || !json_is_string(type))
        return message_fault(fault, STATUS_INVALID, index, field,
                             "must be an object with a \"type\"");
    if (!text_equal(json_text_of(type), TEXT("text"))) {
        char what[128];
        snprintf(what, sizeof what, "is of type \"%.40s\"; only \"text\" parts are supported",
                 json_string_value(type));
        return message_fault(fault, STATUS_UNSUPPORTED, index, field, what);
    }
    const json_t *text = json_object_get(part, "text");
    if (!json_is_string(text))
        return message_fault(fault, STATUS_INVALID, index, field, "needs a string \"text\"");
    if (at > 0) buffer_append_char(content, '\n');
    buffer_append_text(content, json_text_of(text));
    return OK;
}

/* Append the text of one message to `content`: a string, text parts (one per line), or null where
 * an assistant said nothing. */
static enum status read_content(const struct place *at, bool may_be_null, struct buffer *content,
                                struct fault *fault)
{
    const json_t *field = json_body_field(at->message, "content");
    if (json_is_string(field)) {
        buffer_append_text(content, json_text_of(field));
        return OK;
    }
    if (!field && may_be_null) return OK;
    if (!json_is_array(field))
        return message_fault(fault, STATUS_INVALID, at->index, ".content",
                             "must be a string or an array of text parts");
    for (size_t i = 0; i < json_array_size(field); i++)
        TRY(read_part(json_array_get(field, i), at->index, i, content, fault));
    return OK;
}

/* ---- calls of tools ---- */

static enum status call_fault(struct fault *fault, const struct place *at, size_t call,
                              const char *field, const char *what)
{
    char full[FIELD_BYTES];
    snprintf(full, sizeof full, ".tool_calls[%zu]%s", call, field);
    return message_fault(fault, STATUS_INVALID, at->index, full, what);
}

/* The arguments come as JSON in a string; some clients leave it empty where there are none. */
static enum status read_arguments(struct reader *reader, const struct place *at, size_t call,
                                  const json_t *field, json_t **arguments, struct fault *fault)
{
    if (!json_is_string(field))
        return call_fault(fault, at, call, ".function.arguments", "must be a string");
    struct text text = text_trim(json_text_of(field));
    reader->arguments_bytes += text.length;
    if (reader->arguments_bytes > REQUEST_ARGUMENTS_BYTES_LIMIT)
        return call_fault(fault, at, call, ".function.arguments",
                          "and those before are more than 1 MiB");
    if (text.length == 0) text = TEXT("{}");
    enum status status = json_body_parse(text, arguments, fault);
    if (status == STATUS_INVALID)
        return call_fault(fault, at, call, ".function.arguments", "must be a JSON object in text");
    return status;
}

static enum status read_call(struct reader *reader, const struct place *at, size_t index,
                             json_t *calls, struct fault *fault)
{
    const json_t *call = json_array_get(json_object_get(at->message, "tool_calls"), index);
    const json_t *function = json_object_get(call, "function");
    struct text type = json_field_text(call, "type");
    if (!json_is_object(call)) return call_fault(fault, at, index, "", "must be an object");
    if (!json_is_string(json_object_get(call, "id")) || json_field_text(call, "id").length == 0)
        return call_fault(fault, at, index, ".id", "must be a string, and not empty");
    if (!text_equal(type, TEXT("function")))
        return call_fault(fault, at, index, ".type", "must be \"function\"");
    if (!json_is_string(json_object_get(function, "name")))
        return call_fault(fault, at, index, ".function.name", "must be a string");
    json_t *arguments;
    TRY(read_arguments(reader, at, index, json_object_get(function, "arguments"), &arguments,
                       fault));
    json_t *copy =
        json_pack("{s:O, s:s, s:{s:O, s:o}}", "id", json_object_get(call, "id"), "type", "function",
                  "function", "name", json_object_get(function, "name"), "arguments", arguments);
    if (json_array_append_new(calls, copy) != 0) return no_memory(fault);
    const char *id = json_string_value(json_object_get(call, "id"));
    json_t *name = json_object_get(function, "name");
    return json_object_set(reader->called, id, name) == 0 ? OK : no_memory(fault);
}

static enum status read_calls(struct reader *reader, const struct place *at, json_t *copy,
                              struct fault *fault)
{
    const json_t *field = json_body_field(at->message, "tool_calls");
    if (field && !json_is_array(field))
        return message_fault(fault, STATUS_INVALID, at->index, ".tool_calls", "must be an array");
    if (json_array_size(field) == 0) return OK;
    json_t *calls = json_array();
    if (json_object_set_new(copy, "tool_calls", calls) != 0) return no_memory(fault);
    for (size_t i = 0; i < json_array_size(field); i++) TRY(read_call(reader, at, i, calls, fault));
    return OK;
}

static enum status read_reasoning(const struct place *at, json_t *copy, struct fault *fault)
{
    json_t *field = json_body_field(at->message, "reasoning_content");
    if (field && !json_is_string(field))
        return message_fault(fault, STATUS_INVALID, at->index, ".reasoning_content",
                             "must be a string");
    if (!field || json_object_set(copy, "reasoning_content", field) == 0) return OK;
    return no_memory(fault);
}

/* The function's name, which some templates want, comes from the call. */
static enum status read_call_id(const struct reader *reader, const struct place *at, json_t *copy,
                                struct fault *fault)
{
    json_t *id = json_body_field(at->message, "tool_call_id");
    if (!json_is_string(id))
        return message_fault(fault, STATUS_INVALID, at->index, ".tool_call_id", "must be a string");
    json_t *name = json_object_get(reader->called, json_string_value(id));
    if (!name)
        return message_fault(fault, STATUS_INVALID, at->index, ".tool_call_id",
                             "is the id of no call in the tool_calls of a message before");
    if (json_object_set(copy, "tool_call_id", id) != 0 || json_object_set(copy, "name", name) != 0)
        return no_memory(fault);
    return OK;
}

/* ---- messages ---- */

static enum status read_extras(struct reader *reader, const struct place *at, struct text role,
                               json_t *copy, struct fault *fault)
{
    if (text_equal(role, TEXT("tool"))) return read_call_id(reader, at, copy, fault);
    if (!text_equal(role, TEXT("assistant"))) return OK;
    TRY(read_reasoning(at, copy, fault));
    return read_calls(reader, at, copy, fault);
}

static enum status read_message(struct reader *reader, const struct place *at, struct fault *fault)
{
    if (!json_is_object(at->message))
        return message_fault(fault, STATUS_INVALID, at->index, "", "must be an object");
    struct text role;
    TRY(read_role(at, &role, fault));

    json_t *copy = NULL;
    struct buffer content;
    buffer_init(&content);
    enum status status;
    TRY_DONE(read_content(at, text_equal(role, TEXT("assistant")), &content, fault));
    TRY_DONE(buffer_status(&content, fault));
    copy = json_pack("{s:s%, s:s%}", "role", role.data, role.length, "content",
                     content.data ? content.data : "", content.length);
    if (!copy) TRY_DONE(no_memory(fault));
    TRY_DONE(read_extras(reader, at, role, copy, fault));
    if (json_array_append(reader->messages, copy) != 0) TRY_DONE(no_memory(fault));
    reader->prompt_bytes += content.length;
    if (text_equal(role, TEXT("user")))
        reader->prompt_is_blank = text_trim(buffer_text(&content)).length == 0;
done:
    json_decref(copy);
    buffer_deinit(&content);
    return status;
}

static enum status read_all(struct reader *reader, const json_t *messages, struct fault *fault)
{
    if (!reader->messages || !reader->called) return no_memory(fault);
    for (size_t i = 0; i < json_array_size(messages); i++)
        TRY(read_message(reader, &(struct place){json_array_get(messages, i), i}, fault));
    if (reader->prompt_is_blank < 0) /* R19 */
        return fault_set_param(fault, STATUS_INVALID, "messages", "No user message found");
    if (reader->prompt_is_blank) /* R7 */
        return fault_set_param(fault, STATUS_INVALID, "messages", "Prompt cannot be empty");
    return OK;
}

enum status openai_messages_read(json_t **messages, size_t *prompt_bytes, const json_t *root,
                                 struct fault *fault)
{
    json_t *array;
    TRY(json_read_array(root, "messages", &array, fault));
    if (json_array_size(array) == 0)
        return fault_set_param(fault, STATUS_INVALID, "messages",
                               "messages must be an array with at least one message");
    struct reader reader = {
        .messages = json_array(),
        .called = json_object(),
        .prompt_is_blank = -1,
    };
    enum status status = read_all(&reader, array, fault);
    json_decref(reader.called);
    if (status != OK) {
        json_decref(reader.messages);
        return status;
    }
    *messages = reader.messages;
    *prompt_bytes = reader.prompt_bytes;
    return OK;
}
