/* openapi.h - the routes as an OpenAPI 3.1 document. Pure. */
#ifndef LIMINAL_GATEWAY_OPENAPI_H
#define LIMINAL_GATEWAY_OPENAPI_H

#include "gateway/route.h"

/* Each operation also says "x-access" (who may) and "x-limit" (the bucket it is taken from).
 * Summaries and schemas of the rows go in as they are. */
void openapi_append(struct buffer *out, const struct gateway_route *const *rows, size_t count,
                    const char *version);

#endif
