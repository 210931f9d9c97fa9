/* strings.h - Python's string operations that both methods and filters offer: "a".upper(), a|upper.
 * Results are new strings in the arena of the interpreter. */
#ifndef LIMINAL_TEMPLATE_STRINGS_H
#define LIMINAL_TEMPLATE_STRINGS_H

#include "model/template/interpreter.h"

#define METHOD(name) \
    static enum status name(struct interpreter *in, const struct call *call, struct value *result)

const struct builtin *jinja_string_method_find(struct text name);

enum recase {
    RECASE_UPPER,
    RECASE_LOWER,
    RECASE_CAPITALIZE,  /* the first letter up, the rest down */
    RECASE_TITLE_WORDS, /* str.title(): each run of letters */
    RECASE_TITLE_PARTS, /* the filter: what stands between blanks, dashes and opening brackets */
    RECASE_SWAP
};

enum status jinja_recase(struct interpreter *in, struct text text, enum recase recase,
                         struct value *result) MUST_USE;
/* At most `count` times; below 0: all. */
enum status jinja_replace(struct interpreter *in, struct text text, struct text old,
                          struct text fresh, int64_t count, struct value *result) MUST_USE;
/* & < > " ' as HTML entities. */
enum status jinja_escape(struct interpreter *in, struct text text, struct value *result) MUST_USE;
/* The lines, without their ends unless `keep_ends`. */
enum status jinja_split_lines(struct interpreter *in, struct text text, bool keep_ends,
                              struct value *list) MUST_USE;
/* str(item) of each, with `separator` between. */
enum status jinja_join(struct interpreter *in, const struct list *items, struct text separator,
                       bool strings_only, struct value *result) MUST_USE;

#endif
