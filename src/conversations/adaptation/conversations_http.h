/* conversations_http.h - conversations over HTTP: the JSON API of /v1/conversations (R236).
 *
 * Must not know how conversations are kept, nor how sockets work. */
#ifndef LIMINAL_CONVERSATIONS_HTTP_H
#define LIMINAL_CONVERSATIONS_HTTP_H

#include "base/status.h"

struct conversations;
struct conversations_http;
struct gateway;

/* `conversations` is borrowed. */
enum status conversations_http_open(struct conversations_http **out,
                                    struct conversations *conversations,
                                    struct fault *fault) MUST_USE;
/* After the gateway that has its routes is closed. */
void conversations_http_close(struct conversations_http *http);

/* Adds the routes. */
enum status conversations_http_install(struct conversations_http *http, struct gateway *gateway,
                                       struct fault *fault) MUST_USE;

#endif
