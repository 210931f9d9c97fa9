/* target.h - the target of a request, taken apart and decoded.
 *
 * A path is split at its raw slashes before anything is decoded, so that an encoded slash stays
 * inside its segment. What could mean one thing here and another in a file system or a log is
 * refused: bad escapes, NUL and other control characters, bytes that are not UTF-8, and `.` or
 * `..` as a segment, encoded or not, also behind an encoded slash. */
#ifndef LIMINAL_HTTP_TARGET_H
#define LIMINAL_HTTP_TARGET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

struct http_parameter {
    struct text name, value;
};

struct http_target {
    struct text authority; /* of an absolute target "http://authority/...", else empty */
    bool asterisk;         /* "OPTIONS *" */
    struct text path;      /* decoded, begins with a slash */
    struct text *segments; /* decoded; slices of path */
    size_t segment_count;
    struct http_parameter *query;
    size_t query_count;
};

enum { PARAMETERS_LIMIT = 1000 };

enum status target_parse(struct http_target *target, struct text raw, struct arena *arena,
                         struct fault *fault) MUST_USE;
/* "a=1&b=x+y" taken apart and decoded: a query, or the body of a form. STATUS_TOO_LARGE beyond 1000
 * parameters. */
enum status parameters_parse(struct text raw, struct arena *arena,
                             struct http_parameter **parameters, size_t *count,
                             struct fault *fault) MUST_USE;
/* The value of the first of that name; empty when there is none. */
struct text parameter_find(const struct http_parameter *parameters, size_t count, struct text name);
struct text target_query(const struct http_target *target, struct text name);

#endif
