/* github.c - signing in with GitHub: OAuth 2, then two questions to its API. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "accounts/realization/provider_calls.h"
#include "http/json_body.h"

enum { URL_BYTES = 512 };

/* On github.com the API has a host of its own, on other servers a path. */
static enum status url_of(const struct identity_provider *provider, const char *api,
                          char out[URL_BYTES], struct fault *fault)
{
    bool is_public = strcmp(provider->issuer, "https://github.com") == 0;
    int length = is_public ? snprintf(out, URL_BYTES, "https://api.github.com%s", api)
                           : snprintf(out, URL_BYTES, "%.400s/api/v3%s", provider->issuer, api);
    if (length > 0 && length < URL_BYTES) return OK;
    return fault_set(fault, STATUS_INVALID, "GitHub's address is too long");
}

enum status github_append_authorize_url(const struct identity_provider *provider,
                                        struct buffer *url, struct fault *fault)
{
    buffer_append_string(url, provider->issuer);
    buffer_append_string(url, "/login/oauth/authorize?");
    return buffer_status(url, fault);
}

/* The number of the account stays when its name changes. */
static enum status read_user(const json_t *user, struct arena *job, struct id_claims *claims,
                             struct fault *fault)
{
    const json_t *id = json_object_get(user, "id");
    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        return fault_set(fault, STATUS_UNAUTHORIZED, "GitHub does not say who it is");
    const char *subject = arena_printf(job, "%" PRId64, (int64_t)json_integer_value(id));
    if (!subject) return fault_set(fault, STATUS_NO_MEMORY, "no memory for an identity");
    claims->subject = text_of(subject);
    return OK;
}

/* The primary address; whether it is verified stands beside it. */
static enum status read_emails(const json_t *emails, struct arena *job, struct id_claims *claims,
                               struct fault *fault)
{
    const json_t *list = json_object_get(emails, "items");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (!json_is_true(json_object_get(entry, "primary"))) continue;
        struct text email = json_field_text(entry, "email");
        const char *copy = arena_copy(job, email.data ? email.data : "", email.length);
        if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for an identity");
        claims->email = (struct text){copy, email.length};
        claims->email_verified = json_is_true(json_object_get(entry, "verified"));
        break;
    }
    return OK;
}

typedef enum status answer_reader(const json_t *answer, struct arena *job, struct id_claims *claims,
                                  struct fault *fault);

static enum status ask(const struct identity_provider *provider, const char *api,
                       struct text access_token, answer_reader *reader, struct arena *job,
                       struct id_claims *claims, struct fault *fault)
{
    char url[URL_BYTES];
    json_t *answer;
    TRY(url_of(provider, api, url, fault));
    TRY(provider_get(provider, url, access_token, &answer, fault));
    enum status status = reader(answer, job, claims, fault);
    json_decref(answer);
    return status;
}

enum status github_identify(const struct identity_provider *provider,
                            const struct authorization *authorization, struct text code,
                            struct arena *job, struct id_claims *claims, struct fault *fault)
{
    char url[URL_BYTES];
    json_t *tokens;
    *claims = (struct id_claims){0};
    snprintf(url, sizeof url, "%.400s/login/oauth/access_token", provider->issuer);
    TRY(provider_post_code(provider, url, authorization, code, false, &tokens, fault));
    struct text access_token = json_field_text(tokens, "access_token");
    enum status status =
        access_token.length > 0
            ? ask(provider, "/user", access_token, read_user, job, claims, fault)
            : fault_set(fault, STATUS_UNAUTHORIZED, "GitHub gives no access token");
    if (status == OK)
        status = ask(provider, "/user/emails", access_token, read_emails, job, claims, fault);
    json_decref(tokens);
    return status;
}
