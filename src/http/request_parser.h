/* request_parser.h - bytes to requests: llhttp and the wire guard side by side, and the rules that
 * no proxy in front of us may read differently. Knows no socket: bytes come in, verdicts go out. */
#ifndef LIMINAL_HTTP_REQUEST_PARSER_H
#define LIMINAL_HTTP_REQUEST_PARSER_H

#include <llhttp.h>

#include "base/status.h"
#include "http/request.h"
#include "http/wire_guard.h"

enum parse_step {
    PARSE_MORE,    /* every byte was used; there must be more */
    PARSE_HEAD,    /* the head is complete and fine; go on feeding the rest */
    PARSE_DONE,    /* the request is whole; the rest of the bytes belongs to the next */
    PARSE_REFUSED, /* see `refusal`; the connection can't be used any further */
};

struct request_limits {
    size_t head_bytes, body_bytes;
    unsigned fields;
};

struct request_refusal {
    int http_code;
    enum status status;
    char message[160];
};

struct request_parser {
    struct request_limits limits;
    struct http_request *request; /* borrowed, filled */
    struct wire_guard guard;
    llhttp_t wire;
    bool in_body, chunked, wire_head_done, wire_done;
    uint64_t declared_bytes; /* Content-Length */
    struct request_refusal refusal;
};

/* Begin a request. The parser must not move in memory while it is in use. */
void request_parser_begin(struct request_parser *parser, struct http_request *request,
                          const struct request_limits *limits);
enum parse_step request_parser_feed(struct request_parser *parser, const char *data, size_t length,
                                    size_t *used);
/* Has anything of a request arrived yet? */
bool request_parser_idle(const struct request_parser *parser);

#endif
