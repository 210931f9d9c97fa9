/* wire_guard.h - the second opinion on where an HTTP/1.1 request begins and ends.
 *
 * Request smuggling lives where two parsers disagree, so every byte is judged twice: by llhttp and
 * by this small machine, which knows only the strict grammar of RFC 9112 and refuses whatever
 * deviates from it (bare CR or LF, NUL, folded values, a space before a colon, a request line of
 * more or fewer than three words, odd chunks, trailers). It owns framing alone: what the fields
 * mean is judged in request_parser.c. Bytes may come in pieces of any size. */
#ifndef LIMINAL_HTTP_WIRE_GUARD_H
#define LIMINAL_HTTP_WIRE_GUARD_H

#include <stddef.h>
#include <stdint.h>

enum guard_verdict {
    GUARD_MORE,    /* all bytes are fine, and there must be more */
    GUARD_END,     /* the head (or the body) ends at *used */
    GUARD_REFUSED, /* see `reason` */
};

struct wire_guard {
    int state;
    unsigned position; /* in the word or number at hand */
    unsigned blank_lines, field_count;
    unsigned extension_bytes; /* of chunk extensions, all chunks together */
    uint64_t left;            /* bytes of body or chunk still to come */
    const char *reason;
};

void wire_guard_init(struct wire_guard *guard);
/* Judge bytes of the head. *used receives how many of them belong to it. */
enum guard_verdict wire_guard_head(struct wire_guard *guard, const char *data, size_t length,
                                   size_t *used);
/* After the head: what the body will be. */
void wire_guard_expect_length(struct wire_guard *guard, uint64_t bytes);
void wire_guard_expect_chunks(struct wire_guard *guard);
/* The same for the body, framing included. */
enum guard_verdict wire_guard_body(struct wire_guard *guard, const char *data, size_t length,
                                   size_t *used);

#endif
