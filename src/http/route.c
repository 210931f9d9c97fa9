/* route.c - see route.h. */
#include "http/route.h"

#include <stdio.h>
#include <string.h>

static struct text next_segment(const char **pattern)
{
    const char *start = *pattern + 1; /* after the slash */
    const char *end = strchrnul(start, '/');
    *pattern = end;
    return (struct text){start, (size_t)(end - start)};
}

static bool is_parameter(struct text segment)
{
    return segment.length >= 3 && segment.data[0] == '{' && segment.data[segment.length - 1] == '}';
}

/* "{rest*}" */
static bool takes_rest(struct text segment)
{
    return is_parameter(segment) && segment.data[segment.length - 2] == '*';
}

enum status routes_check(const struct http_route *routes, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        const char *pattern = routes[i].pattern;
        size_t parameters = 0;
        bool sound = pattern && pattern[0] == '/' && routes[i].method && routes[i].handler;
        for (const char *at = pattern; sound && *at;) {
            struct text segment = next_segment(&at);
            bool braces = text_find(segment, TEXT("{")) != SIZE_MAX;
            if (braces && !is_parameter(segment)) sound = false;
            if (braces && ++parameters > ROUTE_PARAMETERS_LIMIT) sound = false;
            if (takes_rest(segment) && *at) sound = false;
        }
        if (!sound)
            return fault_set(fault, STATUS_INTERNAL, "route %zu (%s) is malformed", i,
                             pattern ? pattern : "no pattern");
    }
    return OK;
}

static struct text rest_from(const struct http_target *target, size_t index)
{
    const char *start = target->segments[index].data;
    return (struct text){start, (size_t)(target->path.data + target->path.length - start)};
}

/* Does the pattern fit the path? Fills match->parameters on the way. */
static bool pattern_fits(struct route_match *match, const char *pattern,
                         const struct http_target *target)
{
    size_t index = 0;
    match->parameter_count = 0;
    while (*pattern) {
        struct text segment = next_segment(&pattern);
        if (index == target->segment_count) return false;
        struct text value = target->segments[index];
        bool rest = takes_rest(segment);
        if (is_parameter(segment)) {
            if (rest) value = rest_from(target, index);
            if (value.length == 0) return false;
            match->parameters[match->parameter_count++] = (struct http_parameter){
                text_slice(segment, 1, segment.length - (rest ? 2 : 1)), value};
        } else if (!text_equal(segment, value)) {
            return false;
        }
        if (rest) return true;
        index++;
    }
    return index == target->segment_count;
}

static void allow_method(struct route_match *match, const char *method)
{
    size_t used = strlen(match->allow);
    if (strstr(match->allow, method)) return; /* no method's name holds another's */
    snprintf(match->allow + used, sizeof match->allow - used, "%s%s", used ? ", " : "", method);
}

void route_find(struct route_match *match, const struct http_route *routes, size_t count,
                struct text method, const struct http_target *target)
{
    *match = (struct route_match){0};
    bool head = text_equal(method, TEXT("HEAD"));
    const struct http_route *fallback = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!pattern_fits(match, routes[i].pattern, target)) continue;
        if (text_equal(text_of(routes[i].method), method)) {
            match->route = &routes[i];
            match->path_known = true;
            return;
        }
        if (head && !fallback && strcmp(routes[i].method, "GET") == 0) fallback = &routes[i];
        match->path_known = true;
        allow_method(match, routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0) allow_method(match, "HEAD");
    }
    if (match->path_known) allow_method(match, "OPTIONS");
    match->route = fallback;
    match->parameter_count = 0;
    if (fallback) pattern_fits(match, fallback->pattern, target);
}
