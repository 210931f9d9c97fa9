/* request.h - one HTTP request as it came: its fields are slices of `head`, undecoded. */
#ifndef LIMINAL_HTTP_REQUEST_H
#define LIMINAL_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct http_field {
    struct text name, value;
};

struct http_request {
    struct arena arena;
    struct buffer head, body;
    struct text method, target;
    unsigned minor_version; /* 0 or 1: HTTP/1.0 or HTTP/1.1 */
    struct http_field *fields;
    size_t field_count;
    bool keep_alive;      /* what the client wishes */
    bool expect_continue; /* it waits for "100 Continue" before it sends the body */
};

void http_request_init(struct http_request *request);
void http_request_deinit(struct http_request *request);
/* The first field of that name, or NULL. ASCII case does not matter. */
const struct http_field *http_request_field(const struct http_request *request, struct text name);
size_t http_request_count(const struct http_request *request, struct text name);

#endif
