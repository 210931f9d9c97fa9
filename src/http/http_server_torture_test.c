/* http_server_torture_test.c - every allocation of the server fails in turn. Requests may be
 * refused or dropped then, but the server must live on and leak nothing it counts. */
#include "http/http_test_server.h"

#include <zlib.h>

#include "base/test_failing_malloc.h"

/* ---- what the server is asked ---- */

static void handle_short_stream(struct http_exchange *exchange, void *context)
{
    struct http_stream *stream =
        http_stream_begin(exchange, 200, "text/event-stream", on_gone, NULL);
    for (int i = 0; i < 3; i++) http_stream_send(stream, TEXT("data: piece of a stream\n\n"));
    http_stream_end(stream);
}

static void handle_late_reply(struct http_exchange *exchange, void *context)
{
    http_set_header(exchange, "X-Late", "yes");
    http_stream_reply(http_stream_begin(exchange, 200, "text/plain", on_gone, NULL), 200,
                      "text/plain", TEXT("late"));
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", handle_hello, NULL},
    {"POST", "/echo/{id*}", handle_echo, NULL},
    {"GET", "/stream", handle_short_stream, NULL},
    {"GET", "/late", handle_late_reply, NULL},
};

static const char *const REQUESTS[] = {
    "GET /hello HTTP/1.1\r\n" CLOSE "\r\n",
    "GET /stream HTTP/1.1\r\n" CLOSE "\r\n",
    "GET /late HTTP/1.1\r\n" CLOSE "\r\n",
    "HEAD /hello HTTP/1.1\r\n" CLOSE "\r\n",
    "OPTIONS /hello HTTP/1.1\r\n" CLOSE
    "Origin: https://chat.example.org\r\n"
    "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x\r\n\r\n",
    "GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n",
    "GET / /\r\n\r\n",
    "POST /echo/a/b?x=1&y=2 HTTP/1.1\r\n" CLOSE
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
    "GET /hello HTTP/1.1\r\n" LOCAL "\r\nGET /late HTTP/1.1\r\n" LOCAL
    "\r\nGET /stream HTTP/1.1\r\n" CLOSE "\r\n",
};

static void send_packed_body(int fd)
{
    static const char PLAIN[] = "{\"packed\":true}";
    unsigned char packed[256];
    char head[256];
    z_stream stream = {.next_in = (unsigned char *)PLAIN,
                       .avail_in = sizeof PLAIN - 1,
                       .next_out = packed,
                       .avail_out = sizeof packed};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    deflate(&stream, Z_FINISH);
    size_t length = sizeof packed - stream.avail_out;
    deflateEnd(&stream);
    snprintf(head, sizeof head,
             "POST /echo/x HTTP/1.1\r\n" CLOSE
             "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             length);
    client_send(fd, head);
    client_send_bytes(fd, (char *)packed, length);
}

/* All of them, one after the other; each connection must come to its end. */
static void ask_everything(void)
{
    struct buffer answer = {0};
    for (size_t i = 0; i < ARRAY_COUNT(REQUESTS); i++)
        client_exchange(stage.port, REQUESTS[i], &answer);
    int fd = client_connect(stage.port);
    send_packed_body(fd);
    client_receive_all(fd, &answer);
    close(fd);
    buffer_deinit(&answer);
}

static void assert_alive(int index)
{
    struct buffer answer = {0};
    client_exchange(stage.port, REQUESTS[0], &answer);
    if (answer_code(&answer) != 200) fail_msg("dead after failure %d", index);
    buffer_deinit(&answer);
}

static void open_tortured(void)
{
    static const char *const ORIGINS[] = {"https://chat.example.org", NULL};
    open_stage((struct http_server_options){.workers = 2, .cors_origins = ORIGINS}, ROUTES,
               ARRAY_COUNT(ROUTES));
}

/* Without failures: each request gets its answer. */
static void test_nothing_fails(void **state)
{
    open_tortured();
    ask_everything();
    wait_for(&stage.finished, (int)ARRAY_COUNT(REQUESTS) + 2 + 1); /* one has three in it */
    assert_int_equal(stage.finished_gone, 0);
    close_stage();
}

static void test_each_allocation_fails(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        open_tortured();
        malloc_torture(TORTURE_OTHER_THREADS, -1, false);
        ask_everything();
        int needed = malloc_relent();
        assert_true(needed > 50);
        for (int index = 0; index < needed; index++) {
            malloc_torture(TORTURE_OTHER_THREADS, index, goes_on);
            ask_everything();
            malloc_relent();
            assert_alive(index);
        }
        close_stage(); /* returns only if nothing was forgotten */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_fails),
                                       cmocka_unit_test(test_each_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
