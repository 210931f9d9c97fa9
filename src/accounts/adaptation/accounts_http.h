/* accounts_http.h - accounts over HTTP: the JSON API of /v1/auth and /v1/admin, the seed's /tokens
 * (R41..R43), and the pages for people (R38..R40).
 *
 * A capability of its own, though its folder is accounts': it stands above the gateway, which
 * stands above accounts. Must not know how accounts are kept, nor how sockets work. */
#ifndef LIMINAL_ACCOUNTS_HTTP_H
#define LIMINAL_ACCOUNTS_HTTP_H

#include <stdbool.h>

#include "base/status.h"

struct accounts;
struct accounts_http;
struct database;
struct gateway;

struct accounts_http_options {
    struct accounts *accounts; /* borrowed */
    struct database *database; /* borrowed: of the letters that administrators see */
    const char *public_url;    /* how clients reach this server; NULL: as the one who asks did */
    const char *version;       /* of the program */
    bool invite_only;          /* the register page says so */
};

/* Strings are copied. */
enum status accounts_http_open(struct accounts_http **out,
                               const struct accounts_http_options *options,
                               struct fault *fault) MUST_USE;
/* After the gateway that has its routes is closed. */
void accounts_http_close(struct accounts_http *http);

/* Adds the routes, and says how the errors of pages look. */
enum status accounts_http_install(struct accounts_http *http, struct gateway *gateway,
                                  struct fault *fault) MUST_USE;

#endif
