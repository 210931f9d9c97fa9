/* tenant.c - see tenant.h. The same tenant is the same number after a restart, so that kept pages
 * are found again, and the number tells nothing of the keys. */
#include "inference/adaptation/tenant.h"

#include <string.h>

#include "platform/platform.h"

/* With its length, so that no two pairs of texts read alike. */
static void digest_text(struct sha256 *sha, struct text t)
{
    uint64_t length = t.length;
    sha256_update(sha, &length, sizeof length);
    if (length) sha256_update(sha, t.data, t.length);
}

enum status tenant_of(uint64_t *tenant, struct text principal, struct text cache_key,
                      struct fault *fault)
{
    *tenant = 0;
    if (principal.length == 0 && cache_key.length == 0) return OK;
    struct sha256 *sha = sha256_new();
    if (!sha) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    unsigned char digest[32];
    digest_text(sha, principal);
    digest_text(sha, cache_key);
    sha256_final_free(sha, digest);
    memcpy(tenant, digest, sizeof *tenant);
    return OK;
}
