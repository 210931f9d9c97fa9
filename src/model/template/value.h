/* value.h - the values a template computes with: Python's, as far as templates can tell.
 *
 * A value is passed by copy; what it points to lives in the arena of the rendering (or in the
 * JSON of the context, or in the compiled template) and is never freed on its own. Only a
 * namespace changes after it was made. Strings are always valid UTF-8.
 * Knows nothing of syntax and nothing of the interpreter. */
#ifndef LIMINAL_TEMPLATE_VALUE_H
#define LIMINAL_TEMPLATE_VALUE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"

enum value_kind {
    VALUE_MISSING, /* no value was given; never seen by a template */
    VALUE_UNDEFINED,
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_ITERATOR, /* what map(), select() and their like give: no length, consumed by one walk */
    VALUE_DICT,
    VALUE_NAMESPACE,
    VALUE_FUNCTION, /* a global such as range */
    VALUE_METHOD,   /* a function bound to its object: text.strip */
    VALUE_MACRO,
    VALUE_LOOP
};

struct builtin;
struct method;
struct macro;
struct loop;

struct value {
    enum value_kind kind;
    bool safe; /* a string that came from |safe or |e: + escapes for HTML what it is joined with */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct text string; /* of VALUE_UNDEFINED: the name that was not found */
        struct list *list;  /* LIST, TUPLE, ITERATOR */
        struct dict *dict;  /* DICT, NAMESPACE */
        const struct builtin *function;
        const struct method *method;
        const struct macro *macro;
        struct loop *loop;
    };
};

struct list {
    struct value *items;
    size_t count, capacity;
    size_t weight;
};

/* Insertion order. Lookup is a linear walk: the dicts of a conversation are small, and the step
 * bound of the interpreter holds for those that are not. */
struct dict {
    struct dict_entry {
        struct value key, value;
    } * entries;
    size_t count, capacity;
    size_t weight;
};

enum { JINJA_VALUE_DEPTH_MAX = 200 }; /* nesting of lists and dicts */

static inline struct value jinja_none(void)
{
    return (struct value){.kind = VALUE_NONE};
}
static inline struct value jinja_bool(bool boolean)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = boolean};
}
static inline struct value jinja_int(int64_t integer)
{
    return (struct value){.kind = VALUE_INT, .integer = integer};
}
static inline struct value jinja_float(double real)
{
    return (struct value){.kind = VALUE_FLOAT, .real = real};
}
static inline struct value jinja_string(struct text string)
{
    return (struct value){.kind = VALUE_STRING, .string = string};
}
static inline struct value jinja_safe_string(struct text string)
{
    return (struct value){.kind = VALUE_STRING, .safe = true, .string = string};
}
static inline struct value jinja_undefined(struct text name)
{
    return (struct value){.kind = VALUE_UNDEFINED, .string = name};
}
static inline bool jinja_is_string(struct value value)
{
    return value.kind == VALUE_STRING;
}
static inline bool jinja_is_number(struct value value)
{
    return value.kind == VALUE_BOOL || value.kind == VALUE_INT || value.kind == VALUE_FLOAT;
}
/* An int, or a bool, which Python counts among them. */
static inline bool jinja_is_integral(struct value value)
{
    return value.kind == VALUE_BOOL || value.kind == VALUE_INT;
}
static inline bool jinja_is_list(struct value value)
{
    return value.kind == VALUE_LIST || value.kind == VALUE_TUPLE || value.kind == VALUE_ITERATOR;
}

/* An empty list, tuple or iterator, or an empty dict or namespace; kind MISSING: no memory. */
struct value jinja_list_new(struct arena *arena, enum value_kind kind, size_t capacity);
struct value jinja_dict_new(struct arena *arena, enum value_kind kind, size_t capacity);
bool jinja_list_add(struct arena *arena, struct list *list, struct value value) MUST_USE;
/* The value under the key, or NULL. */
struct value *jinja_dict_find(const struct dict *dict, struct value key);
struct value *jinja_dict_find_name(const struct dict *dict, struct text name);
/* Set or add. */
bool jinja_dict_put(struct arena *arena, struct dict *dict, struct value key,
                    struct value value) MUST_USE;
/* Add a key that is known to be new. */
bool jinja_dict_add(struct arena *arena, struct dict *dict, struct value key,
                    struct value value) MUST_USE;
bool jinja_is_hashable(struct value value); /* may be a key */

/* About the bytes that walking the whole value touches. Values may share parts, so that a few
 * steps can build one whose printing would take for ever: what walks a value asks this first. */
size_t jinja_weight(struct value value);

int64_t jinja_to_int(struct value number); /* of a bool or an int */
double jinja_to_float(struct value number);

/* What Python's bool() says. */
bool jinja_truth(struct value value);
/* Python's ==. Values nested deeper than JINJA_VALUE_DEPTH_MAX are not equal. */
bool jinja_equal(struct value a, struct value b);
/* Python's < as -1, 0, 1 in *order; false when the two have no order. */
bool jinja_compare(struct value a, struct value b, int *order) MUST_USE;
/* "str", "int", "list", ...: Python's name of the type. */
const char *jinja_type_name(struct value value);

/* Append what str() or repr() give. False: the value has no text (a function), is nested too
 * deeply, or memory is out. */
bool jinja_append_str(struct buffer *out, struct value value) MUST_USE;
bool jinja_append_repr(struct buffer *out, struct value value) MUST_USE;
/* The shortest digits that read back the same, as Python prints them. */
void jinja_append_float(struct buffer *out, double real);

/* How json.dumps() should write. Separators with NULL data: Python's defaults. */
struct json_style {
    bool ascii, sort_keys;
    bool indented;
    struct text indent; /* one level */
    struct text item_separator, key_separator;
};
/* json.dumps(). On failure *culprit is the value that JSON cannot express. */
bool jinja_append_json(struct buffer *out, struct value value, const struct json_style *style,
                       struct value *culprit) MUST_USE;
/* A JSON value as a template's value; strings are borrowed from the JSON. OK, STATUS_NO_MEMORY,
 * or STATUS_TOO_LARGE when nested too deeply. */
enum status jinja_from_json(struct arena *arena, const json_t *json, struct value *value) MUST_USE;

#endif
