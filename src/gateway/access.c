/* access.c - see access.h. */
#include "gateway/access.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool is_person(const struct caller *caller)
{
    return caller->kind == CALLER_ACCOUNT && caller->principal.credential != CREDENTIAL_API_TOKEN;
}

static bool is_admin(const struct caller *caller)
{
    return is_person(caller) && caller->principal.account.role == ROLE_ADMIN;
}

enum status access_judge(enum access access, const struct caller *caller, struct fault *fault)
{
    if (access == ACCESS_OPEN) return OK;
    if (caller->kind == CALLER_STRANGER) /* R21 */
        return fault_set(
            fault, STATUS_UNAUTHORIZED,
            "Missing authorization header: send `Authorization: Bearer KEY` with a key "
            "that you made in your dashboard, or with the one that the server printed "
            "at its start");
    switch (access) {
    case ACCESS_MODELS: return OK;
    case ACCESS_ACCOUNT:
        if (caller->kind == CALLER_ACCOUNT) return OK;
        return fault_set(fault, STATUS_FORBIDDEN,
                         "this belongs to accounts, and the service's key is of none: sign in, or "
                         "use a key of an account");
    case ACCESS_PERSON:
        if (is_person(caller)) return OK;
        return fault_set(fault, STATUS_FORBIDDEN, "this needs a person who signed in, not a key");
    case ACCESS_ADMIN:
        if (is_admin(caller)) return OK;
        return fault_set(fault, STATUS_FORBIDDEN, "this is an administrator's");
    case ACCESS_OPERATOR:
        if (caller->kind == CALLER_SERVICE || is_admin(caller)) return OK;
        return fault_set(fault, STATUS_FORBIDDEN, "this is an administrator's");
    default: return fault_set(fault, STATUS_INTERNAL, "this route does not say who may use it");
    }
}

/* ---- credentials ---- */

enum status credential_find(struct text api_key, struct text authorization, struct text cookies,
                            struct credential_found *found, struct fault *fault)
{
    *found = (struct credential_found){.secret = text_trim(api_key)};
    if (found->secret.length) return OK;
    if (authorization.length) {
        if (!text_equal_ignore_case(text_slice(authorization, 0, 7), TEXT("Bearer ")))
            return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid authorization format");
        found->secret = text_trim(text_slice(authorization, 7, authorization.length));
        if (found->secret.length == 0)
            return fault_set(fault, STATUS_UNAUTHORIZED, "Invalid authorization format");
        return OK;
    }
    found->secret = cookie_value(cookies, TEXT(SESSION_COOKIE));
    found->by_cookie = found->secret.length > 0;
    return OK;
}

struct text cookie_value(struct text cookies, struct text name)
{
    for (size_t at = 0; at < cookies.length;) {
        struct text rest = text_slice(cookies, at, cookies.length);
        size_t end = text_find(rest, TEXT(";"));
        struct text pair = text_trim(text_slice(rest, 0, end == SIZE_MAX ? rest.length : end));
        if (pair.length > name.length && pair.data[name.length] == '=' &&
            text_starts_with(pair, name))
            return text_slice(pair, name.length + 1, pair.length);
        if (end == SIZE_MAX) break;
        at += end + 1;
    }
    return TEXT("");
}

bool secret_equal(struct text secret, struct text given)
{
    if (secret.length == 0) return false;
    size_t difference = secret.length ^ given.length;
    for (size_t i = 0; i < given.length; i++)
        difference |=
            (size_t)((unsigned char)given.data[i] ^ (unsigned char)secret.data[i % secret.length]);
    return difference == 0;
}

/* ---- from where ---- */

/* An address as sixteen bytes: IPv4 is mapped into IPv6, where both are one kind. */
static bool read_address(struct text text, unsigned char out[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof copy) return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    static const unsigned char MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};
    memcpy(out, MAPPED, sizeof MAPPED);
    if (inet_pton(AF_INET, copy, out + 12) == 1) return true;
    return inet_pton(AF_INET6, copy, out) == 1;
}

struct network {
    unsigned char address[16];
    unsigned bits;
};

static bool read_network(struct text text, struct network *network)
{
    size_t slash = text_find(text, TEXT("/"));
    struct text address = text_slice(text, 0, slash == SIZE_MAX ? text.length : slash);
    if (!read_address(address, network->address)) return false;
    unsigned most = text_find(address, TEXT(":")) == SIZE_MAX ? 32 : 128;
    unsigned bits = most;
    if (slash != SIZE_MAX) {
        struct text digits = text_slice(text, slash + 1, text.length);
        if (digits.length == 0 || digits.length > 3) return false;
        bits = 0;
        for (size_t i = 0; i < digits.length; i++) {
            if (digits.data[i] < '0' || digits.data[i] > '9') return false;
            bits = bits * 10 + (unsigned)(digits.data[i] - '0');
        }
        if (bits > most) return false;
    }
    network->bits = bits + 128 - most;
    return true;
}

bool proxy_is_valid(const char *proxy)
{
    struct network network;
    return read_network(text_of(proxy), &network);
}

static bool holds(const struct network *network, const unsigned char address[16])
{
    for (unsigned bit = 0; bit < network->bits; bit++) {
        unsigned char mask = (unsigned char)(0x80u >> bit % 8);
        if ((network->address[bit / 8] ^ address[bit / 8]) & mask) return false;
    }
    return true;
}

static bool is_proxy(struct text address, const char *const *proxies)
{
    unsigned char bytes[16];
    struct network network;
    if (!read_address(address, bytes)) return false;
    for (; proxies && *proxies; proxies++)
        if (read_network(text_of(*proxies), &network) && holds(&network, bytes)) return true;
    return false;
}

struct text client_address(struct text remote, struct text forwarded_for,
                           const char *const *proxies)
{
    struct text client = remote;
    struct text rest = forwarded_for;
    unsigned char bytes[16];
    while (is_proxy(client, proxies) && rest.length) {
        size_t comma = rest.length;
        while (comma > 0 && rest.data[comma - 1] != ',') comma--;
        struct text last = text_trim(text_slice(rest, comma, rest.length));
        if (!read_address(last, bytes))
            break; /* what a client made up: the proxy is what we know */
        client = last;
        rest = text_slice(rest, 0, comma ? comma - 1 : 0);
    }
    return client;
}
