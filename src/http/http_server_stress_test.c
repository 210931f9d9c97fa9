/* http_server_stress_test.c - many clients, streams and disconnects at once, and stopping in the
 * midst of it. Its worth is under the thread and address sanitizers; it also counts: every request
 * that began is finished, every stream ends once, and `gone` is told at most once and never too
 * late. */
#include "http/http_test_server.h"

#include <errno.h>

enum {
    CLIENTS = 12,
    ROUNDS = 60,
    PRODUCERS = 2,
    STREAM_PIECES = 20,
    STREAMS_LIMIT = 4096,
};

/* One stream with its state, as an engine would keep it. */
struct source {
    struct http_stream *stream;
    atomic_bool gone, ended;
    int pieces;
};

static struct {
    pthread_mutex_t lock;
    struct source *sources[STREAMS_LIMIT];
    size_t count;
    bool closing;
    atomic_int begun, ended, gone, gone_twice, gone_too_late, wrong_answers, answers;
} factory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_source_gone(void *argument)
{
    struct source *source = argument;
    if (atomic_load(&source->ended)) atomic_fetch_add(&factory.gone_too_late, 1);
    if (atomic_exchange(&source->gone, true)) atomic_fetch_add(&factory.gone_twice, 1);
    atomic_fetch_add(&factory.gone, 1);
}

static void handle_source(struct http_exchange *exchange, void *context)
{
    struct source *source = calloc(1, sizeof *source);
    atomic_fetch_add(&factory.begun, 1);
    source->stream = http_stream_begin(exchange, 200, "text/event-stream", on_source_gone, source);
    pthread_mutex_lock(&factory.lock);
    factory.sources[factory.count++] = source;
    pthread_mutex_unlock(&factory.lock);
}

static struct source *take_source(void)
{
    pthread_mutex_lock(&factory.lock);
    struct source *source = factory.count ? factory.sources[--factory.count] : NULL;
    pthread_mutex_unlock(&factory.lock);
    return source;
}

static void put_source(struct source *source)
{
    pthread_mutex_lock(&factory.lock);
    factory.sources[factory.count++] = source;
    pthread_mutex_unlock(&factory.lock);
}

/* Like the engine: a step for each stream, in any order, from threads of its own. */
static void *produce(void *argument)
{
    for (;;) {
        struct source *source = take_source();
        if (!source) {
            pthread_mutex_lock(&factory.lock);
            bool closing = factory.closing;
            pthread_mutex_unlock(&factory.lock);
            if (closing) return NULL;
            pause_ms(1);
            continue;
        }
        bool goes_on = http_stream_send(source->stream, TEXT("data: piece\n\n")) &&
                       ++source->pieces < STREAM_PIECES;
        if (goes_on) {
            put_source(source);
            continue;
        }
        http_stream_end(source->stream);
        atomic_store(&source->ended, true); /* after this, `gone` must not come */
        atomic_fetch_add(&factory.ended, 1);
        free(source);
    }
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", handle_hello, NULL},
    {"POST", "/echo", handle_echo, NULL},
    {"GET", "/source", handle_source, NULL},
};

/* ---- clients ---- */

/* Like client_connect, but the server may be stopping. */
static int try_connect(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(stage.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {CLIENT_PATIENCE_MS / 1000, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* Read until `mark`; false when the connection ended before. */
static bool read_until(int fd, const char *mark)
{
    struct buffer got = {0};
    char bytes[4096];
    bool found = false;
    for (ssize_t length; !found && (length = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        buffer_append(&got, bytes, (size_t)length);
        found = text_find(buffer_text(&got), text_of(mark)) != SIZE_MAX;
    }
    buffer_deinit(&got);
    return found;
}

static void count_answer(bool right)
{
    atomic_fetch_add(right ? &factory.answers : &factory.wrong_answers, 1);
}

static void reset_close(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd);
}

static void act(unsigned *seed)
{
    static const char HELLO[] = "GET /hello HTTP/1.1\r\n" LOCAL "\r\n";
    static const char ECHO[] = "POST /echo HTTP/1.1\r\n" LOCAL "Content-Length: 6\r\n\r\nabcdef";
    static const char SOURCE[] = "GET /source HTTP/1.1\r\n" LOCAL "\r\n";
    int fd = try_connect();
    if (fd < 0) return;
    switch (rand_r(seed) % 7) {
    case 0: /* a calm conversation */
        for (int i = 0; i < 3; i++) {
            client_send(fd, HELLO);
            count_answer(read_until(fd, "\r\n\r\nhello"));
            client_send(fd, ECHO);
            count_answer(read_until(fd, "\r\n\r\nabcdef"));
        }
        close(fd);
        break;
    case 1: /* a stream to its end, and one more request */
        client_send(fd, SOURCE);
        count_answer(read_until(fd, "\r\n0\r\n\r\n"));
        client_send(fd, HELLO);
        count_answer(read_until(fd, "\r\n\r\nhello"));
        close(fd);
        break;
    case 2: /* leaves in the midst of a stream */
        client_send(fd, SOURCE);
        read_until(fd, "piece");
        close(fd);
        break;
    case 3: /* leaves at once */
        client_send(fd, rand_r(seed) % 2 ? SOURCE : ECHO);
        reset_close(fd);
        break;
    case 4: /* half a request */
        client_send_bytes(fd, ECHO, (size_t)rand_r(seed) % (sizeof ECHO - 2));
        close(fd);
        break;
    case 5: /* nonsense */
        client_send(fd, "GET /\n\n");
        count_answer(read_until(fd, "HTTP/1.1 400 "));
        close(fd);
        break;
    default: /* pipelined, then gone */
        for (int i = 0; i < 4; i++) client_send(fd, i == 2 ? SOURCE : HELLO);
        if (rand_r(seed) % 2) read_until(fd, "hello");
        reset_close(fd);
        break;
    }
}

static void *play_client(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) act(&seed);
    return NULL;
}

static void open_factory(pthread_t producers[PRODUCERS], unsigned loops)
{
    factory.closing = false;
    factory.begun = factory.ended = factory.gone = factory.answers = factory.wrong_answers = 0;
    open_stage((struct http_server_options){.loops = loops, .workers = 4}, ROUTES,
               ARRAY_COUNT(ROUTES));
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, NULL), 0);
}

static void close_factory(pthread_t producers[PRODUCERS])
{
    close_stage(); /* returns when every stream has ended */
    pthread_mutex_lock(&factory.lock);
    factory.closing = true;
    pthread_mutex_unlock(&factory.lock);
    for (int i = 0; i < PRODUCERS; i++) pthread_join(producers[i], NULL);
    assert_int_equal(factory.begun, factory.ended);
    assert_int_equal(factory.gone_twice, 0);
    assert_int_equal(factory.gone_too_late, 0);
}

static void run_clients(pthread_t clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, play_client, (void *)(uintptr_t)(i + 1)),
                         0);
}

static void test_storm(void **state)
{
    pthread_t producers[PRODUCERS], clients[CLIENTS];
    for (unsigned loops = 1; loops <= 2; loops++) {
        open_factory(producers, loops);
        run_clients(clients);
        for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
        close_factory(producers);
        assert_int_equal(factory.wrong_answers, 0);
        assert_true(factory.answers > CLIENTS * ROUNDS / 2);
        assert_true(factory.begun > CLIENTS * ROUNDS / 5);
        assert_true(factory.gone > 0);
    }
}

/* Stopping while all of that goes on: answers may be missing then, but nothing hangs or leaks. */
static void test_stop_in_the_storm(void **state)
{
    pthread_t producers[PRODUCERS], clients[CLIENTS];
    for (unsigned round = 0; round < 4; round++) {
        open_factory(producers, 1 + round % 2);
        run_clients(clients);
        pause_ms(20 + 10 * round);
        http_server_stop(stage.server, round % 2 ? 20 : 0);
        close_factory(producers);
        for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
    }
}

/* ---- streams that never pause ---- */

static atomic_bool hot_ends;

static void *feed_hot(void *argument)
{
    while (!atomic_load(&hot_ends)) http_stream_send(argument, TEXT("x"));
    http_stream_end(argument);
    return NULL;
}

static void handle_hot(struct http_exchange *exchange, void *context)
{
    pthread_t feeder;
    struct http_stream *stream = http_stream_begin(exchange, 200, "text/plain", NULL, NULL);
    pthread_create(&feeder, NULL, feed_hot, stream);
    pthread_detach(feeder);
}

static void *drain_hot(void *argument)
{
    static const char REQUEST[] = "GET /hot HTTP/1.1\r\n" CLOSE "\r\n";
    static __thread char bytes[1 << 16];
    int fd = try_connect();
    client_send(fd, REQUEST);
    while (recv(fd, bytes, sizeof bytes, 0) > 0) continue;
    close(fd);
    return NULL;
}

/* They must not keep the loop from everybody else. */
static void test_hot_streams(void **state)
{
    enum { HOT = 4, REQUESTS = 50 };
    static const struct http_route routes[] = {{"GET", "/hot", handle_hot, NULL},
                                               {"GET", "/hello", handle_hello, NULL}};
    pthread_t drains[HOT];
    open_stage((struct http_server_options){.loops = 1}, routes, ARRAY_COUNT(routes));
    atomic_store(&hot_ends, false);
    for (int i = 0; i < HOT; i++) pthread_create(&drains[i], NULL, drain_hot, NULL);
    pause_ms(20);
    struct buffer answer = {0};
    for (int i = 0; i < REQUESTS; i++) {
        buffer_clear(&answer);
        client_exchange(stage.port, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n", &answer);
        assert_int_equal(answer_code(&answer), 200);
    }
    buffer_deinit(&answer);
    atomic_store(&hot_ends, true);
    for (int i = 0; i < HOT; i++) pthread_join(drains[i], NULL);
    close_stage();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_stop_in_the_storm),
        cmocka_unit_test(test_hot_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
