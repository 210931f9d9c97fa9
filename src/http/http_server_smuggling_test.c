/* http_server_smuggling_test.c - every smuggling vector against the running server, alone and
 * behind a real nginx that keeps its connections to us alive. nginx refuses /smuggled itself: if a
 * handler of ours ever sees that path, a request came through in the belly of another. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "http/http_server.h"
#include "http/http_test_client.h"
#include "http/smuggling_vectors.h"
#include "platform/platform.h"

static struct {
    struct http_server *server;
    atomic_int smuggled;
    char folder[64];
    pid_t nginx;
    uint16_t strict_port, lax_port;
} stage;

/* ---- our server ---- */

static void handle_smuggled(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.smuggled, 1);
    http_reply(exchange, 200, "text/plain", TEXT("smuggled"));
}

static void handle_echo(struct http_exchange *exchange, void *context)
{
    http_reply(exchange, 200, "text/plain", http_body(exchange));
}

static void handle_probe(struct http_exchange *exchange, void *context)
{
    char *text = arena_printf(http_arena(exchange), "probe %.*s.",
                              TEXT_FORMAT(http_path_parameter(exchange, "id")));
    http_reply(exchange, 200, "text/plain", text_of(text));
}

static const struct http_route ROUTES[] = {
    {"GET", "/smuggled", handle_smuggled, NULL},
    {"GET", "/hello", handle_echo, NULL},
    {"POST", "/echo", handle_echo, NULL},
    {"GET", "/probe/{id}", handle_probe, NULL},
};

static int open_server(void **state)
{
    struct fault fault;
    struct http_server_options options = {.body_limit_bytes = 1 << 20};
    memset(&stage, 0, sizeof stage);
    if (http_server_open(&stage.server, &options, ROUTES, ARRAY_COUNT(ROUTES), &fault) != OK)
        fail_msg("%s", fault.message);
    return 0;
}

static int close_server(void **state)
{
    http_server_close(stage.server);
    return 0;
}

/* ---- nginx before it ---- */

static const char NGINX_CONFIGURATION[] =
    "daemon off; master_process off; pid %1$s/pid; error_log %1$s/error.log;\n"
    "events {}\n"
    "http {\n"
    "  access_log off; client_max_body_size 1m;\n"
    "  client_body_temp_path %1$s/a; proxy_temp_path %1$s/b; fastcgi_temp_path %1$s/c;\n"
    "  uwsgi_temp_path %1$s/d; scgi_temp_path %1$s/e;\n"
    "  upstream liminal { server 127.0.0.1:%2$u; keepalive 1; }\n"
    "  proxy_http_version 1.1; proxy_set_header Connection \"\";\n"
    "  proxy_set_header Host $http_host;\n"
    "  server {\n" /* as most run it */
    "    listen 127.0.0.1:%3$u;\n"
    "    location / { proxy_pass http://liminal; }\n"
    "    location = /smuggled { return 403; }\n"
    "  }\n"
    "  server {\n" /* passes on as much as it can */
    "    listen 127.0.0.1:%4$u;\n"
    "    ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;\n"
    "    location / { proxy_pass http://liminal; proxy_request_buffering off; }\n"
    "    location = /smuggled { return 403; }\n"
    "  }\n"
    "}\n";

/* A port that is free now. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(getsockname(fd, (struct sockaddr *)&address, &length), errno);
    close(fd);
    return ntohs(address.sin_port);
}

static bool listens(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void start_nginx(void)
{
    char path[96], error_log[96];
    struct buffer text = {0};
    struct fault fault;
    strcpy(stage.folder, "/tmp/liminal-nginx-XXXXXX");
    assert_non_null(mkdtemp(stage.folder));
    stage.strict_port = free_port();
    stage.lax_port = free_port();
    buffer_printf(&text, NGINX_CONFIGURATION, stage.folder, http_server_port(stage.server),
                  stage.strict_port, stage.lax_port);
    snprintf(path, sizeof path, "%s/nginx.conf", stage.folder);
    snprintf(error_log, sizeof error_log, "%s/error.log", stage.folder);
    assert_int_equal(file_write_atomic(path, text.data, text.length, 0600, &fault), OK);
    buffer_deinit(&text);

    stage.nginx = fork();
    assert_return_code(stage.nginx, errno);
    if (stage.nginx == 0) {
        execlp("nginx", "nginx", "-p", stage.folder, "-e", error_log, "-c", path, NULL);
        execl("/usr/sbin/nginx", "nginx", "-p", stage.folder, "-e", error_log, "-c", path, NULL);
        _exit(127);
    }
    for (int i = 0; i < CLIENT_PATIENCE_MS / 10 && !listens(stage.lax_port); i++) {
        int status;
        if (waitpid(stage.nginx, &status, WNOHANG) == stage.nginx) {
            stage.nginx = 0;
            fail_msg("nginx did not start (%d): is nginx-light installed? `make deps`", status);
        }
        nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
    }
}

static int open_behind_nginx(void **state)
{
    open_server(state);
    start_nginx();
    return 0;
}

static void remove_folder(void)
{
    static const char *const NAMES[] = {"nginx.conf", "error.log", "pid", "a", "b", "c", "d", "e"};
    char path[96];
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        snprintf(path, sizeof path, "%s/%s", stage.folder, NAMES[i]);
        if (unlink(path) != 0) rmdir(path);
    }
    rmdir(stage.folder);
}

static int close_behind_nginx(void **state)
{
    if (stage.nginx > 0) {
        kill(stage.nginx, SIGTERM);
        waitpid(stage.nginx, NULL, 0);
    }
    remove_folder();
    return close_server(state);
}

/* ---- tests ---- */

static size_t count_answers(const struct buffer *answer)
{
    size_t count = 0;
    struct text rest = buffer_text(answer);
    for (size_t at; (at = text_find(rest, TEXT("\nX-Request-Id: "))) != SIZE_MAX; count++)
        rest = text_slice(rest, at + 1, rest.length);
    return count;
}

static void test_alone(void **state)
{
    uint16_t port = http_server_port(stage.server);
    for (size_t i = 0; i < ARRAY_COUNT(SMUGGLING_VECTORS); i++) {
        const struct smuggling_vector *vector = &SMUGGLING_VECTORS[i];
        struct buffer answer = {0};
        int fd = client_connect(port);
        client_send_bytes(fd, vector->bytes.data, vector->bytes.length);
        client_receive_all(fd, &answer); /* so the server has closed */
        close(fd);
        if (answer_code(&answer) != vector->http_code || count_answers(&answer) != 1 ||
            !answer_has(&answer, "Connection: close\r\n"))
            fail_msg("%s: %s", vector->name, answer.data);
        buffer_deinit(&answer);
    }
    assert_int_equal(stage.smuggled, 0);
}

/* What looks like a smuggled request is part of a body here, and must stay one. */
static void test_requests_within_bodies(void **state)
{
    static const char *const CASES[] = {
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "43\r\n\r\n" SMUGGLED,
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "43\r\n\r\n" SMUGGLED,
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2b\r\n" SMUGGLED "\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUpgrade: h2c\r\n"
        "Content-Length: 43\r\n\r\n" SMUGGLED,
        "HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
        "43\r\n\r\n" SMUGGLED,
    };
    _Static_assert(sizeof SMUGGLED - 1 == 43, "the lengths above");
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct buffer answer = {0};
        client_exchange(http_server_port(stage.server), CASES[i], &answer);
        assert_int_equal(answer_code(&answer), 200);
        assert_int_equal(count_answers(&answer), 1);
        buffer_deinit(&answer);
    }
    assert_int_equal(stage.smuggled, 0);
}

/* Does the next client get its own answer, and not one left over? */
static void probe(uint16_t port, size_t id, const char *after)
{
    struct buffer answer = {0};
    char request[128], wanted[32];
    snprintf(request, sizeof request,
             "GET /probe/%zu HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", id);
    snprintf(wanted, sizeof wanted, "\r\n\r\nprobe %zu.", id);
    client_exchange(port, request, &answer);
    if (!answer_has(&answer, wanted)) fail_msg("after \"%s\": %s", after, answer.data);
    buffer_deinit(&answer);
}

/* What the client sends behind the attack, so that nginx closes when it read all of it. */
static const char LAST_REQUEST[] =
    "GET /probe/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static void attack_through(uint16_t port)
{
    enum { QUIET_MS = 250 }; /* nginx may wait for the rest of a body that never comes */
    for (size_t i = 0; i < ARRAY_COUNT(SMUGGLING_VECTORS); i++) {
        const struct smuggling_vector *vector = &SMUGGLING_VECTORS[i];
        char bytes[4096];
        int fd = client_connect(port);
        client_send_bytes(fd, vector->bytes.data, vector->bytes.length);
        client_send(fd, LAST_REQUEST);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        while (poll(&poll_fd, 1, QUIET_MS) == 1)
            if (recv(fd, bytes, sizeof bytes, 0) <= 0) break;
        close(fd);
        probe(port, i, vector->name);
        if (stage.smuggled) fail_msg("smuggled through nginx: %s", vector->name);
    }
}

static void test_behind_nginx(void **state)
{
    probe(stage.strict_port, 0, "nothing");
    attack_through(stage.strict_port);
    attack_through(stage.lax_port);
    /* the test would be worth nothing if the path were not served */
    struct buffer answer = {0};
    client_exchange(http_server_port(stage.server),
                    "GET /smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    &answer);
    assert_int_equal(stage.smuggled, 1);
    buffer_deinit(&answer);
}

static void test_stream_through_nginx(void **state)
{
    struct buffer answer = {0};
    client_exchange(stage.lax_port,
                    "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
                    &answer);
    assert_int_equal(answer_code(&answer), 200);
    assert_true(answer_has(&answer, "\r\n\r\nabcdef"));
    buffer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alone, open_server, close_server),
        cmocka_unit_test_setup_teardown(test_requests_within_bodies, open_server, close_server),
        cmocka_unit_test_setup_teardown(test_behind_nginx, open_behind_nginx, close_behind_nginx),
        cmocka_unit_test_setup_teardown(test_stream_through_nginx, open_behind_nginx,
                                        close_behind_nginx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
