/* http_client_test.c - downloads from a server that lies, forgets and hangs up. The server is a
 * thread that plays a script: one act per connection. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "http/download_plan.h"
#include "http/http_client.h"
#include "http/http_test_client.h"
#include "platform/platform.h"

/* ---- the server ---- */

enum { FILE_BYTES = 300000, ACTS_LIMIT = 16 };

struct act {
    const char *head;  /* sent as it is, without the empty line; NULL: hang up at once */
    size_t from, upto; /* of the file, sent as the body */
    bool hold;         /* then say nothing for a while instead of closing */
};

static struct {
    int listener;
    uint16_t port;
    pthread_t thread;
    const struct act *acts;
    size_t act_count;
    struct buffer requests[ACTS_LIMIT];
    size_t request_count;
    char file[FILE_BYTES];
    char sha256[HTTP_SHA256_HEX_BYTES];
    char folder[64], path[96], part[104], url[64];
} stage;

static void *play(void *argument)
{
    for (size_t i = 0; i < stage.act_count; i++) {
        const struct act *act = &stage.acts[i];
        int fd = accept(stage.listener, NULL, NULL);
        if (fd < 0) return NULL;
        struct buffer *request = &stage.requests[stage.request_count++];
        if (act->head) {
            client_receive_until(fd, request, "\r\n\r\n");
            client_send(fd, act->head);
            client_send(fd, "\r\n");
            client_send_bytes(fd, stage.file + act->from, act->upto - act->from);
        }
        if (act->hold) {
            char byte;
            recv(fd, &byte, 1, 0); /* until the client gives up */
        }
        close(fd);
    }
    return NULL;
}

static int open_stage(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    memset(&stage, 0, sizeof stage);
    stage.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(stage.listener, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(listen(stage.listener, 16), errno);
    getsockname(stage.listener, (struct sockaddr *)&address, &length);
    stage.port = ntohs(address.sin_port);
    for (size_t i = 0; i < FILE_BYTES; i++) stage.file[i] = (char)(i * 2654435761u >> 13);

    unsigned char digest[32];
    struct sha256 *sha = sha256_new();
    sha256_update(sha, stage.file, FILE_BYTES);
    sha256_final_free(sha, digest);
    hex_encode(digest, sizeof digest, stage.sha256);

    strcpy(stage.folder, "/tmp/liminal-download-XXXXXX");
    assert_non_null(mkdtemp(stage.folder));
    snprintf(stage.path, sizeof stage.path, "%s/file", stage.folder);
    snprintf(stage.part, sizeof stage.part, "%s.part", stage.path);
    snprintf(stage.url, sizeof stage.url, "http://127.0.0.1:%u/file", stage.port);
    return 0;
}

static int close_stage(void **state)
{
    char from[112];
    snprintf(from, sizeof from, "%s.from", stage.part);
    unlink(stage.path);
    unlink(stage.part);
    unlink(from);
    assert_return_code(rmdir(stage.folder), errno); /* nothing else was left behind */
    for (size_t i = 0; i < ACTS_LIMIT; i++) buffer_deinit(&stage.requests[i]);
    close(stage.listener);
    return 0;
}

/* A listener serves one script only. */
static void renew_stage(void)
{
    close_stage(NULL);
    open_stage(NULL);
}

static enum status download_with(struct http_download wish, const struct act *acts, size_t count,
                                 struct fault *fault)
{
    stage.acts = acts;
    stage.act_count = count;
    stage.request_count = 0;
    for (size_t i = 0; i < ACTS_LIMIT; i++) buffer_clear(&stage.requests[i]);
    assert_int_equal(pthread_create(&stage.thread, NULL, play, NULL), 0);
    wish.url = stage.url;
    wish.path = stage.path;
    wish.retry_delay_ms = 1;
    *fault = (struct fault){0};
    enum status status = http_download(&wish, fault);
    shutdown(stage.listener, SHUT_RDWR); /* wakes an accept that nobody came to */
    pthread_join(stage.thread, NULL);
    if (status != OK) assert_string_not_equal(fault->message, "");
    return status;
}

static void assert_file_whole(void)
{
    struct buffer got = {0};
    struct fault fault;
    assert_int_equal(file_read(stage.path, FILE_BYTES, &got, &fault), OK);
    assert_int_equal(got.length, FILE_BYTES);
    assert_memory_equal(got.data, stage.file, FILE_BYTES);
    assert_false(file_exists(stage.part));
    buffer_deinit(&got);
}

static bool asked(size_t index, const char *part)
{
    return answer_has(&stage.requests[index], part);
}

static void leave_part(size_t bytes, const char *validator)
{
    struct fault fault;
    char from[112];
    snprintf(from, sizeof from, "%s.from", stage.part);
    assert_int_equal(file_write_atomic(stage.part, stage.file, bytes, 0644, &fault), OK);
    if (validator)
        assert_int_equal(file_write_atomic(from, validator, strlen(validator), 0644, &fault), OK);
}

#define OK_HEAD                                     \
    "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n" \
    "ETag: \"one\"\r\nConnection: close\r\n"
#define PART_HEAD(range)                                          \
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range \
    "/300000\r\n"                                                 \
    "ETag: \"one\"\r\nConnection: close\r\n"

/* ---- tests ---- */

static void test_plain(void **state)
{
    struct fault fault;
    char digest[HTTP_SHA256_HEX_BYTES];
    const struct act acts[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256, .digest = digest},
                                   acts, 1, &fault),
                     OK);
    assert_file_whole();
    assert_string_equal(digest, stage.sha256);
    assert_false(asked(0, "Range:"));
}

static void test_resumes_after_drops(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {OK_HEAD, 0, 100000, false},
        {NULL, 0, 0, false},
        {PART_HEAD("100000-299999") "Content-Length: 200000\r\n", 100000, 150000, false},
        {PART_HEAD("150000-299999") "Content-Length: 150000\r\n", 150000, FILE_BYTES, false},
    };
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 4, &fault),
                     OK);
    assert_file_whole();
    assert_true(asked(2, "Range: bytes=100000-\r\n"));
    assert_true(asked(2, "If-Range: \"one\"\r\n"));
    assert_true(asked(3, "Range: bytes=150000-\r\n"));
}

static void test_resumes_an_earlier_run(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {PART_HEAD("70000-299999") "Content-Length: 230000\r\n", 70000, FILE_BYTES, false}};
    leave_part(70000, "\"one\"");
    assert_int_equal(download_with((struct http_download){0}, acts, 1, &fault), OK);
    assert_file_whole();
    assert_true(asked(0, "Range: bytes=70000-\r\n"));
}

static void test_part_without_proof_starts_again(void **state)
{
    struct fault fault;
    const struct act acts[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    leave_part(70000, NULL);
    assert_int_equal(download_with((struct http_download){0}, acts, 1, &fault), OK);
    assert_file_whole();
    assert_false(asked(0, "Range:"));
}

/* Nothing proves that the rest would be of the same file. */
static void test_no_validator_starts_again(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nConnection: close\r\n", 0, 100000, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nConnection: close\r\n", 0, FILE_BYTES,
         false}};
    assert_int_equal(download_with((struct http_download){0}, acts, 2, &fault), OK);
    assert_file_whole();
    assert_false(asked(1, "Range:"));
}

/* Without a validator, but with a digest that would show a mixture. */
static void test_digest_is_proof_enough(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nConnection: close\r\n", 0, 100000, false},
        {PART_HEAD("100000-299999") "Content-Length: 200000\r\n", 100000, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 2, &fault),
                     OK);
    assert_file_whole();
    assert_true(asked(1, "Range: bytes=100000-\r\n"));
    assert_false(asked(1, "If-Range"));
}

static void test_server_ignores_range(void **state)
{
    struct fault fault;
    const struct act acts[] = {{OK_HEAD, 0, 100000, false}, {OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 2, &fault),
                     OK);
    assert_file_whole();
}

static void test_wrong_range_is_not_appended(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {OK_HEAD, 0, 100000, false},
        {PART_HEAD("90000-299999") "Content-Length: 210000\r\n", 90000, FILE_BYTES, false},
        {OK_HEAD, 0, FILE_BYTES, false},
    };
    assert_int_equal(download_with((struct http_download){0}, acts, 3, &fault), OK);
    assert_file_whole();
    assert_false(asked(2, "Range:"));
}

static void test_file_changed_meanwhile(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {OK_HEAD, 0, 100000, false},
        {"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100000-299999/300000\r\n"
         "ETag: \"two\"\r\nContent-Length: 200000\r\nConnection: close\r\n",
         100000, FILE_BYTES, false},
        {OK_HEAD, 0, FILE_BYTES, false},
    };
    assert_int_equal(download_with((struct http_download){0}, acts, 3, &fault), OK);
    assert_file_whole();
}

static void test_beyond_end(void **state)
{
    struct fault fault;
    const struct act whole[] = {
        {"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */300000\r\n"
         "Content-Length: 0\r\nConnection: close\r\n",
         0, 0, false}};
    leave_part(FILE_BYTES, "\"one\"");
    assert_int_equal(
        download_with((struct http_download){.sha256 = stage.sha256}, whole, 1, &fault), OK);
    assert_file_whole();
    unlink(stage.path);
}

static void test_beyond_end_of_shorter_file(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */300000\r\n"
         "Content-Length: 0\r\nConnection: close\r\n",
         0, 0, false},
        {OK_HEAD, 0, FILE_BYTES, false}};
    leave_part(FILE_BYTES, "\"one\"");
    int fd = open(stage.part, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "more", 4), 4);
    close(fd);
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 2, &fault),
                     OK);
    assert_file_whole();
}

static void test_promises_more_than_it_sends(void **state)
{
    struct fault fault;
    struct act acts[8];
    acts[0] = (struct act){OK_HEAD, 0, 1000, false};
    for (int i = 1; i < 8; i++)
        acts[i] = (struct act){PART_HEAD("1000-299999") "Content-Length: 299000\r\n", 0, 0, false};
    assert_int_equal(download_with((struct http_download){.attempts = 4}, acts, 8, &fault),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(fault.message, "given up after 4 attempts"));
    assert_false(file_exists(stage.path));
    assert_true(file_exists(stage.part)); /* for the next run */
}

static void test_promises_less_than_the_file(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n", 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 1, &fault),
                     STATUS_CORRUPT);
    assert_non_null(strstr(fault.message, "sha256"));
    assert_false(file_exists(stage.path));
    assert_false(file_exists(stage.part));
}

static void test_length_unlike_the_expected(void **state)
{
    struct fault fault;
    const struct act acts[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.size_bytes = 5}, acts, 1, &fault),
                     STATUS_CORRUPT);
    assert_non_null(strstr(fault.message, "300000 bytes long, not 5"));
}

/* The server says nothing of the length: what was expected decides. */
static void test_untold_length(void **state)
{
    struct fault fault;
    const struct act acts[] = {{"HTTP/1.1 200 OK\r\nConnection: close\r\n", 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.size_bytes = 1000}, acts, 1, &fault),
                     STATUS_CORRUPT);
    assert_non_null(strstr(fault.message, "more than the 1000 bytes"));
    renew_stage();
    assert_int_equal(
        download_with((struct http_download){.size_bytes = FILE_BYTES + 1}, acts, 1, &fault),
        STATUS_CORRUPT);
    assert_non_null(strstr(fault.message, "300000 bytes long, not 300001"));
    renew_stage();
    assert_int_equal(
        download_with((struct http_download){.size_bytes = FILE_BYTES}, acts, 1, &fault), OK);
    assert_file_whole();
}

/* A server that gives no more than a slice at a time. */
static void test_slices(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {PART_HEAD("0-99999") "Content-Length: 100000\r\n", 0, 100000, false},
        {PART_HEAD("100000-199999") "Content-Length: 100000\r\n", 100000, 200000, false},
        {PART_HEAD("200000-299999") "Content-Length: 100000\r\n", 200000, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){0}, acts, 3, &fault), OK);
    assert_file_whole();
    assert_true(asked(2, "If-Range: \"one\"\r\n"));
}

static void test_limit(void **state)
{
    struct fault fault;
    const struct act told[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    const struct act untold[] = {
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n", 0, FILE_BYTES, false}};
    struct http_download wish = {.limit_bytes = 200000};
    assert_int_equal(download_with(wish, told, 1, &fault), STATUS_TOO_LARGE);
    renew_stage();
    assert_int_equal(download_with(wish, untold, 1, &fault), STATUS_TOO_LARGE);
}

static void test_wrong_file(void **state)
{
    struct fault fault;
    char other[HTTP_SHA256_HEX_BYTES];
    memset(other, 'a', 64);
    other[64] = '\0';
    const struct act acts[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){.sha256 = other}, acts, 1, &fault),
                     STATUS_CORRUPT);
    assert_false(file_exists(stage.part));
    assert_false(file_exists(stage.path));
}

static void test_foreign_part_is_fetched_again(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {PART_HEAD("5-299999") "Content-Length: 299995\r\n", 5, FILE_BYTES, false},
        {OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(file_write_atomic(stage.part, "wrong", 5, 0644, &fault), OK);
    assert_int_equal(download_with((struct http_download){.sha256 = stage.sha256}, acts, 2, &fault),
                     OK);
    assert_file_whole();
}

static void test_codes(void **state)
{
    static const struct {
        const char *head;
        enum status status;
        const char *word;
    } CASES[] = {
        {"HTTP/1.1 401 Unauthorized\r\n", STATUS_UNAUTHORIZED, "token"},
        {"HTTP/1.1 403 Forbidden\r\n", STATUS_FORBIDDEN, "403"},
        {"HTTP/1.1 404 Not Found\r\n", STATUS_NOT_FOUND, "there is no"},
        {"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n", STATUS_INVALID, "http"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct fault fault;
        char head[256];
        snprintf(head, sizeof head, "%sContent-Length: 4\r\nConnection: close\r\n", CASES[i].head);
        const struct act acts[] = {{head, 0, 4, false}};
        assert_int_equal(download_with((struct http_download){0}, acts, 1, &fault),
                         CASES[i].status);
        assert_non_null(strstr(fault.message, CASES[i].word));
        assert_false(file_exists(stage.path));
        renew_stage();
    }
}

static void test_server_trouble_passes(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n", 0, 4,
         false},
        {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n", 0, 0,
         false},
        {OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){0}, acts, 3, &fault), OK);
    assert_file_whole();
}

static void test_redirect(void **state)
{
    struct fault fault;
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/moved\r\n"
             "ETag: \"of the redirect\"\r\nContent-Length: 4\r\nConnection: close\r\n",
             stage.port);
    const struct act acts[] = {{head, 0, 4, false}, {OK_HEAD, 0, FILE_BYTES, false}};
    assert_int_equal(download_with((struct http_download){0}, acts, 2, &fault), OK);
    assert_file_whole();
    assert_true(asked(1, "GET /moved "));
}

static void test_credentials_stay_with_their_host(void **state)
{
    struct fault fault;
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/moved\r\n"
             "Content-Length: 0\r\nConnection: close\r\n",
             stage.port);
    const struct act acts[] = {{head, 0, 0, false}, {OK_HEAD, 0, FILE_BYTES, false}};
    const char *const headers[] = {"Authorization: Bearer secret", NULL};
    assert_int_equal(download_with((struct http_download){.headers = headers}, acts, 2, &fault),
                     OK);
    assert_true(asked(0, "Authorization: Bearer secret\r\n"));
    assert_true(asked(1, "Host: localhost:"));
    assert_false(asked(1, "secret"));
}

static void test_server_says_when(void **state)
{
    struct fault fault;
    const struct act acts[] = {{"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                "Content-Length: 0\r\nConnection: close\r\n",
                                0, 0, false},
                               {OK_HEAD, 0, FILE_BYTES, false}};
    uint64_t start = clock_monotonic_ns();
    assert_int_equal(download_with((struct http_download){0}, acts, 2, &fault), OK);
    assert_true(clock_monotonic_ns() - start >= 1000000000);
}

static void test_endless_redirects(void **state)
{
    struct fault fault;
    struct act acts[12];
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/file\r\nContent-Length: 0\r\n"
             "Connection: close\r\n",
             stage.port);
    for (int i = 0; i < 12; i++) acts[i] = (struct act){head, 0, 0, false};
    assert_int_equal(download_with((struct http_download){0}, acts, 12, &fault),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(fault.message, "redirects"));
}

static void test_silent_server(void **state)
{
    struct fault fault;
    const struct act acts[] = {
        {OK_HEAD, 0, 100000, true},
        {PART_HEAD("100000-299999") "Content-Length: 200000\r\n", 100000, FILE_BYTES, false}};
    assert_int_equal(
        download_with((struct http_download){.stall_deadline_ms = 1000}, acts, 2, &fault), OK);
    assert_file_whole();
}

static bool stop_at_once(void *argument, uint64_t done_bytes, uint64_t total_bytes)
{
    return false;
}

static void test_cancel(void **state)
{
    struct fault fault;
    const struct act acts[] = {{OK_HEAD, 0, 100000, true}};
    assert_int_equal(
        download_with((struct http_download){.progress = stop_at_once}, acts, 1, &fault),
        STATUS_CANCELLED);
    assert_false(file_exists(stage.path));
}

static void test_two_at_once(void **state)
{
    struct fault fault;
    leave_part(10, NULL);
    int fd = open(stage.part, O_RDWR);
    assert_return_code(flock(fd, LOCK_EX), errno);
    assert_int_equal(download_with((struct http_download){0}, NULL, 0, &fault), STATUS_CONFLICT);
    close(fd);
}

/* Stands for a full disk: a file may not grow beyond a bound. */
static void test_disk_refuses(void **state)
{
    struct fault fault;
    struct rlimit before, low;
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 150000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &low);
    const struct act acts[] = {{OK_HEAD, 0, FILE_BYTES, false}};
    enum status status = download_with((struct http_download){0}, acts, 1, &fault);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, STATUS_IO);
    assert_non_null(strstr(fault.message, stage.part));
    assert_false(file_exists(stage.path));
}

static void test_nobody_there(void **state)
{
    struct fault fault;
    struct http_download wish = {
        .url = "http://127.0.0.1:1/file", .path = stage.path, .retry_delay_ms = 1};
    assert_int_equal(http_download(&wish, &fault), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fault.message, "network"));
    wish.url = "http://no-such-host.invalid/file";
    assert_int_equal(http_download(&wish, &fault), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fault.message, "was not found"));
    wish.url = "ftp://127.0.0.1/file";
    assert_int_equal(http_download(&wish, &fault), STATUS_INVALID);
}

static void test_no_tls(void **state)
{
    struct fault fault;
    const struct act acts[] = {{NULL, 0, 0, false}, {NULL, 0, 0, false}};
    snprintf(stage.url, sizeof stage.url, "https://127.0.0.1:%u/file", stage.port);
    assert_int_equal(download_with((struct http_download){0}, acts, 2, &fault), STATUS_IO);
    assert_non_null(strstr(fault.message, "TLS"));
}

static enum status call_with(struct http_call call, const struct act *act, int *code,
                             struct buffer *got, struct fault *fault)
{
    stage.acts = act;
    stage.act_count = 1;
    call.url = stage.url;
    assert_int_equal(pthread_create(&stage.thread, NULL, play, NULL), 0);
    enum status status = http_call(&call, code, got, fault);
    pthread_join(stage.thread, NULL);
    return status;
}

static void test_call(void **state)
{
    struct fault fault;
    struct buffer got = {0};
    int code;
    const struct act act = {"HTTP/1.1 418 \r\nContent-Length: 9\r\nConnection: close\r\n", 0, 9,
                            false};
    const char *const headers[] = {"X-One: 1", NULL};
    struct http_call call = {.headers = headers, .body = TEXT("{\"a\":1}")};
    assert_int_equal(call_with(call, &act, &code, &got, &fault), OK);
    assert_int_equal(code, 418);
    assert_int_equal(got.length, 9);
    assert_memory_equal(got.data, stage.file, 9);
    assert_true(asked(0, "POST /file "));
    assert_true(asked(0, "X-One: 1\r\n"));
    buffer_deinit(&got);
}

static void test_call_with_a_long_answer(void **state)
{
    struct fault fault;
    struct buffer got = {0};
    int code;
    const struct act act = {OK_HEAD, 0, FILE_BYTES, false};
    assert_int_equal(call_with((struct http_call){.limit_bytes = 1000}, &act, &code, &got, &fault),
                     STATUS_TOO_LARGE);
    assert_true(got.length <= 1000);
    buffer_deinit(&got);
}

/* ---- the plan alone ---- */

static void test_content_range(void **state)
{
    static const struct {
        const char *range;
        enum download_step step;
    } CASES[] = {
        {"bytes 10-19/20", DOWNLOAD_APPEND},
        {"bytes 10-19/*", DOWNLOAD_RESTART},
        {"bytes 9-19/20", DOWNLOAD_RESTART},
        {"bytes 10-20/20", DOWNLOAD_RESTART},
        {"bytes 19-10/20", DOWNLOAD_RESTART},
        {"bytes 10-19/20, 3", DOWNLOAD_RESTART},
        {"", DOWNLOAD_RESTART},
        {"items 10-19/20", DOWNLOAD_RESTART},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct download_state known = {.have_bytes = 10};
        struct download_answer answer = {.http_code = 206};
        snprintf(answer.content_range, sizeof answer.content_range, "%s", CASES[i].range);
        assert_int_equal(download_judge(&known, &answer), CASES[i].step);
    }
}

static void test_validators(void **state)
{
    struct download_answer answer = {0};
    download_answer_header(&answer, TEXT("eTag:  W/\"weak\" "));
    assert_string_equal(download_validator(&answer), "");
    download_answer_header(&answer, TEXT("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_string_equal(download_validator(&answer), "Sun, 06 Nov 1994 08:49:37 GMT");
    download_answer_header(&answer, TEXT("ETag: \"strong\""));
    assert_string_equal(download_validator(&answer), "\"strong\"");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(test_plain),
        STAGED(test_resumes_after_drops),
        STAGED(test_resumes_an_earlier_run),
        STAGED(test_part_without_proof_starts_again),
        STAGED(test_no_validator_starts_again),
        STAGED(test_digest_is_proof_enough),
        STAGED(test_server_ignores_range),
        STAGED(test_wrong_range_is_not_appended),
        STAGED(test_file_changed_meanwhile),
        STAGED(test_beyond_end),
        STAGED(test_beyond_end_of_shorter_file),
        STAGED(test_promises_more_than_it_sends),
        STAGED(test_promises_less_than_the_file),
        STAGED(test_length_unlike_the_expected),
        STAGED(test_untold_length),
        STAGED(test_slices),
        STAGED(test_limit),
        STAGED(test_wrong_file),
        STAGED(test_foreign_part_is_fetched_again),
        STAGED(test_codes),
        STAGED(test_server_trouble_passes),
        STAGED(test_redirect),
        STAGED(test_credentials_stay_with_their_host),
        STAGED(test_server_says_when),
        STAGED(test_endless_redirects),
        STAGED(test_silent_server),
        STAGED(test_cancel),
        STAGED(test_two_at_once),
        STAGED(test_disk_refuses),
        STAGED(test_nobody_there),
        STAGED(test_no_tls),
        STAGED(test_call),
        STAGED(test_call_with_a_long_answer),
        cmocka_unit_test(test_content_range),
        cmocka_unit_test(test_validators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
