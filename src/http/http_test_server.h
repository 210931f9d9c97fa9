/* http_test_server.h - a server for the tests, and what it has seen. Handlers are in the tests. */
#ifndef LIMINAL_HTTP_TEST_SERVER_H
#define LIMINAL_HTTP_TEST_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "http/http_server.h"
#include "http/http_test_client.h"

static struct {
    struct http_server *server;
    uint16_t port;
    atomic_int handled, gone, finished, finished_gone, last_code;
    atomic_ulong last_bytes, last_ns;
    struct http_stream *_Atomic stream; /* that a test holds on to */
    atomic_bool release;                /* lets handle_wait answer */
} stage;

static inline void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* Wait until a counter has reached a value. */
static inline void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < CLIENT_PATIENCE_MS && atomic_load(counter) < value; i++) pause_ms(1);
    assert_int_equal(atomic_load(counter), value);
}

static inline void on_gone(void *argument)
{
    atomic_fetch_add(&stage.gone, 1);
}

static inline void on_finished(const struct http_exchange *exchange, int http_code,
                               uint64_t bytes_out, uint64_t duration_ns, bool client_gone,
                               void *context)
{
    atomic_store(&stage.last_code, http_code);
    atomic_store(&stage.last_bytes, bytes_out);
    atomic_store(&stage.last_ns, duration_ns);
    atomic_fetch_add(&stage.finished_gone, client_gone);
    atomic_fetch_add(&stage.finished, 1);
}

static inline void open_stage(struct http_server_options options, const struct http_route *routes,
                              size_t route_count)
{
    struct fault fault;
    memset(&stage, 0, sizeof stage);
    options.finished = on_finished;
    if (http_server_open(&stage.server, &options, routes, route_count, &fault) != OK)
        fail_msg("%s", fault.message);
    stage.port = http_server_port(stage.server);
}

static inline void close_stage(void)
{
    http_server_close(stage.server);
    stage.server = NULL;
}

/* ---- handlers ---- */

static inline void handle_hello(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.handled, 1);
    http_reply(exchange, 200, "text/plain", TEXT("hello"));
}

static inline void handle_echo(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.handled, 1);
    http_reply(exchange, 200, "text/plain", http_body(exchange));
}

/* A stream that the test goes on with. */
static inline void handle_stream(struct http_exchange *exchange, void *context)
{
    atomic_store(&stage.stream,
                 http_stream_begin(exchange, 200, "text/event-stream", on_gone, NULL));
    atomic_fetch_add(&stage.handled, 1);
}

/* Holds its worker until the test says so. */
static inline void handle_wait(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.handled, 1);
    while (!atomic_load(&stage.release) && !http_client_gone(exchange)) pause_ms(1);
    http_reply(exchange, 200, "text/plain",
               http_client_gone(exchange) ? TEXT("gone") : TEXT("waited"));
}

#define LOCAL "Host: localhost\r\n"
#define CLOSE "Host: localhost\r\nConnection: close\r\n"

#endif
