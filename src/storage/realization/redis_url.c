/* redis_url.c - see redis_url.h. */
#include "storage/realization/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DEFAULT_PORT = 6379 };

/* Percent-decoded; false when it does not fit or is not encoded rightly. */
static bool copy_part(struct text part, char *out, size_t capacity)
{
    size_t length = 0;
    for (size_t at = 0; at < part.length; at++) {
        char c = part.data[at];
        if (c == '%') {
            char digits[3] = {0}, *end;
            if (at + 2 >= part.length) return false;
            memcpy(digits, part.data + at + 1, 2);
            c = (char)strtoul(digits, &end, 16);
            if (*end || !c) return false;
            at += 2;
        }
        if (length + 1 >= capacity) return false;
        out[length++] = c;
    }
    out[length] = '\0';
    return true;
}

static bool read_number(struct text digits, unsigned most, unsigned *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        *number = *number * 10 + (unsigned)(digits.data[i] - '0');
        if (*number > most) return false;
    }
    return digits.length > 0;
}

/* What stands before the last `mark` goes to *before, and t is the rest; false without a mark. */
static bool split_last(struct text *t, char mark, struct text *before)
{
    const char *at = t->length ? memrchr(t->data, mark, t->length) : NULL;
    if (!at) return false;
    size_t index = (size_t)(at - t->data);
    *before = text_slice(*t, 0, index);
    *t = text_slice(*t, index + 1, t->length);
    return true;
}

static bool parse_authority(struct text authority, struct redis_url *parsed)
{
    struct text secrets, user, host;
    unsigned port = DEFAULT_PORT;
    if (split_last(&authority, '@', &secrets)) {
        size_t colon = text_find(secrets, TEXT(":"));
        if (colon == SIZE_MAX) return false;
        user = text_slice(secrets, 0, colon);
        if (!copy_part(user, parsed->user, sizeof parsed->user) ||
            !copy_part(text_slice(secrets, colon + 1, secrets.length), parsed->password,
                       sizeof parsed->password))
            return false;
    }
    bool is_v6 = text_starts_with(authority, TEXT("["));
    size_t bracket = is_v6 ? text_find(authority, TEXT("]")) : 0;
    if (bracket == SIZE_MAX) return false;
    struct text behind = text_slice(authority, bracket, authority.length), before;
    host = authority;
    if (split_last(&behind, ':', &before)) {
        if (!read_number(behind, UINT16_MAX, &port) || port == 0) return false;
        host = text_slice(authority, 0, bracket + before.length);
    }
    if (is_v6) host = text_slice(host, 1, bracket);
    parsed->port = (uint16_t)port;
    return host.length > 0 && copy_part(host, parsed->host, sizeof parsed->host);
}

static bool parse(struct text url, struct redis_url *parsed)
{
    if (text_starts_with(url, TEXT("unix:/")))
        return copy_part(text_slice(url, strlen("unix:"), url.length), parsed->host,
                         sizeof parsed->host);
    if (!text_starts_with(url, TEXT("redis://"))) return false;
    url = text_slice(url, strlen("redis://"), url.length);
    size_t slash = text_find(url, TEXT("/"));
    struct text authority = text_slice(url, 0, slash == SIZE_MAX ? url.length : slash);
    struct text path = slash == SIZE_MAX ? TEXT("") : text_slice(url, slash + 1, url.length);
    if (path.length && !read_number(path, 1000, &parsed->database)) return false;
    return parse_authority(authority, parsed);
}

enum status redis_url_parse(const char *url, struct redis_url *parsed, struct fault *fault)
{
    *parsed = (struct redis_url){0};
    if (parse(text_of(url), parsed)) return OK;
    return fault_set_param(fault, STATUS_INVALID, "redis_url",
                           "the URL of Redis should look like "
                           "redis://user:password@host:6379/0 or unix:/path/to.sock");
}
