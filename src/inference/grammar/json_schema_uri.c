/* json_schema_uri.c - URIs of schemas: a reference as seen from a base (RFC 3986, 5.2). */
#include <string.h>

#include "inference/grammar/json_schema_private.h"

struct text uri_without_fragment(struct text uri)
{
    size_t hash = text_find(uri, TEXT("#"));
    return hash == SIZE_MAX ? uri : text_slice(uri, 0, hash);
}

/* How long "https:" is; 0 without a scheme. */
static size_t scheme_length(struct text uri)
{
    for (size_t i = 0; i < uri.length; i++) {
        char c = uri.data[i];
        if (c == ':') return i > 0 ? i + 1 : 0;
        if (c == '/' || c == '?' || c == '#') return 0;
    }
    return 0;
}

/* Where the path of scheme://authority/path begins. */
static size_t path_start(struct text uri)
{
    size_t at = scheme_length(uri);
    if (!text_starts_with(text_slice(uri, at, uri.length), TEXT("//"))) return at;
    for (at += 2; at < uri.length && uri.data[at] != '/'; at++) continue;
    return at;
}

/* Take . and .. out of the path that begins at `start`. In place; the new length. */
static size_t remove_dots(char *uri, size_t start, size_t length)
{
    size_t used = start;
    for (size_t at = start; at < length;) {
        size_t end = at + (uri[at] == '/');
        while (end < length && uri[end] != '/') end++;
        struct text step = {uri + at, end - at};
        bool is_last = end == length;
        if (text_equal(step, TEXT("/.")) || text_equal(step, TEXT("/.."))) {
            if (step.length == 3)
                while (used > start && uri[--used] != '/') continue;
            if (is_last) uri[used++] = '/';
        } else {
            memmove(uri + used, step.data, step.length);
            used += step.length;
        }
        at = end;
    }
    return used;
}

struct text uri_resolve(struct arena *job, struct text base, struct text reference)
{
    if (reference.length == 0) return base;
    size_t keep = path_start(base);
    if (scheme_length(reference) > 0 || base.length == 0) {
        keep = 0;
    } else if (text_starts_with(reference, TEXT("//"))) {
        keep = scheme_length(base);
    } else if (reference.data[0] != '/') {
        size_t slash = base.length;
        while (slash > keep && base.data[slash - 1] != '/') slash--;
        keep = slash;
    }
    char *joined = arena_alloc(job, keep + reference.length + 2);
    if (!joined) return (struct text){NULL, 0};
    memcpy(joined, base.data ? base.data : "", keep);
    memcpy(joined + keep, reference.data, reference.length);
    struct text whole = {joined, keep + reference.length};
    whole.length = remove_dots(joined, path_start(whole), whole.length);
    return whole;
}
