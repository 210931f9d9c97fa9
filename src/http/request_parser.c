/* request_parser.c - see request_parser.h.
 *
 * The head is gathered until the guard sees its end and is then given to llhttp in one piece, so
 * that every name and value is one slice of it. The body goes to llhttp as it comes. Whenever the
 * two parsers differ on where something ends, the request is refused. */
#include "http/request_parser.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void http_request_init(struct http_request *request)
{
    *request = (struct http_request){0};
    arena_init(&request->arena, 0);
    buffer_init(&request->head);
    buffer_init(&request->body);
}

void http_request_deinit(struct http_request *request)
{
    buffer_deinit(&request->body);
    buffer_deinit(&request->head);
    arena_deinit(&request->arena);
}

const struct http_field *http_request_field(const struct http_request *request, struct text name)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (text_equal_ignore_case(request->fields[i].name, name)) return &request->fields[i];
    return NULL;
}

size_t http_request_count(const struct http_request *request, struct text name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++)
        count += text_equal_ignore_case(request->fields[i].name, name);
    return count;
}

static enum parse_step refuse(struct request_parser *parser, int http_code, enum status status,
                              const char *message)
{
    parser->refusal.http_code = http_code;
    parser->refusal.status = status;
    snprintf(parser->refusal.message, sizeof parser->refusal.message, "%s", message);
    return PARSE_REFUSED;
}

static enum parse_step refuse_malformed(struct request_parser *parser, const char *reason)
{
    char message[sizeof parser->refusal.message];
    snprintf(message, sizeof message, "The request is not well-formed HTTP/1.1: %s.", reason);
    return refuse(parser, 400, STATUS_INVALID, message);
}

/* ---- what llhttp reports ---- */

static int on_target(llhttp_t *wire, const char *at, size_t length)
{
    struct request_parser *parser = wire->data;
    parser->request->target = (struct text){at, length};
    return 0;
}

static int on_field_name(llhttp_t *wire, const char *at, size_t length)
{
    struct request_parser *parser = wire->data;
    struct http_request *request = parser->request;
    if (request->field_count == parser->guard.field_count) return -1;
    request->fields[request->field_count++].name = (struct text){at, length};
    return 0;
}

static int on_field_value(llhttp_t *wire, const char *at, size_t length)
{
    struct request_parser *parser = wire->data;
    struct http_request *request = parser->request;
    if (request->field_count == 0) return -1;
    request->fields[request->field_count - 1].value = text_trim((struct text){at, length});
    return 0;
}

static int on_head_complete(llhttp_t *wire)
{
    struct request_parser *parser = wire->data;
    parser->wire_head_done = true;
    parser->request->keep_alive = llhttp_should_keep_alive(wire) != 0;
    return 0;
}

static int on_body(llhttp_t *wire, const char *at, size_t length)
{
    struct request_parser *parser = wire->data;
    buffer_append(&parser->request->body, at, length);
    return 0;
}

static int on_complete(llhttp_t *wire)
{
    struct request_parser *parser = wire->data;
    parser->wire_done = true;
    return 0;
}

static const llhttp_settings_t REPORTS = {
    .on_url = on_target,
    .on_header_field = on_field_name,
    .on_header_value = on_field_value,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void request_parser_begin(struct request_parser *parser, struct http_request *request,
                          const struct request_limits *limits)
{
    *parser = (struct request_parser){.limits = *limits, .request = request};
    wire_guard_init(&parser->guard);
    llhttp_init(&parser->wire, HTTP_REQUEST, &REPORTS);
    parser->wire.data = parser;
}

bool request_parser_idle(const struct request_parser *parser)
{
    return !parser->in_body && parser->request->head.length == 0;
}

/* An offer to change protocols is ignored, as RFC 9110 7.8 allows: llhttp then only pauses. */
static bool wire_accepts(struct request_parser *parser, const char *data, size_t length)
{
    llhttp_errno_t error = llhttp_execute(&parser->wire, data, length);
    return error == HPE_OK || (error == HPE_PAUSED_UPGRADE && parser->wire_done);
}

/* ---- the rules of the head ---- */

static enum parse_step judge_host(struct request_parser *parser)
{
    size_t hosts = http_request_count(parser->request, TEXT("host"));
    if (hosts > 1) return refuse_malformed(parser, "more than one Host header");
    if (hosts == 0 && parser->request->minor_version == 1)
        return refuse_malformed(parser, "the Host header is missing");
    return PARSE_HEAD;
}

static enum parse_step judge_length(struct request_parser *parser, const struct http_field *length)
{
    struct text digits = length->value;
    if (http_request_count(parser->request, TEXT("content-length")) > 1)
        return refuse_malformed(parser, "more than one Content-Length header");
    if (digits.length == 0 || digits.length > 18)
        return refuse_malformed(parser, "the Content-Length is malformed");
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return refuse_malformed(parser, "the Content-Length is malformed");
        parser->declared_bytes = parser->declared_bytes * 10 + (uint64_t)(digits.data[i] - '0');
    }
    if (parser->declared_bytes > parser->limits.body_bytes)
        return refuse(parser, 413, STATUS_TOO_LARGE, "The request's body is too large.");
    return PARSE_HEAD;
}

static enum parse_step judge_coding(struct request_parser *parser, const struct http_field *coding)
{
    if (http_request_count(parser->request, TEXT("transfer-encoding")) > 1 ||
        !text_equal_ignore_case(coding->value, TEXT("chunked")))
        return refuse_malformed(parser, "the only Transfer-Encoding accepted is `chunked`");
    if (parser->request->minor_version == 0)
        return refuse_malformed(parser, "Transfer-Encoding in HTTP/1.0");
    parser->chunked = true;
    return PARSE_HEAD;
}

static enum parse_step judge_framing(struct request_parser *parser)
{
    const struct http_field *length = http_request_field(parser->request, TEXT("content-length"));
    const struct http_field *coding =
        http_request_field(parser->request, TEXT("transfer-encoding"));
    if (length && coding)
        return refuse_malformed(parser, "both Content-Length and Transfer-Encoding");
    if (length) return judge_length(parser, length);
    if (coding) return judge_coding(parser, coding);
    return PARSE_HEAD;
}

static enum parse_step judge_expectation(struct request_parser *parser)
{
    struct http_request *request = parser->request;
    const struct http_field *expect = http_request_field(request, TEXT("expect"));
    if (!expect || request->minor_version == 0) return PARSE_HEAD;
    if (!text_equal_ignore_case(expect->value, TEXT("100-continue")))
        return refuse(parser, 417, STATUS_UNSUPPORTED,
                      "The only expectation that can be met is 100-continue.");
    request->expect_continue = parser->chunked || parser->declared_bytes > 0;
    return PARSE_HEAD;
}

static enum parse_step judge_head(struct request_parser *parser)
{
    struct http_request *request = parser->request;
    if (parser->wire.http_major != 1 || parser->wire.http_minor > 1)
        return refuse(parser, 505, STATUS_UNSUPPORTED, "Only HTTP/1.1 and HTTP/1.0 are served.");
    request->minor_version = parser->wire.http_minor;
    enum parse_step step = judge_host(parser);
    if (step == PARSE_HEAD) step = judge_framing(parser);
    if (step == PARSE_HEAD) step = judge_expectation(parser);
    return step;
}

/* The whole head lies in request->head. */
static enum parse_step parse_head(struct request_parser *parser)
{
    struct http_request *request = parser->request;
    if (parser->guard.field_count > parser->limits.fields)
        return refuse(parser, 431, STATUS_TOO_LARGE, "The request has too many headers.");
    request->fields =
        arena_alloc_array(&request->arena, parser->guard.field_count, sizeof *request->fields);
    if (!request->fields) return refuse(parser, 503, STATUS_NO_MEMORY, "Out of memory.");
    if (!wire_accepts(parser, request->head.data, request->head.length))
        return refuse_malformed(parser, llhttp_get_error_reason(&parser->wire));
    if (!parser->wire_head_done || request->field_count != parser->guard.field_count)
        return refuse_malformed(parser, "its head is ambiguous");

    enum parse_step step = judge_head(parser);
    if (step == PARSE_REFUSED) return step;
    struct text start = text_trim(buffer_text(&request->head));
    request->method = text_slice(start, 0, text_find(start, TEXT(" ")));
    bool has_body = parser->chunked || parser->declared_bytes > 0;
    if (parser->wire_done == has_body) return refuse_malformed(parser, "its end is ambiguous");
    if (!has_body) return PARSE_DONE;
    parser->in_body = true;
    if (parser->chunked)
        wire_guard_expect_chunks(&parser->guard);
    else
        wire_guard_expect_length(&parser->guard, parser->declared_bytes);
    return PARSE_HEAD;
}

static enum parse_step feed_head(struct request_parser *parser, const char *data, size_t length,
                                 size_t *used)
{
    struct http_request *request = parser->request;
    size_t room = parser->limits.head_bytes - request->head.length;
    bool fits = length <= room; /* so that the verdict does not depend on how bytes arrive */
    enum guard_verdict verdict = wire_guard_head(&parser->guard, data, fits ? length : room, used);
    if (verdict == GUARD_REFUSED) return refuse_malformed(parser, parser->guard.reason);
    if (verdict == GUARD_MORE && !fits)
        return refuse(parser, 431, STATUS_TOO_LARGE, "The request's headers are too large.");
    buffer_append(&request->head, data, *used);
    if (request->head.failed) return refuse(parser, 503, STATUS_NO_MEMORY, "Out of memory.");
    return verdict == GUARD_END ? parse_head(parser) : PARSE_MORE;
}

static enum parse_step feed_body(struct request_parser *parser, const char *data, size_t length,
                                 size_t *used)
{
    struct http_request *request = parser->request;
    enum guard_verdict verdict = wire_guard_body(&parser->guard, data, length, used);
    if (verdict == GUARD_REFUSED) return refuse_malformed(parser, parser->guard.reason);
    if (!wire_accepts(parser, data, *used))
        return refuse_malformed(parser, llhttp_get_error_reason(&parser->wire));
    if (request->body.failed) return refuse(parser, 503, STATUS_NO_MEMORY, "Out of memory.");
    if (request->body.length > parser->limits.body_bytes)
        return refuse(parser, 413, STATUS_TOO_LARGE, "The request's body is too large.");
    if (parser->wire_done != (verdict == GUARD_END))
        return refuse_malformed(parser, "the end of its body is ambiguous");
    return verdict == GUARD_END ? PARSE_DONE : PARSE_MORE;
}

enum parse_step request_parser_feed(struct request_parser *parser, const char *data, size_t length,
                                    size_t *used)
{
    *used = 0;
    assert(parser->refusal.http_code == 0 && !(parser->wire_done));
    if (length == 0) return PARSE_MORE;
    return parser->in_body ? feed_body(parser, data, length, used)
                           : feed_head(parser, data, length, used);
}
