/* provider_client.c - see provider_client.h. OpenID Connect is here, GitHub's own in github.c. */
#include "accounts/realization/provider_client.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/realization/provider_calls.h"
#include "accounts/url_form.h"
#include "base/base64url.h"
#include "http/json_body.h"
#include "platform/platform.h"

#define KEPT_NS      (3600 * 1000000000ull)
#define SEARCHING_NS (60 * 1000000000ull) /* between two looks for keys that were not there */

struct kept {
    json_t *document; /* NULL: not fetched yet */
    uint64_t since_ns;
};
struct provider_client {
    const struct identity_provider *provider;
    pthread_mutex_t mutex; /* over what comes next; never held while the provider is asked */
    struct kept configuration, keys;
    uint64_t searched_ns; /* when keys were looked for before their time; 0: never */
};

/* ---- what is kept ---- */

/* Another reference, or NULL when there is none, or too old. */
static json_t *recall(struct provider_client *client, const struct kept *kept)
{
    pthread_mutex_lock(&client->mutex);
    bool is_young = kept->document && clock_monotonic_ns() - kept->since_ns < KEPT_NS;
    json_t *document = is_young ? json_incref(kept->document) : NULL;
    pthread_mutex_unlock(&client->mutex);
    return document;
}

static void keep(struct provider_client *client, struct kept *kept, json_t *document)
{
    pthread_mutex_lock(&client->mutex);
    json_decref(kept->document);
    *kept = (struct kept){json_incref(document), clock_monotonic_ns()};
    pthread_mutex_unlock(&client->mutex);
}

/* ---- discovery ---- */

static enum status check_configuration(const struct identity_provider *provider,
                                       const json_t *configuration, struct fault *fault)
{
    static const char *const needed[] = {"authorization_endpoint", "token_endpoint", "jwks_uri"};
    if (!text_equal(json_field_text(configuration, "issuer"), text_of(provider->issuer)))
        return fault_set(fault, STATUS_UNAVAILABLE, "%s says that it is another issuer than %s",
                         provider->label, provider->issuer);
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++)
        if (!provider_url_is_safe(json_field_text(configuration, needed[i])))
            return fault_set(fault, STATUS_UNAVAILABLE, "%s says no safe %s", provider->label,
                             needed[i]);
    return OK;
}

/* OpenID Connect Discovery 1.0, section 4. */
static enum status find_configuration(struct provider_client *client, json_t **configuration,
                                      struct fault *fault)
{
    const struct identity_provider *provider = client->provider;
    struct buffer url;
    *configuration = recall(client, &client->configuration);
    if (*configuration) return OK;
    struct text issuer = text_of(provider->issuer);
    if (text_ends_with(issuer, TEXT("/"))) issuer.length--;
    buffer_init(&url);
    buffer_append_text(&url, issuer);
    buffer_append_string(&url, "/.well-known/openid-configuration");
    enum status status = buffer_status(&url, fault);
    if (status == OK) status = provider_get(provider, url.data, TEXT(""), configuration, fault);
    buffer_deinit(&url);
    TRY(status);
    status = check_configuration(provider, *configuration, fault);
    if (status == OK)
        keep(client, &client->configuration, *configuration);
    else
        json_decref(*configuration);
    return status;
}

static enum status fetch_keys(struct provider_client *client, const json_t *configuration,
                              json_t **keys, struct fault *fault)
{
    const char *url = json_string_value(json_object_get(configuration, "jwks_uri"));
    TRY(provider_get(client->provider, url, TEXT(""), keys, fault));
    keep(client, &client->keys, *keys);
    return OK;
}

/* So that forged tokens can't make us ask all the time. */
static bool may_search(struct provider_client *client)
{
    uint64_t now_ns = clock_monotonic_ns();
    pthread_mutex_lock(&client->mutex);
    bool may = !client->searched_ns || now_ns - client->searched_ns > SEARCHING_NS;
    if (may) client->searched_ns = now_ns;
    pthread_mutex_unlock(&client->mutex);
    return may;
}

/* ---- leaving ---- */

/* RFC 7636 section 4.2: S256. */
static struct text challenge_of(struct text verifier, char out[BASE64URL_BYTES(32) + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)verifier.data, verifier.length);
    base64url_encode(hash, sizeof hash, out);
    return text_of(out);
}

static enum status append_query(const struct identity_provider *provider,
                                const struct authorization *a, struct text scope,
                                struct buffer *url, struct fault *fault)
{
    char challenge[BASE64URL_BYTES(32) + 1];
    url_append_field(url, "response_type", TEXT("code"));
    url_append_field(url, "client_id", text_of(provider->client_id));
    url_append_field(url, "redirect_uri", a->redirect_uri);
    url_append_field(url, "scope", scope);
    url_append_field(url, "state", a->state);
    if (provider->kind == PROVIDER_OIDC) url_append_field(url, "nonce", a->nonce);
    url_append_field(url, "code_challenge", challenge_of(a->verifier, challenge));
    url_append_field(url, "code_challenge_method", TEXT("S256"));
    return buffer_status(url, fault);
}

enum status provider_authorize_url(struct provider_client *client, const struct authorization *a,
                                   struct buffer *url, struct fault *fault)
{
    json_t *configuration;
    if (client->provider->kind == PROVIDER_GITHUB) {
        TRY(github_append_authorize_url(client->provider, url, fault));
        return append_query(client->provider, a, TEXT("read:user user:email"), url, fault);
    }
    TRY(find_configuration(client, &configuration, fault));
    struct text endpoint = json_field_text(configuration, "authorization_endpoint");
    buffer_append_text(url, endpoint);
    if (text_find(endpoint, TEXT("?")) == SIZE_MAX) buffer_append_char(url, '?');
    enum status status = append_query(client->provider, a, TEXT("openid email"), url, fault);
    json_decref(configuration);
    return status;
}

/* ---- coming back ---- */

/* Is this way of showing the client's secret among what the provider takes? By default it is. */
static bool takes_basic(const json_t *configuration)
{
    const json_t *methods = json_object_get(configuration, "token_endpoint_auth_methods_supported");
    for (size_t i = 0; i < json_array_size(methods); i++)
        if (text_equal(json_text_of(json_array_get(methods, i)), TEXT("client_secret_basic")))
            return true;
    return !methods;
}

/* When none of the keys kept fits the token, those of now are looked at. */
static enum status verify_token(struct provider_client *client, const json_t *configuration,
                                struct text token, const struct id_expectation *expected,
                                struct arena *job, struct id_claims *claims, struct fault *fault)
{
    json_t *keys = recall(client, &client->keys);
    if (!keys) TRY(fetch_keys(client, configuration, &keys, fault));
    enum status status = id_token_verify(token, keys, expected, job, claims, fault);
    json_decref(keys);
    if (status == STATUS_NOT_FOUND && may_search(client)) {
        TRY(fetch_keys(client, configuration, &keys, fault));
        status = id_token_verify(token, keys, expected, job, claims, fault);
        json_decref(keys);
    }
    if (status != STATUS_NOT_FOUND) return status;
    return fault_set(fault, STATUS_UNAUTHORIZED, "%s has no key for its ID token",
                     client->provider->label);
}

/* OpenID Connect Core 5.3: what the ID token does not say. It must be of the same person. */
static enum status ask_userinfo(const struct identity_provider *provider,
                                const json_t *configuration, struct text access_token,
                                struct arena *job, struct id_claims *claims, struct fault *fault)
{
    const char *url = json_string_value(json_object_get(configuration, "userinfo_endpoint"));
    json_t *answer;
    if (!url || !provider_url_is_safe(text_of(url)) || access_token.length == 0) return OK;
    TRY(provider_get(provider, url, access_token, &answer, fault));
    enum status status = text_equal(json_field_text(answer, "sub"), claims->subject)
                             ? id_claims_read_email(answer, job, claims, fault)
                             : fault_set(fault, STATUS_UNAUTHORIZED,
                                         "%s answers about somebody else", provider->label);
    json_decref(answer);
    return status;
}

static enum status read_tokens(struct provider_client *client, const json_t *configuration,
                               const json_t *tokens, const struct authorization *a, int64_t now_s,
                               struct arena *job, struct id_claims *claims, struct fault *fault)
{
    const struct id_expectation expected = {
        .issuer = text_of(client->provider->issuer),
        .client_id = text_of(client->provider->client_id),
        .nonce = a->nonce,
        .now_s = now_s,
    };
    TRY(verify_token(client, configuration, json_field_text(tokens, "id_token"), &expected, job,
                     claims, fault));
    if (claims->email.length > 0) return OK;
    return ask_userinfo(client->provider, configuration, json_field_text(tokens, "access_token"),
                        job, claims, fault);
}

enum status provider_identify(struct provider_client *client, const struct authorization *a,
                              struct text code, int64_t now_s, struct arena *job,
                              struct id_claims *claims, struct fault *fault)
{
    const struct identity_provider *provider = client->provider;
    json_t *configuration, *tokens;
    if (provider->kind == PROVIDER_GITHUB)
        return github_identify(provider, a, code, job, claims, fault);
    TRY(find_configuration(client, &configuration, fault));
    const char *url = json_string_value(json_object_get(configuration, "token_endpoint"));
    enum status status =
        provider_post_code(provider, url, a, code, takes_basic(configuration), &tokens, fault);
    if (status == OK) {
        status = read_tokens(client, configuration, tokens, a, now_s, job, claims, fault);
        json_decref(tokens);
    }
    json_decref(configuration);
    return status;
}

/* ---- life ---- */

enum status provider_client_open(struct provider_client **out,
                                 const struct identity_provider *provider, struct fault *fault)
{
    struct provider_client *client = calloc(1, sizeof *client);
    if (!client) return fault_set(fault, STATUS_NO_MEMORY, "no memory for identity providers");
    client->provider = provider;
    pthread_mutex_init(&client->mutex, NULL);
    *out = client;
    return OK;
}

void provider_client_close(struct provider_client *client)
{
    if (!client) return;
    json_decref(client->configuration.document);
    json_decref(client->keys.document);
    pthread_mutex_destroy(&client->mutex);
    free(client);
}
