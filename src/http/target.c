/* target.c - see target.h. */
#include "http/target.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decode %XX (and, in a query, + as a space) into `out`, which has room for raw.length bytes.
 * Returns the length written, SIZE_MAX for a bad escape. */
static size_t decode(struct text raw, bool plus_is_space, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < raw.length; i++) {
        char c = raw.data[i];
        if (c == '%') {
            int high = i + 2 < raw.length ? hex_value(raw.data[i + 1]) : -1;
            int low = i + 2 < raw.length ? hex_value(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0) return SIZE_MAX;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[length++] = c;
    }
    return length;
}

static bool has_control(struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        if ((unsigned char)t.data[i] < ' ' || t.data[i] == 0x7F) return true;
    return false;
}

/* Is one of the parts between slashes (encoded ones too, by now) `.` or `..`? */
static bool has_dots(struct text segment)
{
    while (segment.length > 0) {
        const char *slash = memchr(segment.data, '/', segment.length);
        size_t length = slash ? (size_t)(slash - segment.data) : segment.length;
        struct text part = text_slice(segment, 0, length);
        if (text_equal(part, TEXT(".")) || text_equal(part, TEXT(".."))) return true;
        segment = text_slice(segment, length + 1, segment.length);
    }
    return false;
}

static size_t count_char(struct text t, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += t.data[i] == c;
    return count;
}

/* Cut the part before the next `separator` off the front of *rest. */
static struct text next_part(struct text *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->length);
    size_t length = end ? (size_t)(end - rest->data) : rest->length;
    struct text part = text_slice(*rest, 0, length);
    *rest = text_slice(*rest, length + 1, rest->length);
    return part;
}

static enum status parse_path(struct http_target *target, struct text raw, struct arena *arena,
                              struct fault *fault)
{
    size_t segments = count_char(raw, '/');
    char *path = arena_alloc(arena, raw.length + 1);
    target->segments = arena_alloc_array(arena, segments, sizeof *target->segments);
    if (!path || !target->segments) return fault_set(fault, STATUS_NO_MEMORY, "Out of memory.");

    size_t used = 0;
    struct text rest = text_slice(raw, 1, raw.length);
    for (size_t i = 0; i < segments; i++) {
        path[used++] = '/';
        size_t length = decode(next_part(&rest, '/'), false, path + used);
        if (length == SIZE_MAX)
            return fault_set(fault, STATUS_INVALID, "The path has a malformed %%-escape.");
        struct text segment = {path + used, length};
        if (has_control(segment) || !utf8_valid(segment))
            return fault_set(fault, STATUS_INVALID,
                             "The path holds control characters or bytes that are not UTF-8.");
        if (has_dots(segment))
            return fault_set(fault, STATUS_INVALID, "The path holds `.` or `..` as a segment.");
        target->segments[target->segment_count++] = segment;
        used += length;
    }
    target->path = (struct text){path, used};
    return OK;
}

static enum status decode_part(struct text raw, struct text *out, struct arena *arena,
                               struct fault *fault)
{
    char *bytes = arena_alloc(arena, raw.length + 1);
    if (!bytes) return fault_set(fault, STATUS_NO_MEMORY, "Out of memory.");
    size_t length = decode(raw, true, bytes);
    if (length == SIZE_MAX)
        return fault_set(fault, STATUS_INVALID, "The query has a malformed %%-escape.");
    *out = (struct text){bytes, length};
    if (memchr(bytes, '\0', length) || !utf8_valid(*out))
        return fault_set(fault, STATUS_INVALID,
                         "The query holds a NUL or bytes that are not UTF-8.");
    return OK;
}

enum status parameters_parse(struct text raw, struct arena *arena,
                             struct http_parameter **parameters, size_t *count, struct fault *fault)
{
    size_t most = count_char(raw, '&') + 1;
    if (most > PARAMETERS_LIMIT)
        return fault_set(fault, STATUS_TOO_LARGE, "The query has more than %d parameters.",
                         PARAMETERS_LIMIT);
    *count = 0;
    *parameters = arena_alloc_array(arena, most, sizeof **parameters);
    if (!*parameters) return fault_set(fault, STATUS_NO_MEMORY, "Out of memory.");
    while (raw.length > 0) {
        struct text value = next_part(&raw, '&');
        if (value.length == 0) continue;
        struct text name = next_part(&value, '=');
        struct http_parameter *parameter = &(*parameters)[(*count)++];
        TRY(decode_part(name, &parameter->name, arena, fault));
        TRY(decode_part(value, &parameter->value, arena, fault));
    }
    return OK;
}

/* "http://authority/path" -> the authority, and raw moves on to the path. */
static bool take_authority(struct http_target *target, struct text *raw)
{
    static const struct text SCHEMES[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < ARRAY_COUNT(SCHEMES); i++) {
        size_t length = SCHEMES[i].length;
        if (!text_equal_ignore_case(text_slice(*raw, 0, length), SCHEMES[i])) continue;
        struct text rest = text_slice(*raw, length, raw->length);
        size_t end = 0;
        while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?') end++;
        if (end == 0) return false;
        target->authority = text_slice(rest, 0, end);
        *raw = text_slice(rest, end, rest.length);
        return true;
    }
    return false;
}

enum status target_parse(struct http_target *target, struct text raw, struct arena *arena,
                         struct fault *fault)
{
    *target = (struct http_target){0};
    if (text_equal(raw, TEXT("*"))) {
        target->asterisk = true;
        target->path = raw;
        return OK;
    }
    bool absolute = take_authority(target, &raw);
    struct text query = raw;
    struct text path = next_part(&query, '?');
    if (absolute && path.length == 0) path = TEXT("/");
    if (!text_starts_with(path, TEXT("/")))
        return fault_set(fault, STATUS_INVALID,
                         "The request's target is neither a path nor an http:// URL.");
    if (memchr(raw.data, '#', raw.length))
        return fault_set(fault, STATUS_INVALID, "The request's target holds a `#`.");
    TRY(parse_path(target, path, arena, fault));
    return parameters_parse(query, arena, &target->query, &target->query_count, fault);
}

struct text parameter_find(const struct http_parameter *parameters, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(parameters[i].name, name)) return parameters[i].value;
    return (struct text){"", 0};
}

struct text target_query(const struct http_target *target, struct text name)
{
    return parameter_find(target->query, target->query_count, name);
}
