/* tests.c - what may stand behind `is`: defined, string, mapping, divisibleby(3), ... */
#include <string.h>

#include "model/template/interpreter.h"
#include "model/template/unicode.h"

#define TEST(name) \
    static enum status name(struct interpreter *in, const struct call *call, struct value *result)

static enum status answer(struct value *result, bool holds)
{
    *result = jinja_bool(holds);
    return OK;
}

TEST(is_defined)
{
    return answer(result, call->subject.kind != VALUE_UNDEFINED);
}

TEST(is_undefined)
{
    return answer(result, call->subject.kind == VALUE_UNDEFINED);
}

TEST(is_none)
{
    return answer(result, call->subject.kind == VALUE_NONE);
}

TEST(is_boolean)
{
    return answer(result, call->subject.kind == VALUE_BOOL);
}

TEST(is_true)
{
    return answer(result, call->subject.kind == VALUE_BOOL && call->subject.boolean);
}

TEST(is_false)
{
    return answer(result, call->subject.kind == VALUE_BOOL && !call->subject.boolean);
}

TEST(is_integer)
{
    return answer(result, call->subject.kind == VALUE_INT);
}

TEST(is_float)
{
    return answer(result, call->subject.kind == VALUE_FLOAT);
}

/* A bool is a number in Python. */
TEST(is_number)
{
    return answer(result, jinja_is_number(call->subject));
}

TEST(is_string)
{
    return answer(result, call->subject.kind == VALUE_STRING);
}

TEST(is_mapping)
{
    return answer(result, call->subject.kind == VALUE_DICT);
}

/* Has a length and items by index or key; even the undefined value has. */
TEST(is_sequence)
{
    enum value_kind kind = call->subject.kind;
    return answer(result, kind == VALUE_LIST || kind == VALUE_TUPLE || kind == VALUE_STRING ||
                              kind == VALUE_DICT || kind == VALUE_UNDEFINED);
}

TEST(is_iterable)
{
    enum value_kind kind = call->subject.kind;
    return answer(result, jinja_is_list(call->subject) || kind == VALUE_STRING ||
                              kind == VALUE_DICT || kind == VALUE_UNDEFINED || kind == VALUE_LOOP);
}

/* The undefined value can be called too: what fails is the call. */
TEST(is_callable)
{
    enum value_kind kind = call->subject.kind;
    return answer(result, kind == VALUE_FUNCTION || kind == VALUE_METHOD || kind == VALUE_MACRO ||
                              kind == VALUE_LOOP || kind == VALUE_UNDEFINED);
}

static enum status remainder_is(struct interpreter *in, struct value a, struct value b,
                                int64_t wanted, struct value *result)
{
    struct value remainder;
    TRY(jinja_arithmetic(in, OPERATION_MODULO, a, b, &remainder));
    return answer(result, jinja_equal(remainder, jinja_int(wanted)));
}

TEST(is_even)
{
    return remainder_is(in, call->subject, jinja_int(2), 0, result);
}

TEST(is_odd)
{
    return remainder_is(in, call->subject, jinja_int(2), 1, result);
}

TEST(is_divisible)
{
    return remainder_is(in, call->subject, call->argument[0], 0, result);
}

/* Every cased letter in the one case, and at least one of them. */
static enum status in_case(struct interpreter *in, struct value value, enum letter_case wanted,
                           struct value *result)
{
    struct text text;
    TRY(jinja_text(in, value, &text));
    TRY(jinja_charge(in, text.length * 4));
    return answer(result, jinja_all_in_case(text, wanted));
}

TEST(is_lower)
{
    return in_case(in, call->subject, CASE_LOWER, result);
}

TEST(is_upper)
{
    return in_case(in, call->subject, CASE_UPPER, result);
}

TEST(is_in)
{
    bool contains;
    TRY(jinja_contains(in, call->argument[0], call->subject, &contains));
    return answer(result, contains);
}

TEST(is_equal)
{
    TRY(jinja_charge(in, jinja_weight(call->subject)));
    return answer(result, jinja_equal(call->subject, call->argument[0]));
}

TEST(is_not_equal)
{
    TRY(jinja_charge(in, jinja_weight(call->subject)));
    return answer(result, !jinja_equal(call->subject, call->argument[0]));
}

/* The same object: for a list or a dict its identity, else equal and of the same type. */
TEST(is_same)
{
    struct value a = call->subject, b = call->argument[0];
    if (a.kind != b.kind) return answer(result, false);
    if (jinja_is_list(a)) return answer(result, a.list == b.list);
    if (a.kind == VALUE_DICT) return answer(result, a.dict == b.dict);
    return answer(result, jinja_equal(a, b));
}

static enum status order_of(struct interpreter *in, const struct call *call, int *order)
{
    TRY(jinja_charge(in, jinja_weight(call->subject)));
    if (jinja_compare(call->subject, call->argument[0], order)) return OK;
    return jinja_fail(in, STATUS_INVALID, "%s and %s have no order", jinja_type_name(call->subject),
                      jinja_type_name(call->argument[0]));
}

TEST(is_less)
{
    int order;
    TRY(order_of(in, call, &order));
    return answer(result, order < 0);
}

TEST(is_at_most)
{
    int order;
    TRY(order_of(in, call, &order));
    return answer(result, order <= 0);
}

TEST(is_greater)
{
    int order;
    TRY(order_of(in, call, &order));
    return answer(result, order > 0);
}

TEST(is_at_least)
{
    int order;
    TRY(order_of(in, call, &order));
    return answer(result, order >= 0);
}

static const struct builtin TESTS[] = {
    {"boolean", "", is_boolean},
    {"callable", "", is_callable},
    {"defined", "", is_defined},
    {"divisibleby", "num", is_divisible},
    {"eq", "other", is_equal},
    {"equalto", "other", is_equal},
    {"even", "", is_even},
    {"false", "", is_false},
    {"float", "", is_float},
    {"ge", "other", is_at_least},
    {"greaterthan", "other", is_greater},
    {"gt", "other", is_greater},
    {"in", "seq", is_in},
    {"integer", "", is_integer},
    {"iterable", "", is_iterable},
    {"le", "other", is_at_most},
    {"lessthan", "other", is_less},
    {"lower", "", is_lower},
    {"lt", "other", is_less},
    {"mapping", "", is_mapping},
    {"ne", "other", is_not_equal},
    {"none", "", is_none},
    {"number", "", is_number},
    {"odd", "", is_odd},
    {"sameas", "other", is_same},
    {"sequence", "", is_sequence},
    {"string", "", is_string},
    {"true", "", is_true},
    {"undefined", "", is_undefined},
    {"upper", "", is_upper},
    /* Names that only select() and its like can use: select('>', 3). */
    {"==", "other", is_equal},
    {"!=", "other", is_not_equal},
    {"<", "other", is_less},
    {"<=", "other", is_at_most},
    {">", "other", is_greater},
    {">=", "other", is_at_least},
};

const struct builtin *jinja_test_find(struct text name)
{
    return jinja_builtin_find(TESTS, ARRAY_COUNT(TESTS), name);
}
