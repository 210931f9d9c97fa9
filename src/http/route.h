/* route.h - which handler answers a method and a path. The first pattern of the table that fits
 * wins, so that exact paths stand before those with parameters. */
#ifndef LIMINAL_HTTP_ROUTE_H
#define LIMINAL_HTTP_ROUTE_H

#include "base/status.h"
#include "base/text.h"
#include "http/http_server.h"
#include "http/target.h"

enum { ROUTE_PARAMETERS_LIMIT = 8, ROUTE_ALLOW_BYTES = 96 };

struct route_match {
    const struct http_route *route; /* NULL: none */
    bool path_known;                /* some method is served at this path */
    char allow[ROUTE_ALLOW_BYTES];  /* those methods, for the Allow header */
    struct http_parameter parameters[ROUTE_PARAMETERS_LIMIT];
    size_t parameter_count;
};

/* Are all patterns well-formed? The fault names the first that is not. */
enum status routes_check(const struct http_route *routes, size_t count,
                         struct fault *fault) MUST_USE;
/* HEAD is answered by GET's handler where it has none of its own. */
void route_find(struct route_match *match, const struct http_route *routes, size_t count,
                struct text method, const struct http_target *target);

#endif
