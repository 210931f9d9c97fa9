/* filters_value.c - filters on one value: text, numbers, defaults, JSON. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/template/filters.h"
#include "model/template/unicode.h"

static enum status recase(struct interpreter *in, const struct call *call, enum recase recase,
                          struct value *result)
{
    struct text text;
    TRY(jinja_text(in, call->subject, &text));
    return jinja_recase(in, text, recase, result);
}

FILTER(filter_upper)
{
    return recase(in, call, RECASE_UPPER, result);
}

FILTER(filter_lower)
{
    return recase(in, call, RECASE_LOWER, result);
}

FILTER(filter_title)
{
    return recase(in, call, RECASE_TITLE_PARTS, result);
}

FILTER(filter_capitalize)
{
    return recase(in, call, RECASE_CAPITALIZE, result);
}

FILTER(filter_string)
{
    struct text text;
    TRY(jinja_text(in, call->subject, &text));
    *result = jinja_string(text);
    result->safe = call->subject.safe;
    return OK;
}

FILTER(filter_trim)
{
    struct text text, chars = {0};
    TRY(jinja_text(in, call->subject, &text));
    if (jinja_given(call->argument[0]) && call->argument[0].kind != VALUE_NONE) {
        TRY(jinja_text(in, call->argument[0], &chars));
        if (!chars.data) chars.data = "";
    }
    if (chars.length > 256)
        return jinja_fail(in, STATUS_TOO_LARGE, "trims more than 256 different characters");
    TRY(jinja_charge(in, text.length + chars.length));
    *result = jinja_string(jinja_strip(text, chars, true, true));
    result->safe = call->subject.safe;
    return OK;
}

FILTER(filter_replace)
{
    struct text text, old, fresh;
    struct value count = call->argument[2];
    int64_t most;
    TRY(jinja_text(in, call->subject, &text));
    TRY(jinja_text(in, call->argument[0], &old));
    TRY(jinja_text(in, call->argument[1], &fresh));
    if (count.kind == VALUE_NONE) count = (struct value){0};
    TRY(jinja_int_argument(in, count, -1, &most));
    return jinja_replace(in, text, old, fresh, most, result);
}

/* What is safe already is not escaped again. */
FILTER(filter_escape)
{
    struct text text;
    *result = call->subject;
    if (call->subject.safe) return OK;
    TRY(jinja_text(in, call->subject, &text));
    return jinja_escape(in, text, result);
}

FILTER(filter_forceescape)
{
    struct text text;
    TRY(jinja_text(in, call->subject, &text));
    return jinja_escape(in, text, result);
}

FILTER(filter_safe)
{
    struct text text;
    TRY(jinja_text(in, call->subject, &text));
    *result = jinja_safe_string(text);
    return OK;
}

/* Every line but the first (and, unless `blank`, the empty ones) moves to the right. */
FILTER(filter_indent)
{
    struct value width = call->argument[0], lines;
    bool first = jinja_bool_argument(call->argument[1]);
    bool blank = jinja_bool_argument(call->argument[2]);
    struct text text, indent;
    int64_t spaces = 0;
    TRY(jinja_text(in, call->subject, &text));
    if (width.kind != VALUE_STRING) {
        TRY(jinja_int_argument(in, width, 4, &spaces));
        TRY(jinja_arithmetic(in, OPERATION_MULTIPLY, jinja_string(TEXT(" ")), jinja_int(spaces),
                             &width));
    }
    indent = width.string;
    TRY(jinja_split_lines(in, text, false, &lines));
    /* Jinja splits the text plus one newline, so that a newline at the end is kept. */
    bool ends_line = text.length && lines.list->count &&
                     lines.list->items[lines.list->count - 1].string.data +
                             lines.list->items[lines.list->count - 1].string.length !=
                         text.data + text.length;
    if (ends_line || !text.length) TRY(jinja_list_push(in, lines, jinja_string(TEXT(""))));
    TRY(jinja_charge(in, text.length + indent.length * lines.list->count));
    struct buffer out;
    buffer_init(&out);
    for (size_t i = 0; i < lines.list->count; i++) {
        struct text line = lines.list->items[i].string;
        if (i) buffer_append_char(&out, '\n');
        if (i ? blank || line.length : first) buffer_append_text(&out, indent);
        buffer_append_text(&out, line);
    }
    return jinja_take_string(in, &out, result);
}

FILTER(filter_format)
{
    struct text format;
    struct value arguments;
    TRY(jinja_text(in, call->subject, &format));
    if (call->given->count && call->given->keyword_count)
        return jinja_fail(in, STATUS_INVALID, "format takes either positional or named arguments");
    if (call->given->keyword_count) {
        arguments = jinja_dict_new(in->arena, VALUE_DICT, call->given->keyword_count);
        if (!arguments.kind) return jinja_out_of_memory(in);
        for (size_t i = 0; i < call->given->keyword_count; i++)
            if (!jinja_dict_add(in->arena, arguments.dict,
                                jinja_string(call->given->keywords[i].name),
                                call->given->keywords[i].value))
                return jinja_out_of_memory(in);
    } else {
        TRY(jinja_new_list(in, VALUE_TUPLE, &arguments));
        for (size_t i = 0; i < call->given->count; i++)
            TRY(jinja_list_push(in, arguments, call->given->positional[i]));
    }
    return jinja_format_percent(in, format, arguments, result);
}

FILTER(filter_default)
{
    bool replaces = call->subject.kind == VALUE_UNDEFINED ||
                    (jinja_bool_argument(call->argument[1]) && !jinja_truth(call->subject));
    *result = call->subject;
    if (replaces)
        *result = jinja_given(call->argument[0]) ? call->argument[0] : jinja_string(TEXT(""));
    return OK;
}

FILTER(filter_abs)
{
    *result = call->subject;
    if (!jinja_is_number(call->subject))
        return jinja_fail(in, STATUS_INVALID, "abs needs a number, not %s",
                          jinja_type_name(call->subject));
    if (result->kind == VALUE_FLOAT)
        result->real = fabs(result->real);
    else if (jinja_to_int(*result) < 0)
        return jinja_arithmetic(in, OPERATION_SUBTRACT, jinja_int(0), *result, result);
    else
        *result = jinja_int(jinja_to_int(*result));
    return OK;
}

/* A number's text without white space around it and single underscores inside; false: too long or
 * misplaced underscores. */
static bool plain_number(struct text text, char plain[64])
{
    text = jinja_strip(text, (struct text){0}, true, true);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool inner = i > 0 && i + 1 < text.length && text.data[i - 1] != '_';
        if (c == '_' && inner) continue;
        if (c == '_' || c == '\0' || jinja_is_space((unsigned char)c) || length == 63) return false;
        plain[length++] = c;
    }
    plain[length] = '\0';
    return length > 0;
}

static bool parse_float(struct text text, double *real)
{
    char plain[64], *end;
    if (!plain_number(text, plain) || strpbrk(plain, "xX(")) return false;
    *real = strtod(plain, &end);
    return *end == '\0';
}

static bool parse_int(struct text text, int base, int64_t *integer)
{
    char plain[64], *end;
    if (!plain_number(text, plain)) return false;
    const char *digits = plain + (plain[0] == '-' || plain[0] == '+');
    char kind = digits[0] == '0' ? (char)(digits[1] | 0x20) : '\0';
    bool prefixed =
        (base == 16 && kind == 'x') || (base == 2 && kind == 'b') || (base == 8 && kind == 'o');
    if (prefixed) memmove(plain + (digits - plain), digits + 2, strlen(digits + 2) + 1);
    if (*digits == '-' || *digits == '+') return false;
    errno = 0;
    *integer = strtoll(plain, &end, base);
    return !errno && end != plain && *end == '\0';
}

static bool whole_of(double real, int64_t *integer)
{
    if (!(real > -9.2e18 && real < 9.2e18)) return false;
    *integer = (int64_t)real;
    return true;
}

FILTER(filter_int)
{
    int64_t integer, base;
    double real;
    TRY(jinja_int_argument(in, call->argument[1], 10, &base));
    if (base < 2 || base > 36) return jinja_fail(in, STATUS_INVALID, "the base must be 2 to 36");
    struct value subject = call->subject;
    bool known = false;
    if (jinja_is_integral(subject)) {
        integer = jinja_to_int(subject);
        known = true;
    } else if (subject.kind == VALUE_FLOAT) {
        known = whole_of(subject.real, &integer);
    } else if (subject.kind == VALUE_STRING) {
        known = parse_int(subject.string, (int)base, &integer) ||
                (parse_float(subject.string, &real) && whole_of(real, &integer));
    } else if (subject.kind == VALUE_UNDEFINED) {
        return jinja_fail(in, STATUS_INVALID, "\"%.*s\" is undefined", TEXT_FORMAT(subject.string));
    }
    *result = known                            ? jinja_int(integer)
              : jinja_given(call->argument[0]) ? call->argument[0]
                                               : jinja_int(0);
    return OK;
}

FILTER(filter_float)
{
    double real = 0;
    struct value subject = call->subject;
    if (subject.kind == VALUE_UNDEFINED)
        return jinja_fail(in, STATUS_INVALID, "\"%.*s\" is undefined", TEXT_FORMAT(subject.string));
    bool known = jinja_is_number(subject) ||
                 (subject.kind == VALUE_STRING && parse_float(subject.string, &real));
    if (jinja_is_number(subject)) real = jinja_to_float(subject);
    *result = known                            ? jinja_float(real)
              : jinja_given(call->argument[0]) ? call->argument[0]
                                               : jinja_float(0);
    return OK;
}

/* Half to even on the exact value, as Python's round(). */
static double round_to(double real, int precision)
{
    char text[400];
    if (precision < 0) return nearbyint(real / pow(10, -precision)) * pow(10, -precision);
    snprintf(text, sizeof text, "%.*f", precision, real);
    return strtod(text, NULL);
}

FILTER(filter_round)
{
    struct value method = call->argument[1];
    int64_t precision;
    TRY(jinja_int_argument(in, call->argument[0], 0, &precision));
    if (!jinja_is_number(call->subject))
        return jinja_fail(in, STATUS_INVALID, "round needs a number, not %s",
                          jinja_type_name(call->subject));
    if (precision < -15 || precision > 15)
        return jinja_fail(in, STATUS_UNSUPPORTED, "round beyond 15 digits");
    double real = jinja_to_float(call->subject), scale = pow(10, (double)precision);
    if (!jinja_given(method) || jinja_equal(method, jinja_string(TEXT("common")))) {
        bool whole = jinja_is_integral(call->subject);
        *result = whole && precision >= 0 ? jinja_int(jinja_to_int(call->subject))
                  : whole                 ? jinja_int((int64_t)round_to(real, (int)precision))
                                          : jinja_float(round_to(real, (int)precision));
    } else if (jinja_equal(method, jinja_string(TEXT("ceil")))) {
        *result = jinja_float(ceil(real * scale) / scale);
    } else if (jinja_equal(method, jinja_string(TEXT("floor")))) {
        *result = jinja_float(floor(real * scale) / scale);
    } else {
        return jinja_fail(in, STATUS_INVALID, "the method must be common, ceil or floor");
    }
    return OK;
}

static enum status json_indent(struct interpreter *in, struct value argument,
                               struct json_style *style)
{
    static const char spaces[] = "                ";
    if (!jinja_given(argument) || argument.kind == VALUE_NONE) return OK;
    style->indented = true;
    if (argument.kind == VALUE_STRING) {
        style->indent = argument.string;
        return OK;
    }
    int64_t width;
    TRY(jinja_int_argument(in, argument, 0, &width));
    if (width > (int64_t)sizeof spaces - 1)
        return jinja_fail(in, STATUS_UNSUPPORTED, "tojson with an indent of more than %zu",
                          sizeof spaces - 1);
    style->indent = (struct text){spaces, width > 0 ? (size_t)width : 0};
    return OK;
}

static enum status json_separators(struct interpreter *in, struct value argument,
                                   struct json_style *style)
{
    if (!jinja_given(argument) || argument.kind == VALUE_NONE) return OK;
    bool pair = (argument.kind == VALUE_TUPLE || argument.kind == VALUE_LIST) &&
                argument.list->count == 2 && jinja_is_string(argument.list->items[0]) &&
                jinja_is_string(argument.list->items[1]);
    if (!pair) return jinja_fail(in, STATUS_INVALID, "separators must be two strings");
    style->item_separator = argument.list->items[0].string;
    style->key_separator = argument.list->items[1].string;
    if (!style->item_separator.data) style->item_separator.data = "";
    if (!style->key_separator.data) style->key_separator.data = "";
    return OK;
}

/* As transformers defines it: json.dumps() with ensure_ascii off, and no HTML escapes. */
FILTER(filter_tojson)
{
    struct json_style style = {.ascii = jinja_bool_argument(call->argument[0]),
                               .sort_keys = jinja_bool_argument(call->argument[3])};
    struct value culprit;
    TRY(json_indent(in, call->argument[1], &style));
    TRY(json_separators(in, call->argument[2], &style));
    size_t each =
        1 + style.indent.length + style.item_separator.length + style.key_separator.length;
    size_t bytes;
    if (__builtin_mul_overflow(jinja_weight(call->subject), each, &bytes)) bytes = SIZE_MAX / 2;
    TRY(jinja_charge(in, bytes));
    struct buffer out;
    buffer_init(&out);
    if (jinja_append_json(&out, call->subject, &style, &culprit))
        return jinja_take_string(in, &out, result);
    bool failed = out.failed;
    buffer_deinit(&out);
    if (failed) return jinja_out_of_memory(in);
    if (jinja_is_list(culprit) || culprit.kind == VALUE_DICT)
        return jinja_fail(in, STATUS_INVALID, "tojson: nested too deeply, or a generator");
    return jinja_fail(in, STATUS_INVALID, "%s%s%.*s%s cannot become JSON", jinja_type_name(culprit),
                      culprit.kind == VALUE_UNDEFINED ? " (\"" : "",
                      culprit.kind == VALUE_UNDEFINED ? (int)culprit.string.length : 0,
                      culprit.string.data, culprit.kind == VALUE_UNDEFINED ? "\")" : "");
}

static const struct builtin FILTERS[] = {
    {"abs", "", filter_abs},
    {"capitalize", "", filter_capitalize},
    {"d", "default_value? boolean?", filter_default},
    {"default", "default_value? boolean?", filter_default},
    {"e", "", filter_escape},
    {"escape", "", filter_escape},
    {"float", "default?", filter_float},
    {"forceescape", "", filter_forceescape},
    {"format", "*", filter_format},
    {"indent", "width? first? blank?", filter_indent},
    {"int", "default? base?", filter_int},
    {"lower", "", filter_lower},
    {"replace", "old new count?", filter_replace},
    {"round", "precision? method?", filter_round},
    {"safe", "", filter_safe},
    {"string", "", filter_string},
    {"title", "", filter_title},
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", filter_tojson},
    {"trim", "chars?", filter_trim},
    {"upper", "", filter_upper},
};

const struct builtin *jinja_value_filter_find(struct text name)
{
    return jinja_builtin_find(FILTERS, ARRAY_COUNT(FILTERS), name);
}

const struct builtin *jinja_filter_find(struct text name)
{
    const struct builtin *filter = jinja_value_filter_find(name);
    return filter ? filter : jinja_sequence_filter_find(name);
}
