/* export.c - see export.h. */
#include "conversations/export.h"

#include <stdio.h>

#include "base/moment.h"

static const struct {
    const char *name, *content_type;
} formats[] = {
    [EXPORT_MARKDOWN] = {"md", "text/markdown; charset=utf-8"},
    [EXPORT_JSON] = {"json", "application/json"},
};

bool export_format_parse(struct text name, enum export_format *format)
{
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++)
        if (text_equal(name, text_of(formats[i].name))) {
            *format = i;
            return true;
        }
    return false;
}

const char *export_content_type(enum export_format format)
{
    return formats[format].content_type;
}

static bool is_name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void export_file_name(enum export_format format, const struct conversation *conversation,
                      char out[EXPORT_NAME_BYTES])
{
    enum { ENDING_BYTES = 8 };
    char stem[EXPORT_NAME_BYTES - ENDING_BYTES];
    size_t length = 0;
    struct text title = conversation->title;
    for (size_t i = 0; i < title.length && length + 1 < sizeof stem; i++) {
        if (is_name_letter(title.data[i]))
            stem[length++] = title.data[i];
        else if (length && stem[length - 1] != '-')
            stem[length++] = '-';
    }
    while (length && stem[length - 1] == '-') length--;
    stem[length] = '\0';
    snprintf(out, EXPORT_NAME_BYTES, "%s.%s", length ? stem : "conversation", formats[format].name);
}

/* ---- Markdown ---- */

static void begin_markdown(struct buffer *out, const struct conversation *conversation)
{
    char created[MOMENT_TEXT_BYTES], updated[MOMENT_TEXT_BYTES];
    moment_format(conversation->created_us, created);
    moment_format(conversation->updated_us, updated);
    struct text title = conversation->title.length ? conversation->title : TEXT("Untitled");
    buffer_append_string(out, "# ");
    buffer_append_text(out, title);
    buffer_printf(out, "\n\nBegun %s, last changed %s, %lld messages.\n", created, updated,
                  (long long)conversation->message_count);
}

static void message_markdown(struct buffer *out, const struct message *message)
{
    static const char *const names[] = {"User", "Assistant", "System", "Tool"};
    char created[MOMENT_TEXT_BYTES];
    moment_format(message->created_us, created);
    buffer_printf(out, "\n## %s, %s", names[message->sender], created);
    if (message->state != MESSAGE_COMPLETE)
        buffer_printf(out, " (%s)", message_state_name(message->state));
    buffer_append_string(out, "\n\n");
    buffer_append_text(out, text_trim(message->content));
    buffer_append_char(out, '\n');
}

/* ---- the face ---- */

void export_begin(struct buffer *out, enum export_format format,
                  const struct conversation *conversation)
{
    if (format == EXPORT_MARKDOWN) {
        begin_markdown(out, conversation);
        return;
    }
    buffer_append_string(out,
                         "{\"format\":\"liminal.conversation\",\"version\":1,"
                         "\"conversation\":");
    conversation_append_json(out, conversation);
    buffer_append_string(out, ",\"messages\":[");
}

void export_messages(struct buffer *out, enum export_format format, const struct message *messages,
                     size_t count, bool is_first)
{
    for (size_t i = 0; i < count; i++) {
        if (format == EXPORT_MARKDOWN) {
            message_markdown(out, &messages[i]);
            continue;
        }
        buffer_append_string(out, is_first && i == 0 ? "\n" : ",\n");
        message_append_json(out, &messages[i]);
    }
}

void export_end(struct buffer *out, enum export_format format)
{
    if (format == EXPORT_JSON) buffer_append_string(out, "\n]}");
}
