/* text.h - strings as base and length, a growable buffer, and UTF-8. */
#ifndef LIMINAL_BASE_TEXT_H
#define LIMINAL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Borrowed bytes, not NUL-terminated. */
struct text {
    const char *data;
    size_t length;
};

#define TEXT(literal)  ((struct text){"" literal, sizeof(literal) - 1})
#define TEXT_FORMAT(t) (int)(t).length, (t).data /* for "%.*s" */

struct text text_of(const char *string); /* NULL gives the empty text */
bool text_equal(struct text a, struct text b);
bool text_equal_ignore_case(struct text a, struct text b); /* ASCII */
bool text_starts_with(struct text t, struct text prefix);
bool text_ends_with(struct text t, struct text suffix);
/* Index of the first occurrence, or SIZE_MAX. */
size_t text_find(struct text haystack, struct text needle);
struct text text_trim(struct text t); /* ASCII white space */
struct text text_slice(struct text t, size_t from, size_t to);

/* Growable bytes, always NUL-terminated once something was added. A failed allocation sets
 * `failed` and makes later appends no-ops, so that a writer checks once, at the end. */
struct buffer {
    char *data;
    size_t length, capacity;
    bool failed;
};

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
bool buffer_reserve(struct buffer *buffer, size_t more_bytes);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, struct text t);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
struct text buffer_text(const struct buffer *buffer);
/* STATUS_NO_MEMORY with a fault if anything could not be appended. */
enum status buffer_status(const struct buffer *buffer, struct fault *fault) MUST_USE;

/* Decode one character at data[0..length). Returns its bytes (1-4), or 0 when the bytes are not
 * valid UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off). */
size_t utf8_decode(const char *data, size_t length, uint32_t *codepoint);
/* Encode into out[4]; returns the bytes written, 0 for what is no character. */
size_t utf8_encode(uint32_t codepoint, char out[4]);
bool utf8_valid(struct text t);
/* Length of the longest prefix that does not end inside a character that may still become valid:
 * what a stream may emit now. Invalid bytes count as complete. */
size_t utf8_complete_prefix(struct text t);
/* Append with every invalid byte replaced by U+FFFD. */
void buffer_append_utf8_lossy(struct buffer *buffer, struct text t);

/* As a JSON string, with quotes; invalid UTF-8 becomes U+FFFD. */
void buffer_append_json_string(struct buffer *buffer, struct text t);
/* As text within HTML, also within an attribute in quotes of either kind. */
void buffer_append_html(struct buffer *buffer, struct text t);

#endif
