/* exchange.c - one request and its answer: what handlers call, and how the bytes of the answer get
 * from any thread to the loop. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/answer.h"
#include "http/realization/server_parts.h"
#include "platform/platform.h"

/* ---- life ---- */

/* 32 hex digits in the shape of a random UUID (RFC 9562, version 4). */
static void make_request_id(char *out, size_t capacity)
{
    unsigned char random[16];
    char hex[33];
    entropy_fill(random, sizeof random);
    random[6] = (unsigned char)((random[6] & 0x0F) | 0x40);
    random[8] = (unsigned char)((random[8] & 0x3F) | 0x80);
    hex_encode(random, sizeof random, hex);
    snprintf(out, capacity, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

struct http_exchange *exchange_new(struct http_loop *loop, struct connection *connection)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange) return NULL;
    exchange->server = loop->server;
    exchange->loop = loop;
    exchange->connection = connection;
    exchange->start_ns = clock_monotonic_ns();
    exchange->open_parts = 1;
    exchange->stream.exchange = exchange;
    http_request_init(&exchange->request);
    make_request_id(exchange->request_id, sizeof exchange->request_id);
    loop->exchange_count++;
    return exchange;
}

bool exchange_count_body(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    size_t more = exchange->request.body.length - exchange->body_bytes;
    exchange->body_bytes += more;
    return atomic_fetch_add(&server->body_bytes, more) + more <= server->options.bodies_limit_bytes;
}

void exchange_discard(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    atomic_fetch_sub(&exchange->server->body_bytes, exchange->body_bytes);
    buffer_deinit(&exchange->outbox);
    buffer_deinit(&exchange->headers);
    http_request_deinit(&exchange->request);
    free(exchange);
    loop->exchange_count--;
    loop_check_drained(loop);
}

void exchange_finish(struct http_exchange *exchange)
{
    const struct http_server_options *options = &exchange->server->options;
    bool gone = !exchange->connection && !exchange->cut_off;
    if (options->finished)
        options->finished(exchange, exchange->replied ? exchange->http_code : 499,
                          exchange->bytes_out, clock_monotonic_ns() - exchange->start_ns, gone,
                          options->context);
    exchange_discard(exchange);
}

/* ---- the request ---- */

struct text http_method(const struct http_exchange *exchange)
{
    return exchange->request.method;
}

struct text http_path(const struct http_exchange *exchange)
{
    return exchange->target.path;
}

struct text http_query_parameter(const struct http_exchange *exchange, const char *name)
{
    return target_query(&exchange->target, text_of(name));
}

struct text http_path_parameter(const struct http_exchange *exchange, const char *name)
{
    const struct route_match *match = &exchange->match;
    for (size_t i = 0; i < match->parameter_count; i++)
        if (text_equal(match->parameters[i].name, text_of(name))) return match->parameters[i].value;
    return TEXT("");
}

struct text http_header(const struct http_exchange *exchange, const char *name)
{
    const struct http_field *field = http_request_field(&exchange->request, text_of(name));
    return field ? field->value : TEXT("");
}

struct text http_body(const struct http_exchange *exchange)
{
    return buffer_text(&exchange->request.body);
}

/* Taken apart at the first question; what is no form, or a broken one, has no fields. */
struct text http_form_field(struct http_exchange *exchange, const char *name)
{
    if (!exchange->form_read) {
        struct text type = http_header(exchange, "Content-Type");
        struct text wanted = TEXT("application/x-www-form-urlencoded");
        struct fault fault;
        exchange->form_read = true;
        if (!text_equal_ignore_case(text_slice(type, 0, wanted.length), wanted) ||
            parameters_parse(http_body(exchange), http_arena(exchange), &exchange->form,
                             &exchange->form_count, &fault) != OK)
            exchange->form_count = 0;
    }
    return parameter_find(exchange->form, exchange->form_count, text_of(name));
}

struct text http_remote_address(const struct http_exchange *exchange)
{
    return text_of(exchange->remote_address);
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}

const char *http_route_pattern(const struct http_exchange *exchange)
{
    return exchange->match.route ? exchange->match.route->pattern : "";
}

struct arena *http_arena(struct http_exchange *exchange)
{
    return &exchange->request.arena;
}

void http_set_note(struct http_exchange *exchange, void *note)
{
    exchange->note = note;
}

void *http_note(const struct http_exchange *exchange)
{
    return exchange->note;
}

bool http_client_gone(struct http_exchange *exchange)
{
    return atomic_load(&exchange->presence) != CLIENT_THERE;
}

/* ---- the answer ---- */

void http_set_header(struct http_exchange *exchange, const char *name, const char *value)
{
    if (!answer_header_safe(name, value)) {
        log_write("http", LOG_WARN, NULL, "a header with unsafe bytes was not sent");
        return;
    }
    buffer_printf(&exchange->headers, "%s: %s\r\n", name, value);
}

void http_listen(struct http_exchange *exchange,
                 void (*heard)(void *argument, const struct http_answer_piece *piece),
                 void *argument)
{
    assert(!exchange->replied);
    exchange->heard = heard;
    exchange->heard_argument = argument;
}

static void tell_listener(struct http_exchange *exchange, const char *content_type,
                          struct text bytes, bool is_last)
{
    if (!exchange->heard) return;
    const struct http_answer_piece piece = {
        .http_code = exchange->http_code,
        .content_type = content_type ? content_type : "",
        .bytes = bytes,
        .is_last = is_last,
        .is_broken = is_last && (exchange->broken || http_client_gone(exchange)),
    };
    exchange->heard(exchange->heard_argument, &piece);
}

static void begin_answer(struct http_exchange *exchange)
{
    assert(!exchange->replied); /* one answer per request */
    exchange->replied = true;
}

static void append_head(struct http_exchange *exchange, struct buffer *out, int http_code,
                        const char *content_type, bool stream, size_t content_length)
{
    exchange->http_code = http_code;
    if (!answer_has_body(http_code)) exchange->no_body = true;
    if (stream && exchange->http_1_0) exchange->keep_alive = false;
    answer_append_head(out, &(struct answer_head){
                                .http_code = http_code,
                                .minor_version = exchange->http_1_0 ? 0 : 1,
                                .keep_alive = exchange->keep_alive,
                                .content_type = content_type,
                                .stream = stream,
                                .content_length = content_length,
                                .request_id = exchange->request_id,
                                .more = buffer_text(&exchange->headers),
                                .wall_ms = clock_wall_ms(),
                            });
    if (exchange->headers.failed) out->failed = true;
}

/* JSON gets a final newline, so that a shell's prompt does not stick to it. */
static void append_whole(struct http_exchange *exchange, struct buffer *out, int http_code,
                         const char *content_type, struct text body)
{
    bool is_json = text_equal(text_of(content_type), TEXT("application/json"));
    append_head(exchange, out, http_code, content_type, false, body.length + is_json);
    if (exchange->no_body) return;
    buffer_append_text(out, body);
    if (is_json) buffer_append_char(out, '\n');
}

void http_reply(struct http_exchange *exchange, int http_code, const char *content_type,
                struct text body)
{
    struct buffer out;
    buffer_init(&out);
    begin_answer(exchange);
    append_whole(exchange, &out, http_code, content_type, body);

    pthread_mutex_lock(&exchange->loop->lock);
    exchange->outbox = out; /* posted when the handler is done */
    if (out.failed) exchange->broken = true;
    tell_listener(exchange, content_type, body, true);
    pthread_mutex_unlock(&exchange->loop->lock);
}

void http_reply_json(struct http_exchange *exchange, int http_code, struct text json)
{
    http_reply(exchange, http_code, "application/json", json);
}

/* OpenAI's shape, for servers that bring none of their own. */
static void reply_plain_error(struct http_exchange *exchange, int http_code, enum status status,
                              const struct fault *fault)
{
    struct buffer json;
    buffer_init(&json);
    buffer_append_string(&json, "{\"error\":{\"message\":");
    buffer_append_json_string(&json, text_of(fault ? fault->message : status_name(status)));
    buffer_printf(&json, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}",
                  status_error_type(status), status_name(status));
    if (json.failed) buffer_clear(&json); /* the code must do */
    http_reply_json(exchange, http_code, buffer_text(&json));
    buffer_deinit(&json);
}

void exchange_reply_error(struct http_exchange *exchange, int http_code, enum status status,
                          const struct fault *fault)
{
    const struct http_server_options *options = &exchange->server->options;
    if (options->error_body)
        options->error_body(exchange, status, http_code, fault, options->context);
    if (!exchange->replied) reply_plain_error(exchange, http_code, status, fault);
}

void http_reply_fault(struct http_exchange *exchange, enum status status, const struct fault *fault)
{
    exchange_reply_error(exchange, status_http_code(status), status, fault);
}

void exchange_handler_done(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    exchange->open_parts--;
    loop_post(exchange);
    pthread_mutex_unlock(&loop->lock);
}

/* ---- waiting for what is not there yet ---- */

void http_defer(struct http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->loop->lock);
    assert(exchange->deferral == DEFER_NONE && !exchange->replied);
    exchange->deferral = DEFER_ASKED;
    exchange->was_deferred = true;
    pthread_mutex_unlock(&exchange->loop->lock);
}

void http_resume(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    bool waits = exchange->deferral == DEFER_WAITING;
    assert(waits || exchange->deferral == DEFER_ASKED);
    exchange->deferral = waits ? DEFER_NONE : DEFER_RESUMED;
    pthread_mutex_unlock(&loop->lock);
    if (waits) worker_pool_resubmit(&exchange->server->pool, exchange);
}

bool exchange_waits(struct http_exchange *exchange, bool *again)
{
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    bool waits = exchange->deferral == DEFER_ASKED;
    *again = exchange->deferral == DEFER_RESUMED;
    exchange->deferral = waits ? DEFER_WAITING : DEFER_NONE;
    pthread_mutex_unlock(&loop->lock);
    return waits;
}

/* ---- streams ---- */

struct http_stream *http_stream_begin(struct http_exchange *exchange, int http_code,
                                      const char *content_type, void (*gone)(void *argument),
                                      void *argument)
{
    struct http_loop *loop = exchange->loop;
    begin_answer(exchange);
    pthread_mutex_lock(&loop->lock);
    exchange->http_code = http_code;
    exchange->stream_type = content_type;
    exchange->head_waits = true;
    exchange->streaming = true;
    exchange->open_parts++;
    exchange->on_gone = gone;
    exchange->gone_argument = argument;
    loop_post(exchange);
    pthread_mutex_unlock(&loop->lock);
    return &exchange->stream;
}

/* The head goes out with the first bytes. With the lock held, also below. */
static void append_stream_head(struct http_exchange *exchange)
{
    if (!exchange->head_waits) return;
    exchange->head_waits = false;
    if (text_starts_with(text_of(exchange->stream_type), TEXT("text/event-stream"))) {
        http_set_header(exchange, "Cache-Control", "no-cache");
        http_set_header(exchange, "X-Accel-Buffering", "no"); /* nginx passes bytes at once */
    }
    append_head(exchange, &exchange->outbox, exchange->http_code, exchange->stream_type, true, 0);
}

static void append_piece(struct http_exchange *exchange, struct text bytes)
{
    append_stream_head(exchange);
    if (exchange->no_body) return;
    if (exchange->http_1_0)
        buffer_append_text(&exchange->outbox, bytes);
    else
        answer_append_chunk(&exchange->outbox, bytes);
}

bool http_stream_send(struct http_stream *stream, struct text bytes)
{
    struct http_exchange *exchange = stream->exchange;
    struct http_loop *loop = exchange->loop;
    if (bytes.length == 0) return !http_client_gone(exchange); /* a chunk of 0 is the end */

    pthread_mutex_lock(&loop->lock);
    size_t unsent = exchange->outbox.length + exchange->in_flight_bytes;
    size_t limit = exchange->server->options.stream_limit_bytes;
    bool fine = !http_client_gone(exchange) && !exchange->broken;
    if (fine) {
        if (bytes.length > limit || unsent > limit - bytes.length)
            exchange->broken = true;
        else
            append_piece(exchange, bytes);
        tell_listener(exchange, exchange->stream_type, bytes, false);
        if (exchange->outbox.failed) exchange->broken = true;
        fine = !exchange->broken;
        loop_post(exchange);
    }
    pthread_mutex_unlock(&loop->lock);
    return fine;
}

/* `gone` must not run once the stream is released; within `gone` itself there is nothing to await.
 */
static void silence_gone(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    while (exchange->gone_state == GONE_TELLING && !pthread_equal(loop->thread, pthread_self()))
        pthread_cond_wait(&loop->told, &loop->lock);
    exchange->on_gone = NULL;
}

static void release_stream(struct http_exchange *exchange)
{
    if (exchange->outbox.failed) exchange->broken = true;
    exchange->open_parts--;
    loop_post(exchange);
}

void http_stream_end(struct http_stream *stream)
{
    struct http_exchange *exchange = stream->exchange;
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    silence_gone(exchange);
    append_stream_head(exchange);
    if (!exchange->no_body && !exchange->http_1_0)
        buffer_append_string(&exchange->outbox, "0\r\n\r\n");
    tell_listener(exchange, exchange->stream_type, TEXT(""), true);
    release_stream(exchange);
    pthread_mutex_unlock(&loop->lock);
}

void http_stream_reply(struct http_stream *stream, int http_code, const char *content_type,
                       struct text body)
{
    struct http_exchange *exchange = stream->exchange;
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    assert(exchange->head_waits); /* nothing was sent yet */
    exchange->head_waits = false;
    silence_gone(exchange);
    append_whole(exchange, &exchange->outbox, http_code, content_type, body);
    tell_listener(exchange, content_type, body, true);
    release_stream(exchange);
    pthread_mutex_unlock(&loop->lock);
}

void http_give_up(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    if (exchange->streaming && !exchange->broken) {
        exchange->broken = true;
        loop_post(exchange);
    }
    pthread_mutex_unlock(&loop->lock);
}

/* ---- the loop's side ---- */

bool exchange_given_up(struct http_exchange *exchange, bool *streaming)
{
    pthread_mutex_lock(&exchange->loop->lock);
    bool given_up = exchange->broken;
    *streaming = exchange->streaming && exchange->open_parts > 0;
    pthread_mutex_unlock(&exchange->loop->lock);
    return given_up;
}

bool exchange_take_output(struct http_exchange *exchange, struct buffer *out)
{
    pthread_mutex_lock(&exchange->loop->lock);
    struct buffer empty = *out;
    *out = exchange->outbox;
    exchange->outbox = empty;
    exchange->in_flight_bytes = out->length;
    bool last = exchange->open_parts == 0 && !exchange->in_news; /* else there is more to come */
    pthread_mutex_unlock(&exchange->loop->lock);
    return last;
}

void exchange_written(struct http_exchange *exchange, size_t bytes)
{
    pthread_mutex_lock(&exchange->loop->lock);
    exchange->in_flight_bytes = 0;
    pthread_mutex_unlock(&exchange->loop->lock);
    exchange->bytes_out += bytes;
}

void exchange_client_left(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    pthread_mutex_lock(&loop->lock);
    exchange->connection = NULL;
    atomic_store(&exchange->presence, CLIENT_LEFT);
    buffer_deinit(&exchange->outbox);
    bool complete = exchange->open_parts == 0;
    void (*on_gone)(void *) = exchange->on_gone;
    bool tell = on_gone && exchange->gone_state == GONE_UNTOLD;
    if (tell) exchange->gone_state = GONE_TELLING;
    pthread_mutex_unlock(&loop->lock);
    if (tell) {
        on_gone(exchange->gone_argument);
        pthread_mutex_lock(&loop->lock);
        exchange->gone_state = GONE_TOLD;
        complete = exchange->open_parts == 0;
        pthread_cond_broadcast(&loop->told);
        pthread_mutex_unlock(&loop->lock);
    }
    if (complete && !exchange->in_news) exchange_finish(exchange);
}
