/* arithmetic.c - + - * / // % ** on numbers, strings and lists, with Python's results. Integers
 * have 64 bits; what does not fit is a fault and never wraps. */
#include <math.h>
#include <string.h>

#include "model/template/strings.h"

static const char *const SIGNS[] = {"+", "-", "*", "/", "//", "%", "**"};

static enum status mismatch(struct interpreter *in, enum operation operation, struct value a,
                            struct value b)
{
    return jinja_fail(in, STATUS_INVALID, "%s %s %s is not possible", jinja_type_name(a),
                      SIGNS[operation], jinja_type_name(b));
}

static enum status power(struct interpreter *in, int64_t base, int64_t exponent,
                         struct value *result)
{
    int64_t product = 1;
    bool overflow = false;
    if (exponent < 0) {
        if (!base) return jinja_fail(in, STATUS_INVALID, "0 to a negative power");
        *result = jinja_float(pow((double)base, (double)exponent));
        return OK;
    }
    while (exponent && !overflow) {
        if (exponent & 1) overflow |= __builtin_mul_overflow(product, base, &product);
        exponent >>= 1;
        if (exponent) overflow |= __builtin_mul_overflow(base, base, &base);
    }
    if (overflow) return jinja_fail(in, STATUS_TOO_LARGE, "the integer does not fit into 64 bits");
    *result = jinja_int(product);
    return OK;
}

static enum status on_integers(struct interpreter *in, enum operation operation, int64_t a,
                               int64_t b, struct value *result)
{
    int64_t r = 0;
    bool overflow = false;
    switch (operation) {
    case OPERATION_ADD: overflow = __builtin_add_overflow(a, b, &r); break;
    case OPERATION_SUBTRACT: overflow = __builtin_sub_overflow(a, b, &r); break;
    case OPERATION_MULTIPLY: overflow = __builtin_mul_overflow(a, b, &r); break;
    case OPERATION_POWER: return power(in, a, b, result);
    case OPERATION_DIVIDE: *result = jinja_float((double)a / (double)b); return OK;
    case OPERATION_FLOOR_DIVIDE:
        if (b == -1)
            overflow = __builtin_sub_overflow(0, a, &r);
        else
            r = a / b - (a % b != 0 && (a < 0) != (b < 0));
        break;
    default: /* modulo, with the sign of the divisor */
        r = b == -1 ? 0 : a % b;
        if (r && (r < 0) != (b < 0)) r += b;
    }
    if (overflow) return jinja_fail(in, STATUS_TOO_LARGE, "the integer does not fit into 64 bits");
    *result = jinja_int(r);
    return OK;
}

static enum status on_floats(struct interpreter *in, enum operation operation, double a, double b,
                             struct value *result)
{
    double r;
    switch (operation) {
    case OPERATION_ADD: r = a + b; break;
    case OPERATION_SUBTRACT: r = a - b; break;
    case OPERATION_MULTIPLY: r = a * b; break;
    case OPERATION_DIVIDE: r = a / b; break;
    case OPERATION_POWER:
        if ((a == 0 && b < 0) || (a < 0 && b != floor(b)))
            return jinja_fail(in, STATUS_INVALID, "the power has no real value");
        r = pow(a, b);
        break;
    default:
        r = fmod(a, b);
        if (r != 0 && (r < 0) != (b < 0)) r += b;
        if (r == 0) r = copysign(0, b);
        if (operation == OPERATION_FLOOR_DIVIDE) r = round((a - r) / b);
    }
    *result = jinja_float(r);
    return OK;
}

static enum status on_numbers(struct interpreter *in, enum operation operation, struct value a,
                              struct value b, struct value *result)
{
    bool divides = operation == OPERATION_DIVIDE || operation == OPERATION_FLOOR_DIVIDE ||
                   operation == OPERATION_MODULO;
    if (divides && jinja_to_float(b) == 0)
        return jinja_fail(in, STATUS_INVALID, "division by zero");
    if (jinja_is_integral(a) && jinja_is_integral(b))
        return on_integers(in, operation, jinja_to_int(a), jinja_to_int(b), result);
    return on_floats(in, operation, jinja_to_float(a), jinja_to_float(b), result);
}

static enum status join_strings(struct interpreter *in, struct value left, struct value right,
                                struct value *result)
{
    bool safe = left.safe || right.safe;
    if (safe && !left.safe) TRY(jinja_escape(in, left.string, &left));
    if (safe && !right.safe) TRY(jinja_escape(in, right.string, &right));
    struct text a = left.string, b = right.string;
    TRY(jinja_charge(in, a.length + b.length));
    char *joined = arena_alloc(in->arena, a.length + b.length + 1);
    if (!joined) return jinja_out_of_memory(in);
    if (a.length) memcpy(joined, a.data, a.length);
    if (b.length) memcpy(joined + a.length, b.data, b.length);
    *result = jinja_string((struct text){joined, a.length + b.length});
    result->safe = safe;
    return OK;
}

static enum status join_lists(struct interpreter *in, struct value a, struct value b,
                              struct value *result)
{
    struct value joined;
    TRY(jinja_charge(in, (a.list->count + b.list->count) * sizeof joined));
    TRY(jinja_new_list(in, a.kind, &joined));
    for (size_t i = 0; i < a.list->count; i++) TRY(jinja_list_push(in, joined, a.list->items[i]));
    for (size_t i = 0; i < b.list->count; i++) TRY(jinja_list_push(in, joined, b.list->items[i]));
    *result = joined;
    return OK;
}

/* "ab" * 3 and [1] * 3 */
static enum status repeat(struct interpreter *in, struct value value, int64_t times,
                          struct value *result)
{
    size_t count = times > 0 ? (size_t)times : 0, bytes;
    size_t each =
        value.kind == VALUE_STRING ? value.string.length : value.list->count * sizeof value;
    if (__builtin_mul_overflow(each, count, &bytes)) bytes = SIZE_MAX / 2;
    TRY(jinja_charge(in, bytes));
    if (!each) count = 0;
    if (value.kind == VALUE_STRING) {
        char *text = arena_alloc(in->arena, bytes + 1);
        if (!text) return jinja_out_of_memory(in);
        for (size_t i = 0; i < count; i++) memcpy(text + i * each, value.string.data, each);
        *result = jinja_string((struct text){text, bytes});
        return OK;
    }
    struct value list;
    TRY(jinja_new_list(in, value.kind, &list));
    for (size_t round = 0; round < count; round++)
        for (size_t i = 0; i < value.list->count; i++)
            TRY(jinja_list_push(in, list, value.list->items[i]));
    *result = list;
    return OK;
}

static bool is_sequence(struct value value)
{
    return value.kind == VALUE_STRING || value.kind == VALUE_LIST || value.kind == VALUE_TUPLE;
}

enum status jinja_arithmetic(struct interpreter *in, enum operation operation, struct value a,
                             struct value b, struct value *result)
{
    if (jinja_is_number(a) && jinja_is_number(b)) return on_numbers(in, operation, a, b, result);
    if (operation == OPERATION_ADD && a.kind == b.kind && is_sequence(a))
        return a.kind == VALUE_STRING ? join_strings(in, a, b, result)
                                      : join_lists(in, a, b, result);
    if (operation == OPERATION_MULTIPLY && is_sequence(a) && jinja_is_integral(b))
        return repeat(in, a, jinja_to_int(b), result);
    if (operation == OPERATION_MULTIPLY && is_sequence(b) && jinja_is_integral(a))
        return repeat(in, b, jinja_to_int(a), result);
    if (operation == OPERATION_MODULO && a.kind == VALUE_STRING)
        return jinja_format_percent(in, a.string, b, result);
    return mismatch(in, operation, a, b);
}
