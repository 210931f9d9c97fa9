/* outcome.c - answers and errors in the style of their route, and one log line for each request
 * (R59). */
#include <string.h>

#include "gateway/adaptation/gateway_private.h"
#include "gateway/style.h"
#include "http/json_body.h"
#include "platform/platform.h"

/* ---- errors ---- */

static enum style style_of(const struct http_exchange *exchange)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    return note && note->row ? note->row->style : STYLE_OPENAI;
}

static void reply_error(struct http_exchange *exchange, int http_code, enum status status,
                        const struct fault *fault, const char *code)
{
    struct gateway_note *note = gateway_note_of(exchange);
    if (note) {
        if (fault) note->fault = *fault;
        note->fault.status = status;
    }
    enum style style = style_of(exchange);
    if (status == STATUS_BUSY && !(note && note->has_retry_after))
        http_set_header(exchange, "Retry-After", "1");
    if (status == STATUS_UNAUTHORIZED && style != STYLE_PAGE)
        http_set_header(exchange, "WWW-Authenticate", "Bearer");
    if (style == STYLE_PAGE && note->gateway->error_page) {
        note->gateway->error_page(exchange, http_code, status, fault,
                                  note->gateway->error_page_context);
        return;
    }
    struct buffer body;
    buffer_init(&body);
    if (style == STYLE_ENVELOPE)
        envelope_error_append(&body, status, fault, code, http_request_id(exchange));
    else if (style == STYLE_PAGE)
        page_error_append(&body, http_code, fault);
    else
        openai_error_append(&body, status, fault, code);
    const char *type = style == STYLE_PAGE ? "text/html; charset=utf-8" : "application/json";
    http_reply(exchange, http_code, type, buffer_text(&body));
    buffer_deinit(&body);
}

void gateway_reply_fault(struct http_exchange *exchange, enum status status,
                         const struct fault *fault, const char *code)
{
    reply_error(exchange, status_http_code(status), status, fault, code);
}

void gateway_error_body(struct http_exchange *exchange, enum status status, int http_code,
                        const struct fault *fault, void *context)
{
    reply_error(exchange, http_code, status, fault, NULL);
}

bool gateway_read_body(struct http_exchange *exchange, json_t **root)
{
    struct fault fault;
    enum status status = json_body_parse(http_body(exchange), root, &fault);
    if (status == OK) return true;
    bool is_openai = style_of(exchange) == STYLE_OPENAI;
    gateway_reply_fault(exchange, status, &fault,
                        is_openai && status == STATUS_INVALID ? "invalid_json" : NULL);
    return false;
}

/* ---- the envelope ---- */

void gateway_reply_ok(struct http_exchange *exchange, int http_code, struct text data)
{
    struct buffer body;
    buffer_init(&body);
    envelope_append(&body, data, http_request_id(exchange));
    http_reply_json(exchange, http_code, buffer_text(&body));
    buffer_deinit(&body);
}

void gateway_reply_page(struct http_exchange *exchange, struct text data, const char *next_cursor)
{
    struct buffer body;
    buffer_init(&body);
    envelope_page_append(&body, data, next_cursor, http_request_id(exchange));
    http_reply_json(exchange, 200, buffer_text(&body));
    buffer_deinit(&body);
}

void gateway_reply_tree(struct http_exchange *exchange, int http_code, json_t *data)
{
    struct buffer text;
    struct fault fault;
    buffer_init(&text);
    json_append(&text, data);
    if (!data) text.failed = true;
    enum status status = buffer_status(&text, &fault);
    if (status == OK)
        gateway_reply_ok(exchange, http_code, buffer_text(&text));
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
    buffer_deinit(&text);
    json_decref(data);
}

/* ---- one line per request ---- */

static void append_request(struct buffer *fields, const struct http_exchange *exchange,
                           const struct gateway_note *note, const struct gateway_outcome *outcome)
{
    buffer_printf(fields, "\"request_id\":\"%s\",\"method\":", http_request_id(exchange));
    buffer_append_json_string(fields, http_method(exchange));
    buffer_append_string(fields, ",\"path\":");
    buffer_append_json_string(fields, http_path(exchange));
    buffer_append_string(fields, ",\"remote\":");
    struct text ip = note && note->caller.client.ip.length ? note->caller.client.ip
                                                           : http_remote_address(exchange);
    buffer_append_json_string(fields, ip);
    if (note && note->name[0]) buffer_printf(fields, ",\"caller\":\"%s\"", note->name);
    buffer_printf(fields, ",\"status\":%d,\"duration_ms\":%.1f,\"bytes_out\":%llu",
                  outcome->http_code, (double)outcome->duration_ns / 1e6,
                  (unsigned long long)outcome->bytes_out);
    if (outcome->client_gone) buffer_append_string(fields, ",\"client_gone\":true");
}

static void append_error(struct buffer *fields, const struct fault *fault)
{
    buffer_append_string(fields, ",\"error\":");
    buffer_append_json_string(fields, text_of(fault->message));
    buffer_printf(fields, ",\"error_type\":\"%s\"", status_name(fault->status));
}

void gateway_finished(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                      uint64_t duration_ns, bool client_gone, void *context)
{
    struct gateway *gateway = context;
    struct gateway_note *note = gateway_note_of(exchange);
    if (note) presence_leave(gateway, note);
    const struct gateway_outcome outcome = {
        .http_code = http_code,
        .bytes_out = bytes_out,
        .duration_ns = duration_ns,
        .client_gone = client_gone,
        .fault = note && note->fault.status != OK ? &note->fault : NULL,
    };
    struct buffer fields;
    buffer_init(&fields);
    struct gateway_log_line line = {"http", "Request answered", &fields};
    append_request(&fields, exchange, note, &outcome);
    for (size_t i = 0; i < gateway->watcher_count; i++)
        if (gateway->watchers[i].finished)
            gateway->watchers[i].finished(exchange, &outcome, &line, gateway->watchers[i].context);
    if (note) gateway_settle(gateway, note);
    if (outcome.fault) append_error(&fields, outcome.fault);
    enum log_level level = http_code >= 500 ? LOG_ERROR : LOG_INFO;
    if (!fields.failed) log_write(line.component, level, fields.data, "%s", line.message);
    buffer_deinit(&fields);
}
