/* identity_provider.c - see identity_provider.h. */
#include "accounts/identity_provider.h"

#include <string.h>

enum { NAME_BYTES = 32, PATH_BYTES = 1024 };

static bool is_name(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return length > 0 && length <= NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static void fill_in(struct identity_provider *provider)
{
    if (strcmp(provider->name, "google") == 0) {
        if (!provider->issuer) provider->issuer = "https://accounts.google.com";
        if (!provider->label) provider->label = "Google";
    }
    if (strcmp(provider->name, "github") == 0) {
        provider->kind = PROVIDER_GITHUB;
        if (!provider->label) provider->label = "GitHub";
    }
    if (provider->kind == PROVIDER_GITHUB && !provider->issuer)
        provider->issuer = "https://github.com";
    if (!provider->label) provider->label = provider->name;
}

enum status identity_provider_complete(struct identity_provider *provider, struct fault *fault)
{
    if (!is_name(provider->name))
        return fault_set_param(fault, STATUS_INVALID, "name",
                               "a provider's name is 1 to %d small letters, digits and '-'",
                               NAME_BYTES);
    fill_in(provider);
    if (!provider->issuer || !provider_url_is_safe(text_of(provider->issuer)))
        return fault_set_param(fault, STATUS_INVALID, "issuer",
                               "%s needs an issuer: an https address", provider->name);
    if (!provider->client_id || !*provider->client_id)
        return fault_set_param(fault, STATUS_INVALID, "client_id",
                               "%s needs the client id that it gave you", provider->name);
    if (provider->kind == PROVIDER_GITHUB &&
        (!provider->client_secret || !*provider->client_secret))
        return fault_set_param(fault, STATUS_INVALID, "client_secret",
                               "%s needs the client secret that it gave you", provider->name);
    return OK;
}

/* The host ends where its port or path begins. */
static bool is_host(struct text url, struct text prefix)
{
    if (!text_starts_with(url, prefix)) return false;
    return url.length == prefix.length || strchr(":/", url.data[prefix.length]);
}

bool provider_url_is_safe(struct text url)
{
    if (text_find(url, TEXT("@")) != SIZE_MAX) return false; /* no credentials in it */
    return (text_starts_with(url, TEXT("https://")) && url.length > strlen("https://")) ||
           is_host(url, TEXT("http://127.0.0.1")) || is_host(url, TEXT("http://localhost")) ||
           is_host(url, TEXT("http://[::1]"));
}

/* Browsers read "//host" and "/\host" as another host, and leave tabs and line ends out. */
bool return_path_is_ours(struct text path)
{
    if (path.length == 0 || path.length > PATH_BYTES || path.data[0] != '/') return false;
    for (size_t i = 0; i < path.length; i++) {
        unsigned char c = (unsigned char)path.data[i];
        if (c <= ' ' || c >= 0x7f || c == '\\') return false;
    }
    return path.length == 1 || path.data[1] != '/';
}
