/* connection.c - one client's connection: it reads requests one at a time, hands each to the
 * workers, writes the answer, and watches the clock and the other end all the while.
 *
 * READING    a request, or idle before one
 * ANSWERING  the request is with a worker or its answer is on its way. Bytes that arrive meanwhile
 *            are kept, up to a bound, for the request they begin. Reading goes on because it is
 *            how we learn that the client has left.
 * LINGERING  the last answer is out and our side is shut: what still arrives is thrown away for a
 *            moment, for a close with unread bytes would reset the answer away (RFC 9112 9.6)
 * CLOSED     waiting for libuv to let go of the handles */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "http/realization/server_parts.h"
#include "platform/platform.h"

enum phase { READING, ANSWERING, LINGERING, CLOSED };

enum {
    PENDING_LIMIT_BYTES = 64 * 1024, /* pipelined behind an answer */
    LINGER_MS = 2000,
    LINGER_LIMIT_BYTES = 1 << 20,
    LEAST_BODY_BYTES_PER_MS = 16,  /* each extends the body's deadline */
    LEAST_WRITE_BYTES_PER_MS = 1,  /* slower readers count as gone */
    KEPT_BUFFER_BYTES = 16 * 1024, /* larger write buffers are not kept for the next answer */
    POLITE_REFUSALS = 64,          /* connections above the limit that are told so */
    TCP_PROBE_SECONDS = 60,        /* so that a client that vanished is noticed */
};

struct connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct http_loop *loop;
    struct connection *next, *previous;
    enum phase phase;
    unsigned open_handles;
    bool reading, ended; /* ended: the client has shut its side */

    struct http_exchange *exchange; /* being read or answered */
    struct request_parser parser;
    struct buffer pending;
    bool body_began;
    uint64_t deadline_ms, body_began_ms;

    struct buffer in_flight;
    bool writing;
    size_t window_left; /* bytes unsent when the write window began */
    size_t lingered;
    char remote_address[64];
};

static void feed(struct connection *connection, const char *data, size_t length);
static void write_answer(struct connection *connection);

/* ---- clock ---- */

static void on_timer(uv_timer_t *timer);

static uint64_t now_ms(const struct connection *connection)
{
    return uv_now(&connection->loop->uv);
}

/* The timer is moved only when it would ring too late; when it rings too early it is set again. */
static void set_deadline(struct connection *connection, uint64_t from_now_ms)
{
    uv_timer_t *timer = &connection->timer;
    connection->deadline_ms = now_ms(connection) + from_now_ms;
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > from_now_ms)
        uv_timer_start(timer, on_timer, from_now_ms, 0);
}

/* ---- closing ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct http_loop *loop = connection->loop;
    if (--connection->open_handles > 0) return;
    if (connection->next) connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        loop->connections = connection->next;
    atomic_fetch_sub(&loop->server->connection_count, 1);
    buffer_deinit(&connection->pending);
    buffer_deinit(&connection->in_flight);
    free(connection);
    loop_check_drained(loop);
}

static void close_connection(struct connection *connection)
{
    if (connection->phase == CLOSED) return;
    enum phase phase = connection->phase;
    struct http_exchange *exchange = connection->exchange;
    connection->phase = CLOSED;
    connection->exchange = NULL;
    uv_close((uv_handle_t *)&connection->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
    if (!exchange) return;
    if (phase == ANSWERING)
        exchange_client_left(exchange);
    else
        exchange_discard(exchange);
}

static void on_shutdown(uv_shutdown_t *shutdown, int error)
{
    struct connection *connection = shutdown->data;
    if (error || connection->ended) close_connection(connection);
}

static void start_reading(struct connection *connection);

static void linger(struct connection *connection)
{
    connection->phase = LINGERING;
    connection->shutdown.data = connection;
    set_deadline(connection, LINGER_MS);
    if (uv_shutdown(&connection->shutdown, (uv_stream_t *)&connection->tcp, on_shutdown) != 0)
        close_connection(connection);
    else
        start_reading(connection);
}

/* ---- answering ---- */

static void dispatch(struct connection *connection)
{
    connection->phase = ANSWERING;
    uv_timer_stop(&connection->timer);
}

static void refuse(struct connection *connection, int http_code, enum status status,
                   const char *message)
{
    struct http_exchange *exchange = connection->exchange;
    struct fault fault;
    fault_set(&fault, status, "%s", message);
    dispatch(connection);
    exchange->keep_alive = false;
    if (http_code == 503) http_set_header(exchange, "Retry-After", "1");
    exchange_reply_error(exchange, http_code, status, &fault);
    exchange_handler_done(exchange);
}

static void submit(struct connection *connection)
{
    struct http_exchange *exchange = connection->exchange;
    struct http_request *request = &exchange->request;
    dispatch(connection);
    exchange->keep_alive = request->keep_alive && !connection->loop->stopping;
    exchange->http_1_0 = request->minor_version == 0;
    exchange->no_body = text_equal(request->method, TEXT("HEAD"));
    if (!worker_pool_submit(&connection->loop->server->pool, exchange))
        refuse(connection, 503, STATUS_UNAVAILABLE, "Too many requests are waiting. Try again.");
}

static bool begin_request(struct connection *connection)
{
    struct http_loop *loop = connection->loop;
    const struct http_server_options *options = &loop->server->options;
    struct http_exchange *exchange = exchange_new(loop, connection);
    connection->exchange = exchange;
    if (!exchange) return false;
    memcpy(exchange->remote_address, connection->remote_address, sizeof exchange->remote_address);
    connection->phase = READING;
    connection->body_began = false;
    request_parser_begin(&connection->parser, &exchange->request,
                         &(struct request_limits){.head_bytes = options->header_limit_bytes,
                                                  .body_bytes = options->body_limit_bytes,
                                                  .fields = FIELDS_LIMIT});
    return true;
}

/* The answer is out. */
static void next_request(struct connection *connection)
{
    struct http_exchange *exchange = connection->exchange;
    bool keep_alive = exchange->keep_alive && !connection->loop->stopping;
    connection->exchange = NULL;
    exchange_finish(exchange);
    if (!keep_alive) {
        linger(connection);
        return;
    }
    if (!begin_request(connection)) {
        close_connection(connection);
        return;
    }
    set_deadline(connection, connection->loop->server->options.idle_deadline_ms);
    struct buffer pending = connection->pending;
    buffer_init(&connection->pending);
    if (pending.length > 0) feed(connection, pending.data, pending.length);
    buffer_deinit(&pending);
    if (connection->phase == READING && connection->ended)
        close_connection(connection); /* no more will come */
    else if (connection->phase == READING || connection->pending.length < PENDING_LIMIT_BYTES)
        start_reading(connection);
}

static void on_written(uv_write_t *write, int error)
{
    struct connection *connection = write->data;
    connection->writing = false;
    if (connection->phase == CLOSED) return;
    if (error) {
        close_connection(connection);
        return;
    }
    uv_timer_stop(&connection->timer);
    exchange_written(connection->exchange, connection->in_flight.length);
    write_answer(connection);
}

/* Write in_flight; true when the kernel took all of it at once, else on_written follows. */
static bool write_in_flight(struct connection *connection)
{
    struct buffer *bytes = &connection->in_flight;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    assert(bytes->length <= INT_MAX); /* handlers bound what they answer */
    uv_buf_t rest = uv_buf_init(bytes->data, (unsigned)bytes->length);
    int sent = uv_try_write(stream, &rest, 1);
    if (sent == (int)bytes->length) return true;
    if (sent < 0 && sent != UV_EAGAIN) {
        close_connection(connection);
        return false;
    }
    if (sent > 0) rest = uv_buf_init(bytes->data + sent, (unsigned)bytes->length - (unsigned)sent);
    connection->write.data = connection;
    connection->writing = true;
    if (uv_write(&connection->write, stream, &rest, 1, on_written) != 0) {
        connection->writing = false;
        close_connection(connection);
        return false;
    }
    connection->window_left = uv_stream_get_write_queue_size(stream);
    set_deadline(connection, connection->loop->server->options.write_deadline_ms);
    return false;
}

/* Write what there is. What is added meanwhile is news again: a busy stream takes its turns. */
static void write_answer(struct connection *connection)
{
    struct buffer *bytes = &connection->in_flight;
    if (bytes->capacity > KEPT_BUFFER_BYTES) buffer_deinit(bytes);
    buffer_clear(bytes);
    bool last = exchange_take_output(connection->exchange, bytes);
    if (bytes->length > 0) {
        if (!write_in_flight(connection)) return;
        exchange_written(connection->exchange, bytes->length);
    }
    if (last) next_request(connection);
}

void connection_answer(struct connection *connection)
{
    struct http_exchange *exchange = connection->exchange;
    bool streaming;
    if (exchange_given_up(exchange, &streaming) || (streaming && connection->ended))
        close_connection(connection);
    else if (!connection->writing)
        write_answer(connection);
}

/* ---- reading ---- */

static void hold(struct connection *connection, const char *data, size_t length)
{
    buffer_append(&connection->pending, data, length);
    if (connection->pending.failed) {
        close_connection(connection);
    } else if (connection->pending.length >= PENDING_LIMIT_BYTES) {
        uv_read_stop((uv_stream_t *)&connection->tcp);
        connection->reading = false;
    }
}

static void begin_body(struct connection *connection)
{
    connection->body_began = true;
    connection->body_began_ms = now_ms(connection);
    set_deadline(connection, connection->loop->server->options.body_deadline_ms);
    if (!connection->exchange->request.expect_continue) return;
    uv_buf_t go_on = uv_buf_init("HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (uv_try_write((uv_stream_t *)&connection->tcp, &go_on, 1) != 25)
        close_connection(connection);
}

/* Give bytes to the parser until they are used up or a request is whole. */
static void feed(struct connection *connection, const char *data, size_t length)
{
    if (request_parser_idle(&connection->parser)) {
        connection->exchange->start_ns = clock_monotonic_ns();
        set_deadline(connection, connection->loop->server->options.header_deadline_ms);
    }
    while (length > 0 && connection->phase == READING) {
        size_t used;
        enum parse_step step = request_parser_feed(&connection->parser, data, length, &used);
        if (step == PARSE_REFUSED) {
            const struct request_refusal *refusal = &connection->parser.refusal;
            refuse(connection, refusal->http_code, refusal->status, refusal->message);
            return;
        }
        if (!exchange_count_body(connection->exchange)) {
            refuse(connection, 503, STATUS_UNAVAILABLE, TOO_MANY_BODIES);
            return;
        }
        if (step == PARSE_HEAD) begin_body(connection);
        if (step == PARSE_DONE) submit(connection);
        data += used;
        length -= used;
    }
    if (length > 0 && connection->phase == ANSWERING) hold(connection, data, length);
}

static void on_end(struct connection *connection, bool reset)
{
    bool streaming = false;
    connection->ended = true;
    connection->reading = false;
    if (reset || connection->phase != ANSWERING ||
        exchange_given_up(connection->exchange, &streaming) || streaming)
        close_connection(connection);
    else /* it may have shut only its own side: the answer, if one comes, is written all the same */
        atomic_store(&connection->exchange->presence, CLIENT_SHUT);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes)
{
    struct connection *connection = handle->data;
    *bytes = uv_buf_init(connection->loop->read_bytes, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;
    if (length < 0) {
        on_end(connection, length != UV_EOF);
        return;
    }
    switch (connection->phase) {
    case READING: feed(connection, bytes->base, (size_t)length); break;
    case ANSWERING: hold(connection, bytes->base, (size_t)length); break;
    case LINGERING:
        connection->lingered += (size_t)length;
        if (connection->lingered > LINGER_LIMIT_BYTES) close_connection(connection);
        break;
    case CLOSED: break;
    }
}

static void start_reading(struct connection *connection)
{
    if (connection->reading || connection->ended || connection->phase == CLOSED) return;
    connection->reading = true;
    if (uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read) != 0)
        close_connection(connection);
}

/* ---- deadlines ---- */

static void on_read_deadline(struct connection *connection)
{
    const struct http_server_options *options = &connection->loop->server->options;
    if (request_parser_idle(&connection->parser)) {
        close_connection(connection);
        return;
    }
    if (connection->body_began) {
        uint64_t earned = connection->exchange->request.body.length / LEAST_BODY_BYTES_PER_MS;
        uint64_t until = connection->body_began_ms + options->body_deadline_ms + earned;
        if (until > now_ms(connection)) {
            set_deadline(connection, until - now_ms(connection));
            return;
        }
    }
    refuse(connection, 408, STATUS_TIMEOUT, "The request took too long to arrive.");
}

static void on_write_deadline(struct connection *connection)
{
    uint64_t window_ms = connection->loop->server->options.write_deadline_ms;
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp);
    if (connection->window_left - left < window_ms * LEAST_WRITE_BYTES_PER_MS) {
        close_connection(connection);
        return;
    }
    connection->window_left = left;
    set_deadline(connection, window_ms);
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    uint64_t now = now_ms(connection);
    if (now < connection->deadline_ms) {
        uv_timer_start(timer, on_timer, connection->deadline_ms - now, 0);
        return;
    }
    switch (connection->phase) {
    case READING: on_read_deadline(connection); break;
    case ANSWERING:
        if (connection->writing) on_write_deadline(connection);
        break;
    case LINGERING: close_connection(connection); break;
    case CLOSED: break;
    }
}

/* ---- the beginning, and the end of all ---- */

static void name_remote(struct connection *connection)
{
    struct sockaddr_storage address;
    int length = sizeof address;
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &length) != 0) return;
    uv_ip_name((struct sockaddr *)&address, connection->remote_address,
               sizeof connection->remote_address);
}

bool connection_accept(struct http_loop *loop)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) return false;
    connection->loop = loop;
    connection->tcp.data = connection->timer.data = connection;
    uv_tcp_init(&loop->uv, &connection->tcp);
    uv_timer_init(&loop->uv, &connection->timer);
    connection->open_handles = 2;
    connection->next = loop->connections;
    if (connection->next) connection->next->previous = connection;
    loop->connections = connection;
    unsigned count = atomic_fetch_add(&loop->server->connection_count, 1) + 1;

    if (uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&connection->tcp) != 0 ||
        !begin_request(connection)) {
        close_connection(connection);
        return true;
    }
    name_remote(connection);
    memcpy(connection->exchange->remote_address, connection->remote_address,
           sizeof connection->remote_address);
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_tcp_keepalive(&connection->tcp, 1, TCP_PROBE_SECONDS);
    unsigned limit = loop->server->options.connection_limit;
    if (count > limit + POLITE_REFUSALS) {
        close_connection(connection);
    } else if (count > limit) {
        refuse(connection, 503, STATUS_UNAVAILABLE, "The server has too many connections.");
    } else {
        set_deadline(connection, loop->server->options.header_deadline_ms);
        start_reading(connection);
    }
    return true;
}

void connections_stop(struct http_loop *loop)
{
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (c->phase == READING) close_connection(c);
    }
}

void connections_close(struct http_loop *loop)
{
    for (struct connection *c = loop->connections, *next; c; c = next) {
        next = c->next;
        if (c->exchange) c->exchange->cut_off = true;
        close_connection(c);
    }
}
