/* dispatch.c - what a worker does with a whole request: who asks (Host, Origin), what for (route),
 * may they (guard), in which coding, and then the handler. */
#include <stdio.h>
#include <string.h>

#include "http/inflate_bounded.h"
#include "http/origin_policy.h"
#include "http/realization/server_parts.h"

static void refuse(struct http_exchange *exchange, int http_code, enum status status,
                   const char *message)
{
    struct fault fault;
    fault_set(&fault, status, "%s", message);
    exchange_reply_error(exchange, http_code, status, &fault);
}

/* An id that came with the request is kept when it is harmless in headers and logs. */
static void adopt_request_id(struct http_exchange *exchange)
{
    struct text id = http_header(exchange, "X-Request-Id");
    if (id.length == 0 || id.length >= sizeof exchange->request_id) return;
    for (size_t i = 0; i < id.length; i++) {
        char c = id.data[i];
        bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!harmless) return;
    }
    memcpy(exchange->request_id, id.data, id.length);
    exchange->request_id[id.length] = '\0';
}

static bool parse_target(struct http_exchange *exchange)
{
    struct fault fault;
    struct http_request *request = &exchange->request;
    enum status status = target_parse(&exchange->target, request->target, &request->arena, &fault);
    if (status == OK && exchange->target.asterisk && !text_equal(request->method, TEXT("OPTIONS")))
        status = fault_set(&fault, STATUS_INVALID, "The target `*` is for OPTIONS only.");
    if (status != OK) http_reply_fault(exchange, status, &fault);
    return status == OK;
}

static bool host_is_welcome(struct http_exchange *exchange)
{
    struct text host = http_header(exchange, "Host");
    struct text authority = exchange->target.authority;
    if (host.length == 0 && exchange->http_1_0) host = authority;
    if (host.length == 0 && exchange->http_1_0) return true; /* no browser asks like this */
    if (!host_well_formed(host) ||
        (authority.length > 0 && !text_equal_ignore_case(authority, host))) {
        refuse(exchange, 400, STATUS_INVALID,
               "The Host header is malformed or differs from the request's target.");
        return false;
    }
    if (host_allowed(host, exchange->server->options.allowed_hosts)) return true;
    struct fault fault;
    fault_set(&fault, STATUS_FORBIDDEN,
              "This server is not known as \"%.*s\". Add the name to the allowed hosts if it "
              "should be.",
              TEXT_FORMAT(host));
    exchange_reply_error(exchange, 403, STATUS_FORBIDDEN, &fault);
    return false;
}

static void set_header_text(struct http_exchange *exchange, const char *name, struct text value)
{
    char *copy = arena_copy(http_arena(exchange), value.data, value.length);
    if (copy) http_set_header(exchange, name, copy);
}

static bool origin_is_welcome(struct http_exchange *exchange)
{
    const char *const *allowed = exchange->server->options.cors_origins;
    struct text origin = http_header(exchange, "Origin");
    if (allowed) http_set_header(exchange, "Vary", "Origin");
    switch (origin_judge(origin, http_header(exchange, "Host"), allowed)) {
    case ORIGIN_SAME: return true;
    case ORIGIN_ALLOWED:
        set_header_text(exchange, "Access-Control-Allow-Origin", origin);
        http_set_header(exchange, "Access-Control-Expose-Headers",
                        "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, "
                        "RateLimit-Reset, Idempotent-Replayed");
        return true;
    default:
        refuse(exchange, 403, STATUS_FORBIDDEN,
               "Pages of this origin may not call this server. Add it to the CORS origins if "
               "they should.");
        return false;
    }
}

/* OPTIONS, with or without the questions of a CORS preflight. */
static void reply_options(struct http_exchange *exchange)
{
    const char *allow = exchange->match.allow;
    if (*allow) http_set_header(exchange, "Allow", allow);
    if (http_header(exchange, "Access-Control-Request-Method").length > 0) {
        http_set_header(exchange, "Access-Control-Allow-Methods", allow);
        struct text headers = http_header(exchange, "Access-Control-Request-Headers");
        if (headers.length > 0) set_header_text(exchange, "Access-Control-Allow-Headers", headers);
        http_set_header(exchange, "Access-Control-Max-Age", "600");
    }
    http_reply(exchange, 204, NULL, TEXT(""));
}

static void refuse_route(struct http_exchange *exchange)
{
    struct text path = exchange->target.path;
    struct fault fault;
    if (!exchange->match.path_known) {
        fault_set(&fault, STATUS_NOT_FOUND, "There is nothing at %.*s.",
                  (int)(path.length < 200 ? path.length : 200), path.data);
        exchange_reply_error(exchange, 404, STATUS_NOT_FOUND, &fault);
        return;
    }
    http_set_header(exchange, "Allow", exchange->match.allow);
    fault_set(&fault, STATUS_UNSUPPORTED, "%.*s is not served here; there is %s.",
              TEXT_FORMAT(exchange->request.method), exchange->match.allow);
    exchange_reply_error(exchange, 405, STATUS_UNSUPPORTED, &fault);
}

/* Undo Content-Encoding, or refuse. */
static bool body_is_plain(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct text coding = http_header(exchange, "Content-Encoding");
    bool packed = coding.length > 0 && !text_equal_ignore_case(coding, TEXT("identity"));
    if (!packed || request->body.length == 0) return true;
    if (http_request_count(request, TEXT("Content-Encoding")) > 1 ||
        !text_equal_ignore_case(coding, TEXT("gzip"))) {
        http_set_header(exchange, "Accept-Encoding", "gzip");
        refuse(exchange, 415, STATUS_UNSUPPORTED, "The only Content-Encoding understood is gzip.");
        return false;
    }
    struct buffer plain;
    struct fault fault;
    buffer_init(&plain);
    enum status status = gzip_inflate(http_body(exchange),
                                      exchange->server->options.body_limit_bytes, &plain, &fault);
    if (status != OK) {
        buffer_deinit(&plain);
        http_reply_fault(exchange, status, &fault);
        return false;
    }
    buffer_deinit(&request->body);
    request->body = plain;
    if (exchange_count_body(exchange)) return true;
    refuse(exchange, 503, STATUS_UNAVAILABLE, TOO_MANY_BODIES);
    return false;
}

static void answer(struct http_exchange *exchange)
{
    const struct http_server *server = exchange->server;
    adopt_request_id(exchange);
    if (!parse_target(exchange) || !host_is_welcome(exchange) || !origin_is_welcome(exchange))
        return;
    route_find(&exchange->match, server->routes, server->route_count, exchange->request.method,
               &exchange->target);
    const struct http_route *route = exchange->match.route;
    bool options = text_equal(exchange->request.method, TEXT("OPTIONS"));
    if (!route && options && (exchange->match.path_known || exchange->target.asterisk)) {
        reply_options(exchange);
        return;
    }
    if (server->options.guard && server->options.guard(exchange, server->options.context)) return;
    if (!route) {
        refuse_route(exchange);
        return;
    }
    if (body_is_plain(exchange)) route->handler(exchange, route->context);
}

/* What was deferred has been through all that comes before its handler. */
static void handle_once(struct http_exchange *exchange, bool was_deferred)
{
    const struct http_route *route = exchange->match.route;
    if (was_deferred)
        route->handler(exchange, route->context);
    else
        answer(exchange);
}

void exchange_handle(struct http_exchange *exchange)
{
    bool was_deferred = exchange->was_deferred;
    bool again = was_deferred || atomic_load(&exchange->presence) != CLIENT_LEFT;
    while (again) {
        handle_once(exchange, was_deferred);
        if (exchange_waits(exchange, &again)) return;
        was_deferred = again;
        if (!again && !exchange->replied)
            refuse(exchange, 500, STATUS_INTERNAL, "The server had no answer to this.");
    }
    exchange_handler_done(exchange);
}
