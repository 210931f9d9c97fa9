/* wire_guard.c - see wire_guard.h. Two machines: one walks the head, one the body. */
#include "http/wire_guard.h"

#include <stdbool.h>

enum state {
    /* the head */
    LINE_START,
    LINE_START_LF,
    METHOD,
    TARGET_FIRST,
    TARGET,
    VERSION,
    LINE_LF,
    FIELD_START,
    FIELD_NAME,
    FIELD_VALUE,
    FIELD_LF,
    HEAD_LF,
    /* the body */
    PLAIN,
    SIZE_FIRST,
    SIZE,
    EXTENSION,
    SIZE_LF,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF,
    TRAILER,
    BODY_LF,
};

enum {
    METHOD_LIMIT = 24,
    SIZE_DIGITS_LIMIT = 15, /* 60 bits: no sum of chunks we accept comes near */
    EXTENSION_LIMIT = 4096,
};

static bool is_token(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~': return true;
    default: return false;
    }
}

static bool is_visible(unsigned char c)
{
    return c > ' ' && c < 0x7F;
}

static bool is_value(unsigned char c)
{
    return (c >= ' ' && c != 0x7F) || c == '\t';
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static enum guard_verdict refuse(struct wire_guard *guard, const char *reason)
{
    guard->reason = reason;
    return GUARD_REFUSED;
}

static enum guard_verdict go(struct wire_guard *guard, enum state state)
{
    guard->state = (int)state;
    guard->position = 0;
    return GUARD_MORE;
}

static enum guard_verdict expect(struct wire_guard *guard, unsigned char c, unsigned char wanted,
                                 enum state next)
{
    if (c == wanted) return go(guard, next);
    return refuse(guard, wanted == '\n' ? "a CR without its LF" : "a line break is missing");
}

void wire_guard_init(struct wire_guard *guard)
{
    *guard = (struct wire_guard){.state = LINE_START};
}

/* "HTTP/1.1" and nothing else of that shape: which versions are served is judged later. */
static enum guard_verdict version_byte(struct wire_guard *guard, unsigned char c)
{
    static const char SHAPE[] = "HTTP/d.d";
    if (guard->position == sizeof SHAPE - 1) return expect(guard, c, '\r', LINE_LF);
    char wanted = SHAPE[guard->position++];
    bool fits = wanted == 'd' ? c >= '0' && c <= '9' : c == (unsigned char)wanted;
    return fits ? GUARD_MORE : refuse(guard, "the request line does not end in HTTP/1.1");
}

static enum guard_verdict request_line_byte(struct wire_guard *guard, unsigned char c)
{
    switch ((enum state)guard->state) {
    case LINE_START:
        if (c == '\r') return go(guard, LINE_START_LF);
        go(guard, METHOD);
        /* fall through */
    case METHOD:
        if (c == ' ' && guard->position > 0) return go(guard, TARGET_FIRST);
        if (!is_token(c) || guard->position++ == METHOD_LIMIT)
            return refuse(guard, "the method is malformed");
        return GUARD_MORE;
    case LINE_START_LF: /* RFC 9112 2.2: one empty line before a request is tolerated */
        if (guard->blank_lines++ > 0) return refuse(guard, "empty lines before the request");
        return expect(guard, c, '\n', LINE_START);
    case TARGET_FIRST:
        return is_visible(c) ? go(guard, TARGET) : refuse(guard, "the target is malformed");
    case TARGET:
        if (c == ' ') return go(guard, VERSION);
        return is_visible(c) ? GUARD_MORE : refuse(guard, "the target is malformed");
    case VERSION: return version_byte(guard, c);
    default: return expect(guard, c, '\n', FIELD_START);
    }
}

static enum guard_verdict field_byte(struct wire_guard *guard, unsigned char c)
{
    switch ((enum state)guard->state) {
    case FIELD_START:
        if (c == '\r') return go(guard, HEAD_LF);
        if (c == ' ' || c == '\t') return refuse(guard, "a folded header value");
        guard->field_count++;
        go(guard, FIELD_NAME);
        /* fall through */
    case FIELD_NAME:
        if (c == ':' && guard->position > 0) return go(guard, FIELD_VALUE);
        if (c == ' ' || c == '\t') return refuse(guard, "a space before the colon of a header");
        guard->position = 1;
        return is_token(c) ? GUARD_MORE : refuse(guard, "a header name is malformed");
    case FIELD_VALUE:
        if (c == '\r') return go(guard, FIELD_LF);
        return is_value(c) ? GUARD_MORE : refuse(guard, "a control character in a header value");
    case FIELD_LF: return expect(guard, c, '\n', FIELD_START);
    default: /* HEAD_LF */ return c == '\n' ? GUARD_END : refuse(guard, "a CR without its LF");
    }
}

enum guard_verdict wire_guard_head(struct wire_guard *guard, const char *data, size_t length,
                                   size_t *used)
{
    enum guard_verdict verdict = GUARD_MORE;
    size_t i = 0;
    while (i < length && verdict == GUARD_MORE) {
        unsigned char c = (unsigned char)data[i++];
        verdict = guard->state < FIELD_START ? request_line_byte(guard, c) : field_byte(guard, c);
    }
    *used = i;
    return verdict;
}

void wire_guard_expect_length(struct wire_guard *guard, uint64_t bytes)
{
    go(guard, PLAIN);
    guard->left = bytes;
}

void wire_guard_expect_chunks(struct wire_guard *guard)
{
    go(guard, SIZE_FIRST);
    guard->left = 0;
}

static enum guard_verdict size_byte(struct wire_guard *guard, unsigned char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (guard->position++ == SIZE_DIGITS_LIMIT) return refuse(guard, "an absurd chunk size");
        guard->left = guard->left << 4 | (unsigned)digit;
        guard->state = SIZE;
        return GUARD_MORE;
    }
    if (guard->position == 0) return refuse(guard, "a chunk size is malformed");
    if (c == ';') return go(guard, EXTENSION);
    if (c == '\r') return go(guard, SIZE_LF);
    return refuse(guard, "a chunk size is malformed");
}

static enum guard_verdict chunk_framing_byte(struct wire_guard *guard, unsigned char c)
{
    switch ((enum state)guard->state) {
    case SIZE_FIRST:
    case SIZE: return size_byte(guard, c);
    case EXTENSION: /* ignored, as RFC 9112 7.1.1 asks, but not without end */
        if (c == '\r') return go(guard, SIZE_LF);
        if (!is_value(c)) return refuse(guard, "a control character in a chunk extension");
        if (guard->extension_bytes++ == EXTENSION_LIMIT)
            return refuse(guard, "too many chunk extensions");
        return GUARD_MORE;
    case SIZE_LF: return expect(guard, c, '\n', guard->left ? CHUNK : TRAILER);
    case CHUNK_CR: return expect(guard, c, '\r', CHUNK_LF);
    case CHUNK_LF: return expect(guard, c, '\n', SIZE_FIRST);
    case TRAILER:
        return c == '\r' ? go(guard, BODY_LF) : refuse(guard, "trailers are not accepted");
    default: /* BODY_LF */ return c == '\n' ? GUARD_END : refuse(guard, "a CR without its LF");
    }
}

/* Content needs no look: skip as much of it as is here. */
static size_t skip_content(struct wire_guard *guard, size_t length)
{
    size_t step = guard->left < length ? (size_t)guard->left : length;
    guard->left -= step;
    return step;
}

enum guard_verdict wire_guard_body(struct wire_guard *guard, const char *data, size_t length,
                                   size_t *used)
{
    enum guard_verdict verdict = GUARD_MORE;
    size_t i = 0;
    if (guard->state == PLAIN) {
        *used = skip_content(guard, length);
        return guard->left == 0 ? GUARD_END : GUARD_MORE;
    }
    while (i < length && verdict == GUARD_MORE) {
        if (guard->state == CHUNK) {
            i += skip_content(guard, length - i);
            if (guard->left == 0) go(guard, CHUNK_CR);
        } else {
            verdict = chunk_framing_byte(guard, (unsigned char)data[i++]);
        }
    }
    *used = i;
    return verdict;
}
