/* mail_message_fuzz.c - a message from arbitrary fields, which NULs separate: from, its name, to,
 * subject, plain, html. What must hold of what is not refused: the headers are ours and no others,
 * no line is too long or holds a lone CR or LF, and the bodies can be read back. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static struct text next_field(struct text *rest)
{
    size_t end = text_find(*rest, TEXT("\0"));
    struct text field = text_slice(*rest, 0, end == SIZE_MAX ? rest->length : end);
    *rest = end == SIZE_MAX ? (struct text){0} : text_slice(*rest, end + 1, rest->length);
    return field;
}

/* The next line without its CRLF. */
static struct text next_line(struct text *rest)
{
    size_t end = text_find(*rest, TEXT("\r\n"));
    assert(end != SIZE_MAX);
    struct text line = text_slice(*rest, 0, end);
    *rest = text_slice(*rest, end + 2, rest->length);
    for (size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.data[i];
        assert((c >= ' ' && c < 0x7f) || c == '\t');
    }
    return line;
}

/* Each header once, in its order; lines that go on with a blank belong to the one before. */
static void check_headers(struct text *rest)
{
    static const char *const names[] = {
        "From: ",           "To: ",           "Subject: ",     "Date: ", "Message-ID: ",
        "Auto-Submitted: ", "MIME-Version: ", "Content-Type: "};
    size_t count = 0;
    for (struct text line; (line = next_line(rest)).length;) {
        if (line.data[0] == ' ') continue;
        assert(count < ARRAY_COUNT(names));
        assert(text_starts_with(line, text_of(names[count++])));
        assert(line.length <= 78 || count == 1 || count == 2 || count == 5); /* hold an address */
        assert(line.length <= 400);
    }
    assert(count == ARRAY_COUNT(names));
}

static int digit(char c)
{
    const char *digits = "0123456789ABCDEF", *found = strchr(digits, c);
    assert(c && found);
    return (int)(found - digits);
}

static void decode_line(struct text line, struct buffer *out)
{
    assert(line.length <= 76);
    for (size_t i = 0; i < line.length; i++) {
        if (line.data[i] != '=') {
            buffer_append_char(out, line.data[i]);
        } else if (i + 1 < line.length) {
            assert(i + 2 < line.length);
            buffer_append_char(out, (char)(digit(line.data[i + 1]) * 16 + digit(line.data[i + 2])));
            i += 2;
        } else {
            return; /* a soft break */
        }
    }
    buffer_append_char(out, '\n');
}

/* The same with line breaks as LF. */
static void normalise(struct text body, struct buffer *out)
{
    for (size_t i = 0; i < body.length; i++)
        if (body.data[i] != '\r' || i + 1 == body.length || body.data[i + 1] != '\n')
            buffer_append_char(out, body.data[i]);
}

static void check_part(struct text *rest, const char *type, struct text body)
{
    struct buffer decoded, wanted;
    buffer_init(&decoded);
    buffer_init(&wanted);
    assert(text_starts_with(next_line(rest), text_of(type)));
    next_line(rest);
    assert(next_line(rest).length == 0);
    for (struct text line; !text_starts_with(line = next_line(rest), TEXT("--=_"));)
        decode_line(line, &decoded);
    normalise(body, &wanted);
    buffer_append_char(&wanted, '\n'); /* the boundary's */
    assert(text_equal(buffer_text(&decoded), buffer_text(&wanted)));
    buffer_deinit(&decoded);
    buffer_deinit(&wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct text rest = {(const char *)data, length};
    struct mail_sender from = {.address = next_field(&rest)};
    from.name = next_field(&rest);
    struct mail_letter letter = {.id = {{1, 2, 3}}, .created_us = (int64_t)length * 1000000000};
    letter.recipient = next_field(&rest);
    letter.subject = next_field(&rest);
    letter.plain = next_field(&rest);
    letter.html = next_field(&rest);
    struct buffer message;
    buffer_init(&message);
    if (mail_message_format(&message, &from, &letter, NULL) == OK) {
        struct text lines = buffer_text(&message);
        check_headers(&lines);
        assert(text_starts_with(next_line(&lines), TEXT("--=_")));
        check_part(&lines, "Content-Type: text/plain", letter.plain);
        check_part(&lines, "Content-Type: text/html", letter.html);
        assert(lines.length == 0);
    } else {
        assert(message.length == 0);
    }
    buffer_deinit(&message);
    return 0;
}
