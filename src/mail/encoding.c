/* encoding.c - see encoding.h. */
#include "mail/encoding.h"

#include <string.h>

enum { BODY_LINE = 76, HEADER_LINE = 76 };

static const char hex[] = "0123456789ABCDEF";

static void append_escaped(struct buffer *out, unsigned char c)
{
    const char escaped[3] = {'=', hex[c >> 4], hex[c & 15]};
    buffer_append(out, escaped, sizeof escaped);
}

/* ---- bodies ---- */

static size_t line_break_at(struct text t, size_t at)
{
    if (t.data[at] == '\n') return 1;
    return t.data[at] == '\r' && at + 1 < t.length && t.data[at + 1] == '\n' ? 2 : 0;
}

/* Blanks at the end of a line would be lost on the way. */
static bool stands_for_itself(struct text body, size_t at)
{
    char c = body.data[at];
    if (c == ' ' || c == '\t') return at + 1 < body.length && !line_break_at(body, at + 1);
    return c > ' ' && c <= '~' && c != '=';
}

void mail_append_quoted_printable(struct buffer *out, struct text body)
{
    size_t column = 0;
    for (size_t at = 0; at < body.length;) {
        size_t skip = line_break_at(body, at);
        if (skip) {
            buffer_append_string(out, "\r\n");
            column = 0;
            at += skip;
            continue;
        }
        size_t width = stands_for_itself(body, at) ? 1 : 3;
        if (column + width > BODY_LINE - 1) { /* one is for the = of a soft break */
            buffer_append_string(out, "=\r\n");
            column = 0;
        }
        if (width == 1)
            buffer_append_char(out, body.data[at]);
        else
            append_escaped(out, (unsigned char)body.data[at]);
        column += width;
        at++;
    }
}

/* ---- header values ---- */

static const char word_begin[] = "=?utf-8?Q?", word_end[] = "?=";
enum { WORD_FRAME = sizeof word_begin - 1 + sizeof word_end - 1 };

/* What an encoded word may show as it is wherever it stands, in a display name too. */
static bool is_plain_in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!*+-/", c));
}

/* Needs no encoding, in a display name neither: atoms (RFC 5322) with single spaces between them,
 * and no = that could begin an encoded word. */
static bool is_plain(struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (is_plain_in_word(c) || (c && strchr("#$%&'?^_{|}~", c))) continue;
        if (c != ' ' || i == 0 || i + 1 == value.length || value.data[i - 1] == ' ') return false;
    }
    return true;
}

static size_t width_in_word(struct text character)
{
    char first = character.data[0];
    return first == ' ' || is_plain_in_word(first) ? 1 : 3 * character.length;
}

static void append_in_word(struct buffer *out, struct text character)
{
    if (character.data[0] == ' ')
        buffer_append_char(out, '_');
    else if (is_plain_in_word(character.data[0]))
        buffer_append_char(out, character.data[0]);
    else
        for (size_t i = 0; i < character.length; i++)
            append_escaped(out, (unsigned char)character.data[i]);
}

static void append_words(struct buffer *out, size_t column, struct text value)
{
    buffer_append_string(out, word_begin);
    column += WORD_FRAME;
    for (size_t at = 0; at < value.length;) {
        uint32_t codepoint;
        size_t length = utf8_decode(value.data + at, value.length - at, &codepoint);
        struct text character = text_slice(value, at, at + (length ? length : 1));
        if (column + width_in_word(character) > HEADER_LINE) {
            buffer_printf(out, "%s\r\n %s", word_end, word_begin);
            column = 1 + WORD_FRAME;
        }
        append_in_word(out, character);
        column += width_in_word(character);
        at += character.length;
    }
    buffer_append_string(out, word_end);
}

void mail_append_header_text(struct buffer *out, size_t column, struct text value)
{
    if (is_plain(value) && column + value.length <= HEADER_LINE)
        buffer_append_text(out, value);
    else
        append_words(out, column, value);
}
