/* functions.c - the global functions: range, namespace, dict, raise_exception, strftime_now. */
#include <time.h>

#include "model/template/interpreter.h"

#define FUNCTION(name) \
    static enum status name(struct interpreter *in, const struct call *call, struct value *result)

/* range(stop), range(start, stop), range(start, stop, step) */
FUNCTION(function_range)
{
    enum { RANGE_MAX = 100000 }; /* the bound of Jinja's sandbox */
    int64_t start = 0, stop, step = 1;
    bool one = !jinja_given(call->argument[1]);
    TRY(jinja_int_argument(in, call->argument[one ? 0 : 1], 0, &stop));
    if (!one) TRY(jinja_int_argument(in, call->argument[0], 0, &start));
    TRY(jinja_int_argument(in, call->argument[2], 1, &step));
    if (step == 0) return jinja_fail(in, STATUS_INVALID, "the step of range cannot be 0");
    TRY(jinja_new_list(in, VALUE_LIST, result));
    for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
        if (result->list->count == RANGE_MAX)
            return jinja_fail(in, STATUS_TOO_LARGE, "a range of more than %d", RANGE_MAX);
        TRY(jinja_list_push(in, *result, jinja_int(i)));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return jinja_charge(in, result->list->count * 16);
}

/* dict(a=1), dict(other, a=1), dict([(key, value), ...]) */
static enum status new_dict(struct interpreter *in, const struct arguments *given,
                            enum value_kind kind, struct value *result)
{
    *result = jinja_dict_new(in->arena, kind, given->keyword_count);
    if (!result->kind) return jinja_out_of_memory(in);
    if (given->count > 1) return jinja_fail(in, STATUS_INVALID, "takes at most one dict");
    const struct value *first = given->count ? given->positional : NULL;
    const struct list *pairs = NULL;
    if (first && first->kind == VALUE_DICT) {
        for (size_t i = 0; i < first->dict->count; i++)
            if (!jinja_dict_add(in->arena, result->dict, first->dict->entries[i].key,
                                first->dict->entries[i].value))
                return jinja_out_of_memory(in);
    } else if (first) {
        TRY(jinja_items(in, *first, &pairs));
    }
    for (size_t i = 0; pairs && i < pairs->count; i++) {
        const struct list *pair;
        TRY(jinja_items(in, pairs->items[i], &pair));
        TRY(jinja_charge(in, result->dict->count * 16));
        if (pair->count != 2 || !jinja_is_hashable(pair->items[0]))
            return jinja_fail(in, STATUS_INVALID, "item %zu is no pair of a key and a value", i);
        if (!jinja_dict_put(in->arena, result->dict, pair->items[0], pair->items[1]))
            return jinja_out_of_memory(in);
    }
    for (size_t i = 0; i < given->keyword_count; i++) {
        TRY(jinja_charge(in, result->dict->count * 16));
        if (!jinja_dict_put(in->arena, result->dict, jinja_string(given->keywords[i].name),
                            given->keywords[i].value))
            return jinja_out_of_memory(in);
    }
    return OK;
}

FUNCTION(function_dict)
{
    return new_dict(in, call->given, VALUE_DICT, result);
}

FUNCTION(function_namespace)
{
    return new_dict(in, call->given, VALUE_NAMESPACE, result);
}

/* The template's own words go to the caller: they say what it does not accept. */
FUNCTION(function_raise_exception)
{
    struct text words;
    TRY(jinja_text(in, call->argument[0], &words));
    return jinja_fail(in, STATUS_INVALID, "%.*s", TEXT_FORMAT(words));
}

FUNCTION(function_strftime_now)
{
    struct value format = call->argument[0];
    if (format.kind != VALUE_STRING || format.string.length > 200 ||
        text_find(format.string, (struct text){"", 1}) != SIZE_MAX)
        return jinja_fail(in, STATUS_INVALID,
                          "strftime_now needs a format of at most 200 bytes, none of them NUL");
    time_t now = (time_t)in->now_unix;
    struct tm parts;
    if (!gmtime_r(&now, &parts)) return jinja_fail(in, STATUS_INVALID, "no such time");
    char pattern[208], text[4096] = "";
    /* A leading character tells an empty result from one that did not fit. */
    snprintf(pattern, sizeof pattern, "=%.*s", TEXT_FORMAT(format.string));
    size_t length = strftime(text, sizeof text, pattern, &parts);
    if (!length) return jinja_fail(in, STATUS_TOO_LARGE, "strftime_now gives more than 4 kB");
    struct buffer out;
    buffer_init(&out);
    buffer_append_utf8_lossy(&out, (struct text){text + 1, length - 1});
    return jinja_take_string(in, &out, result);
}

static const struct builtin FUNCTIONS[] = {
    {"dict", "*", function_dict},
    {"namespace", "*", function_namespace},
    {"raise_exception", "message", function_raise_exception},
    {"range", "start stop? step?", function_range},
    {"strftime_now", "format", function_strftime_now},
};

const struct builtin *jinja_function_find(struct text name)
{
    return jinja_builtin_find(FUNCTIONS, ARRAY_COUNT(FUNCTIONS), name);
}
