/* inflate_bounded.h - gzip bodies, inflated up to a bound. */
#ifndef LIMINAL_HTTP_INFLATE_BOUNDED_H
#define LIMINAL_HTTP_INFLATE_BOUNDED_H

#include "base/status.h"
#include "base/text.h"

/* Append the plain bytes of a gzip stream (one member or several) to *out. STATUS_TOO_LARGE as
 * soon as they exceed limit_bytes, STATUS_CORRUPT for what is not gzip or is cut off. */
enum status gzip_inflate(struct text packed, size_t limit_bytes, struct buffer *out,
                         struct fault *fault) MUST_USE;

#endif
