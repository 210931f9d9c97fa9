/* mail_encoding_test.c - quoted-printable and encoded words, by the examples and bounds of their
 * RFCs. That others read them as they were meant is tried in mail_test.c. */
#include "base/test_support.h"
#include "mail/encoding.h"

static struct buffer out;

static const char *quoted(const char *body)
{
    buffer_clear(&out);
    mail_append_quoted_printable(&out, text_of(body));
    buffer_append_char(&out, '\0');
    return out.data;
}

static const char *header(size_t column, const char *value)
{
    buffer_clear(&out);
    mail_append_header_text(&out, column, text_of(value));
    buffer_append_char(&out, '\0');
    return out.data;
}

static size_t longest_line(const char *lines)
{
    size_t longest = 0;
    while (*lines) {
        size_t length = strcspn(lines, "\r");
        if (length > longest) longest = length;
        lines += length + 2 * (lines[length] == '\r');
    }
    return longest;
}

static void bodies(void **state)
{
    static const struct {
        const char *body, *quoted;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"a\nb\r\nc\n", "a\r\nb\r\nc\r\n"},
        {"a\rb", "a=0Db"},
        {"1+1=2", "1+1=3D2"},
        {"end \nend\t\nend ", "end=20\r\nend=09\r\nend=20"},
        {"in between", "in between"},
        {"Gr\u00fc\u00dfe", "Gr=C3=BC=C3=9Fe"},
        {"\x01\x7f", "=01=7F"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_string_equal(quoted(cases[i].body), cases[i].quoted);
}

static void body_lines_are_short(void **state)
{
    char body[1001] = {0};
    memset(body, 'a', 1000);
    assert_int_equal(longest_line(quoted(body)), 76);
    assert_int_equal(out.length - 1, 1000 + 13 * 3); /* 75 of each line, and its soft break */
    for (int i = 0; i < 1000; i += 2) body[i] = '\xc3', body[i + 1] = '\xa9';
    assert_true(longest_line(quoted(body)) <= 76);
}

static void headers(void **state)
{
    static const struct {
        const char *value, *written;
    } cases[] = {
        {"", ""},
        {"Verify your email address", "Verify your email address"},
        {"two  blanks", "=?utf-8?Q?two__blanks?="},
        {" led", "=?utf-8?Q?_led?="},
        {"trailed ", "=?utf-8?Q?trailed_?="},
        {"=?utf-8?Q?x?=", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?="},
        {"Inc., \"Us\" <x@y>", "=?utf-8?Q?Inc=2E=2C_=22Us=22_=3Cx=40y=3E?="},
        {"K\u00f6ln_", "=?utf-8?Q?K=C3=B6ln=5F?="},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_string_equal(header(9, cases[i].value), cases[i].written);
}

/* RFC 2047: words of at most 75 characters, lines of at most 76, no character cut in two. */
static void long_headers_are_folded(void **state)
{
    const char *value =
        "\u8bf7\u9a8c\u8bc1\u60a8\u7684\u7535\u5b50\u90ae\u4ef6\u5730\u5740\u8bf7"
        "\u9a8c\u8bc1\u60a8\u7684\u7535\u5b50\u90ae\u4ef6\u5730\u5740";
    header(9, value);
    assert_true(longest_line(out.data) <= 76);
    assert_true(strcspn(out.data, "\r") + 9 <= 76);
    for (const char *word = out.data; (word = strstr(word, "?Q?")); word += 3) {
        size_t letters = (size_t)(strstr(word + 3, "?=") - word - 3);
        assert_int_equal(letters % 9, 0); /* each of these characters is three bytes */
        assert_int_equal(strncmp(word + 3, "=E", 2), 0);
    }
    char ascii[121] = {0};
    memset(ascii, 'x', 120);
    header(9, ascii);
    assert_true(longest_line(out.data) <= 76);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(body_lines_are_short),
        cmocka_unit_test(headers),
        cmocka_unit_test(long_headers_are_folded),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_deinit(&out);
    return failed;
}
