/* http_server_hostile_test.c - clients that are slow, greedy or many, and a machine that runs
 * short. */
#include "http/http_test_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "platform/platform.h"

enum { LARGE_BYTES = 48 << 20 };

static void handle_large(struct http_exchange *exchange, void *context)
{
    atomic_fetch_add(&stage.handled, 1);
    http_reply(exchange, 200, "text/plain", (struct text){context, LARGE_BYTES});
}

static struct http_route routes[] = {
    {"GET", "/hello", handle_hello, NULL},   {"POST", "/echo", handle_echo, NULL},
    {"GET", "/stream", handle_stream, NULL}, {"GET", "/wait", handle_wait, NULL},
    {"GET", "/large", handle_large, NULL},
};

static void open_with(struct http_server_options options)
{
    open_stage(options, routes, ARRAY_COUNT(routes));
}

static struct buffer answer;

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Send a text a byte at a time until the server has had enough; returns how long that took. */
static uint64_t drip(int fd, const char *text)
{
    uint64_t start = now_ms();
    for (const char *c = text; *c; c++) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) == 1) break;
        client_send_bytes(fd, c, 1);
    }
    buffer_clear(&answer);
    client_receive_all(fd, &answer);
    return now_ms() - start;
}

/* ---- slow senders ---- */

static void test_slow_head(void **state)
{
    open_with((struct http_server_options){.header_deadline_ms = 200});
    int fd = client_connect(stage.port);
    uint64_t took_ms = drip(fd, "GET /hello HTTP/1.1\r\n" LOCAL "X: 0123456789\r\n\r\n");
    assert_int_equal(answer_code(&answer), 408);
    assert_in_range(took_ms, 150, 2000);
    assert_int_equal(stage.handled, 0);
    close(fd);
    close_stage();
}

static void test_silent_client(void **state)
{
    open_with((struct http_server_options){.header_deadline_ms = 100});
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_receive_all(fd, &answer); /* closed without a word, as nothing was asked */
    assert_int_equal(answer.length, 0);
    assert_int_equal(stage.finished, 0);
    close(fd);
    close_stage();
}

static void test_idle_connection(void **state)
{
    open_with((struct http_server_options){.idle_deadline_ms = 100});
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "GET /hello HTTP/1.1\r\n" LOCAL "\r\n");
    uint64_t start = now_ms();
    client_receive_all(fd, &answer);
    assert_int_equal(answer_code(&answer), 200);
    assert_in_range(now_ms() - start, 80, 2000);
    close(fd);
    close_stage();
}

static void test_slow_body(void **state)
{
    open_with((struct http_server_options){.body_deadline_ms = 200});
    int fd = client_connect(stage.port);
    client_send(fd, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 100\r\n\r\n");
    uint64_t took_ms = drip(fd, "0123456789012345678901234567890123456789");
    assert_int_equal(answer_code(&answer), 408);
    assert_in_range(took_ms, 150, 2000);
    close(fd);
    close_stage();
}

/* A large body on a slow line earns itself more time. */
static void test_steady_body(void **state)
{
    enum { PIECE_BYTES = 16 * 1024, PIECES = 30, PAUSE_MS = 50 }; /* 1.5 s in all */
    static char piece[PIECE_BYTES];
    memset(piece, 'x', sizeof piece);
    open_with((struct http_server_options){.body_deadline_ms = 1000});
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 491520\r\n\r\n");
    for (int i = 0; i < PIECES; i++) {
        assert_true(client_send_bytes(fd, piece, sizeof piece));
        pause_ms(PAUSE_MS);
    }
    client_receive_all(fd, &answer);
    assert_int_equal(answer_code(&answer), 200);
    close(fd);
    close_stage();
}

/* A refused client that neither closes nor falls silent is waited for, but not for long. */
static void test_lingering_ends(void **state)
{
    open_with((struct http_server_options){0});
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "GET /\r\n\r\n");
    client_receive_all(fd, &answer);
    assert_int_equal(answer_code(&answer), 400);
    uint64_t start = now_ms();
    while (client_send(fd, "x") && now_ms() - start < CLIENT_PATIENCE_MS) pause_ms(50);
    assert_in_range(now_ms() - start, 1000, 5000);
    close(fd);
    close_stage();
}

/* Nor is all that it sends taken. */
static void test_lingering_takes_little(void **state)
{
    static char junk[1 << 16];
    open_with((struct http_server_options){0});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /\r\n\r\n");
    size_t sent = 0;
    while (sent < LARGE_BYTES && client_send_bytes(fd, junk, sizeof junk)) sent += sizeof junk;
    assert_true(sent < LARGE_BYTES);
    close(fd);
    close_stage();
}

/* ---- slow readers ---- */

static int ask_for_large(void)
{
    int fd = client_connect(stage.port);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, "GET /large HTTP/1.1\r\n" CLOSE "\r\n");
    return fd;
}

static void test_reader_of_nothing(void **state)
{
    open_with((struct http_server_options){.write_deadline_ms = 200});
    int fd = ask_for_large();
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 1);
    close(fd);
    close_stage();
}

static void test_reader_of_a_byte_at_a_time(void **state)
{
    open_with((struct http_server_options){.write_deadline_ms = 300});
    int fd = ask_for_large();
    char byte;
    for (int i = 0; i < 1000 && !stage.finished; i++) {
        recv(fd, &byte, 1, 0);
        pause_ms(10);
    }
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 1);
    close(fd);
    close_stage();
}

/* Read up to `upto` bytes of the large answer, a megabyte at a time with pauses between. */
static size_t read_steadily(int fd, size_t upto, unsigned pause)
{
    static char bytes[1 << 20];
    size_t total = 0, since_pause = 0, length;
    while (total < upto && (length = client_receive(fd, bytes, sizeof bytes)) > 0) {
        total += length;
        since_pause += length;
        if (since_pause < sizeof bytes) continue;
        since_pause = 0;
        pause_ms(pause);
    }
    return total;
}

static void test_reader_who_stops(void **state)
{
    open_with((struct http_server_options){.write_deadline_ms = 300});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /large HTTP/1.1\r\n" CLOSE "\r\n");
    assert_true(read_steadily(fd, LARGE_BYTES / 2, 30) >= LARGE_BYTES / 2);
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 1);
    close(fd);
    close_stage();
}

static void test_steady_reader(void **state)
{
    open_with((struct http_server_options){.write_deadline_ms = 500});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /large HTTP/1.1\r\n" CLOSE "\r\n");
    assert_true(read_steadily(fd, SIZE_MAX, 30) > LARGE_BYTES); /* 1.4 s in all */
    wait_for(&stage.finished, 1);
    assert_int_equal(stage.finished_gone, 0);
    close(fd);
    close_stage();
}

static void test_stream_nobody_reads(void **state)
{
    enum { LIMIT = 100000, PIECE = 1000 };
    static char piece[PIECE];
    open_with((struct http_server_options){.stream_limit_bytes = LIMIT});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /stream HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    memset(piece, 'x', sizeof piece);
    uint64_t before = process_resident_bytes();
    int sent = 0;
    while (sent < 1000000 && http_stream_send(stage.stream, (struct text){piece, PIECE})) sent++;
    assert_in_range(sent, 10, 100000); /* what the kernel takes, and our bound */
    assert_true(process_resident_bytes() < before + (64 << 20));
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close(fd);
    close_stage();
}

static void test_piece_beyond_the_bound(void **state)
{
    open_with((struct http_server_options){.stream_limit_bytes = 10});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /stream HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    assert_false(http_stream_send(stage.stream, TEXT("more than ten bytes")));
    assert_false(http_stream_send(stage.stream, TEXT("x")));
    wait_for(&stage.gone, 1);
    http_stream_end(stage.stream);
    close(fd);
    close_stage();
}

/* ---- too many ---- */

static void test_too_many_connections(void **state)
{
    open_with((struct http_server_options){.connection_limit = 2});
    int first = client_connect(stage.port), second = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(first, "GET /hello HTTP/1.1\r\n" LOCAL "\r\n");
    assert_true(client_receive_until(first, &answer, "hello"));
    buffer_clear(&answer);
    client_exchange(stage.port, "GET /hello HTTP/1.1\r\n" LOCAL "\r\n", &answer);
    assert_int_equal(answer_code(&answer), 503);
    close(first);
    close(second);
    for (int i = 0; i < 1000 && answer_code(&answer) != 200; i++) { /* there is room again */
        buffer_clear(&answer);
        client_exchange(stage.port, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", &answer);
    }
    assert_int_equal(answer_code(&answer), 200);
    close_stage();
}

/* Even saying no has its bound: beyond it a connection is closed without a word. */
static void test_far_too_many_connections(void **state)
{
    enum { CONNECTIONS = 100 };
    int fds[CONNECTIONS], told = 0, closed = 0;
    open_with((struct http_server_options){.connection_limit = 1});
    for (int i = 0; i < CONNECTIONS; i++) fds[i] = client_connect(stage.port);
    for (int i = 1; i < CONNECTIONS; i++) {
        char byte;
        if (client_receive(fds[i], &byte, 1) == 1)
            told++;
        else
            closed++;
    }
    assert_int_equal(told, 64);
    assert_int_equal(closed, CONNECTIONS - 1 - 64);
    for (int i = 0; i < CONNECTIONS; i++) close(fds[i]);
    close_stage();
}

static void test_too_many_waiting(void **state)
{
    static const char HELLO[] = "GET /hello HTTP/1.1\r\n" CLOSE "\r\n";
    open_with((struct http_server_options){.workers = 1, .queue_limit = 1});
    int running = client_connect(stage.port);
    client_send(running, "GET /wait HTTP/1.1\r\n" CLOSE "\r\n");
    wait_for(&stage.handled, 1);
    struct pollfd others[2] = {{.fd = client_connect(stage.port), .events = POLLIN},
                               {.fd = client_connect(stage.port), .events = POLLIN}};
    for (int i = 0; i < 2; i++) client_send(others[i].fd, HELLO);
    assert_int_equal(poll(others, 2, CLIENT_PATIENCE_MS), 1); /* one waits, one is refused */
    int refused = others[0].revents ? others[0].fd : others[1].fd;
    int waiting = others[0].revents ? others[1].fd : others[0].fd;
    buffer_clear(&answer);
    client_receive_all(refused, &answer);
    assert_int_equal(answer_code(&answer), 503);
    assert_true(answer_has(&answer, "\r\nRetry-After: 1\r\n"));
    atomic_store(&stage.release, true);
    buffer_clear(&answer);
    client_receive_all(running, &answer);
    client_receive_all(waiting, &answer);
    assert_true(answer_has(&answer, "waited"));
    assert_true(answer_has(&answer, "hello"));
    close(running);
    close(refused);
    close(waiting);
    close_stage();
}

/* What an upload holds counts against what others may send. */
static void test_too_many_bodies(void **state)
{
    static char body[60000];
    open_with((struct http_server_options){.bodies_limit_bytes = 100000});
    memset(body, 'x', sizeof body);
    int first = client_connect(stage.port);
    client_send(first, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 60001\r\n\r\n");
    client_send_bytes(first, body, sizeof body); /* all but one byte */
    int code = 0;
    for (int i = 0; i < 1000 && code != 503; i++) { /* it may still be on its way */
        int second = client_connect(stage.port);
        client_send(second, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 60000\r\n\r\n");
        client_send_bytes(second, body, sizeof body);
        buffer_clear(&answer);
        client_receive_all(second, &answer);
        code = answer_code(&answer);
        close(second);
    }
    assert_int_equal(code, 503);
    buffer_clear(&answer);
    client_send(first, "y");
    assert_true(client_receive_until(first, &answer, "xxxy"));
    close(first);
    close_stage();
}

/* Much pipelined behind an answer that does not come: the server stops reading. */
static void test_greedy_pipelining(void **state)
{
    open_with((struct http_server_options){0});
    int fd = client_connect(stage.port);
    client_send(fd, "GET /wait HTTP/1.1\r\n" LOCAL "\r\n");
    wait_for(&stage.handled, 1);
    static char junk[1 << 16];
    memset(junk, 'x', sizeof junk);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    for (int refused = 0; refused < 50 && sent < LARGE_BYTES;) {
        ssize_t step = send(fd, junk, sizeof junk, MSG_NOSIGNAL);
        if (step > 0) sent += (size_t)step;
        if (step < 0) pause_ms(5), refused++;
    }
    assert_true(sent < LARGE_BYTES); /* the kernel's buffers are full */
    atomic_store(&stage.release, true);
    wait_for(&stage.finished, 2); /* "waited", then 400 for the junk */
    assert_int_equal(stage.last_code, 400);
    close(fd);
    close_stage();
}

/* ---- a machine that runs short ---- */

static uint64_t processor_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void test_no_more_descriptors(void **state)
{
    open_with((struct http_server_options){0});
    struct rlimit before, low;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(0);
    close(next);
    low = before;
    low.rlim_cur = (rlim_t)next + 1; /* one left: the client's */
    setrlimit(RLIMIT_NOFILE, &low);
    int fd = client_connect(stage.port);
    uint64_t processor = processor_ms();
    pause_ms(500);
    processor = processor_ms() - processor;
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(processor < 250); /* it does not spin */
    close(fd);
    buffer_clear(&answer);
    client_exchange(stage.port, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", &answer);
    assert_int_equal(answer_code(&answer), 200);
    close_stage();
}

/* A low soft limit of descriptors is raised to what the connections need. */
static void test_descriptors_are_fitted(void **state)
{
    struct rlimit before, low;
    getrlimit(RLIMIT_NOFILE, &before);
    low = before;
    low.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &low);
    open_with((struct http_server_options){.connection_limit = 300});
    getrlimit(RLIMIT_NOFILE, &low);
    setrlimit(RLIMIT_NOFILE, &before);
    close_stage();
    assert_in_range(low.rlim_cur, 301, 1000);
}

static void test_no_more_memory(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    open_with((struct http_server_options){.body_limit_bytes = 1 << 30});
    char *body = calloc(1, LARGE_BYTES);
    memset(body, 'x', LARGE_BYTES);
    struct rlimit before, low;
    getrlimit(RLIMIT_AS, &before);
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(statm, "%ld", &pages), 1);
    fclose(statm);
    low = before;
    low.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (16 << 20);
    setrlimit(RLIMIT_AS, &low);
    int fd = client_connect(stage.port);
    buffer_clear(&answer);
    client_send(fd, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 50331648\r\n\r\n");
    client_send_bytes(fd, body, LARGE_BYTES);
    client_receive_all(fd, &answer);
    close(fd);
    bool refused = answer_code(&answer) == 503 && answer_has(&answer, "Out of memory");
    buffer_clear(&answer);
    client_exchange(stage.port, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", &answer);
    setrlimit(RLIMIT_AS, &before);
    assert_true(refused);
    assert_int_equal(answer_code(&answer), 200);
    free(body);
    close_stage();
}

static void test_memory_stays_flat(void **state)
{
    enum { WARM = 1000, REQUESTS = 10000 };
    open_with((struct http_server_options){0});
    int fd = client_connect(stage.port);
    uint64_t warm_bytes = 0;
    for (int i = 0; i < WARM + REQUESTS; i++) {
        if (i == WARM) warm_bytes = process_resident_bytes();
        buffer_clear(&answer);
        client_send(fd, "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 3\r\n\r\nabc");
        assert_true(client_receive_until(fd, &answer, "\r\n\r\nabc"));
    }
    close(fd);
    close_stage();
#ifndef SANITIZED
    assert_true(process_resident_bytes() < warm_bytes + (1 << 20));
#endif
    (void)warm_bytes;
}

int main(void)
{
    char *large = malloc(LARGE_BYTES);
    if (!large) return 1;
    memset(large, 'x', LARGE_BYTES);
    routes[ARRAY_COUNT(routes) - 1].context = large;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_silent_client),
        cmocka_unit_test(test_idle_connection),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_steady_body),
        cmocka_unit_test(test_lingering_ends),
        cmocka_unit_test(test_lingering_takes_little),
        cmocka_unit_test(test_reader_of_nothing),
        cmocka_unit_test(test_reader_of_a_byte_at_a_time),
        cmocka_unit_test(test_reader_who_stops),
        cmocka_unit_test(test_steady_reader),
        cmocka_unit_test(test_stream_nobody_reads),
        cmocka_unit_test(test_piece_beyond_the_bound),
        cmocka_unit_test(test_too_many_connections),
        cmocka_unit_test(test_far_too_many_connections),
        cmocka_unit_test(test_too_many_waiting),
        cmocka_unit_test(test_too_many_bodies),
        cmocka_unit_test(test_greedy_pipelining),
        cmocka_unit_test(test_no_more_descriptors),
        cmocka_unit_test(test_descriptors_are_fitted),
        cmocka_unit_test(test_no_more_memory),
        cmocka_unit_test(test_memory_stays_flat),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_deinit(&answer);
    free(large);
    return failed;
}
