/* http_server_test.c - the server over real sockets: routing, answers, streams, keep-alive. */
#include "http/http_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "http/http_test_client.h"

static struct {
    atomic_int finished, handled, gone, last_code;
    atomic_bool last_gone;
} seen;

static void reset_seen(void)
{
    memset(&seen, 0, sizeof seen);
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < CLIENT_PATIENCE_MS && atomic_load(counter) < value; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    assert_int_equal(atomic_load(counter), value);
}

/* ---- handlers ---- */

static void handle_hello(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&seen.handled, 1);
    http_reply(exchange, 200, "text/plain", TEXT("hello"));
}

static void handle_echo(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&seen.handled, 1);
    http_reply(exchange, 200, "text/plain", http_body(exchange));
}

static void handle_item(struct http_exchange *exchange, void *context)
{
    struct text id = http_path_parameter(exchange, "id");
    struct text q = http_query_parameter(exchange, "q");
    char *text = arena_printf(http_arena(exchange), "id=%.*s q=%.*s path=%.*s", TEXT_FORMAT(id),
                              TEXT_FORMAT(q), TEXT_FORMAT(http_path(exchange)));
    http_reply(exchange, 200, "text/plain", text_of(text));
}

static void on_gone(void *argument)
{
    atomic_fetch_add(&seen.gone, 1);
}

static void handle_short_stream(struct http_exchange *exchange, void *context)
{
    struct http_stream *stream =
        http_stream_begin(exchange, 200, "text/event-stream", on_gone, NULL);
    http_stream_send(stream, TEXT("data: one\n\n"));
    http_stream_send(stream, TEXT("data: two\n\n"));
    http_stream_end(stream);
}

/* Streams that tests hold on to. */
static struct http_stream *_Atomic held_stream;

static void handle_held_stream(struct http_exchange *exchange, void *context)
{
    atomic_store(&held_stream,
                 http_stream_begin(exchange, 200, "text/event-stream", on_gone, NULL));
    atomic_fetch_add(&seen.handled, 1);
}

static void on_finished(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                        uint64_t duration_ns, bool client_gone, void *context)
{
    atomic_store(&seen.last_code, http_code);
    atomic_store(&seen.last_gone, client_gone);
    atomic_fetch_add(&seen.finished, 1);
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", handle_hello, NULL},         {"POST", "/echo", handle_echo, NULL},
    {"GET", "/items/{id}", handle_item, NULL},     {"GET", "/files/{id*}", handle_item, NULL},
    {"GET", "/stream", handle_short_stream, NULL}, {"GET", "/held", handle_held_stream, NULL},
};

static struct http_server *open_server(struct http_server_options options)
{
    struct http_server *server;
    struct fault fault;
    reset_seen();
    options.host = "127.0.0.1";
    options.finished = on_finished;
    if (http_server_open(&server, &options, ROUTES, ARRAY_COUNT(ROUTES), &fault) != OK)
        fail_msg("%s", fault.message);
    return server;
}

static int open_default(void **state)
{
    *state = open_server((struct http_server_options){0});
    return 0;
}

static int close_default(void **state)
{
    http_server_close(*state);
    return 0;
}

/* ---- tests ---- */

static void test_answers(void **state)
{
    struct buffer answer = {0};
    client_exchange(http_server_port(*state),
                    "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", &answer);
    assert_int_equal(answer_code(&answer), 200);
    assert_true(answer_has(&answer, "\r\n\r\nhello"));
    assert_true(answer_has(&answer, "Date: "));
    assert_true(answer_has(&answer, "X-Request-Id: "));
    buffer_deinit(&answer);
}

static void test_stream(void **state)
{
    struct buffer answer = {0};
    client_exchange(http_server_port(*state),
                    "GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    &answer);
    assert_int_equal(answer_code(&answer), 200);
    assert_true(
        answer_has(&answer, "\r\n\r\nb\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n"));
    buffer_deinit(&answer);
}

static void test_gone_while_silent(void **state)
{
    int fd = client_connect(http_server_port(*state));
    client_send(fd, "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_for(&seen.handled, 1);
    close(fd);
    wait_for(&seen.gone, 1);
    assert_false(http_stream_send(held_stream, TEXT("x")));
    http_stream_end(held_stream);
    wait_for(&seen.finished, 1);
    assert_true(seen.last_gone);
}

static void test_keep_alive(void **state)
{
    struct buffer answer = {0};
    int fd = client_connect(http_server_port(*state));
    for (int i = 0; i < 100; i++) {
        buffer_clear(&answer);
        client_send(fd, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
        assert_true(client_receive_until(fd, &answer, "\r\n\r\nabc"));
    }
    close(fd);
    assert_int_equal(seen.handled, 100);
    buffer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, open_default, close_default),
        cmocka_unit_test_setup_teardown(test_stream, open_default, close_default),
        cmocka_unit_test_setup_teardown(test_gone_while_silent, open_default, close_default),
        cmocka_unit_test_setup_teardown(test_keep_alive, open_default, close_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
