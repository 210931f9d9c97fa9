/* pattern.c - see pattern.h.
 *
 * The differences that matter: \s and \w (PCRE2 counts U+180E as space and leaves marks out of
 * words), possessive {m,n}+ (a repetition to Oniguruma), sets within sets, and escapes of which
 * only one of the two knows the meaning. */
#include "model/tokenizer/pattern.h"

#include <string.h>

/* Insides of character classes. */
static const char SPACE[] =
    "\\x09-\\x0D\\x20\\x85\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}"
    "\\x{202F}\\x{205F}\\x{3000}";
static const char NOT_SPACE[] =
    "\\x00-\\x08\\x0E-\\x1F\\x21-\\x84\\x86-\\x9F\\xA1-\\x{167F}"
    "\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}"
    "\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{10FFFF}";
static const char WORD[] = "\\p{L}\\p{M}\\p{Nd}\\p{Pc}";

static enum status refuse(struct fault *fault, struct text pattern, size_t at)
{
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "the regular expression has \"%.*s\" at byte %zu, which is not supported",
                     TEXT_FORMAT(text_slice(pattern, at, at + 2)), at);
}

static void append_class(struct buffer *out, bool in_set, const char *before, const char *inside)
{
    if (!in_set) buffer_append_string(out, before);
    buffer_append_string(out, inside);
    if (!in_set) buffer_append_char(out, ']');
}

/* One escape at pattern[at] == '\\'; returns with *length its bytes. */
static enum status translate_escape(struct text pattern, size_t at, bool in_set, size_t *length,
                                    struct buffer *out, struct fault *fault)
{
    char letter = at + 1 < pattern.length ? pattern.data[at + 1] : '\0';
    *length = 2;
    switch (letter) {
    case 's': append_class(out, in_set, "[", SPACE); return OK;
    case 'S': append_class(out, in_set, "[", NOT_SPACE); return OK;
    case 'w': append_class(out, in_set, "[", WORD); return OK;
    case 'W':
        if (in_set) return refuse(fault, pattern, at);
        append_class(out, false, "[^", WORD);
        return OK;
    default: break;
    }
    bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    bool is_digit = letter >= '0' && letter <= '9';
    if (letter == '\0' || is_digit || (is_letter && !strchr("pPdDrntfx", letter)))
        return refuse(fault, pattern, at);
    if (at + 2 < pattern.length && pattern.data[at + 2] == '{' && strchr("pPx", letter)) {
        size_t brace = text_find(text_slice(pattern, at, pattern.length), TEXT("}"));
        if (brace == SIZE_MAX) return refuse(fault, pattern, at);
        *length = brace + 1;
    }
    buffer_append(out, pattern.data + at, *length);
    return OK;
}

enum status pattern_translate(struct text pattern, struct buffer *out, struct fault *fault)
{
    bool in_set = false;
    for (size_t at = 0; at < pattern.length;) {
        char c = pattern.data[at];
        size_t length = 1;
        if (c == '\\') {
            TRY(translate_escape(pattern, at, in_set, &length, out, fault));
            at += length;
            continue;
        }
        bool next_is_plus = at + 1 < pattern.length && pattern.data[at + 1] == '+';
        if ((in_set && (c == '[' || c == '&')) || (!in_set && c == '}' && next_is_plus))
            return refuse(fault, pattern, at);
        if (c == '[')
            in_set = true;
        else if (c == ']')
            in_set = false;
        buffer_append_char(out, c);
        at++;
    }
    return buffer_status(out, fault);
}
