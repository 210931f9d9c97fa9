/* strings.c - see strings.h. */
#include "model/template/strings.h"

#include <string.h>

#include "model/template/unicode.h"

static bool is_letter(uint32_t c)
{
    char bytes[4];
    struct text text = {bytes, utf8_encode(c, bytes)};
    return jinja_all_in_case(text, CASE_LOWER) || jinja_all_in_case(text, CASE_UPPER);
}

/* What the title filter takes for the space between words. */
static bool parts_words(uint32_t c)
{
    return jinja_is_space(c) || (c < 0x80 && c && strchr("-({[<", (int)c));
}

static enum letter_case next_case(enum recase recase, uint32_t c, bool first, bool starts_word)
{
    char bytes[4];
    struct text text = {bytes, utf8_encode(c, bytes)};
    switch (recase) {
    case RECASE_UPPER: return CASE_UPPER;
    case RECASE_LOWER: return CASE_LOWER;
    case RECASE_CAPITALIZE: return first ? CASE_TITLE : CASE_LOWER;
    case RECASE_TITLE_WORDS: return starts_word ? CASE_TITLE : CASE_LOWER;
    case RECASE_TITLE_PARTS: return starts_word ? CASE_UPPER : CASE_LOWER;
    case RECASE_SWAP: return jinja_all_in_case(text, CASE_LOWER) ? CASE_UPPER : CASE_LOWER;
    }
    return CASE_LOWER;
}

enum status jinja_recase(struct interpreter *in, struct text text, enum recase recase,
                         struct value *result)
{
    TRY(jinja_charge(in, text.length * 8));
    struct buffer out;
    buffer_init(&out);
    bool starts_word = true;
    for (size_t at = 0; at < text.length;) {
        uint32_t c = 0;
        size_t bytes = utf8_decode(text.data + at, text.length - at, &c);
        if (!bytes) bytes = 1;
        jinja_append_case(&out, c, next_case(recase, c, at == 0, starts_word));
        starts_word = recase == RECASE_TITLE_PARTS ? parts_words(c) : !is_letter(c);
        at += bytes;
    }
    return jinja_take_string(in, &out, result);
}

/* An empty `old` stands before each character and at the end. */
static void replace_between(struct buffer *out, struct text text, struct text fresh, size_t count)
{
    for (size_t at = 0; at < text.length;) {
        struct text rest = text_slice(text, at, text.length);
        size_t bytes = jinja_char_offset(rest, 1);
        if (count) {
            buffer_append_text(out, fresh);
            count--;
        }
        buffer_append_text(out, text_slice(rest, 0, bytes));
        at += bytes;
    }
    if (count) buffer_append_text(out, fresh);
}

enum status jinja_replace(struct interpreter *in, struct text text, struct text old,
                          struct text fresh, int64_t count, struct value *result)
{
    size_t most = count < 0 ? SIZE_MAX : (size_t)count, worst;
    size_t places = text.length / (old.length ? old.length : 1) + 1;
    if (places > most) places = most;
    if (__builtin_mul_overflow(places, fresh.length, &worst)) worst = SIZE_MAX / 4;
    TRY(jinja_charge(in, text.length + worst));
    struct buffer out;
    buffer_init(&out);
    if (!old.length) {
        replace_between(&out, text, fresh, most);
        return jinja_take_string(in, &out, result);
    }
    for (; most; most--) {
        size_t found = text_find(text, old);
        if (found == SIZE_MAX) break;
        buffer_append_text(&out, text_slice(text, 0, found));
        buffer_append_text(&out, fresh);
        text = text_slice(text, found + old.length, text.length);
    }
    buffer_append_text(&out, text);
    return jinja_take_string(in, &out, result);
}

enum status jinja_escape(struct interpreter *in, struct text text, struct value *result)
{
    static const char *const escapes[] = {"&&amp;", "<&lt;", ">&gt;", "\"&#34;", "'&#39;"};
    TRY(jinja_charge(in, text.length * 5));
    struct buffer out;
    buffer_init(&out);
    for (size_t at = 0; at < text.length; at++) {
        const char *escape = NULL;
        for (size_t i = 0; i < ARRAY_COUNT(escapes); i++)
            if (escapes[i][0] == text.data[at]) escape = escapes[i] + 1;
        if (escape)
            buffer_append_string(&out, escape);
        else
            buffer_append_char(&out, text.data[at]);
    }
    TRY(jinja_take_string(in, &out, result));
    result->safe = true;
    return OK;
}

/* The bytes of the line end at `at`, or 0; \r\n is one. */
static size_t line_end(struct text text, size_t at)
{
    uint32_t c;
    size_t bytes = utf8_decode(text.data + at, text.length - at, &c);
    if (!bytes) return 0;
    if (c == '\r' && at + 1 < text.length && text.data[at + 1] == '\n') return 2;
    bool ends = (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
                c == 0x2029;
    return ends ? bytes : 0;
}

enum status jinja_split_lines(struct interpreter *in, struct text text, bool keep_ends,
                              struct value *list)
{
    TRY(jinja_new_list(in, VALUE_LIST, list));
    TRY(jinja_charge(in, text.length));
    size_t begin = 0;
    for (size_t at = 0; at < text.length; at++) {
        size_t bytes = line_end(text, at);
        if (!bytes) continue;
        struct text line = text_slice(text, begin, keep_ends ? at + bytes : at);
        TRY(jinja_list_push(in, *list, jinja_string(line)));
        begin = at + bytes;
        at += bytes - 1;
    }
    if (begin == text.length) return OK;
    return jinja_list_push(in, *list, jinja_string(text_slice(text, begin, text.length)));
}

enum status jinja_join(struct interpreter *in, const struct list *items, struct text separator,
                       bool strings_only, struct value *result)
{
    struct buffer out;
    buffer_init(&out);
    enum status status = OK;
    for (size_t i = 0; status == OK && i < items->count; i++) {
        struct text text;
        if (strings_only && items->items[i].kind != VALUE_STRING)
            status = jinja_fail(in, STATUS_INVALID, "item %zu to join is %s, not str", i,
                                jinja_type_name(items->items[i]));
        else
            status = jinja_text(in, items->items[i], &text);
        if (status == OK) status = jinja_charge(in, separator.length + text.length);
        if (status != OK) break;
        if (i) buffer_append_text(&out, separator);
        buffer_append_text(&out, text);
    }
    if (status == OK) return jinja_take_string(in, &out, result);
    buffer_deinit(&out);
    return status;
}
