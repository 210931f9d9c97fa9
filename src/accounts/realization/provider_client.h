/* provider_client.h - asking other services who somebody is: what OpenID Connect and GitHub's OAuth
 * say over HTTP. What providers say of themselves is kept for an hour.
 *
 * Must not know accounts. */
#ifndef LIMINAL_ACCOUNTS_PROVIDER_CLIENT_H
#define LIMINAL_ACCOUNTS_PROVIDER_CLIENT_H

#include "accounts/id_token.h"
#include "accounts/identity_provider.h"

struct provider_client;

/* `provider` is borrowed, and complete. */
enum status provider_client_open(struct provider_client **out,
                                 const struct identity_provider *provider,
                                 struct fault *fault) MUST_USE;
void provider_client_close(struct provider_client *client); /* NULL is allowed */

/* What one sign-in leaves with and comes back with. */
struct authorization {
    struct text redirect_uri, state, nonce;
    struct text verifier; /* PKCE: what only we know (RFC 7636) */
};
/* Append the address to send the browser to. STATUS_UNAVAILABLE when the provider does not answer,
 * or not as it must. */
enum status provider_authorize_url(struct provider_client *client,
                                   const struct authorization *authorization, struct buffer *url,
                                   struct fault *fault) MUST_USE;
/* Who is it that came back with this code? STATUS_UNAUTHORIZED for a code or an answer that can't
 * be believed. The texts lie in the arena. */
enum status provider_identify(struct provider_client *client,
                              const struct authorization *authorization, struct text code,
                              int64_t now_s, struct arena *job, struct id_claims *claims,
                              struct fault *fault) MUST_USE;

#endif
