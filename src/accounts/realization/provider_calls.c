/* provider_calls.c - see provider_calls.h. */
#include "accounts/realization/provider_calls.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/url_form.h"
#include "http/http_client.h"
#include "http/json_body.h"

enum { ANSWER_BYTES = 1 << 20, DEADLINE_MS = 10 * 1000 };

/* ---- answers ---- */

static enum status parse(const struct identity_provider *provider, struct buffer *bytes,
                         json_t **answer, struct fault *fault)
{
    struct buffer wrapped;
    struct text body = text_trim(buffer_text(bytes));
    bool is_array = text_starts_with(body, TEXT("["));
    buffer_init(&wrapped);
    if (is_array) buffer_append_string(&wrapped, "{\"items\":");
    buffer_append_text(&wrapped, body);
    if (is_array) buffer_append_char(&wrapped, '}');
    enum status status = buffer_status(&wrapped, fault);
    if (status == OK) status = json_body_parse(buffer_text(&wrapped), answer, fault);
    buffer_deinit(&wrapped);
    if (status != STATUS_INVALID) return status;
    return fault_set(fault, STATUS_UNAVAILABLE, "%s answers something else than JSON",
                     provider->label);
}

static enum status call(const struct identity_provider *provider, const struct http_call *what,
                        int *code, json_t **answer, struct fault *fault)
{
    struct buffer bytes;
    buffer_init(&bytes);
    enum status status = http_call(what, code, &bytes, fault);
    if (status != OK && status != STATUS_NO_MEMORY) {
        fault_prefix(fault, "%s does not answer", provider->label);
        status = STATUS_UNAVAILABLE;
        if (fault) fault->status = status;
    }
    if (status == OK) status = parse(provider, &bytes, answer, fault);
    if (bytes.data) sodium_memzero(bytes.data, bytes.length);
    buffer_deinit(&bytes);
    return status;
}

enum status provider_get(const struct identity_provider *provider, const char *url,
                         struct text bearer, json_t **answer, struct fault *fault)
{
    struct buffer authorization;
    int code = 0;
    buffer_init(&authorization);
    buffer_append_string(&authorization, "Authorization: Bearer ");
    buffer_append_text(&authorization, bearer);
    enum status status = buffer_status(&authorization, fault);
    if (status == OK) {
        const char *const headers[] = {"Accept: application/json",
                                       bearer.length ? authorization.data : NULL, NULL};
        const struct http_call what = {.url = url,
                                       .headers = headers,
                                       .limit_bytes = ANSWER_BYTES,
                                       .deadline_ms = DEADLINE_MS};
        status = call(provider, &what, &code, answer, fault);
    }
    buffer_deinit(&authorization);
    TRY(status);
    if (code == 200) return OK;
    json_decref(*answer);
    return fault_set(fault, STATUS_UNAVAILABLE, "%s answers %d for %s", provider->label, code, url);
}

/* ---- the code for tokens ---- */

/* RFC 6749 section 2.3.1: id and secret are encoded as in forms before they go into the header. */
static void append_basic(struct buffer *header, const struct identity_provider *provider)
{
    struct buffer pair;
    buffer_init(&pair);
    url_append_encoded(&pair, text_of(provider->client_id));
    buffer_append_char(&pair, ':');
    url_append_encoded(&pair, text_of(provider->client_secret));
    buffer_append_string(header, "Authorization: Basic ");
    if (pair.failed || !buffer_reserve(header, pair.length * 2 + 4)) {
        header->failed = true;
    } else {
        int length = EVP_EncodeBlock((unsigned char *)header->data + header->length,
                                     (const unsigned char *)pair.data, (int)pair.length);
        header->length += (size_t)length;
    }
    if (pair.data) sodium_memzero(pair.data, pair.length);
    buffer_deinit(&pair);
}

static void append_form(struct buffer *form, const struct identity_provider *provider,
                        const struct authorization *a, struct text code, bool with_secret)
{
    url_append_field(form, "grant_type", TEXT("authorization_code"));
    url_append_field(form, "code", code);
    url_append_field(form, "redirect_uri", a->redirect_uri);
    url_append_field(form, "code_verifier", a->verifier);
    url_append_field(form, "client_id", text_of(provider->client_id));
    if (with_secret) url_append_field(form, "client_secret", text_of(provider->client_secret));
}

enum status provider_post_code(const struct identity_provider *provider, const char *url,
                               const struct authorization *a, struct text code, bool basic,
                               json_t **answer, struct fault *fault)
{
    bool has_secret = provider->client_secret && *provider->client_secret;
    struct buffer form, authorization;
    int http_code = 0;
    buffer_init(&form);
    buffer_init(&authorization);
    append_form(&form, provider, a, code, has_secret && !basic);
    if (has_secret && basic) append_basic(&authorization, provider);
    enum status status = buffer_status(&form, fault);
    if (status == OK) status = buffer_status(&authorization, fault);
    if (status == OK) {
        const char *const headers[] = {"Accept: application/json",
                                       "Content-Type: application/x-www-form-urlencoded",
                                       authorization.length ? authorization.data : NULL, NULL};
        const struct http_call what = {.method = "POST",
                                       .url = url,
                                       .headers = headers,
                                       .body = buffer_text(&form),
                                       .limit_bytes = ANSWER_BYTES,
                                       .deadline_ms = DEADLINE_MS};
        status = call(provider, &what, &http_code, answer, fault);
    }
    if (authorization.data) sodium_memzero(authorization.data, authorization.length);
    if (form.data) sodium_memzero(form.data, form.length);
    buffer_deinit(&authorization);
    buffer_deinit(&form);
    TRY(status);
    struct text error = json_field_text(*answer, "error"); /* GitHub says it with 200 */
    if (http_code == 200 && error.length == 0) return OK;
    fault_set(fault, STATUS_UNAUTHORIZED, "%s refuses the sign-in: %.*s", provider->label,
              error.length > 100 ? 100 : (int)error.length, error.length ? error.data : "");
    json_decref(*answer);
    return STATUS_UNAUTHORIZED;
}
