/* answer.h - the bytes of an answer: status line, headers, dates, chunks. Pure: it takes the time.
 */
#ifndef LIMINAL_HTTP_ANSWER_H
#define LIMINAL_HTTP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { HTTP_DATE_BYTES = 30 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" and the NUL */

void answer_date(int64_t wall_ms, char out[HTTP_DATE_BYTES]);

struct answer_head {
    int http_code;
    unsigned minor_version; /* of the request: HTTP/1.0 has no chunks */
    bool keep_alive;
    const char *content_type; /* NULL: none */
    bool stream;              /* length not known */
    uint64_t content_length;
    const char *request_id;
    struct text more; /* whole header lines, already checked */
    int64_t wall_ms;
};
/* 1xx, 204 and 304 have neither body nor length (RFC 9110 6.4.1). */
bool answer_has_body(int http_code);
void answer_append_head(struct buffer *out, const struct answer_head *head);
void answer_append_chunk(struct buffer *out, struct text bytes);
/* May this be sent as a header, without adding lines of an attacker's? */
bool answer_header_safe(const char *name, const char *value);

#endif
