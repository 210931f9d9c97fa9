/* tenant.h - among whom a prompt that was read may be shared. Whether something was read before
 * shows in the time to the first token, so whoever shares could try what others have asked. */
#ifndef LIMINAL_INFERENCE_TENANT_H
#define LIMINAL_INFERENCE_TENANT_H

#include "base/status.h"
#include "base/text.h"

/* generation_request.tenant of a caller, by the key that let him in (empty: there is none), and of
 * `cache_key`, which he may add to share with fewer (empty: all who have the key). Nothing that a
 * client sends lets it share with more. Both empty: 0. STATUS_NO_MEMORY. */
enum status tenant_of(uint64_t *tenant, struct text principal, struct text cache_key,
                      struct fault *fault) MUST_USE;

#endif
