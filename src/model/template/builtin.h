/* builtin.h - what a template can call without defining it: filters, tests, methods, functions.
 * One table per sort; a row is a name, a signature and a C function. */
#ifndef LIMINAL_TEMPLATE_BUILTIN_H
#define LIMINAL_TEMPLATE_BUILTIN_H

#include "model/template/value.h"

struct interpreter;

/* The evaluated arguments of a call. */
struct arguments {
    const struct value *positional;
    size_t count;
    const struct keyword {
        struct text name;
        struct value value;
    } * keywords;
    size_t keyword_count;
};

enum { JINJA_PARAMETERS_MAX = 4 };

/* What a builtin gets: the object left of the `|`, `is` or `.`, its arguments by the order of its
 * signature (kind MISSING: not given), and all of them as they were given. */
struct call {
    struct value subject;
    struct value argument[JINJA_PARAMETERS_MAX];
    const struct arguments *given;
};

typedef enum status builtin_function(struct interpreter *in, const struct call *call,
                                     struct value *result);

struct builtin {
    const char *name;
    const char *signature; /* "old new count?": names, ? optional; "*": takes what it is given */
    builtin_function *run;
};

const struct builtin *jinja_filter_find(struct text name);
const struct builtin *jinja_test_find(struct text name);
const struct builtin *jinja_function_find(struct text name);
/* A method of a string, dict, list, or loop. */
const struct builtin *jinja_method_find(enum value_kind kind, struct text name);
/* Whether Python has such a method, but templates here may not call it; says why. */
const char *jinja_method_refused(enum value_kind kind, struct text name);
const struct builtin *jinja_builtin_find(const struct builtin *table, size_t count,
                                         struct text name);

/* Match the arguments with the signature, and run. */
enum status jinja_call_builtin(struct interpreter *in, const struct builtin *builtin,
                               struct value subject, const struct arguments *arguments,
                               struct value *result) MUST_USE;
/* Match arguments with names; what is missing stays MISSING when the signature allows it. */
enum status jinja_bind(struct interpreter *in, const char *callee, const char *signature,
                       const struct arguments *arguments, struct value *bound) MUST_USE;

/* Optional arguments: the fallback when not given; wrong types are a fault. */
static inline bool jinja_given(struct value argument)
{
    return argument.kind != VALUE_MISSING;
}
enum status jinja_int_argument(struct interpreter *in, struct value argument, int64_t fallback,
                               int64_t *value) MUST_USE;
static inline bool jinja_bool_argument(struct value argument)
{
    return jinja_given(argument) && jinja_truth(argument);
}

/* "%s is %d" % arguments, and "{} is {}".format(...). */
enum status jinja_format_percent(struct interpreter *in, struct text format, struct value arguments,
                                 struct value *result) MUST_USE;
enum status jinja_format_braces(struct interpreter *in, struct text format,
                                const struct arguments *arguments, struct value *result) MUST_USE;

#endif
