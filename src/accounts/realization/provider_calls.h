/* provider_calls.h - one call to another service, and its answer as JSON. */
#ifndef LIMINAL_ACCOUNTS_PROVIDER_CALLS_H
#define LIMINAL_ACCOUNTS_PROVIDER_CALLS_H

#include "accounts/realization/provider_client.h"

/* A JSON object; an array comes as {"items": [...]}. `bearer` empty: no token. STATUS_UNAVAILABLE
 * when no such answer comes. The caller releases *answer. */
enum status provider_get(const struct identity_provider *provider, const char *url,
                         struct text bearer, json_t **answer, struct fault *fault) MUST_USE;
/* The code for tokens (RFC 6749 section 4.1.3). `basic`: the client's secret in a header instead of
 * the form. STATUS_UNAUTHORIZED when the provider refuses the code. */
enum status provider_post_code(const struct identity_provider *provider, const char *url,
                               const struct authorization *authorization, struct text code,
                               bool basic, json_t **answer, struct fault *fault) MUST_USE;

/* GitHub speaks OAuth, and says who it is by its own API (github.c). */
enum status github_append_authorize_url(const struct identity_provider *provider,
                                        struct buffer *url, struct fault *fault) MUST_USE;
enum status github_identify(const struct identity_provider *provider,
                            const struct authorization *authorization, struct text code,
                            struct arena *job, struct id_claims *claims,
                            struct fault *fault) MUST_USE;

#endif
