/* identity_provider.h - other services that say who somebody is: what must be set, what is known.
 * Pure. */
#ifndef LIMINAL_ACCOUNTS_IDENTITY_PROVIDER_H
#define LIMINAL_ACCOUNTS_IDENTITY_PROVIDER_H

#include "base/status.h"
#include "base/text.h"

enum provider_kind { PROVIDER_OIDC, PROVIDER_GITHUB };

struct identity_provider {
    const char *name;  /* "google": in addresses; small letters, digits, '-' */
    const char *label; /* "Google": on the button; NULL: the name */
    enum provider_kind kind;
    const char *issuer; /* OIDC: "https://accounts.google.com"; GitHub: NULL for github.com, or the
                           address of one's own */
    const char *client_id, *client_secret; /* the secret may be NULL for OIDC: a public client */
};

/* Fills in what is known of "google" and "github" where it is NULL; checks the rest: addresses are
 * https, or http on loopback. STATUS_INVALID names what is missing. */
enum status identity_provider_complete(struct identity_provider *provider,
                                       struct fault *fault) MUST_USE;

/* https, or http on loopback? */
bool provider_url_is_safe(struct text url);
/* A path of ours, and nothing that a browser takes for another host: "/dashboard". */
bool return_path_is_ours(struct text path);

#endif
