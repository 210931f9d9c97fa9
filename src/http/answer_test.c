/* answer_test.c - the bytes of answers. */
#include "http/answer.h"

#include "http/http_test_client.h"

static void test_dates(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *date;
    } CASES[] = {
        {784111777000, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110 5.6.7 */
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {1709164800999, "Thu, 29 Feb 2024 00:00:00 GMT"},
        {4102444799000, "Thu, 31 Dec 2099 23:59:59 GMT"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char date[HTTP_DATE_BYTES];
        answer_date(CASES[i].wall_ms, date);
        assert_string_equal(date, CASES[i].date);
    }
}

static void assert_head(struct answer_head head, const char *wanted)
{
    struct buffer out = {0};
    head.request_id = "id";
    answer_append_head(&out, &head);
    assert_string_equal(out.data, wanted);
    buffer_deinit(&out);
}

#define FIRST_LINES(code) \
    "HTTP/1.1 " code "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Request-Id: id\r\n"
#define TYPE "Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"

static void test_heads(void **state)
{
    assert_head((struct answer_head){.http_code = 200,
                                     .minor_version = 1,
                                     .keep_alive = true,
                                     .content_type = "text/plain",
                                     .content_length = 5},
                FIRST_LINES("200 OK") TYPE "Content-Length: 5\r\n\r\n");
    assert_head((struct answer_head){.http_code = 404, .minor_version = 1},
                FIRST_LINES("404 Not Found") "Content-Length: 0\r\nConnection: close\r\n\r\n");
    assert_head((struct answer_head){.http_code = 200, .keep_alive = true, .content_length = 5},
                FIRST_LINES("200 OK") "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n");
    assert_head((struct answer_head){.http_code = 200,
                                     .minor_version = 1,
                                     .keep_alive = true,
                                     .content_type = "text/plain",
                                     .stream = true,
                                     .more = TEXT("X: y\r\n")},
                FIRST_LINES("200 OK") TYPE "Transfer-Encoding: chunked\r\nX: y\r\n\r\n");
    assert_head((struct answer_head){.http_code = 200, .stream = true},
                FIRST_LINES("200 OK") "Connection: close\r\n\r\n");
    assert_head((struct answer_head){.http_code = 204, .minor_version = 1, .keep_alive = true},
                FIRST_LINES("204 No Content") "\r\n");
    assert_head((struct answer_head){.http_code = 299, .minor_version = 1, .keep_alive = true},
                FIRST_LINES("299 ") "Content-Length: 0\r\n\r\n");
}

static void test_no_body(void **state)
{
    assert_head((struct answer_head){.http_code = 204,
                                     .minor_version = 1,
                                     .keep_alive = true,
                                     .content_type = "text/plain",
                                     .stream = true},
                FIRST_LINES("204 No Content") "\r\n");
    assert_head(
        (struct answer_head){
            .http_code = 304, .minor_version = 1, .keep_alive = true, .content_length = 5},
        FIRST_LINES("304 Not Modified") "\r\n");
}

static void test_unsafe_type(void **state)
{
    assert_head((struct answer_head){.http_code = 200,
                                     .minor_version = 1,
                                     .keep_alive = true,
                                     .content_type = "text/plain\r\nX-Injected: 1"},
                FIRST_LINES("200 OK") "Content-Type: application/octet-stream\r\n"
                                      "X-Content-Type-Options: nosniff\r\n"
                                      "Content-Length: 0\r\n\r\n");
}

static void test_chunks(void **state)
{
    struct buffer out = {0};
    answer_append_chunk(&out, TEXT("0123456789abcdefg"));
    assert_string_equal(out.data, "11\r\n0123456789abcdefg\r\n");
    buffer_deinit(&out);
}

static void test_header_injection(void **state)
{
    assert_true(answer_header_safe("X-Name", "value; with, all \"sorts\"\tof caf\xc3\xa9"));
    assert_true(answer_header_safe("X-Name", ""));
    assert_false(answer_header_safe("X-Name", "a\r\nSet-Cookie: b"));
    assert_false(answer_header_safe("X-Name", "a\nb"));
    assert_false(answer_header_safe("X-Name", "a\rb"));
    assert_false(answer_header_safe("X-Name", "a\x01"));
    assert_false(answer_header_safe("X-Name", "a\x7f"));
    assert_false(answer_header_safe("X Name", "a"));
    assert_false(answer_header_safe("X:Name", "a"));
    assert_false(answer_header_safe("X\r\nName", "a"));
    assert_false(answer_header_safe("X\xc3\xa9", "a"));
    assert_false(answer_header_safe("", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),   cmocka_unit_test(test_heads),
        cmocka_unit_test(test_no_body), cmocka_unit_test(test_unsafe_type),
        cmocka_unit_test(test_chunks),  cmocka_unit_test(test_header_injection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
