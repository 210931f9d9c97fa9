/* http_server_test.c - the server over real sockets: routing, answers, streams, connections. */
#include "http/http_test_server.h"

#include <errno.h>
#include <zlib.h>

static void handle_item(struct http_exchange *exchange, void *context)
{
    struct text id = http_path_parameter(exchange, "id");
    struct text q = http_query_parameter(exchange, "q");
    char *text = arena_printf(http_arena(exchange), "id=%.*s q=%.*s path=%.*s route=%s",
                              TEXT_FORMAT(id), TEXT_FORMAT(q), TEXT_FORMAT(http_path(exchange)),
                              http_route_pattern(exchange));
    http_reply(exchange, 200, "text/plain", text_of(text));
}

static void handle_short_stream(struct http_exchange *exchange, void *context)
{
    struct http_stream *stream =
        http_stream_begin(exchange, 200, "text/event-stream", on_gone, NULL);
    http_stream_send(stream, TEXT("data: one\n\n"));
    http_stream_send(stream, TEXT("")); /* must not end the stream */
    http_stream_send(stream, TEXT("data: two\n\n"));
    http_stream_end(stream);
}

static void handle_nothing(struct http_exchange *exchange, void *context)
{
}

static void handle_headers(struct http_exchange *exchange, void *context)
{
    http_set_header(exchange, "X-Good", "fine");
    http_set_header(exchange, "X-Evil", "a\r\nX-Injected: 1");
    http_set_header(exchange, "X-Evil: 1\r\nX-Injected", "1");
    http_reply(exchange, 200, "text/plain", http_header(exchange, "x-mixed-CASE"));
}

static void handle_fault(struct http_exchange *exchange, void *context)
{
    struct fault fault;
    http_set_header(exchange, "Retry-After", "3");
    fault_set(&fault, STATUS_BUSY, "Too much \"at once\".");
    http_reply_fault(exchange, STATUS_BUSY, &fault);
}

/* A body where there may be none. */
static void handle_no_content(struct http_exchange *exchange, void *context)
{
    http_reply(exchange, 204, "text/plain", TEXT("must not be sent"));
}

/* Waits without a worker until the test resumes it; its note tells that it has been here. */
static struct http_exchange *_Atomic deferred;
static void handle_defer(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.handled, 1);
    if (http_note(exchange)) {
        http_reply(exchange, 200, "text/plain", http_body(exchange));
        return;
    }
    http_set_note(exchange, &deferred);
    http_defer(exchange);
    atomic_store(&deferred, exchange);
}

/* What it waited for is there before it has returned. */
static void handle_defer_shortly(struct http_exchange *exchange, void *context)
{
    if (atomic_fetch_add(&stage.handled, 1) >= 3) {
        http_reply(exchange, 200, "text/plain", TEXT("the fourth time"));
        return;
    }
    http_defer(exchange);
    http_resume(exchange);
}

static http_handler handle_slow_gone, handle_gone_ends;

static const struct http_route ROUTES[] = {
    {"GET", "/no-content", handle_no_content, NULL},
    {"GET", "/slow-gone", handle_slow_gone, NULL},
    {"GET", "/gone-ends", handle_gone_ends, NULL},
    {"GET", "/hello", handle_hello, NULL},
    {"POST", "/echo", handle_echo, NULL},
    {"GET", "/items/{id}", handle_item, NULL},
    {"GET", "/files/{id*}", handle_item, NULL},
    {"GET", "/short", handle_short_stream, NULL},
    {"GET", "/stream", handle_stream, NULL},
    {"GET", "/wait", handle_wait, NULL},
    {"POST", "/defer", handle_defer, NULL},
    {"GET", "/defer-shortly", handle_defer_shortly, NULL},
    {"GET", "/nothing", handle_nothing, NULL},
    {"GET", "/headers", handle_headers, NULL},
    {"GET", "/fault", handle_fault, NULL},
};

static void open_with(struct http_server_options options)
{
    open_stage(options, ROUTES, ARRAY_COUNT(ROUTES));
}

static int open_default(void **state)
{
    open_with((struct http_server_options){.body_limit_bytes = 100000});
    return 0;
}

static int close_default(void **state)
{
    close_stage();
    return 0;
}

static struct buffer answer; /* of the last request */

/* One request on a connection of its own. */
static void ask(const char *request)
{
    buffer_clear(&answer);
    client_exchange(stage.port, request, &answer);
}

#define assert_answer(code, part)                                                      \
    do {                                                                               \
        if (answer_code(&answer) != (code) || !answer_has(&answer, (part)))            \
            fail_msg("wanted %d and \"%s\" but got: %s", (code), (part), answer.data); \
    } while (0)

/* ---- routing ---- */

static void test_answer(void **state)
{
    ask("GET /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "\r\n\r\nhello");
    assert_true(answer_has(&answer, "\r\nDate: "));
    assert_true(answer_has(&answer, "\r\nContent-Length: 5\r\n"));
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.last_code, 200);
    assert_int_equal(stage.last_bytes, answer.length);
    assert_in_range(stage.last_ns, 1000, UINT64_C(10000000000));
}

static void handle_note(struct http_exchange *exchange, void *context)
{
    http_set_note(exchange, context);
    http_reply(exchange, 200, "text/plain", http_remote_address(exchange));
}

static void keep_note(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                      uint64_t duration_ns, bool client_gone, void *context)
{
    *(void **)context = http_note(exchange);
    assert_string_equal(http_route_pattern(exchange), "/note");
    assert_true(text_equal(http_path(exchange), TEXT("/note")));
}

/* What a handler notes is there when the request is finished. */
static void test_note(void **state)
{
    int noted;
    void *kept = NULL;
    struct fault fault;
    struct http_server *server;
    const struct http_route route = {"GET", "/note", handle_note, &noted};
    struct http_server_options options = {.finished = keep_note, .context = &kept};
    assert_int_equal(http_server_open(&server, &options, &route, 1, &fault), OK);
    stage.port = http_server_port(server);
    ask("GET /note HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "\r\n\r\n127.0.0.1");
    http_server_close(server);
    assert_ptr_equal(kept, &noted);
}

/* IPv6, where the machine has it. */
static void test_ipv6(void **state)
{
    struct fault fault;
    struct http_server *server;
    const struct http_route route = {"GET", "/note", handle_note, NULL};
    struct http_server_options options = {.host = "::1"};
    enum status status = http_server_open(&server, &options, &route, 1, &fault);
    if (status == STATUS_INVALID && strstr(fault.message, "has no address")) skip();
    assert_int_equal(status, OK);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(http_server_port(server)),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof address), errno);
    buffer_clear(&answer);
    client_send(fd, "GET /note HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n");
    client_receive_all(fd, &answer);
    assert_answer(200, "\r\n\r\n::1");
    close(fd);
    http_server_close(server);
}

static void test_parameters(void **state)
{
    ask("GET /items/org%2Frepo?x=1&q=a+b%21 HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "id=org/repo q=a b! path=/items/org/repo route=/items/{id}");
    ask("GET /files/a/b/c HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "id=a/b/c ");
    ask("GET http://localhost/items/x HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "id=x ");
}

static void test_not_served(void **state)
{
    ask("GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(404, "There is nothing at /nowhere.");
    ask("DELETE /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(405, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    ask("GET /files/%2e%2e/x HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(400, "`..`");
    ask("GET /items/a%zz HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(400, "escape");
    ask("GET * HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(400, "OPTIONS");
    ask("GET /nothing HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(500, "\"code\":\"internal\"");
}

static void test_faults(void **state)
{
    ask("GET /fault HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(429, "\"message\":\"Too much \\\"at once\\\".\",\"type\":\"rate_limit_error\"");
    assert_true(answer_has(&answer, "\r\nRetry-After: 3\r\n"));
}

static void test_head(void **state)
{
    ask("HEAD /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "\r\nContent-Length: 5\r\n");
    assert_true(text_ends_with(buffer_text(&answer), TEXT("\r\n\r\n")));
    ask("HEAD /short HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "\r\nTransfer-Encoding: chunked\r\n");
    assert_true(text_ends_with(buffer_text(&answer), TEXT("\r\n\r\n")));
    assert_false(answer_has(&answer, "0\r\n\r\n"));
}

static void test_no_content(void **state)
{
    ask("GET /no-content HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(204, "\r\n\r\n");
    assert_true(text_ends_with(buffer_text(&answer), TEXT("\r\n\r\n")));
}

static void test_headers(void **state)
{
    ask("GET /headers HTTP/1.1\r\n" CLOSE "X-MIXED-case:  value \r\n\r\n");
    assert_answer(200, "\r\nX-Good: fine\r\n");
    assert_true(answer_has(&answer, "\r\n\r\nvalue"));
    assert_false(answer_has(&answer, "X-Injected"));
}

static void test_request_id(void **state)
{
    ask("GET /hello HTTP/1.1\r\n" CLOSE "X-Request-Id: my-id_1.2\r\n\r\n");
    assert_answer(200, "\r\nX-Request-Id: my-id_1.2\r\n");
    ask("GET /hello HTTP/1.1\r\n" CLOSE "X-Request-Id: \"quoted\"\r\n\r\n");
    assert_false(answer_has(&answer, "quoted"));
    size_t at = text_find(buffer_text(&answer), TEXT("X-Request-Id: "));
    assert_int_equal(answer.data[at + 14 + 8], '-'); /* one of our own */
}

/* ---- who asks ---- */

static void test_hosts(void **state)
{
    ask("GET /hello HTTP/1.1\r\nHost: evil.org\r\nConnection: close\r\n\r\n");
    assert_answer(403, "evil.org");
    ask("GET /hello HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n");
    assert_answer(400, "Host");
    ask("GET /hello HTTP/1.1\r\nHost: user@localhost\r\nConnection: close\r\n\r\n");
    assert_answer(400, "Host");
    ask("GET /hello HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n");
    assert_answer(400, "Host");
    ask("GET http://evil.org/hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(400, "Host");
    ask("CONNECT localhost:443 HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(400, "target");
    ask("GET /hello HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n");
    assert_answer(200, "hello");
}

static void test_named_host(void **state)
{
    open_with((struct http_server_options){.allowed_hosts =
                                               (const char *const[]){"llm.example.org", NULL}});
    ask("GET /hello HTTP/1.1\r\nHost: LLM.example.org:443\r\nConnection: close\r\n\r\n");
    assert_answer(200, "hello");
    close_stage();
}

static void test_cors(void **state)
{
    open_with((struct http_server_options){
        .cors_origins = (const char *const[]){"https://chat.example.org", NULL}});
    ask("GET /hello HTTP/1.1\r\n" CLOSE "Origin: https://chat.example.org\r\n\r\n");
    assert_answer(200, "\r\nAccess-Control-Allow-Origin: https://chat.example.org\r\n");
    assert_true(answer_has(&answer, "\r\nVary: Origin\r\n"));
    ask("OPTIONS /echo HTTP/1.1\r\n" CLOSE
        "Origin: https://chat.example.org\r\n"
        "Access-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: authorization, content-type\r\n\r\n");
    assert_answer(204, "\r\nAccess-Control-Allow-Methods: POST, OPTIONS\r\n");
    assert_true(
        answer_has(&answer, "\r\nAccess-Control-Allow-Headers: authorization, content-type\r\n"));
    assert_false(answer_has(&answer, "Content-Length"));
    ask("GET /hello HTTP/1.1\r\n" CLOSE "Origin: https://evil.org\r\n\r\n");
    assert_answer(403, "origin");
    assert_false(answer_has(&answer, "Access-Control"));
    ask("GET /hello HTTP/1.1\r\n" CLOSE "Origin: http://localhost\r\n\r\n");
    assert_answer(200, "hello");
    close_stage();
}

static void test_no_cors(void **state)
{
    ask("POST /echo HTTP/1.1\r\n" CLOSE
        "Origin: https://evil.org\r\n"
        "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    assert_answer(403, "origin");
    assert_int_equal(stage.handled, 0);
}

static void test_options(void **state)
{
    ask("OPTIONS /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(204, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    ask("OPTIONS * HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(204, "\r\n\r\n");
    ask("OPTIONS /nowhere HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(404, "nowhere");
}

static bool refuse_strangers(struct http_exchange *exchange, void *context)
{
    if (text_equal(http_header(exchange, "Authorization"), TEXT("Bearer key"))) return false;
    http_reply_fault(exchange, STATUS_UNAUTHORIZED, NULL);
    return true;
}

static void say_house_error(struct http_exchange *exchange, enum status status, int http_code,
                            const struct fault *fault, void *context)
{
    char *json = arena_printf(http_arena(exchange), "{\"house\":\"%s\"}", status_name(status));
    http_reply_json(exchange, http_code, text_of(json));
}

static void test_guard_and_error_body(void **state)
{
    open_with(
        (struct http_server_options){.guard = refuse_strangers, .error_body = say_house_error});
    ask("GET /hello HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(401, "{\"house\":\"unauthorized\"}");
    ask("GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(401, "{\"house\":\"unauthorized\"}");
    ask("GET /nowhere HTTP/1.1\r\n" CLOSE "Authorization: Bearer key\r\n\r\n");
    assert_answer(404, "{\"house\":\"not_found\"}");
    ask("GET /hello HTTP/1.1\r\n" CLOSE "Authorization: Bearer key\r\n\r\n");
    assert_answer(200, "hello");
    ask("GET /hello\r\n\r\n");
    assert_answer(400, "{\"house\":\"invalid\"}");
    close_stage();
}

/* ---- bodies ---- */

static void test_chunked_body(void **state)
{
    ask("POST /echo HTTP/1.1\r\n" CLOSE
        "Transfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\n\r\n");
    assert_answer(200, "\r\n\r\nabcdef");
}

static void test_continue(void **state)
{
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(
        fd, "POST /echo HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_true(client_receive_until(fd, &answer, "HTTP/1.1 100 Continue\r\n\r\n"));
    buffer_clear(&answer);
    client_send(fd, "abc");
    client_receive_all(fd, &answer);
    assert_answer(200, "\r\n\r\nabc");
    close(fd);
    ask("POST /echo HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n");
    assert_answer(413, "too large");
}

/* The client is still sending when it is refused; it must get to read why. */
static void test_large_body(void **state)
{
    enum { BYTES = 1 << 20 };
    char *body = calloc(1, BYTES);
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 1048576\r\n\r\n");
    client_send_bytes(fd, body, BYTES);
    client_receive_all(fd, &answer);
    assert_answer(413, "too large");
    close(fd);
    free(body);
}

static void ask_gzip(const char *coding, const char *plain, size_t length, size_t cut)
{
    unsigned char packed[4096];
    z_stream stream = {.next_in = (unsigned char *)plain,
                       .avail_in = (unsigned)length,
                       .next_out = packed,
                       .avail_out = sizeof packed};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed_length = sizeof packed - stream.avail_out - cut;
    deflateEnd(&stream);
    char head[256];
    snprintf(head, sizeof head,
             "POST /echo HTTP/1.1\r\n" CLOSE "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
             coding, packed_length);
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, head);
    client_send_bytes(fd, (char *)packed, packed_length);
    client_receive_all(fd, &answer);
    close(fd);
}

static void test_gzip(void **state)
{
    char *zeros = calloc(1, 1 << 20);
    ask_gzip("gzip", "{\"packed\":true}", 15, 0);
    assert_answer(200, "\r\n\r\n{\"packed\":true}");
    ask_gzip("gzip", zeros, 1 << 20, 0); /* a bomb */
    assert_answer(413, "inflates");
    ask_gzip("gzip", "{\"packed\":true}", 15, 3);
    assert_answer(400, "gzip");
    ask_gzip("br", "{}", 2, 0);
    assert_answer(415, "\r\nAccept-Encoding: gzip\r\n");
    ask_gzip("gzip, gzip", "{}", 2, 0);
    assert_answer(415, "gzip");
    free(zeros);
}

/* What inflating adds counts against the bound on all bodies. */
static void test_gzip_counts(void **state)
{
    char zeros[5000] = {0};
    open_with((struct http_server_options){.bodies_limit_bytes = 1000});
    ask_gzip("gzip", zeros, 500, 0);
    assert_answer(200, "\r\nContent-Length: 500\r\n");
    ask_gzip("gzip", zeros, sizeof zeros, 0);
    assert_answer(503, "in memory");
    ask_gzip("gzip", zeros, 500, 0); /* and is given back */
    assert_answer(200, "\r\nContent-Length: 500\r\n");
    close_stage();
}

/* ---- connections ---- */

static void test_keep_alive(void **state)
{
    int fd = client_connect(stage.port);
    for (int i = 0; i < 100; i++) {
        buffer_clear(&answer);
        client_send(fd, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 3\r\n\r\nabc");
        assert_true(client_receive_until(fd, &answer, "\r\n\r\nabc"));
    }
    close(fd);
    assert_int_equal(stage.handled, 100);
}

static void test_http_1_0(void **state)
{
    ask("GET /hello HTTP/1.0\r\n\r\n");
    assert_answer(200, "\r\nConnection: close\r\n");
    ask("GET /short HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_answer(200, "\r\n\r\ndata: one\n\ndata: two\n\n");
    assert_false(answer_has(&answer, "chunked"));
    int fd = client_connect(stage.port);
    for (int i = 0; i < 2; i++) {
        buffer_clear(&answer);
        client_send(fd, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_true(client_receive_until(fd, &answer, "\r\n\r\nhello"));
        assert_answer(200, "\r\nConnection: keep-alive\r\n");
    }
    close(fd);
}

static void test_pipelining(void **state)
{
    struct buffer requests = {0};
    for (int i = 0; i < 50; i++)
        buffer_printf(&requests, "GET /items/%d HTTP/1.1\r\n" LOCAL "\r\n", i);
    buffer_append_string(&requests, "GET /items/last HTTP/1.1\r\n" CLOSE "\r\n");
    ask(requests.data);
    struct text rest = buffer_text(&answer);
    for (int i = 0; i < 50; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "id=%d ", i);
        size_t at = text_find(rest, text_of(wanted)); /* in this order */
        assert_int_not_equal(at, SIZE_MAX);
        rest = text_slice(rest, at, rest.length);
    }
    assert_true(answer_has(&answer, "id=last "));
    buffer_deinit(&requests);
}

/* `printf ... | nc -N`: the client has shut its side, but waits for the answers. */
static void test_half_closed(void **state)
{
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "GET /items/1 HTTP/1.1\r\n" LOCAL "\r\nGET /items/2 HTTP/1.1\r\n" LOCAL "\r\n");
    shutdown(fd, SHUT_WR);
    client_receive_all(fd, &answer);
    assert_answer(200, "id=1 ");
    assert_true(answer_has(&answer, "id=2 "));
    close(fd);
}

static void test_half_closed_handler_knows(void **state)
{
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "GET /wait HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    shutdown(fd, SHUT_WR);
    client_receive_all(fd, &answer);
    assert_answer(200, "\r\n\r\ngone");
    close(fd);
}

/* ---- waiting for what is not there yet ---- */

static int open_deferred(void)
{
    int fd = client_connect(stage.port);
    atomic_store(&deferred, NULL);
    client_send(fd, "POST /defer HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nlater");
    for (int i = 0; i < CLIENT_PATIENCE_MS && !atomic_load(&deferred); i++) pause_ms(1);
    assert_non_null(atomic_load(&deferred));
    return fd;
}

static void test_deferred_is_called_again(void **state)
{
    open_with((struct http_server_options){.workers = 1});
    int fd = open_deferred();
    ask("GET /hello HTTP/1.1\r\n" CLOSE "\r\n"); /* it holds no worker */
    assert_answer(200, "hello");
    http_resume(atomic_exchange(&deferred, NULL));
    buffer_clear(&answer);
    client_receive_all(fd, &answer);
    assert_answer(200, "\r\n\r\nlater");
    close(fd);
    close_stage();
}

static void test_resumed_before_it_returned(void **state)
{
    ask("GET /defer-shortly HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "the fourth time");
}

/* The handler is called all the same, so that it can let go of what it waited for. */
static void test_deferred_client_leaves(void **state)
{
    int fd = open_deferred();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd);
    for (int i = 0; i < CLIENT_PATIENCE_MS && !http_client_gone(deferred); i++) pause_ms(1);
    assert_true(http_client_gone(deferred));
    http_resume(atomic_exchange(&deferred, NULL));
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.handled, 2);
    assert_int_equal(stage.finished_gone, 1);
}

/* ---- streams ---- */

static void test_stream(void **state)
{
    ask("GET /short HTTP/1.1\r\n" CLOSE "\r\n");
    assert_answer(200, "\r\n\r\nb\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n");
    assert_true(answer_has(&answer, "\r\nX-Accel-Buffering: no\r\n"));
    assert_true(answer_has(&answer, "\r\nCache-Control: no-cache\r\n"));
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.gone, 0);
}

static int open_stream(void)
{
    int handled = stage.handled;
    int fd = client_connect(stage.port);
    client_send(fd, "GET /stream HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, handled + 1);
    return fd;
}

static void test_stream_outlives_handler(void **state)
{
    int fd = open_stream();
    buffer_clear(&answer);
    assert_true(http_stream_send(stage.stream, TEXT("one")));
    assert_true(client_receive_until(fd, &answer, "one"));
    assert_true(http_stream_send(stage.stream, TEXT("two")));
    http_stream_end(stage.stream);
    assert_true(client_receive_until(fd, &answer, "two\r\n0\r\n\r\n"));
    buffer_clear(&answer); /* and the connection goes on */
    client_send(fd, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n");
    client_receive_all(fd, &answer);
    assert_answer(200, "hello");
    close(fd);
}

/* What began as a stream may end as one whole answer, of another code. */
static void test_stream_becomes_reply(void **state)
{
    int fd = open_stream();
    buffer_clear(&answer);
    http_stream_reply(stage.stream, 503, "application/json", TEXT("{\"late\":true}"));
    assert_true(client_receive_until(fd, &answer, "}\n"));
    assert_answer(503, "\r\nContent-Length: 14\r\n");
    assert_true(answer_has(&answer, "\r\n\r\n{\"late\":true}\n"));
    close(fd);
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.last_code, 503);
}

static void test_gone_while_silent(void **state)
{
    int fd = open_stream();
    close(fd);
    wait_for(&stage.gone, 1);
    assert_false(http_stream_send(stage.stream, TEXT("x")));
    http_stream_end(stage.stream);
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 1);
    assert_int_equal(stage.gone, 1);
}

static void test_gone_by_reset(void **state)
{
    int fd = open_stream();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    wait_for(&stage.finished, 1);
}

static void test_gone_after_half_close(void **state)
{
    int fd = open_stream();
    shutdown(fd, SHUT_WR);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close(fd);
}

static void test_gone_before_begin(void **state)
{
    int fd = client_connect(stage.port);
    client_send(fd, "GET /stream HTTP/1.1\r\n" LOCAL "\r\n");
    close(fd);
    wait_for(&stage.handled, 1);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 1);
}

static atomic_bool gone_returned;

static void on_slow_gone(void *argument)
{
    atomic_fetch_add(&stage.gone, 1);
    pause_ms(100);
    atomic_store(&gone_returned, true);
}

static void handle_slow_gone(struct http_exchange *exchange, void *context)
{
    atomic_store(&stage.stream,
                 http_stream_begin(exchange, 200, "text/event-stream", on_slow_gone, NULL));
    atomic_fetch_add(&stage.handled, 1);
}

/* What `gone` uses may be freed after http_stream_end: so that must wait for it. */
static void test_end_awaits_gone(void **state)
{
    int fd = client_connect(stage.port);
    client_send(fd, "GET /slow-gone HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    atomic_store(&gone_returned, false);
    close(fd);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    assert_true(atomic_load(&gone_returned));
}

static void on_gone_ends(void *argument)
{
    http_stream_end(stage.stream);
    atomic_fetch_add(&stage.gone, 1);
}

static void handle_gone_ends(struct http_exchange *exchange, void *context)
{
    atomic_store(&stage.stream,
                 http_stream_begin(exchange, 200, "text/event-stream", on_gone_ends, NULL));
    atomic_fetch_add(&stage.handled, 1);
}

/* `gone` itself may end the stream. */
static void test_gone_ends(void **state)
{
    int fd = client_connect(stage.port);
    client_send(fd, "GET /gone-ends HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    close(fd);
    wait_for(&stage.gone, 1);
    wait_for(&stage.finished, 1);
}

/* ---- the end ---- */

static void test_stop_with_grace(void **state)
{
    open_with((struct http_server_options){0});
    int idle = client_connect(stage.port);
    int fd = open_stream();
    buffer_clear(&answer);
    assert_true(http_stream_send(stage.stream, TEXT("one")));
    http_server_stop(stage.server, CLIENT_PATIENCE_MS);
    char byte;
    assert_int_equal(client_receive(idle, &byte, 1), 0); /* closed at once */
    assert_true(http_stream_send(stage.stream, TEXT("two")));
    http_stream_end(stage.stream);
    client_receive_all(fd, &answer);
    assert_answer(200, "two\r\n0\r\n\r\n");
    close(idle);
    close(fd);
    close_stage();
    assert_int_equal(stage.gone, 0);
}

static void test_stop_at_once(void **state)
{
    open_with((struct http_server_options){0});
    int fd = open_stream();
    http_server_stop(stage.server, 0);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close_stage();
    close(fd);
}

static void test_grace_ends(void **state)
{
    open_with((struct http_server_options){0});
    int fd = open_stream();
    http_server_stop(stage.server, 50);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close_stage();
    assert_int_equal(stage.finished_gone, 0); /* the client is not to blame */
    close(fd);
}

static atomic_int graces_over;

static void on_grace_over(void *context)
{
    atomic_fetch_add(&graces_over, 1);
}

static void test_last_words_are_sent(void **state)
{
    graces_over = 0;
    open_with((struct http_server_options){.grace_over = on_grace_over});
    int fd = open_stream();
    buffer_clear(&answer);
    http_server_stop(stage.server, 20);
    wait_for(&graces_over, 1);
    assert_true(http_stream_send(stage.stream, TEXT("sorry")));
    http_stream_end(stage.stream);
    client_receive_all(fd, &answer);
    assert_answer(200, "sorry\r\n0\r\n\r\n");
    close_stage();
    assert_int_equal(stage.gone, 0);
    assert_int_equal(stage.finished_gone, 0);
    close(fd);
}

static void test_last_words_end(void **state)
{
    open_with((struct http_server_options){.grace_over = on_grace_over, .last_words_ms = 50});
    int fd = open_stream();
    http_server_stop(stage.server, 0);
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close_stage();
    assert_int_equal(stage.finished_gone, 0);
    close(fd);
}

static void test_cannot_listen(void **state)
{
    struct http_server *server;
    struct fault fault;
    struct http_server_options options = {.port = stage.port};
    assert_int_equal(http_server_open(&server, &options, ROUTES, 1, &fault), STATUS_CONFLICT);
    assert_non_null(strstr(fault.message, "is taken"));
    assert_int_equal(http_server_check_port(&options, &fault), STATUS_CONFLICT);
    options.port = 0;
    assert_int_equal(http_server_check_port(&options, &fault), OK);
    options = (struct http_server_options){.loops = 2};
    assert_int_equal(http_server_open(&server, &options, ROUTES, 1, &fault), OK);
    options.port = http_server_port(server); /* SO_REUSEPORT must not hide the other */
    struct http_server *second;
    assert_int_equal(http_server_open(&second, &options, ROUTES, 1, &fault), STATUS_CONFLICT);
    http_server_close(server);
    options = (struct http_server_options){.host = "192.0.2.1"};
    assert_int_equal(http_server_open(&server, &options, ROUTES, 1, &fault), STATUS_INVALID);
    options.host = "no-such-host.invalid";
    assert_int_equal(http_server_open(&server, &options, ROUTES, 1, &fault), STATUS_INVALID);
    options = (struct http_server_options){0};
    assert_int_equal(
        http_server_open(&server, &options, &(struct http_route){"GET", "x", handle_hello, NULL}, 1,
                         &fault),
        STATUS_INTERNAL);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, open_default, close_default)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_answer),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_ipv6),
        WITH_SERVER(test_parameters),
        WITH_SERVER(test_not_served),
        WITH_SERVER(test_faults),
        WITH_SERVER(test_head),
        WITH_SERVER(test_no_content),
        WITH_SERVER(test_headers),
        WITH_SERVER(test_request_id),
        WITH_SERVER(test_hosts),
        cmocka_unit_test(test_named_host),
        cmocka_unit_test(test_cors),
        WITH_SERVER(test_no_cors),
        WITH_SERVER(test_options),
        cmocka_unit_test(test_guard_and_error_body),
        WITH_SERVER(test_chunked_body),
        WITH_SERVER(test_continue),
        WITH_SERVER(test_large_body),
        WITH_SERVER(test_gzip),
        cmocka_unit_test(test_gzip_counts),
        WITH_SERVER(test_keep_alive),
        WITH_SERVER(test_http_1_0),
        WITH_SERVER(test_pipelining),
        WITH_SERVER(test_half_closed),
        WITH_SERVER(test_half_closed_handler_knows),
        cmocka_unit_test(test_deferred_is_called_again),
        WITH_SERVER(test_resumed_before_it_returned),
        WITH_SERVER(test_deferred_client_leaves),
        WITH_SERVER(test_stream),
        WITH_SERVER(test_stream_outlives_handler),
        WITH_SERVER(test_stream_becomes_reply),
        WITH_SERVER(test_gone_while_silent),
        WITH_SERVER(test_gone_by_reset),
        WITH_SERVER(test_gone_after_half_close),
        WITH_SERVER(test_gone_before_begin),
        WITH_SERVER(test_end_awaits_gone),
        WITH_SERVER(test_gone_ends),
        cmocka_unit_test(test_stop_with_grace),
        cmocka_unit_test(test_stop_at_once),
        cmocka_unit_test(test_grace_ends),
        cmocka_unit_test(test_last_words_are_sent),
        cmocka_unit_test(test_last_words_end),
        WITH_SERVER(test_cannot_listen),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_deinit(&answer);
    return failed;
}
