/* tenant.h - among whom a prompt that was read, or a form that was compiled, may be shared. Whether
 * it was before shows in the time to the first token, so whoever shares could try what others have
 * asked. */
#ifndef LIMINAL_INFERENCE_TENANT_H
#define LIMINAL_INFERENCE_TENANT_H

#include "base/status.h"
#include "base/text.h"

/* generation_request.tenant of a caller, by his account's name (empty: there is none), and of
 * `cache_key`, which he may add to share with fewer (empty: all of the account). Nothing that a
 * client sends lets it share with more. Both empty: 0. STATUS_NO_MEMORY. */
enum status tenant_of(uint64_t *tenant, struct text principal, struct text cache_key,
                      struct fault *fault) MUST_USE;

#endif
