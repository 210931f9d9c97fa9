/* origin_policy.c - see origin_policy.h. */
#include "http/origin_policy.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
           c == '.' || c == '_';
}

static bool is_port(struct text port)
{
    if (port.length == 0 || port.length > 5) return false;
    for (size_t i = 0; i < port.length; i++)
        if (!is_digit(port.data[i])) return false;
    return true;
}

/* The name without its port, brackets kept; empty when malformed. */
static struct text host_name(struct text host)
{
    size_t end = 0;
    if (host.length && host.data[0] == '[') {
        while (end < host.length && host.data[end] != ']') end++;
        if (end++ == host.length) return TEXT("");
    } else {
        while (end < host.length && is_name_char(host.data[end])) end++;
    }
    if (end == host.length) return host;
    if (host.data[end] != ':' || !is_port(text_slice(host, end + 1, host.length))) return TEXT("");
    return text_slice(host, 0, end);
}

static bool is_address(struct text name, int family)
{
    char string[INET6_ADDRSTRLEN], address[sizeof(struct in6_addr)];
    if (name.length >= sizeof string) return false;
    memcpy(string, name.data, name.length);
    string[name.length] = '\0';
    return inet_pton(family, string, address) == 1;
}

static bool is_bracketed(struct text name)
{
    return name.length > 0 && name.data[0] == '[';
}

bool host_well_formed(struct text host)
{
    struct text name = host_name(host);
    if (name.length == 0) return false;
    return !is_bracketed(name) || is_address(text_slice(name, 1, name.length - 1), AF_INET6);
}

bool host_allowed(struct text host, const char *const *allowed)
{
    struct text name = host_name(host);
    if (text_ends_with(name, TEXT("."))) name.length--;
    if (name.length == 0) return false;
    if (is_bracketed(name) || is_address(name, AF_INET)) return true;
    if (text_equal_ignore_case(name, TEXT("localhost"))) return true;
    for (; allowed && *allowed; allowed++)
        if (strcmp(*allowed, "*") == 0 || text_equal_ignore_case(name, text_of(*allowed)))
            return true;
    return false;
}

/* "https://example.org:8443" -> "example.org:8443" */
static struct text origin_host(struct text origin)
{
    size_t scheme = text_find(origin, TEXT("://"));
    return scheme == SIZE_MAX ? TEXT("") : text_slice(origin, scheme + 3, origin.length);
}

enum origin_verdict origin_judge(struct text origin, struct text host, const char *const *allowed)
{
    if (origin.length == 0) return ORIGIN_SAME;
    for (; allowed && *allowed; allowed++)
        if (strcmp(*allowed, "*") == 0 || text_equal_ignore_case(origin, text_of(*allowed)))
            return ORIGIN_ALLOWED;
    struct text own = origin_host(origin);
    return own.length && text_equal_ignore_case(own, host) ? ORIGIN_SAME : ORIGIN_REFUSED;
}
