/* value.c - building, comparing and ordering values. */
#include "model/template/value.h"

#include <string.h>

struct value jinja_list_new(struct arena *arena, enum value_kind kind, size_t capacity)
{
    struct list *list = arena_alloc(arena, sizeof *list);
    if (!list) return (struct value){0};
    if (capacity) {
        list->items = arena_alloc_array(arena, capacity, sizeof *list->items);
        if (!list->items) return (struct value){0};
    }
    list->capacity = capacity;
    return (struct value){.kind = kind, .list = list};
}

struct value jinja_dict_new(struct arena *arena, enum value_kind kind, size_t capacity)
{
    struct dict *dict = arena_alloc(arena, sizeof *dict);
    if (!dict) return (struct value){0};
    if (capacity) {
        dict->entries = arena_alloc_array(arena, capacity, sizeof *dict->entries);
        if (!dict->entries) return (struct value){0};
    }
    dict->capacity = capacity;
    return (struct value){.kind = kind, .dict = dict};
}

/* Room for one more: twice the old array, which stays behind in the arena. */
static bool grow(struct arena *arena, void **items, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity) return true;
    size_t larger = *capacity ? *capacity * 2 : 4;
    void *fresh = arena_alloc_array(arena, larger, size);
    if (!fresh) return false;
    if (count) memcpy(fresh, *items, count * size);
    *items = fresh;
    *capacity = larger;
    return true;
}

size_t jinja_weight(struct value value)
{
    enum { SCALAR_BYTES = 8 };
    if (value.kind == VALUE_STRING) return value.string.length + SCALAR_BYTES;
    if (jinja_is_list(value)) return value.list->weight + SCALAR_BYTES;
    if (value.kind == VALUE_DICT) return value.dict->weight + SCALAR_BYTES;
    return SCALAR_BYTES;
}

static void add_weight(size_t *weight, struct value value)
{
    if (__builtin_add_overflow(*weight, jinja_weight(value), weight)) *weight = SIZE_MAX / 2;
}

bool jinja_list_add(struct arena *arena, struct list *list, struct value value)
{
    void *items = list->items;
    if (!grow(arena, &items, sizeof value, list->count, &list->capacity)) return false;
    list->items = items;
    list->items[list->count++] = value;
    add_weight(&list->weight, value);
    return true;
}

struct value *jinja_dict_find(const struct dict *dict, struct value key)
{
    for (size_t i = 0; i < dict->count; i++)
        if (jinja_equal(dict->entries[i].key, key)) return &dict->entries[i].value;
    return NULL;
}

struct value *jinja_dict_find_name(const struct dict *dict, struct text name)
{
    return jinja_dict_find(dict, jinja_string(name));
}

bool jinja_dict_put(struct arena *arena, struct dict *dict, struct value key, struct value value)
{
    struct value *present = jinja_dict_find(dict, key);
    if (present) {
        *present = value;
        add_weight(&dict->weight, value);
        return true;
    }
    return jinja_dict_add(arena, dict, key, value);
}

bool jinja_dict_add(struct arena *arena, struct dict *dict, struct value key, struct value value)
{
    void *entries = dict->entries;
    if (!grow(arena, &entries, sizeof *dict->entries, dict->count, &dict->capacity)) return false;
    dict->entries = entries;
    dict->entries[dict->count++] = (struct dict_entry){.key = key, .value = value};
    add_weight(&dict->weight, key);
    add_weight(&dict->weight, value);
    dict->weight += dict->count; /* comparing two dicts looks up each key, so it is a square */
    return true;
}

static bool hashable(struct value value, int depth)
{
    if (value.kind != VALUE_TUPLE)
        return value.kind != VALUE_LIST && value.kind != VALUE_DICT &&
               value.kind != VALUE_UNDEFINED;
    if (depth >= JINJA_VALUE_DEPTH_MAX) return false;
    for (size_t i = 0; i < value.list->count; i++)
        if (!hashable(value.list->items[i], depth + 1)) return false;
    return true;
}

bool jinja_is_hashable(struct value value)
{
    return hashable(value, 0);
}

int64_t jinja_to_int(struct value number)
{
    return number.kind == VALUE_BOOL ? number.boolean : number.integer;
}

double jinja_to_float(struct value number)
{
    return number.kind == VALUE_FLOAT ? number.real : (double)jinja_to_int(number);
}

bool jinja_truth(struct value value)
{
    switch (value.kind) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE: return false;
    case VALUE_BOOL: return value.boolean;
    case VALUE_INT: return value.integer != 0;
    case VALUE_FLOAT: return value.real != 0;
    case VALUE_STRING: return value.string.length > 0;
    case VALUE_LIST:
    case VALUE_TUPLE: return value.list->count > 0;
    case VALUE_DICT: return value.dict->count > 0;
    default: return true; /* an iterator too, even one that will give nothing */
    }
}

static bool equal_at(struct value a, struct value b, int depth);

static bool equal_lists(const struct list *a, const struct list *b, int depth)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!equal_at(a->items[i], b->items[i], depth)) return false;
    return true;
}

static bool equal_dicts(const struct dict *a, const struct dict *b, int depth)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct value *other = jinja_dict_find(b, a->entries[i].key);
        if (!other || !equal_at(a->entries[i].value, *other, depth)) return false;
    }
    return true;
}

static bool equal_at(struct value a, struct value b, int depth)
{
    if (jinja_is_number(a) && jinja_is_number(b)) {
        if (a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT)
            return jinja_to_float(a) == jinja_to_float(b);
        return jinja_to_int(a) == jinja_to_int(b);
    }
    if (a.kind != b.kind || depth >= JINJA_VALUE_DEPTH_MAX) return false;
    switch (a.kind) {
    case VALUE_UNDEFINED:
    case VALUE_NONE: return true;
    case VALUE_STRING: return text_equal(a.string, b.string);
    case VALUE_LIST:
    case VALUE_TUPLE: return equal_lists(a.list, b.list, depth + 1);
    case VALUE_DICT: return equal_dicts(a.dict, b.dict, depth + 1);
    default: return a.list == b.list; /* the rest: the very same object */
    }
}

bool jinja_equal(struct value a, struct value b)
{
    return equal_at(a, b, 0);
}

static int sign(int64_t difference)
{
    return (difference > 0) - (difference < 0);
}

/* UTF-8 sorts by bytes as by code points. */
static int compare_strings(struct text a, struct text b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? sign(order) : (a.length > b.length) - (a.length < b.length);
}

static bool compare_at(struct value a, struct value b, int *order, int depth)
{
    if (jinja_is_number(a) && jinja_is_number(b)) {
        double x = jinja_to_float(a), y = jinja_to_float(b);
        *order = (x > y) - (x < y);
        if (jinja_is_integral(a) && jinja_is_integral(b)) {
            int64_t i = jinja_to_int(a), j = jinja_to_int(b);
            *order = (i > j) - (i < j);
        }
        return true;
    }
    if (a.kind != b.kind || depth >= JINJA_VALUE_DEPTH_MAX) return false;
    if (a.kind == VALUE_STRING) {
        *order = compare_strings(a.string, b.string);
        return true;
    }
    if (a.kind != VALUE_LIST && a.kind != VALUE_TUPLE) return false;
    for (size_t i = 0; i < a.list->count && i < b.list->count; i++) {
        if (equal_at(a.list->items[i], b.list->items[i], depth + 1)) continue;
        return compare_at(a.list->items[i], b.list->items[i], order, depth + 1);
    }
    *order = (a.list->count > b.list->count) - (a.list->count < b.list->count);
    return true;
}

bool jinja_compare(struct value a, struct value b, int *order)
{
    return compare_at(a, b, order, 0);
}

const char *jinja_type_name(struct value value)
{
    switch (value.kind) {
    case VALUE_MISSING: return "nothing";
    case VALUE_UNDEFINED: return "Undefined";
    case VALUE_NONE: return "NoneType";
    case VALUE_BOOL: return "bool";
    case VALUE_INT: return "int";
    case VALUE_FLOAT: return "float";
    case VALUE_STRING: return "str";
    case VALUE_LIST: return "list";
    case VALUE_TUPLE: return "tuple";
    case VALUE_ITERATOR: return "generator";
    case VALUE_DICT: return "dict";
    case VALUE_NAMESPACE: return "Namespace";
    case VALUE_FUNCTION: return "function";
    case VALUE_METHOD: return "method";
    case VALUE_MACRO: return "Macro";
    case VALUE_LOOP: return "LoopContext";
    }
    return "unknown";
}
