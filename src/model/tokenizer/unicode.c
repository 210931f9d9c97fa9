/* unicode.c - see unicode.h. */
#include "model/tokenizer/unicode.h"

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
