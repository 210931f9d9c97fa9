/* identity_providers.h - the services elsewhere that people may sign in with, as a person writes
 * them in a setting:
 *
 *     google id=1234.apps.googleusercontent.com secret=GOCSPX-...
 *     work issuer=https://login.example.org id=liminal secret=... label=Example Inc.
 *
 * The name first, then key=value; what stands behind label= goes on to the end. */
#ifndef LIMINAL_APP_IDENTITY_PROVIDERS_H
#define LIMINAL_APP_IDENTITY_PROVIDERS_H

#include "accounts/sign_in_elsewhere.h"
#include "app/option.h"

/* In the arena. STATUS_INVALID names the provider and what is wrong, and shows no secret. */
enum status identity_providers_read(const struct option_list *settings, struct arena *arena,
                                    struct identity_provider **providers,
                                    struct fault *fault) MUST_USE;

#endif
