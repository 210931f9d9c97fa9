/* unicode.c - see unicode.h. Letter case is Unicode's simple mapping plus the upper cases that
 * take several characters; what depends on the neighbours (the final sigma) is not done. */
#include "model/template/unicode.h"

#include "model/template/unicode_tables.h"

bool jinja_is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

bool jinja_is_printable(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_COUNT(HIDDEN); i++)
        if (c >= HIDDEN[i].first && c <= HIDDEN[i].last) return false;
    return true;
}

static uint32_t mapped(const struct case_run *runs, size_t count, uint32_t c)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (runs[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || c < runs[low].first || (c - runs[low].first) % (uint32_t)runs[low].step)
        return c;
    return c + (uint32_t)runs[low].delta;
}

static uint32_t lower(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return mapped(LOWER_RUNS, ARRAY_COUNT(LOWER_RUNS), c);
}

static uint32_t upper(uint32_t c)
{
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    return mapped(UPPER_RUNS, ARRAY_COUNT(UPPER_RUNS), c);
}

static bool has_upper(uint32_t c)
{
    for (size_t i = 0; c >= 0x80 && i < ARRAY_COUNT(UPPER_SPECIALS); i++)
        if (UPPER_SPECIALS[i].from == c) return true;
    return upper(c) != c;
}

static void append_char(struct buffer *out, uint32_t c)
{
    char bytes[4];
    buffer_append(out, bytes, utf8_encode(c, bytes));
}

static uint32_t title(uint32_t c)
{
    enum { GEORGIAN_FIRST = 0x10D0, GEORGIAN_LAST = 0x10FF };
    if (c >= GEORGIAN_FIRST && c <= GEORGIAN_LAST) return c;      /* has no title case */
    if (c >= 0x1C4 && c <= 0x1CC) return c - (c - 0x1C4) % 3 + 1; /* letters like Dž */
    if (c >= 0x1F1 && c <= 0x1F3) return 0x1F2;
    return upper(c);
}

void jinja_append_case(struct buffer *out, uint32_t c, enum letter_case letter_case)
{
    if (letter_case == CASE_LOWER) {
        append_char(out, lower(c));
        return;
    }
    for (size_t i = 0; c >= 0x80 && i < ARRAY_COUNT(UPPER_SPECIALS); i++) {
        if (UPPER_SPECIALS[i].from != c) continue;
        for (int k = 0; k < 3 && UPPER_SPECIALS[i].to[k]; k++) {
            uint32_t part = UPPER_SPECIALS[i].to[k];
            append_char(out, letter_case == CASE_TITLE && k ? lower(part) : part);
        }
        return;
    }
    append_char(out, letter_case == CASE_TITLE ? title(c) : upper(c));
}

bool jinja_all_in_case(struct text text, enum letter_case letter_case)
{
    bool cased = false;
    for (size_t at = 0; at < text.length;) {
        uint32_t c;
        size_t bytes = utf8_decode(text.data + at, text.length - at, &c);
        if (!bytes) return false;
        at += bytes;
        bool is_upper = lower(c) != c, is_lower = has_upper(c);
        if (letter_case == CASE_LOWER ? is_upper : is_lower) return false;
        cased |= is_upper || is_lower;
    }
    return cased;
}

static bool strips(uint32_t c, struct text chars)
{
    if (!chars.data) return jinja_is_space(c);
    for (size_t at = 0; at < chars.length;) {
        uint32_t each;
        size_t bytes = utf8_decode(chars.data + at, chars.length - at, &each);
        if (!bytes) return false;
        if (each == c) return true;
        at += bytes;
    }
    return false;
}

struct text jinja_strip(struct text t, struct text chars, bool left, bool right)
{
    uint32_t c;
    while (left && t.length) {
        size_t bytes = utf8_decode(t.data, t.length, &c);
        if (!bytes || !strips(c, chars)) break;
        t = text_slice(t, bytes, t.length);
    }
    while (right && t.length) {
        size_t begin = t.length - 1;
        while (begin && ((unsigned char)t.data[begin] & 0xC0) == 0x80) begin--;
        if (!utf8_decode(t.data + begin, t.length - begin, &c) || !strips(c, chars)) break;
        t = text_slice(t, 0, begin);
    }
    return t;
}

static bool begins_char(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

size_t jinja_char_count(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += begins_char(t.data[i]);
    return count;
}

size_t jinja_char_offset(struct text t, size_t index)
{
    for (size_t i = 0; i < t.length; i++)
        if (begins_char(t.data[i]) && index-- == 0) return i;
    return t.length;
}
