/* terminal_test.c - sizes in words, and what a terminal may be sent. */
#include "app/terminal.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/test_support.h"

static void sizes_are_three_digits_or_so(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } CASES[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {322591712, "322.6 MB"},
        {1500000000, "1.5 GB"},
        {UINT64_MAX, "18446744.1 TB"},
    };
    char text[SIZE_TEXT_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        size_text(CASES[i].bytes, text);
        assert_string_equal(text, CASES[i].text);
    }
}

enum { PIECE_DEADLINE_MS = 5000 };

/* What comes out of a pseudo-terminal (or a pipe) that was written to through terminal_write. */
static void check_written(bool on_terminal, const char *text, const char *expected)
{
    int ends[2]; /* to read from, to write to */
    if (on_terminal) {
        struct termios raw;
        assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
        assert_int_equal(tcgetattr(ends[1], &raw), 0);
        cfmakeraw(&raw);
        assert_int_equal(tcsetattr(ends[1], TCSANOW, &raw), 0);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    FILE *out = fdopen(ends[1], "w");
    terminal_write(out, text_of(text));
    fflush(out);
    char got[256];
    size_t length = 0;
    /* A terminal may hand out what was written in pieces. */
    struct pollfd readable = {.fd = ends[0], .events = POLLIN};
    while (length < strlen(expected) && poll(&readable, 1, PIECE_DEADLINE_MS) == 1) {
        ssize_t more = read(ends[0], got + length, sizeof got - 1 - length);
        assert_true(more > 0);
        length += (size_t)more;
    }
    got[length] = '\0';
    assert_string_equal(got, expected);
    fclose(out);
    close(ends[0]);
}

#define REPLACED "\xEF\xBF\xBD"

static void nothing_foreign_moves_the_cursor(void **state)
{
    check_written(true, "plain\n\ttext äöü 日本\n", "plain\n\ttext äöü 日本\n");
    check_written(true, "a\x1b[2Jb", "a" REPLACED "[2Jb");
    check_written(true, "a\rb\bc\x7f", "a" REPLACED "b" REPLACED "c" REPLACED);
    check_written(true,
                  "\xC2\x9B"
                  "31m",
                  REPLACED "31m"); /* the one-byte CSI of old terminals */
    check_written(true, "cut \xE6\x97", "cut " REPLACED REPLACED);
}

static void a_pipe_gets_the_bytes_as_they_are(void **state)
{
    check_written(false, "a\x1b[2Jb\xff", "a\x1b[2Jb\xff");
}

static void no_terminal_is_live_without_a_name(void **state)
{
    int ends[2];
    assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
    FILE *out = fdopen(ends[1], "w");
    setenv("TERM", "xterm", 1);
    assert_true(terminal_is_live(out));
    setenv("TERM", "dumb", 1);
    assert_false(terminal_is_live(out));
    unsetenv("TERM");
    assert_false(terminal_is_live(out));
    fclose(out);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_three_digits_or_so),
        cmocka_unit_test(nothing_foreign_moves_the_cursor),
        cmocka_unit_test(a_pipe_gets_the_bytes_as_they_are),
        cmocka_unit_test(no_terminal_is_live_without_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
