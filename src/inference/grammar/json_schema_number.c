/* json_schema_number.c - numbers within limits, as automata over their digits.
 *
 * Limits are compared in decimal, digit by digit, so that they hold exactly. What is written then
 * has no exponent, at most 15 digits before the point (more when a limit has more) and at most 15
 * behind it. Each condition is a pattern of digits; together they are intersected. */
#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/json_schema_private.h"

enum {
    DECIMAL_DIGITS_MAX = 40,                    /* before the point, and behind it */
    MULTIPLE_MAX = 5000,                        /* remainders that are counted, of one step */
    COUNTED_MAX = REGULAR_STATE_LIMIT * 9 / 10, /* digits times remainders, of all steps */
};

/* ---- decimals ---- */

/* The shortest text that is this double. */
static void print_shortest(double value, char out[40])
{
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(out, 40, "%.*e", precision - 1, value);
        if (strtod(out, NULL) == value) return;
    }
}

bool decimal_of(struct schema_reader *reader, const json_t *number, struct decimal *out)
{
    char text[40], digits[40];
    int count = 0, exponent = 0;
    if (json_is_integer(number))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(number));
    else
        print_shortest(json_real_value(number), text);
    *out = (struct decimal){.negative = text[0] == '-', .whole = TEXT("0")};
    const char *c = text + out->negative;
    int point = -1; /* digits before it */
    for (; isdigit((unsigned char)*c) || *c == '.'; c++) {
        if (*c == '.')
            point = count;
        else
            digits[count++] = *c;
    }
    if (*c == 'e') exponent = atoi(c + 1);
    if (point < 0) point = count;
    point += exponent;
    while (count > 0 && digits[count - 1] == '0') count--;
    int leading = 0;
    while (leading < count && digits[leading] == '0') leading++;
    if (leading == count) {
        out->negative = false;
        return true;
    }
    if (point > DECIMAL_DIGITS_MAX || count - point > DECIMAL_DIGITS_MAX) return false;
    char *plain = arena_alloc(reader->job, 3 * DECIMAL_DIGITS_MAX);
    if (!plain) return false;
    size_t used = 0;
    for (int i = leading; i < point; i++) plain[used++] = i < count ? digits[i] : '0';
    if (used > 0) out->whole = (struct text){plain, used};
    size_t whole = used;
    for (int i = point; i < count; i++) plain[used++] = i < 0 ? '0' : digits[i];
    out->fraction = (struct text){plain + whole, used - whole};
    return true;
}

static int compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
    if (a->whole.length != b->whole.length) return a->whole.length < b->whole.length ? -1 : 1;
    int order = memcmp(a->whole.data, b->whole.data, a->whole.length);
    if (order) return order;
    size_t common =
        a->fraction.length < b->fraction.length ? a->fraction.length : b->fraction.length;
    order = common ? memcmp(a->fraction.data, b->fraction.data, common) : 0;
    if (order) return order;
    return a->fraction.length < b->fraction.length ? -1 : a->fraction.length > b->fraction.length;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

static bool is_zero(const struct decimal *d)
{
    return d->fraction.length == 0 && text_equal(d->whole, TEXT("0"));
}

/* ---- comparisons, as patterns of digits without a sign ---- */

#define ANY_FRACTION "(?:\\.[0-9]+)?"
#define ANY_NUMBER   "(?:0|[1-9][0-9]*)" ANY_FRACTION

static void append_prefix(struct buffer *out, struct text digits, size_t count)
{
    buffer_append_text(out, text_slice(digits, 0, count));
}

/* |x| > |limit|, or >=. */
static void append_above(struct buffer *out, const struct decimal *limit, bool exclusive)
{
    struct text whole = limit->whole, fraction = limit->fraction;
    buffer_printf(out, "(?:[1-9][0-9]{%zu,}" ANY_FRACTION, whole.length);
    for (size_t i = 0; i < whole.length; i++) {
        if (whole.data[i] == '9') continue;
        buffer_append_char(out, '|');
        append_prefix(out, whole, i);
        buffer_printf(out, "[%c-9][0-9]{%zu}" ANY_FRACTION, whole.data[i] + 1,
                      whole.length - i - 1);
    }
    for (size_t i = 0; i < fraction.length; i++) {
        if (fraction.data[i] == '9') continue;
        buffer_printf(out, "|%.*s\\.", TEXT_FORMAT(whole));
        append_prefix(out, fraction, i);
        buffer_printf(out, "[%c-9][0-9]*", fraction.data[i] + 1);
    }
    buffer_printf(out, "|%.*s\\.%.*s", TEXT_FORMAT(whole), TEXT_FORMAT(fraction));
    buffer_append_string(out, exclusive ? "[0-9]*[1-9][0-9]*" : "[0-9]*");
    if (!exclusive && fraction.length == 0) buffer_printf(out, "|%.*s", TEXT_FORMAT(whole));
    buffer_append_char(out, ')');
}

/* |x| < |limit|, or <=. */
static void append_below(struct buffer *out, const struct decimal *limit, bool exclusive)
{
    struct text whole = limit->whole, fraction = limit->fraction;
    buffer_append_string(out, "(?:");
    const char *separator = "";
    if (whole.length > 1) {
        buffer_printf(out, "(?:0|[1-9][0-9]{0,%zu})" ANY_FRACTION, whole.length - 2);
        separator = "|";
    }
    for (size_t i = 0; i < whole.length; i++) {
        char least = i == 0 && whole.length > 1 ? '1' : '0';
        if (whole.data[i] <= least) continue;
        buffer_append_string(out, separator);
        append_prefix(out, whole, i);
        buffer_printf(out, "[%c-%c][0-9]{%zu}" ANY_FRACTION, least, whole.data[i] - 1,
                      whole.length - i - 1);
        separator = "|";
    }
    for (size_t i = 0; i < fraction.length; i++) {
        /* Shorter than the limit's fraction, or smaller in this digit. */
        buffer_printf(out, i == 0 ? "%s%.*s" : "%s%.*s\\.", separator, TEXT_FORMAT(whole));
        append_prefix(out, fraction, i);
        separator = "|";
        if (fraction.data[i] == '0') continue;
        buffer_printf(out, "|%.*s\\.", TEXT_FORMAT(whole));
        append_prefix(out, fraction, i);
        buffer_printf(out, "[0-%c][0-9]*", fraction.data[i] - 1);
    }
    if (!exclusive && fraction.length > 0)
        buffer_printf(out, "%s%.*s\\.%.*s0*", separator, TEXT_FORMAT(whole), TEXT_FORMAT(fraction));
    if (!exclusive && fraction.length == 0)
        buffer_printf(out, "%s%.*s(?:\\.0+)?", separator, TEXT_FORMAT(whole));
    buffer_append_char(out, ')');
}

static enum status pattern_of(struct schema_reader *reader, struct buffer *source,
                              const struct regular **out)
{
    enum status status = buffer_status(source, reader->fault);
    if (status == OK)
        status = schema_pattern(reader, reader->root, "minimum", buffer_text(source), out);
    buffer_deinit(source);
    return status;
}

/* Zero is written without a sign here, so numbers with one are below it. */
static enum status minimum_language(struct schema_reader *reader, const struct limit *limit,
                                    const struct regular **out)
{
    struct buffer source;
    buffer_init(&source);
    buffer_append_string(&source, "^(?:");
    if (limit->at.negative) {
        buffer_append_string(&source, ANY_NUMBER "|-");
        append_below(&source, &limit->at, limit->exclusive);
    } else {
        append_above(&source, &limit->at, limit->exclusive);
    }
    buffer_append_string(&source, ")$");
    return pattern_of(reader, &source, out);
}

static enum status maximum_language(struct schema_reader *reader, const struct limit *limit,
                                    const struct regular **out)
{
    struct buffer source;
    buffer_init(&source);
    buffer_append_string(&source, "^(?:-");
    if (limit->at.negative) {
        append_above(&source, &limit->at, limit->exclusive);
    } else {
        buffer_append_string(&source, ANY_NUMBER);
        if (!is_zero(&limit->at) || !limit->exclusive) {
            buffer_append_char(&source, '|');
            append_below(&source, &limit->at, limit->exclusive);
        }
    }
    buffer_append_string(&source, ")$");
    return pattern_of(reader, &source, out);
}

/* ---- form ---- */

static size_t digits_of(const struct limit *limit)
{
    return limit->is_set ? limit->at.whole.length : 0;
}

/* A number with so many digits before the point and at most 15 in all: doubles tell these apart, so
 * that what is above a limit, or no integer, still is when it is read. */
static void append_form(struct buffer *out, unsigned types, size_t digits, bool negative)
{
    size_t places = digits < NUMBER_DIGITS ? NUMBER_DIGITS - digits : 0;
    bool may_be_whole = (types & TYPE_INTEGER) != 0;
    if (places == 0 && !may_be_whole) return;
    buffer_printf(out, "|%s", negative ? "-" : "");
    if (digits == 1)
        buffer_append_string(out, negative ? "[1-9]" : "[0-9]");
    else
        buffer_printf(out, "[1-9][0-9]{%zu}", digits - 1);
    if (types == TYPE_FRACTION)
        buffer_printf(out, "\\.[0-9]{0,%zu}[1-9]", places - 1);
    else if (types != TYPE_INTEGER && places > 0)
        buffer_printf(out, "(?:\\.[0-9]{1,%zu})?", places);
}

/* How numbers of these types are written, of at most so many digits before the point. Below zero
 * there is no -0, and -0.5 has a form of its own. */
static enum status form_language(struct schema_reader *reader, const struct shape *shape,
                                 size_t most_digits, const struct regular **out)
{
    struct buffer source;
    unsigned types = shape->types & TYPE_NUMBER;
    buffer_init(&source);
    buffer_append_string(&source, types & TYPE_FRACTION ? "^(?:-0\\.[0-9]{0,13}[1-9]" : "^(?:0");
    for (size_t n = 1; n <= most_digits; n++) {
        append_form(&source, types, n, false);
        append_form(&source, types, n, true);
    }
    buffer_append_string(&source, ")$");
    return pattern_of(reader, &source, out);
}

/* ---- multiples ---- */

/* What is needed of `step`: itself without the point, and the digits behind the point. */
static bool scale_step(const struct decimal *step, uint32_t *scaled, size_t *places)
{
    uint64_t value = 0;
    for (size_t i = 0; i < step->whole.length + step->fraction.length; i++) {
        char digit = i < step->whole.length ? step->whole.data[i]
                                            : step->fraction.data[i - step->whole.length];
        value = value * 10 + (uint64_t)(digit - '0');
        if (value > MULTIPLE_MAX) return false;
    }
    *scaled = (uint32_t)value;
    *places = step->fraction.length;
    return true;
}

static void add_edge(struct regular_state *state, int first, int last, uint32_t target)
{
    state->edges[state->edge_count++] =
        (struct regular_edge){(uint32_t)first, (uint32_t)last, target};
}

static uint32_t power_of_ten(size_t exponent, uint32_t modulus)
{
    uint64_t power = 1 % modulus;
    while (exponent-- > 0) power = power * 10 % modulus;
    return (uint32_t)power;
}

/* States: for each number of digits behind the point (none yet; 0 directly behind it; ...; all) the
 * remainders; then zeros for ever; and the sign goes before all. */
static enum status multiples_language(struct schema_reader *reader, uint32_t step, size_t places,
                                      const struct regular **out)
{
    assert(step > 0);
    uint32_t rows = (uint32_t)places + 2, zeros = 1 + rows * step, count = zeros + 1;
    struct regular *language = arena_alloc(reader->job, sizeof *language);
    struct regular_state *states = arena_alloc_array(reader->job, count, sizeof *states);
    struct regular_edge *edges = arena_alloc_array(reader->job, (size_t)count * 12, sizeof *edges);
    if (!language || !states || !edges) return schema_no_memory(reader);
    for (uint32_t i = 0; i < count; i++) states[i].edges = edges + (size_t)i * 12;
    add_edge(&states[0], '-', '-', 1);
    for (int d = '0'; d <= '9'; d++) add_edge(&states[0], d, d, 1 + (uint32_t)(d - '0') % step);
    add_edge(&states[zeros], '0', '0', zeros);
    states[zeros].accepts = true;
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t r = 0; r < step; r++) {
            uint32_t self = 1 + row * step + r;
            size_t seen = row > 0 ? row - 1 : 0;
            bool divides = (uint64_t)r * power_of_ten(places - seen, step) % step == 0;
            states[self].accepts = divides && row != 1;
            if (row == 0) add_edge(&states[self], '.', '.', 1 + step + r);
            if (row == rows - 1) {
                if (divides) add_edge(&states[self], '0', '0', zeros);
                continue;
            }
            for (int d = '0'; d <= '9'; d++)
                add_edge(&states[self], d, d,
                         1 + (row ? row + 1 : 0) * step + (r * 10 + (uint32_t)(d - '0')) % step);
        }
    *language = (struct regular){states, count};
    *out = language;
    return regular_trim(language, reader->job, reader->fault);
}

static enum status multiples_of(struct schema_reader *reader, const json_t *number,
                                const struct regular **out)
{
    struct decimal step;
    uint32_t scaled;
    size_t places;
    if (!decimal_of(reader, number, &step) || !scale_step(&step, &scaled, &places))
        return schema_refuse(reader, number, "", STATUS_UNSUPPORTED,
                             "of a number with these digits is not supported: at most %d, the "
                             "point left out",
                             MULTIPLE_MAX);
    if (places > NUMBER_DIGITS)
        return schema_refuse(reader, number, "", STATUS_UNSUPPORTED,
                             "with this many digits behind the point is not supported");
    return multiples_language(reader, scaled, places, out);
}

/* The remainder of a decimal, its point moved so many places, by whole numbers. */
static uint64_t remainder_of(const struct decimal *number, size_t places, uint64_t modulus)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < number->whole.length + places; i++) {
        size_t behind = i - number->whole.length;
        char digit = i < number->whole.length           ? number->whole.data[i]
                     : behind < number->fraction.length ? number->fraction.data[behind]
                                                        : '0';
        rest = (rest * 10 + (uint64_t)(digit - '0')) % modulus;
    }
    return rest;
}

bool number_is_multiple(struct schema_reader *reader, const json_t *number, const json_t *step)
{
    enum { EXACT_DIGITS = 18 }; /* and one more fit into 64 bits */
    struct decimal value, of;
    struct arena_mark mark = arena_mark(reader->job);
    bool is_exact = decimal_of(reader, number, &value) && decimal_of(reader, step, &of) &&
                    of.whole.length + of.fraction.length <= EXACT_DIGITS;
    bool is_multiple = false;
    if (!is_exact) {
        is_multiple = fmod(json_number_value(number), json_number_value(step)) == 0;
    } else if (value.fraction.length <= of.fraction.length) {
        uint64_t modulus = remainder_of(&of, of.fraction.length, UINT64_MAX);
        is_multiple = modulus > 0 && remainder_of(&value, of.fraction.length, modulus) == 0;
    }
    arena_rewind(reader->job, mark);
    return is_multiple;
}

/* ---- together ---- */

static enum status meet(struct schema_reader *reader, const struct regular **language,
                        const struct regular *with, enum regular_operation operation)
{
    return schema_combine(reader, language, with, operation, reader->root, "multipleOf");
}

/* All the ways to write this number. */
static enum status exclude_number(struct schema_reader *reader, const json_t *number,
                                  const struct regular **language)
{
    struct decimal value;
    struct buffer source;
    const struct regular *ways;
    if (!decimal_of(reader, number, &value)) return OK; /* cannot be written anyway */
    buffer_init(&source);
    buffer_printf(&source, "^%s%.*s", value.negative ? "-" : "", TEXT_FORMAT(value.whole));
    if (value.fraction.length > 0)
        buffer_printf(&source, "\\.%.*s0*$", TEXT_FORMAT(value.fraction));
    else
        buffer_append_string(&source, "(?:\\.0+)?$");
    TRY(pattern_of(reader, &source, &ways));
    return meet(reader, language, ways, REGULAR_FIRST_ONLY);
}

static bool excludes_numbers(const struct shape *shape)
{
    for (const struct listed *value = shape->excluded; value; value = value->next)
        if (json_is_number(value->json)) return true;
    return false;
}

/* What is no multiple of 2 is none of 4 either. */
static bool follows_from_another(struct schema_reader *reader, const struct shape *shape,
                                 const struct listed *step)
{
    bool is_later = false;
    for (const struct listed *other = shape->multiples; other; other = other->next) {
        if (other == step) is_later = true;
        if (other == step || !other->negated || !step->negated) continue;
        bool is_equal = json_values_equal(other->json, step->json);
        if (is_equal ? is_later : number_is_multiple(reader, step->json, other->json)) return true;
    }
    return false;
}

/* A multiple of 4 that is none of 2. */
static bool steps_exclude_all(struct schema_reader *reader, const struct shape *shape)
{
    for (const struct listed *step = shape->multiples; step; step = step->next)
        for (const struct listed *other = shape->multiples; other; other = other->next)
            if (!step->negated && other->negated &&
                number_is_multiple(reader, step->json, other->json))
                return true;
    return false;
}

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
    uint64_t divisor = a, rest = b;
    while (rest > 0) {
        uint64_t next = divisor % rest;
        divisor = rest;
        rest = next;
    }
    uint64_t multiple = a / divisor * b;
    return multiple < COUNTED_MAX ? multiple : COUNTED_MAX;
}

/* How many digits before the point an automaton can take that knows the remainder of each step. */
static size_t countable_digits(struct schema_reader *reader, const struct shape *shape)
{
    uint64_t remainders = 1, power = 1, states = 0;
    size_t places = 0, digits = 0;
    for (const struct listed *step = shape->multiples; step; step = step->next) {
        struct decimal decimal;
        uint32_t scaled;
        size_t behind;
        if (follows_from_another(reader, shape, step)) continue;
        if (!decimal_of(reader, step->json, &decimal) || !scale_step(&decimal, &scaled, &behind))
            continue; /* refused when it is written */
        remainders = common_multiple(remainders, scaled);
        if ((shape->types & TYPE_FRACTION) && behind > places) places = behind;
    }
    for (; digits < NUMBER_DIGITS; digits++) {
        power *= 10;
        states += (power < remainders ? power : remainders) * (1 + places);
        if (states > COUNTED_MAX) break;
    }
    return digits > 0 ? digits : 1;
}

/* At most so many digits before the point are written; *narrowed where larger numbers than these
 * could satisfy the shape too. */
static size_t most_digits(struct schema_reader *reader, const struct shape *shape, bool *narrowed)
{
    const struct limit *least = &shape->minimum, *most = &shape->maximum;
    size_t digits = NUMBER_DIGITS, needed = countable_digits(reader, shape);
    if (digits_of(least) > digits) digits = digits_of(least);
    if (digits_of(most) > digits) digits = digits_of(most);
    if (least->is_set && !least->at.negative && digits_of(least) > needed)
        needed = digits_of(least);
    if (most->is_set && most->at.negative && digits_of(most) > needed) needed = digits_of(most);
    *narrowed = needed < NUMBER_DIGITS;
    return *narrowed ? needed : digits;
}

static enum status meet_multiples(struct schema_reader *reader, const struct shape *shape,
                                  const struct regular **language)
{
    for (const struct listed *step = shape->multiples; step; step = step->next) {
        const struct regular *multiples = NULL;
        if (follows_from_another(reader, shape, step)) continue;
        TRY(multiples_of(reader, step->json, &multiples));
        TRY(schema_combine(reader, language, multiples,
                           step->negated ? REGULAR_FIRST_ONLY : REGULAR_BOTH, step->json, ""));
    }
    return OK;
}

enum status shape_write_number(struct schema_reader *reader, const struct shape *shape,
                               struct written *out)
{
    unsigned types = shape->types & TYPE_NUMBER;
    bool is_free = !shape->minimum.is_set && !shape->maximum.is_set && !shape->multiples &&
                   !shape->number_classes && !excludes_numbers(shape);
    if (is_free && types != TYPE_FRACTION) {
        out->part = types == TYPE_INTEGER ? reader->common.integer : reader->common.number;
        return OK;
    }
    out->is_nothing = steps_exclude_all(reader, shape);
    if (out->is_nothing) return OK;
    const struct regular *language, *condition = NULL;
    bool narrowed;
    size_t digits = most_digits(reader, shape, &narrowed);
    TRY(form_language(reader, shape, digits, &language));
    if (shape->minimum.is_set) {
        TRY(minimum_language(reader, &shape->minimum, &condition));
        TRY(meet(reader, &language, condition, REGULAR_BOTH));
    }
    if (shape->maximum.is_set) {
        TRY(maximum_language(reader, &shape->maximum, &condition));
        TRY(meet(reader, &language, condition, REGULAR_BOTH));
    }
    TRY(meet_multiples(reader, shape, &language));
    for (const struct listed *class = shape->number_classes; class; class = class->next) {
        TRY(class_number_language(reader, class->term.value_class, &condition));
        TRY(meet(reader, &language, condition, REGULAR_BOTH));
    }
    for (const struct listed *value = shape->excluded; value; value = value->next)
        if (json_is_number(value->json)) TRY(exclude_number(reader, value->json, &language));
    out->is_nothing = regular_is_empty(language);
    if (out->is_nothing && narrowed)
        return schema_refuse(reader, shape->multiples->json, "", STATUS_UNSUPPORTED,
                             "together with the others: told only for numbers of up to %zu digits, "
                             "none of which satisfies the schema",
                             digits);
    if (out->is_nothing) return OK;
    struct regular *small;
    TRY(regular_minimise(&small, language, reader->job, reader->fault));
    return schema_write_regular(reader, small, false, &out->part);
}
