/* style.c - see style.h. */
#include "gateway/style.h"

#include <string.h>

static struct text sentence(enum status status, const struct fault *fault)
{
    return text_of(fault ? fault->message : status_name(status));
}

static const char *openai_code(enum status status, const struct fault *fault)
{
    bool about_model = fault && strcmp(fault->param, "model") == 0;
    switch (status) {
    case STATUS_UNAUTHORIZED: return "invalid_api_key";
    case STATUS_NOT_FOUND: return about_model ? "model_not_found" : "not_found";
    case STATUS_BUSY: return "rate_limit_exceeded";
    case STATUS_INVALID: return "invalid_value";
    case STATUS_UNSUPPORTED: return "unsupported_value";
    case STATUS_STOPPING: return "server_shutting_down";
    default: return status_name(status);
    }
}

void openai_error_append(struct buffer *out, enum status status, const struct fault *fault,
                         const char *code)
{
    struct text message = sentence(status, fault);
    buffer_append_string(out, "{\"error\":{\"message\":");
    buffer_append_json_string(out, message);
    buffer_printf(out, ",\"type\":\"%s\",\"param\":", status_error_type(status));
    if (fault && fault->param[0])
        buffer_append_json_string(out, text_of(fault->param));
    else
        buffer_append_string(out, "null");
    buffer_printf(out, ",\"code\":\"%s\"},\"detail\":", code ? code : openai_code(status, fault));
    buffer_append_json_string(out, message);
    buffer_append_char(out, '}');
}

/* R239's words. */
static const char *envelope_code(enum status status)
{
    switch (status) {
    case STATUS_UNAUTHORIZED: return "unauthorized";
    case STATUS_FORBIDDEN: return "forbidden";
    case STATUS_NOT_FOUND: return "not_found";
    case STATUS_BUSY: return "rate_limited";
    case STATUS_CONFLICT: return "conflict";
    case STATUS_INVALID:
    case STATUS_UNSUPPORTED:
    case STATUS_TOO_LARGE: return "validation_error";
    default: return "server_error";
    }
}

void envelope_error_append(struct buffer *out, enum status status, const struct fault *fault,
                           const char *code, const char *request_id)
{
    buffer_printf(out, "{\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":",
                  code ? code : envelope_code(status));
    buffer_append_json_string(out, sentence(status, fault));
    buffer_append_string(out, ",\"details\":{");
    if (fault && fault->param[0]) {
        buffer_append_string(out, "\"field\":");
        buffer_append_json_string(out, text_of(fault->param));
    }
    buffer_printf(out, "}},\"request_id\":\"%s\"}", request_id);
}

void envelope_append(struct buffer *out, struct text data, const char *request_id)
{
    buffer_append_string(out, "{\"status\":\"ok\",\"data\":");
    buffer_append_text(out, data);
    buffer_printf(out, ",\"request_id\":\"%s\"}", request_id);
}

void envelope_page_append(struct buffer *out, struct text data, const char *next_cursor,
                          const char *request_id)
{
    buffer_append_string(out, "{\"status\":\"ok\",\"data\":");
    buffer_append_text(out, data);
    buffer_append_string(out, ",\"next_cursor\":");
    if (next_cursor)
        buffer_append_json_string(out, text_of(next_cursor));
    else
        buffer_append_string(out, "null");
    buffer_printf(out, ",\"request_id\":\"%s\"}", request_id);
}

void page_error_append(struct buffer *out, int http_code, const struct fault *fault)
{
    buffer_printf(out,
                  "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                  "<title>%d - Liminal</title>\n<h1>%d</h1>\n<p>",
                  http_code, http_code);
    buffer_append_html(out, text_of(fault ? fault->message : ""));
    buffer_append_string(out, "</p>\n<p><a href=\"/\">Home</a></p>\n</html>\n");
}
