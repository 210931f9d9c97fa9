/* methods_string.c - the methods of str. */
#include <string.h>

#include "model/template/strings.h"
#include "model/template/unicode.h"

static enum status string_argument(struct interpreter *in, struct value argument,
                                   struct text *string)
{
    *string = (struct text){0};
    if (argument.kind != VALUE_STRING)
        return jinja_fail(in, STATUS_INVALID, "a string is needed, not %s",
                          jinja_type_name(argument));
    *string = argument.string;
    return OK;
}

METHOD(string_upper)
{
    return jinja_recase(in, call->subject.string, RECASE_UPPER, result);
}

METHOD(string_lower)
{
    return jinja_recase(in, call->subject.string, RECASE_LOWER, result);
}

METHOD(string_title)
{
    return jinja_recase(in, call->subject.string, RECASE_TITLE_WORDS, result);
}

METHOD(string_capitalize)
{
    return jinja_recase(in, call->subject.string, RECASE_CAPITALIZE, result);
}

METHOD(string_swapcase)
{
    return jinja_recase(in, call->subject.string, RECASE_SWAP, result);
}

static enum status strip(struct interpreter *in, const struct call *call, bool left, bool right,
                         struct value *result)
{
    struct text chars = {0};
    struct value argument = call->argument[0];
    if (jinja_given(argument) && argument.kind != VALUE_NONE) {
        TRY(string_argument(in, argument, &chars));
        if (!chars.data) chars.data = "";
    }
    TRY(jinja_charge(in, call->subject.string.length + chars.length));
    if (chars.length > 256)
        return jinja_fail(in, STATUS_TOO_LARGE, "strips more than 256 different characters");
    *result = jinja_string(jinja_strip(call->subject.string, chars, left, right));
    return OK;
}

METHOD(string_strip)
{
    return strip(in, call, true, true, result);
}

METHOD(string_lstrip)
{
    return strip(in, call, true, false, result);
}

METHOD(string_rstrip)
{
    return strip(in, call, false, true, result);
}

/* startswith, endswith: one string, or a tuple of which one is enough. */
static enum status has_affix(struct interpreter *in, const struct call *call,
                             bool (*has)(struct text, struct text), struct value *result)
{
    struct value affix = call->argument[0];
    *result = jinja_bool(false);
    if (affix.kind != VALUE_TUPLE) {
        struct text text;
        TRY(string_argument(in, affix, &text));
        *result = jinja_bool(has(call->subject.string, text));
        return OK;
    }
    for (size_t i = 0; i < affix.list->count && !result->boolean; i++) {
        struct text text;
        TRY(string_argument(in, affix.list->items[i], &text));
        TRY(jinja_charge(in, text.length));
        *result = jinja_bool(has(call->subject.string, text));
    }
    return OK;
}

METHOD(string_startswith)
{
    return has_affix(in, call, text_starts_with, result);
}

METHOD(string_endswith)
{
    return has_affix(in, call, text_ends_with, result);
}

METHOD(string_removeprefix)
{
    struct text text = call->subject.string, prefix;
    TRY(string_argument(in, call->argument[0], &prefix));
    if (text_starts_with(text, prefix)) text = text_slice(text, prefix.length, text.length);
    *result = jinja_string(text);
    return OK;
}

METHOD(string_removesuffix)
{
    struct text text = call->subject.string, suffix;
    TRY(string_argument(in, call->argument[0], &suffix));
    if (text_ends_with(text, suffix)) text = text_slice(text, 0, text.length - suffix.length);
    *result = jinja_string(text);
    return OK;
}

/* The index of the last occurrence, or SIZE_MAX, in *found. Every place may cost the whole part,
 * and is paid for in stretches before it is looked at. */
static enum status find_last(struct interpreter *in, struct text text, struct text part,
                             size_t *found)
{
    enum { STRETCH = 1024 };
    *found = SIZE_MAX;
    if (part.length > text.length) return OK;
    for (size_t at = text.length - part.length + 1, walked = 0; at-- > 0; walked++) {
        if (walked % STRETCH == 0) TRY(jinja_charge(in, STRETCH * part.length));
        if (!text_starts_with(text_slice(text, at, text.length), part)) continue;
        *found = at;
        return OK;
    }
    return OK;
}

static enum status find_either(struct interpreter *in, struct text text, struct text part,
                               bool last, size_t *found)
{
    if (last) return find_last(in, text, part, found);
    *found = text_find(text, part);
    return OK;
}

/* The first or the last character of a text that has one. */
static struct text edge_char(struct text text, bool last)
{
    if (!last) return text_slice(text, 0, jinja_char_offset(text, 1));
    size_t begin = text.length - 1;
    while (begin && ((unsigned char)text.data[begin] & 0xC0) == 0x80) begin--;
    return text_slice(text, begin, text.length);
}

/* The bytes at one end that are no white space. */
static size_t word_bytes(struct text text, bool last)
{
    size_t bytes = 0;
    while (bytes < text.length) {
        struct text rest =
            last ? text_slice(text, 0, text.length - bytes) : text_slice(text, bytes, text.length);
        struct text c = edge_char(rest, last);
        if (jinja_strip(c, (struct text){0}, true, false).length == 0) break;
        bytes += c.length;
    }
    return bytes;
}

/* At white space, whose runs separate once; from the left or from the right. */
static enum status split_words(struct interpreter *in, struct text text, int64_t most,
                               bool from_right, struct value list)
{
    text = jinja_strip(text, (struct text){0}, !from_right, from_right);
    for (; text.length && most != 0; most--) {
        size_t bytes = word_bytes(text, from_right), cut = from_right ? text.length - bytes : bytes;
        struct text before = text_slice(text, 0, cut), behind = text_slice(text, cut, text.length);
        TRY(jinja_list_push(in, list, jinja_string(from_right ? behind : before)));
        text = jinja_strip(from_right ? before : behind, (struct text){0}, !from_right, from_right);
    }
    if (!text.length) return OK;
    return jinja_list_push(in, list, jinja_string(text));
}

static enum status split_at(struct interpreter *in, struct text text, struct text separator,
                            int64_t most, bool from_right, struct value list)
{
    if (!separator.length) return jinja_fail(in, STATUS_INVALID, "the separator is empty");
    for (; most != 0; most--) {
        size_t found;
        TRY(find_either(in, text, separator, from_right, &found));
        if (found == SIZE_MAX) break;
        size_t behind = found + separator.length;
        struct text part =
            from_right ? text_slice(text, behind, text.length) : text_slice(text, 0, found);
        TRY(jinja_list_push(in, list, jinja_string(part)));
        text = from_right ? text_slice(text, 0, found) : text_slice(text, behind, text.length);
    }
    return jinja_list_push(in, list, jinja_string(text));
}

static void reverse(struct list *list)
{
    for (size_t i = 0, k = list->count; i + 1 < k; i++) {
        struct value swap = list->items[i];
        list->items[i] = list->items[--k];
        list->items[k] = swap;
    }
}

static enum status split(struct interpreter *in, const struct call *call, bool from_right,
                         struct value *result)
{
    struct text text = call->subject.string, separator;
    int64_t most;
    TRY(jinja_new_list(in, VALUE_LIST, result));
    TRY(jinja_int_argument(in, call->argument[1], -1, &most));
    TRY(jinja_charge(in, text.length));
    if (!jinja_given(call->argument[0]) || call->argument[0].kind == VALUE_NONE) {
        TRY(split_words(in, text, most, from_right, *result));
    } else {
        TRY(string_argument(in, call->argument[0], &separator));
        TRY(split_at(in, text, separator, most, from_right, *result));
    }
    if (from_right) reverse(result->list);
    return OK;
}

METHOD(string_split)
{
    return split(in, call, false, result);
}

METHOD(string_rsplit)
{
    return split(in, call, true, result);
}

METHOD(string_splitlines)
{
    return jinja_split_lines(in, call->subject.string, jinja_bool_argument(call->argument[0]),
                             result);
}

/* (before, separator, after), or the whole and two empty strings. */
static enum status partition(struct interpreter *in, const struct call *call, bool last,
                             struct value *result)
{
    struct text text = call->subject.string, separator;
    TRY(string_argument(in, call->argument[0], &separator));
    if (!separator.length) return jinja_fail(in, STATUS_INVALID, "the separator is empty");
    TRY(jinja_charge(in, text.length));
    TRY(jinja_new_list(in, VALUE_TUPLE, result));
    size_t found;
    TRY(find_either(in, text, separator, last, &found));
    bool hit = found != SIZE_MAX;
    struct text before = hit ? text_slice(text, 0, found) : last ? TEXT("") : text;
    struct text after = hit    ? text_slice(text, found + separator.length, text.length)
                        : last ? text
                               : TEXT("");
    TRY(jinja_list_push(in, *result, jinja_string(before)));
    TRY(jinja_list_push(in, *result, jinja_string(hit ? separator : TEXT(""))));
    return jinja_list_push(in, *result, jinja_string(after));
}

METHOD(string_partition)
{
    return partition(in, call, false, result);
}

METHOD(string_rpartition)
{
    return partition(in, call, true, result);
}

METHOD(string_replace)
{
    struct text old, fresh;
    int64_t count;
    TRY(string_argument(in, call->argument[0], &old));
    TRY(string_argument(in, call->argument[1], &fresh));
    TRY(jinja_int_argument(in, call->argument[2], -1, &count));
    return jinja_replace(in, call->subject.string, old, fresh, count, result);
}

METHOD(string_join)
{
    const struct list *items;
    TRY(jinja_items(in, call->argument[0], &items));
    return jinja_join(in, items, call->subject.string, true, result);
}

/* The part of the string that the optional start and end choose, and where it begins. */
static enum status search_range(struct interpreter *in, const struct call *call, struct text *text,
                                int64_t *start)
{
    struct text whole = call->subject.string;
    TRY(jinja_charge(in, whole.length));
    int64_t count = (int64_t)jinja_char_count(whole), end;
    TRY(jinja_int_argument(in, call->argument[1], 0, start));
    TRY(jinja_int_argument(in, call->argument[2], count, &end));
    if (*start < 0) *start = *start < -count ? 0 : *start + count;
    if (end < 0) end = end < -count ? 0 : end + count;
    if (end > count) end = count;
    bool empty = *start > end;
    *text = empty ? (struct text){0}
                  : text_slice(whole, jinja_char_offset(whole, (size_t)*start),
                               jinja_char_offset(whole, (size_t)end));
    return OK;
}

static enum status find(struct interpreter *in, const struct call *call, bool last,
                        struct value *result)
{
    struct text text, part;
    int64_t start;
    TRY(string_argument(in, call->argument[0], &part));
    TRY(search_range(in, call, &text, &start));
    size_t found = SIZE_MAX;
    if (text.data) TRY(find_either(in, text, part, last, &found));
    *result = jinja_int(-1);
    if (found != SIZE_MAX)
        *result = jinja_int(start + (int64_t)jinja_char_count(text_slice(text, 0, found)));
    return OK;
}

METHOD(string_find)
{
    return find(in, call, false, result);
}

METHOD(string_rfind)
{
    return find(in, call, true, result);
}

METHOD(string_index)
{
    TRY(find(in, call, false, result));
    if (result->integer < 0) return jinja_fail(in, STATUS_INVALID, "index(): not found");
    return OK;
}

METHOD(string_count)
{
    struct text text, part;
    int64_t start, count = 0;
    TRY(string_argument(in, call->argument[0], &part));
    TRY(search_range(in, call, &text, &start));
    if (!part.length) {
        *result = jinja_int((int64_t)jinja_char_count(text) + (text.data != NULL));
        return OK;
    }
    for (size_t found; text.data && (found = text_find(text, part)) != SIZE_MAX; count++)
        text = text_slice(text, found + part.length, text.length);
    *result = jinja_int(count);
    return OK;
}

METHOD(string_format)
{
    return jinja_format_braces(in, call->subject.string, call->given, result);
}

static enum status every(struct interpreter *in, struct text text, bool (*holds)(uint32_t),
                         struct value *result)
{
    TRY(jinja_charge(in, text.length));
    bool all = text.length > 0;
    for (size_t at = 0; all && at < text.length;) {
        uint32_t c;
        size_t bytes = utf8_decode(text.data + at, text.length - at, &c);
        all = bytes && holds(c);
        at += bytes;
    }
    *result = jinja_bool(all);
    return OK;
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

METHOD(string_isdigit)
{
    for (size_t i = 0; i < call->subject.string.length; i++)
        if ((unsigned char)call->subject.string.data[i] >= 0x80)
            return jinja_fail(in, STATUS_UNSUPPORTED, "isdigit() beyond ASCII");
    return every(in, call->subject.string, is_digit, result);
}

METHOD(string_isspace)
{
    return every(in, call->subject.string, jinja_is_space, result);
}

METHOD(string_islower)
{
    TRY(jinja_charge(in, call->subject.string.length));
    *result = jinja_bool(jinja_all_in_case(call->subject.string, CASE_LOWER));
    return OK;
}

METHOD(string_isupper)
{
    TRY(jinja_charge(in, call->subject.string.length));
    *result = jinja_bool(jinja_all_in_case(call->subject.string, CASE_UPPER));
    return OK;
}

/* Padding of so many characters on either side. */
static enum status pad(struct interpreter *in, const struct call *call, bool left, bool right,
                       struct value *result)
{
    struct text text = call->subject.string, fill = TEXT(" ");
    int64_t width;
    TRY(jinja_int_argument(in, call->argument[0], 0, &width));
    if (jinja_given(call->argument[1])) TRY(string_argument(in, call->argument[1], &fill));
    if (jinja_char_count(fill) != 1)
        return jinja_fail(in, STATUS_INVALID, "the fill must be exactly one character");
    int64_t count = (int64_t)jinja_char_count(text), missing = width > count ? width - count : 0;
    TRY(jinja_charge(in, text.length + (size_t)missing));
    int64_t before = !left ? 0 : !right ? missing : missing / 2 + (missing & width & 1);
    struct buffer out;
    buffer_init(&out);
    for (int64_t i = 0; i < before; i++) buffer_append_text(&out, fill);
    buffer_append_text(&out, text);
    for (int64_t i = before; i < missing; i++) buffer_append_text(&out, fill);
    return jinja_take_string(in, &out, result);
}

METHOD(string_ljust)
{
    return pad(in, call, false, true, result);
}

METHOD(string_rjust)
{
    return pad(in, call, true, false, result);
}

METHOD(string_center)
{
    return pad(in, call, true, true, result);
}

METHOD(string_zfill)
{
    struct text text = call->subject.string;
    int64_t width, count;
    TRY(jinja_int_argument(in, call->argument[0], 0, &width));
    count = (int64_t)jinja_char_count(text);
    bool sign = text.length && (text.data[0] == '-' || text.data[0] == '+');
    TRY(jinja_charge(in, text.length + (width > 0 ? (size_t)width : 0)));
    struct buffer out;
    buffer_init(&out);
    buffer_append_text(&out, text_slice(text, 0, sign));
    for (int64_t i = count; i < width; i++) buffer_append_char(&out, '0');
    buffer_append_text(&out, text_slice(text, sign, text.length));
    return jinja_take_string(in, &out, result);
}

static const struct builtin STRING_METHODS[] = {
    {"capitalize", "", string_capitalize},
    {"center", "width fillchar?", string_center},
    {"count", "sub start? end?", string_count},
    {"endswith", "suffix", string_endswith},
    {"find", "sub start? end?", string_find},
    {"format", "*", string_format},
    {"index", "sub start? end?", string_index},
    {"isdigit", "", string_isdigit},
    {"islower", "", string_islower},
    {"isspace", "", string_isspace},
    {"isupper", "", string_isupper},
    {"join", "iterable", string_join},
    {"ljust", "width fillchar?", string_ljust},
    {"lower", "", string_lower},
    {"lstrip", "chars?", string_lstrip},
    {"partition", "sep", string_partition},
    {"removeprefix", "prefix", string_removeprefix},
    {"removesuffix", "suffix", string_removesuffix},
    {"replace", "old new count?", string_replace},
    {"rfind", "sub start? end?", string_rfind},
    {"rjust", "width fillchar?", string_rjust},
    {"rpartition", "sep", string_rpartition},
    {"rsplit", "sep? maxsplit?", string_rsplit},
    {"rstrip", "chars?", string_rstrip},
    {"split", "sep? maxsplit?", string_split},
    {"splitlines", "keepends?", string_splitlines},
    {"startswith", "prefix", string_startswith},
    {"strip", "chars?", string_strip},
    {"swapcase", "", string_swapcase},
    {"title", "", string_title},
    {"upper", "", string_upper},
    {"zfill", "width", string_zfill},
};

const struct builtin *jinja_string_method_find(struct text name)
{
    return jinja_builtin_find(STRING_METHODS, ARRAY_COUNT(STRING_METHODS), name);
}
