/* methods.c - the methods of dicts, lists and loops; those of strings are in methods_string.c.
 * Those that would change their object are refused, as Jinja's immutable sandbox does. */
#include <string.h>

#include "model/template/strings.h"

METHOD(dict_get)
{
    TRY(jinja_charge(in, call->subject.dict->count * 8));
    const struct value *found = jinja_dict_find(call->subject.dict, call->argument[0]);
    *result = found ? *found : jinja_given(call->argument[1]) ? call->argument[1] : jinja_none();
    return OK;
}

enum part { PART_KEY, PART_VALUE, PART_BOTH };

static enum status dict_parts(struct interpreter *in, const struct dict *dict, enum part part,
                              struct value *result)
{
    TRY(jinja_new_list(in, VALUE_LIST, result));
    for (size_t i = 0; i < dict->count; i++) {
        struct value item = part == PART_KEY ? dict->entries[i].key : dict->entries[i].value;
        if (part == PART_BOTH) {
            TRY(jinja_new_list(in, VALUE_TUPLE, &item));
            TRY(jinja_list_push(in, item, dict->entries[i].key));
            TRY(jinja_list_push(in, item, dict->entries[i].value));
        }
        TRY(jinja_list_push(in, *result, item));
    }
    return jinja_charge(in, dict->count * 64);
}

METHOD(dict_keys)
{
    return dict_parts(in, call->subject.dict, PART_KEY, result);
}

METHOD(dict_values)
{
    return dict_parts(in, call->subject.dict, PART_VALUE, result);
}

METHOD(dict_items)
{
    return dict_parts(in, call->subject.dict, PART_BOTH, result);
}

METHOD(dict_copy)
{
    struct dict *dict = call->subject.dict;
    *result = jinja_dict_new(in->arena, VALUE_DICT, dict->count);
    if (!result->kind) return jinja_out_of_memory(in);
    for (size_t i = 0; i < dict->count; i++)
        if (!jinja_dict_add(in->arena, result->dict, dict->entries[i].key, dict->entries[i].value))
            return jinja_out_of_memory(in);
    return jinja_charge(in, dict->count * 64);
}

METHOD(list_index)
{
    const struct list *list = call->subject.list;
    TRY(jinja_charge(in, list->weight));
    for (size_t i = 0; i < list->count; i++) {
        if (!jinja_equal(list->items[i], call->argument[0])) continue;
        *result = jinja_int((int64_t)i);
        return OK;
    }
    return jinja_fail(in, STATUS_INVALID, "index(): not in the list");
}

METHOD(list_count)
{
    int64_t count = 0;
    TRY(jinja_charge(in, call->subject.list->weight));
    for (size_t i = 0; i < call->subject.list->count; i++)
        count += jinja_equal(call->subject.list->items[i], call->argument[0]);
    *result = jinja_int(count);
    return OK;
}

METHOD(list_copy)
{
    struct value empty;
    TRY(jinja_new_list(in, VALUE_LIST, &empty));
    return jinja_arithmetic(in, OPERATION_ADD, call->subject, empty, result);
}

METHOD(loop_cycle)
{
    if (!call->given->count) return jinja_fail(in, STATUS_INVALID, "cycle() needs items");
    *result = call->given->positional[call->subject.loop->index % call->given->count];
    return OK;
}

METHOD(loop_changed)
{
    struct loop *loop = call->subject.loop;
    struct value now;
    TRY(jinja_new_list(in, VALUE_TUPLE, &now));
    for (size_t i = 0; i < call->given->count; i++)
        TRY(jinja_list_push(in, now, call->given->positional[i]));
    TRY(jinja_charge(in, jinja_weight(now)));
    *result = jinja_bool(!jinja_equal(loop->changed, now));
    loop->changed = now;
    return OK;
}

static const struct builtin DICT_METHODS[] = {
    {"copy", "", dict_copy}, {"get", "key default?", dict_get}, {"items", "", dict_items},
    {"keys", "", dict_keys}, {"values", "", dict_values},
};

static const struct builtin LIST_METHODS[] = {
    {"copy", "", list_copy},
    {"count", "value", list_count},
    {"index", "value", list_index},
};

static const struct builtin TUPLE_METHODS[] = {
    {"count", "value", list_count},
    {"index", "value", list_index},
};

static const struct builtin LOOP_METHODS[] = {
    {"changed", "*", loop_changed},
    {"cycle", "*", loop_cycle},
};

const struct builtin *jinja_method_find(enum value_kind kind, struct text name)
{
    switch (kind) {
    case VALUE_STRING: return jinja_string_method_find(name);
    case VALUE_DICT: return jinja_builtin_find(DICT_METHODS, ARRAY_COUNT(DICT_METHODS), name);
    case VALUE_LIST: return jinja_builtin_find(LIST_METHODS, ARRAY_COUNT(LIST_METHODS), name);
    case VALUE_TUPLE: return jinja_builtin_find(TUPLE_METHODS, ARRAY_COUNT(TUPLE_METHODS), name);
    case VALUE_LOOP: return jinja_builtin_find(LOOP_METHODS, ARRAY_COUNT(LOOP_METHODS), name);
    default: return NULL;
    }
}

static bool is_word_of(const char *words, struct text name)
{
    for (size_t length; *words; words += length + (words[length] == ' ')) {
        length = strcspn(words, " ");
        if (text_equal((struct text){words, length}, name)) return true;
    }
    return false;
}

const char *jinja_method_refused(enum value_kind kind, struct text name)
{
    static const char changes[] = "changes its object, which Jinja's immutable sandbox forbids";
    static const char unsupported[] = "is not supported in chat templates";
    if (kind == VALUE_LIST &&
        is_word_of("append clear extend insert pop remove reverse sort", name))
        return changes;
    if (kind == VALUE_DICT && is_word_of("clear pop popitem setdefault update", name))
        return changes;
    if (kind == VALUE_STRING &&
        is_word_of("casefold encode expandtabs format_map isalnum isalpha isascii isdecimal "
                   "isidentifier isnumeric isprintable istitle maketrans rindex translate",
                   name))
        return unsupported;
    if (kind == VALUE_DICT && is_word_of("fromkeys", name)) return unsupported;
    if (kind == VALUE_TUPLE && is_word_of("grouper list", name)) return unsupported;
    return NULL;
}
