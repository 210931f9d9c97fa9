/* unicode.c - properties of characters: see unicode.h. */
#include "model/tokenizer/unicode.h"

#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/unicode_data.h"

bool unicode_is_space(uint32_t codepoint)
{
    if (codepoint < 0x80) return codepoint == ' ' || (codepoint >= '\t' && codepoint <= '\r');
    return codepoint == 0x85 || codepoint == 0xA0 || codepoint == 0x1680 ||
           (codepoint >= 0x2000 && codepoint <= 0x200A) || codepoint == 0x2028 ||
           codepoint == 0x2029 || codepoint == 0x202F || codepoint == 0x205F || codepoint == 0x3000;
}

size_t unicode_space_prefix(struct text t)
{
    size_t at = 0;
    while (at < t.length) {
        uint32_t codepoint;
        size_t length = utf8_decode(t.data + at, t.length - at, &codepoint);
        if (length == 0 || !unicode_is_space(codepoint)) break;
        at += length;
    }
    return at;
}

size_t unicode_space_suffix(struct text t)
{
    size_t end = t.length;
    while (end > 0) {
        size_t start = end - 1;
        while (start > 0 && end - start < 4 && ((unsigned char)t.data[start] & 0xC0) == 0x80)
            start--;
        uint32_t codepoint;
        if (utf8_decode(t.data + start, end - start, &codepoint) != end - start) break;
        if (!unicode_is_space(codepoint)) break;
        end = start;
    }
    return t.length - end;
}

static int compare_range(const void *key, const void *element)
{
    uint32_t codepoint = *(const uint32_t *)key;
    const struct unicode_range *range = element;
    return codepoint < range->first ? -1 : codepoint > range->last;
}

static bool in_ranges(uint32_t codepoint, const struct unicode_range *ranges, size_t count)
{
    return bsearch(&codepoint, ranges, count, sizeof *ranges, compare_range) != NULL;
}

bool unicode_is_nonspacing_mark(uint32_t codepoint)
{
    return codepoint >= 0x300 &&
           in_ranges(codepoint, unicode_nonspacing_marks, unicode_nonspacing_marks_count);
}

bool unicode_is_mark(uint32_t codepoint)
{
    return unicode_is_nonspacing_mark(codepoint) ||
           (codepoint >= 0x300 &&
            in_ranges(codepoint, unicode_other_marks, unicode_other_marks_count));
}

bool unicode_is_control(uint32_t codepoint)
{
    if (codepoint < 0x80) return codepoint < ' ' || codepoint == 0x7F;
    return in_ranges(codepoint, unicode_controls, unicode_controls_count);
}

static int compare_mapping(const void *key, const void *element)
{
    uint32_t codepoint = *(const uint32_t *)key;
    const struct unicode_mapping *mapping = element;
    return codepoint < mapping->from ? -1 : codepoint > mapping->from;
}

void unicode_append(uint32_t codepoint, struct buffer *out)
{
    char bytes[4];
    buffer_append(out, bytes, utf8_encode(codepoint, bytes));
}

void unicode_append_lower(uint32_t codepoint, struct buffer *out)
{
    const struct unicode_mapping *mapping = NULL;
    if (codepoint >= 0x80)
        mapping = bsearch(&codepoint, unicode_lowercase, unicode_lowercase_count, sizeof *mapping,
                          compare_mapping);
    else if (codepoint >= 'A' && codepoint <= 'Z')
        codepoint += 'a' - 'A';
    if (!mapping) unicode_append(codepoint, out);
    for (size_t i = 0; mapping && i < UNICODE_MAPPING_LENGTH && mapping->to[i]; i++)
        unicode_append(mapping->to[i], out);
}

size_t unicode_valid_prefix(struct text t)
{
    size_t at = 0;
    while (at < t.length) {
        uint64_t word;
        if (t.length - at >= sizeof word) {
            memcpy(&word, t.data + at, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof word;
                continue;
            }
        }
        uint32_t codepoint;
        size_t length = utf8_decode(t.data + at, t.length - at, &codepoint);
        if (length == 0) break;
        at += length;
    }
    return at;
}
