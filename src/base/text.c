/* text.c - see text.h. */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text text_of(const char *string)
{
    return (struct text){string ? string : "", string ? strlen(string) : 0};
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_equal_ignore_case(struct text a, struct text b)
{
    if (a.length != b.length) return false;
    for (size_t i = 0; i < a.length; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

bool text_starts_with(struct text t, struct text prefix)
{
    return t.length >= prefix.length && text_equal(text_slice(t, 0, prefix.length), prefix);
}

bool text_ends_with(struct text t, struct text suffix)
{
    return t.length >= suffix.length &&
           text_equal(text_slice(t, t.length - suffix.length, t.length), suffix);
}

size_t text_find(struct text haystack, struct text needle)
{
    if (needle.length == 0) return 0;
    if (haystack.length < needle.length) return SIZE_MAX;
    const char *hit = memmem(haystack.data, haystack.length, needle.data, needle.length);
    return hit ? (size_t)(hit - haystack.data) : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text t)
{
    while (t.length && is_space(t.data[0])) t.data++, t.length--;
    while (t.length && is_space(t.data[t.length - 1])) t.length--;
    return t;
}

struct text text_slice(struct text t, size_t from, size_t to)
{
    if (to > t.length) to = t.length;
    if (from >= to) return (struct text){"", 0};
    return (struct text){t.data + from, to - from};
}

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data) buffer->data[0] = '\0';
}

bool buffer_reserve(struct buffer *buffer, size_t more_bytes)
{
    if (buffer->failed) return false;
    size_t need;
    if (__builtin_add_overflow(buffer->length, more_bytes, &need) ||
        __builtin_add_overflow(need, 1, &need)) {
        buffer->failed = true;
        return false;
    }
    if (need <= buffer->capacity) return true;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < need) capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    char *grown = realloc(buffer->data, capacity);
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->data = grown;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (!buffer_reserve(buffer, length)) return;
    if (length) memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, struct text t)
{
    buffer_append(buffer, t.data, t.length);
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->failed = true;
    } else if (buffer_reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

struct text buffer_text(const struct buffer *buffer)
{
    return (struct text){buffer->data ? buffer->data : "", buffer->length};
}

enum status buffer_status(const struct buffer *buffer, struct fault *fault)
{
    return buffer->failed ? fault_set(fault, STATUS_NO_MEMORY, "out of memory") : OK;
}

size_t utf8_decode(const char *data, size_t length, uint32_t *codepoint)
{
    const unsigned char *p = (const unsigned char *)data;
    if (length == 0) return 0;
    if (p[0] < 0x80) {
        *codepoint = p[0];
        return 1;
    }
    size_t need = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
    if (need == 0 || p[0] > 0xF4 || length < need) return 0;
    uint32_t c = p[0] & (0xFFu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    static const uint32_t LEAST[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < LEAST[need] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
    *codepoint = c;
    return need;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        if (c >= 0xD800 && c <= 0xDFFF) return 0;
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    if (c > 0x10FFFF) return 0;
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool utf8_valid(struct text t)
{
    for (size_t i = 0; i < t.length;) {
        uint32_t c;
        size_t step = utf8_decode(t.data + i, t.length - i, &c);
        if (step == 0) return false;
        i += step;
    }
    return true;
}

/* Could the bytes at p (fewer than a whole character) still grow into a valid one? */
static bool may_become_character(const unsigned char *p, size_t length)
{
    size_t need = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
    if (need == 0 || p[0] > 0xF4 || length >= need) return false;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return false;
    if (length >= 2) {
        if (p[0] == 0xE0 && p[1] < 0xA0) return false;
        if (p[0] == 0xED && p[1] > 0x9F) return false;
        if (p[0] == 0xF0 && p[1] < 0x90) return false;
        if (p[0] == 0xF4 && p[1] > 0x8F) return false;
    }
    return true;
}

size_t utf8_complete_prefix(struct text t)
{
    for (size_t back = 1; back <= 3 && back <= t.length; back++)
        if (may_become_character((const unsigned char *)t.data + t.length - back, back))
            return t.length - back;
    return t.length;
}

void buffer_append_utf8_lossy(struct buffer *buffer, struct text t)
{
    for (size_t i = 0; i < t.length;) {
        uint32_t c;
        size_t step = utf8_decode(t.data + i, t.length - i, &c);
        if (step) {
            buffer_append(buffer, t.data + i, step);
            i += step;
        } else {
            buffer_append_string(buffer, "\xEF\xBF\xBD");
            i++;
        }
    }
}

void buffer_append_json_string(struct buffer *buffer, struct text t)
{
    buffer_append_char(buffer, '"');
    for (size_t i = 0; i < t.length;) {
        unsigned char c = (unsigned char)t.data[i];
        uint32_t codepoint;
        size_t step = utf8_decode(t.data + i, t.length - i, &codepoint);
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            buffer_append(buffer, escaped, 2);
        } else if (c == '\n') {
            buffer_append_string(buffer, "\\n");
        } else if (c == '\t') {
            buffer_append_string(buffer, "\\t");
        } else if (c == '\r') {
            buffer_append_string(buffer, "\\r");
        } else if (c < 0x20 || c == 0x7F) {
            buffer_printf(buffer, "\\u%04x", c);
        } else if (step) {
            buffer_append(buffer, t.data + i, step);
        } else {
            buffer_append_string(buffer, "\xEF\xBF\xBD");
        }
        i += step ? step : 1;
    }
    buffer_append_char(buffer, '"');
}

void buffer_append_html(struct buffer *buffer, struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        switch (t.data[i]) {
        case '&': buffer_append_string(buffer, "&amp;"); break;
        case '<': buffer_append_string(buffer, "&lt;"); break;
        case '>': buffer_append_string(buffer, "&gt;"); break;
        case '"': buffer_append_string(buffer, "&quot;"); break;
        case '\'': buffer_append_string(buffer, "&#39;"); break;
        default: buffer_append_char(buffer, t.data[i]);
        }
    }
}
