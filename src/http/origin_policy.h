/* origin_policy.h - who may talk to us from a browser: the Host header (against DNS rebinding) and
 * the Origin header (CORS). Pure rules on texts. */
#ifndef LIMINAL_HTTP_ORIGIN_POLICY_H
#define LIMINAL_HTTP_ORIGIN_POLICY_H

#include <stdbool.h>

#include "base/text.h"

/* Is it `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`, and nothing odd? */
bool host_well_formed(struct text host);
/* An IP literal, "localhost", or one of `allowed` (NULL-ended, may be NULL; "*" allows all). The
 * port does not matter: a page of another site can't choose which name the browser sends. */
bool host_allowed(struct text host, const char *const *allowed);

enum origin_verdict {
    ORIGIN_SAME,    /* none given, or our own pages */
    ORIGIN_ALLOWED, /* another site that may */
    ORIGIN_REFUSED,
};
enum origin_verdict origin_judge(struct text origin, struct text host, const char *const *allowed);

#endif
