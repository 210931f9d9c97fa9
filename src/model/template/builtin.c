/* builtin.c - finds a builtin by name and matches the arguments of a call with its signature. */
#include "model/template/builtin.h"

#include <string.h>

#include "model/template/interpreter.h"

const struct builtin *jinja_builtin_find(const struct builtin *table, size_t count,
                                         struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(name, text_of(table[i].name))) return &table[i];
    return NULL;
}

/* The next name of a signature, and whether a ? follows it. */
static struct text next_parameter(const char **signature, bool *optional)
{
    const char *begin = *signature + strspn(*signature, " ");
    size_t length = strcspn(begin, " ");
    *signature = begin + length;
    *optional = length && begin[length - 1] == '?';
    return (struct text){begin, length - *optional};
}

static size_t parameter_count(const char *signature)
{
    size_t count = 0;
    bool optional;
    while (next_parameter(&signature, &optional).length) count++;
    return count;
}

static bool has_parameter(const char *signature, struct text name)
{
    struct text parameter;
    bool optional;
    while ((parameter = next_parameter(&signature, &optional)).length)
        if (text_equal(parameter, name)) return true;
    return false;
}

enum status jinja_bind(struct interpreter *in, const char *callee, const char *signature,
                       const struct arguments *arguments, struct value *bound)
{
    size_t count = parameter_count(signature);
    if (arguments->count > count)
        return jinja_fail(in, STATUS_INVALID, "%s takes at most %zu arguments, not %zu", callee,
                          count, arguments->count);
    for (size_t i = 0; i < arguments->keyword_count; i++)
        if (!has_parameter(signature, arguments->keywords[i].name))
            return jinja_fail(in, STATUS_INVALID, "%s has no parameter \"%.*s\"", callee,
                              TEXT_FORMAT(arguments->keywords[i].name));
    const char *rest = signature;
    for (size_t i = 0; i < count; i++) {
        bool optional;
        struct text name = next_parameter(&rest, &optional);
        bound[i] = i < arguments->count ? arguments->positional[i] : (struct value){0};
        for (size_t k = 0; k < arguments->keyword_count; k++) {
            if (!text_equal(arguments->keywords[k].name, name)) continue;
            if (jinja_given(bound[i]))
                return jinja_fail(in, STATUS_INVALID, "%s got \"%.*s\" twice", callee,
                                  TEXT_FORMAT(name));
            bound[i] = arguments->keywords[k].value;
        }
        if (!jinja_given(bound[i]) && !optional)
            return jinja_fail(in, STATUS_INVALID, "%s needs the argument \"%.*s\"", callee,
                              TEXT_FORMAT(name));
    }
    return OK;
}

enum status jinja_call_builtin(struct interpreter *in, const struct builtin *builtin,
                               struct value subject, const struct arguments *arguments,
                               struct value *result)
{
    struct call call = {.subject = subject, .given = arguments};
    if (builtin->signature[0] != '*')
        TRY(jinja_bind(in, builtin->name, builtin->signature, arguments, call.argument));
    TRY(jinja_charge(in, 0));
    return builtin->run(in, &call, result);
}

enum status jinja_int_argument(struct interpreter *in, struct value argument, int64_t fallback,
                               int64_t *value)
{
    *value = fallback;
    if (!jinja_given(argument)) return OK;
    if (!jinja_is_integral(argument))
        return jinja_fail(in, STATUS_INVALID, "an integer is needed, not %s",
                          jinja_type_name(argument));
    *value = jinja_to_int(argument);
    return OK;
}
