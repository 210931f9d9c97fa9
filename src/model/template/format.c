/* format.c - Python's two ways to fill a string: "%s" % x and "{}".format(x). */
#include <stdio.h>
#include <string.h>

#include "model/template/interpreter.h"
#include "model/template/unicode.h"

struct percent {
    struct interpreter *in;
    struct text format;
    size_t at; /* behind the % */
    struct value arguments;
    size_t used; /* of a tuple of arguments */
};

static enum status next_argument(struct percent *p, struct value *argument)
{
    if (p->at < p->format.length && p->format.data[p->at] == '(') {
        struct text rest = text_slice(p->format, p->at + 1, p->format.length);
        size_t end = text_find(rest, TEXT(")"));
        if (end == SIZE_MAX || p->arguments.kind != VALUE_DICT)
            return jinja_fail(p->in, STATUS_INVALID, "%%(name) in a format needs a dict");
        const struct value *found =
            jinja_dict_find_name(p->arguments.dict, text_slice(rest, 0, end));
        if (!found)
            return jinja_fail(p->in, STATUS_INVALID,
                              "the format names \"%.*s\", which is not given", (int)end, rest.data);
        p->at += end + 2;
        *argument = *found;
        return OK;
    }
    size_t count = p->arguments.kind == VALUE_TUPLE ? p->arguments.list->count : 1;
    if (p->used >= count)
        return jinja_fail(p->in, STATUS_INVALID, "not enough arguments for the format");
    *argument = p->arguments.kind == VALUE_TUPLE ? p->arguments.list->items[p->used] : p->arguments;
    p->used++;
    return OK;
}

/* What stands between the % and the conversion's letter. */
struct conversion {
    bool left, plus, space, alternative, zeros; /* flags: - + blank # 0 */
    int width, precision;                       /* precision -1: none */
    char letter;
};

static bool take_char(struct percent *p, char wanted)
{
    if (p->at >= p->format.length || p->format.data[p->at] != wanted) return false;
    p->at++;
    return true;
}

static enum status read_number(struct percent *p, int most, int *number)
{
    *number = 0;
    for (; p->at < p->format.length; p->at++) {
        char c = p->format.data[p->at];
        if (c < '0' || c > '9') return OK;
        *number = *number * 10 + (c - '0');
        if (*number > most)
            return jinja_fail(p->in, STATUS_TOO_LARGE, "a format wider than %d", most);
    }
    return OK;
}

static enum status read_conversion(struct percent *p, struct conversion *conversion)
{
    *conversion = (struct conversion){.precision = -1};
    for (bool is_flag = true; is_flag;) {
        is_flag = false;
        if (take_char(p, '-')) is_flag = conversion->left = true;
        if (take_char(p, '+')) is_flag = conversion->plus = true;
        if (take_char(p, ' ')) is_flag = conversion->space = true;
        if (take_char(p, '#')) is_flag = conversion->alternative = true;
        if (take_char(p, '0')) is_flag = conversion->zeros = true;
    }
    TRY(read_number(p, 1000, &conversion->width));
    if (take_char(p, '.')) TRY(read_number(p, 100, &conversion->precision));
    if (p->at >= p->format.length)
        return jinja_fail(p->in, STATUS_INVALID, "the format ends behind %%");
    conversion->letter = p->format.data[p->at++];
    return OK;
}

/* The same for printf, whose flags mean what Python's do. `type` is "ll" or "". */
static void printf_format(const struct conversion *c, const char *type, char letter,
                          char format[32])
{
    char precision[16] = "", width[16] = "";
    if (c->width > 0) snprintf(width, sizeof width, "%d", c->width);
    if (c->precision >= 0) snprintf(precision, sizeof precision, ".%d", c->precision);
    snprintf(format, 32, "%%%s%s%s%s%s%s%s%s%c", c->left ? "-" : "", c->plus ? "+" : "",
             c->space ? " " : "", c->alternative ? "#" : "", c->zeros ? "0" : "", width, precision,
             type, letter);
}

static bool is_letter_of(const char *letters, char letter)
{
    return letter && strchr(letters, letter);
}

static enum status append_number(struct percent *p, struct buffer *out,
                                 const struct conversion *conversion, struct value argument)
{
    char letter = conversion->letter, format[32], text[2200];
    if (!jinja_is_number(argument))
        return jinja_fail(p->in, STATUS_INVALID, "%%%c needs a number, not %s", letter,
                          jinja_type_name(argument));
    if (is_letter_of("eEfFgG", letter)) {
        printf_format(conversion, "", letter, format);
        snprintf(text, sizeof text, format, jinja_to_float(argument));
    } else {
        bool real = argument.kind == VALUE_FLOAT;
        /* Converting a float beyond the integer's range is undefined: it is asked first. */
        bool beyond = real && !(argument.real > -9e18 && argument.real < 9e18);
        long long integer = beyond ? 0
                            : real ? (long long)argument.real
                                   : (long long)jinja_to_int(argument);
        if (beyond || (is_letter_of("xXo", letter) && (integer < 0 || real)))
            return jinja_fail(p->in, STATUS_UNSUPPORTED, "%%%c of such a number", letter);
        printf_format(conversion, "ll", letter == 'u' || letter == 'i' ? 'd' : letter, format);
        snprintf(text, sizeof text, format, integer);
    }
    buffer_append_string(out, text);
    return OK;
}

/* %s and %r, padded and cut by characters. */
static enum status append_text(struct percent *p, struct buffer *out,
                               const struct conversion *conversion, struct value argument)
{
    struct text text;
    if (conversion->letter == 'r') {
        struct buffer repr;
        buffer_init(&repr);
        struct value string;
        TRY(jinja_charge(p->in, jinja_weight(argument)));
        if (!jinja_append_repr(&repr, argument) && !repr.failed) {
            buffer_deinit(&repr);
            return jinja_fail(p->in, STATUS_UNSUPPORTED, "%s cannot be printed",
                              jinja_type_name(argument));
        }
        TRY(jinja_take_string(p->in, &repr, &string));
        text = string.string;
    } else {
        TRY(jinja_text(p->in, argument, &text));
    }
    if (conversion->precision >= 0)
        text = text_slice(text, 0, jinja_char_offset(text, (size_t)conversion->precision));
    int padding = conversion->width - (int)jinja_char_count(text_slice(text, 0, 4096));
    if (!conversion->left) buffer_printf(out, "%*s", padding > 0 ? padding : 0, "");
    buffer_append_text(out, text);
    if (conversion->left) buffer_printf(out, "%*s", padding > 0 ? padding : 0, "");
    return OK;
}

static enum status append_conversion(struct percent *p, struct buffer *out)
{
    struct conversion conversion;
    struct value argument;
    if (take_char(p, '%')) {
        buffer_append_char(out, '%');
        return OK;
    }
    TRY(next_argument(p, &argument));
    TRY(read_conversion(p, &conversion));
    if (is_letter_of("sr", conversion.letter)) return append_text(p, out, &conversion, argument);
    if (is_letter_of("diuxXoeEfFgG", conversion.letter))
        return append_number(p, out, &conversion, argument);
    return jinja_fail(p->in, STATUS_UNSUPPORTED, "the conversion %%%c in a format",
                      conversion.letter);
}

enum status jinja_format_percent(struct interpreter *in, struct text format, struct value arguments,
                                 struct value *result)
{
    struct percent p = {.in = in, .format = format, .arguments = arguments};
    struct buffer out;
    buffer_init(&out);
    enum status status = jinja_charge(in, format.length);
    while (status == OK && p.at < format.length) {
        char c = format.data[p.at++];
        if (c == '%')
            status = append_conversion(&p, &out);
        else
            buffer_append_char(&out, c);
        if (status == OK) status = jinja_charge(in, out.length / 64);
    }
    if (status == OK && arguments.kind == VALUE_TUPLE && p.used < arguments.list->count)
        status = jinja_fail(in, STATUS_INVALID, "not all arguments were used by the format");
    if (status == OK && !p.used && arguments.kind != VALUE_TUPLE && arguments.kind != VALUE_DICT &&
        arguments.kind != VALUE_LIST)
        status = jinja_fail(in, STATUS_INVALID, "not all arguments were used by the format");
    if (status == OK) return jinja_take_string(in, &out, result);
    buffer_deinit(&out);
    return status;
}

/* The value of a replacement field: by position, by name, or the next one. */
static enum status field_value(struct interpreter *in, struct text field,
                               const struct arguments *arguments, size_t *next, struct value *value)
{
    size_t index = 0, digits = 0;
    while (digits < field.length && digits < 9 && field.data[digits] >= '0' &&
           field.data[digits] <= '9')
        index = index * 10 + (size_t)(field.data[digits++] - '0');
    if (!field.length || digits == field.length) {
        if (!field.length) index = (*next)++;
        if (index >= arguments->count)
            return jinja_fail(in, STATUS_INVALID, "format() has no argument %zu", index);
        *value = arguments->positional[index];
        return OK;
    }
    for (size_t i = 0; i < arguments->keyword_count; i++) {
        if (!text_equal(arguments->keywords[i].name, field)) continue;
        *value = arguments->keywords[i].value;
        return OK;
    }
    return jinja_fail(in, STATUS_INVALID,
                      "format() has no argument \"%.*s\" (only plain {} {0} "
                      "{name} are supported)",
                      TEXT_FORMAT(field));
}

static enum status append_field(struct interpreter *in, struct text format, size_t *at,
                                const struct arguments *arguments, size_t *next, struct buffer *out)
{
    struct text rest = text_slice(format, *at, format.length);
    size_t end = text_find(rest, TEXT("}"));
    if (end == SIZE_MAX) return jinja_fail(in, STATUS_INVALID, "\"{\" in a format has no \"}\"");
    struct value value;
    struct text text;
    TRY(field_value(in, text_slice(rest, 0, end), arguments, next, &value));
    TRY(jinja_text(in, value, &text));
    buffer_append_text(out, text);
    *at += end + 1;
    return jinja_charge(in, text.length);
}

enum status jinja_format_braces(struct interpreter *in, struct text format,
                                const struct arguments *arguments, struct value *result)
{
    struct buffer out;
    size_t next = 0;
    buffer_init(&out);
    enum status status = jinja_charge(in, format.length);
    for (size_t at = 0; status == OK && at < format.length;) {
        char c = format.data[at++];
        bool doubled = at < format.length && format.data[at] == c;
        if (c != '{' && c != '}') {
            buffer_append_char(&out, c);
        } else if (doubled) {
            buffer_append_char(&out, c);
            at++;
        } else if (c == '{') {
            status = append_field(in, format, &at, arguments, &next, &out);
        } else {
            status = jinja_fail(in, STATUS_INVALID, "a single \"}\" in a format");
        }
    }
    if (status == OK) return jinja_take_string(in, &out, result);
    buffer_deinit(&out);
    return status;
}
