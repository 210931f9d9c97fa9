/* filters_sequence.c - filters on lists, dicts and other iterables. Where Jinja answers with a
 * generator, so do these: VALUE_ITERATOR, true even when empty, without length, consumed once. */
#include <string.h>

#include "model/template/filters.h"
#include "model/template/unicode.h"

/* "a.b.0": the attribute of the attribute ...; with a number, the item. */
static enum status get_path(struct interpreter *in, struct value object, struct value path,
                            struct value fallback, struct value *value)
{
    *value = object;
    if (path.kind != VALUE_STRING) return jinja_item(in, object, path, value);
    for (struct text rest = path.string;;) {
        size_t dot = text_find(rest, TEXT("."));
        struct text part = text_slice(rest, 0, dot == SIZE_MAX ? rest.length : dot);
        struct value key = jinja_string(part);
        if (part.length && part.length < 10 && strspn(part.data, "0123456789") >= part.length) {
            int64_t index = 0;
            for (size_t i = 0; i < part.length; i++) index = index * 10 + (part.data[i] - '0');
            key = jinja_int(index);
        }
        TRY(jinja_item(in, *value, key, value));
        if (value->kind == VALUE_UNDEFINED && jinja_given(fallback)) *value = fallback;
        if (dot == SIZE_MAX) return OK;
        rest = text_slice(rest, dot + 1, rest.length);
    }
}

FILTER(filter_length)
{
    struct value subject = call->subject;
    switch (subject.kind) {
    case VALUE_STRING:
        TRY(jinja_charge(in, subject.string.length));
        *result = jinja_int((int64_t)jinja_char_count(subject.string));
        return OK;
    case VALUE_LIST:
    case VALUE_TUPLE: *result = jinja_int((int64_t)subject.list->count); return OK;
    case VALUE_DICT: *result = jinja_int((int64_t)subject.dict->count); return OK;
    case VALUE_UNDEFINED: *result = jinja_int(0); return OK;
    default:
        return jinja_fail(in, STATUS_INVALID, "%s has no length (|list makes a list of it)",
                          jinja_type_name(subject));
    }
}

FILTER(filter_list)
{
    const struct list *items;
    TRY(jinja_items(in, call->subject, &items));
    struct list *copy = arena_alloc(in->arena, sizeof *copy);
    if (!copy) return jinja_out_of_memory(in);
    *copy = *items; /* lists never change, so that the items can be shared */
    *result = (struct value){.kind = VALUE_LIST, .list = copy};
    return OK;
}

FILTER(filter_first)
{
    const struct list *items;
    TRY(jinja_items(in, call->subject, &items));
    *result = items->count ? items->items[0] : jinja_undefined(TEXT("the first of no items"));
    return OK;
}

FILTER(filter_last)
{
    const struct list *items;
    if (call->subject.kind == VALUE_ITERATOR || call->subject.kind == VALUE_UNDEFINED)
        return jinja_fail(in, STATUS_INVALID, "%s has no last item (|list makes a list of it)",
                          jinja_type_name(call->subject));
    TRY(jinja_items(in, call->subject, &items));
    *result = items->count ? items->items[items->count - 1]
                           : jinja_undefined(TEXT("the last of no items"));
    return OK;
}

FILTER(filter_join)
{
    const struct list *items;
    struct text separator = {0};
    struct value attribute = call->argument[1], picked;
    TRY(jinja_items(in, call->subject, &items));
    if (jinja_given(call->argument[0])) TRY(jinja_text(in, call->argument[0], &separator));
    if (jinja_given(attribute) && attribute.kind != VALUE_NONE) {
        TRY(jinja_new_list(in, VALUE_LIST, &picked));
        for (size_t i = 0; i < items->count; i++) {
            struct value value;
            TRY(get_path(in, items->items[i], attribute, (struct value){0}, &value));
            TRY(jinja_list_push(in, picked, value));
        }
        items = picked.list;
    }
    return jinja_join(in, items, separator, false, result);
}

FILTER(filter_reverse)
{
    const struct list *items;
    bool is_string = call->subject.kind == VALUE_STRING;
    TRY(jinja_items(in, call->subject, &items));
    TRY(jinja_charge(in, items->count * 16));
    TRY(jinja_new_list(in, is_string ? VALUE_LIST : VALUE_ITERATOR, result));
    for (size_t i = items->count; i-- > 0;) TRY(jinja_list_push(in, *result, items->items[i]));
    return is_string ? jinja_join(in, result->list, (struct text){0}, true, result) : OK;
}

FILTER(filter_items)
{
    TRY(jinja_new_list(in, VALUE_ITERATOR, result));
    if (call->subject.kind == VALUE_UNDEFINED) return OK;
    if (call->subject.kind != VALUE_DICT)
        return jinja_fail(in, STATUS_INVALID, "items needs a dict, not %s",
                          jinja_type_name(call->subject));
    TRY(jinja_call_builtin(in, jinja_method_find(VALUE_DICT, TEXT("items")), call->subject,
                           &(struct arguments){0}, result));
    result->kind = VALUE_ITERATOR;
    return OK;
}

/* map(attribute=...) or map("filter", arguments...) */
FILTER(filter_map)
{
    const struct arguments *given = call->given;
    const struct list *items;
    const struct builtin *filter = NULL;
    struct value bound[2] = {{0}};
    TRY(jinja_new_list(in, VALUE_ITERATOR, result));
    if (!jinja_truth(call->subject)) return OK;
    TRY(jinja_items(in, call->subject, &items));
    if (!given->count) {
        TRY(jinja_bind(in, "map", "attribute default?", given, bound));
    } else if (jinja_is_string(given->positional[0])) {
        filter = jinja_filter_find(given->positional[0].string);
    }
    if (given->count && !filter) return jinja_fail(in, STATUS_UNSUPPORTED, "map: no such filter");
    struct arguments rest = *given;
    if (filter) {
        rest.positional++;
        rest.count--;
    }
    for (size_t i = 0; i < items->count; i++) {
        struct value value;
        if (filter)
            TRY(jinja_call_builtin(in, filter, items->items[i], &rest, &value));
        else
            TRY(get_path(in, items->items[i], bound[0], bound[1], &value));
        TRY(jinja_list_push(in, *result, value));
    }
    return OK;
}

/* select, reject, selectattr, rejectattr: keep what passes (or fails) a test. */
static enum status choose(struct interpreter *in, const struct call *call, bool by_attribute,
                          bool wanted, struct value *result)
{
    const struct list *items;
    const struct builtin *test = NULL;
    struct arguments rest = *call->given;
    struct value attribute = {0};
    TRY(jinja_new_list(in, VALUE_ITERATOR, result));
    if (!jinja_truth(call->subject)) return OK;
    TRY(jinja_items(in, call->subject, &items));
    if (by_attribute && !rest.count) return jinja_fail(in, STATUS_INVALID, "which attribute?");
    if (by_attribute) {
        attribute = *rest.positional++;
        rest.count--;
    }
    if (rest.count) {
        if (jinja_is_string(*rest.positional)) test = jinja_test_find(rest.positional->string);
        if (!test) return jinja_fail(in, STATUS_UNSUPPORTED, "there is no such test");
        rest.positional++;
        rest.count--;
    }
    for (size_t i = 0; i < items->count; i++) {
        struct value value = items->items[i];
        TRY(jinja_charge(in, 0));
        if (by_attribute) TRY(get_path(in, items->items[i], attribute, (struct value){0}, &value));
        if (test) TRY(jinja_call_builtin(in, test, value, &rest, &value));
        if (jinja_truth(value) == wanted) TRY(jinja_list_push(in, *result, items->items[i]));
    }
    return OK;
}

FILTER(filter_select)
{
    return choose(in, call, false, true, result);
}

FILTER(filter_reject)
{
    return choose(in, call, false, false, result);
}

FILTER(filter_selectattr)
{
    return choose(in, call, true, true, result);
}

FILTER(filter_rejectattr)
{
    return choose(in, call, true, false, result);
}

/* What an item is sorted or compared by. */
struct sort_key {
    struct value key, item;
};

static enum status sort_keys(struct interpreter *in, const struct list *items,
                             struct value attribute, bool case_sensitive, struct sort_key **keys)
{
    *keys = arena_alloc_array(in->arena, items->count + 1, sizeof **keys);
    if (!*keys) return jinja_out_of_memory(in);
    for (size_t i = 0; i < items->count; i++) {
        struct sort_key *key = &(*keys)[i];
        key->item = key->key = items->items[i];
        TRY(jinja_charge(in, 0));
        if (jinja_given(attribute) && attribute.kind != VALUE_NONE)
            TRY(get_path(in, key->item, attribute, (struct value){0}, &key->key));
        if (!case_sensitive && key->key.kind == VALUE_STRING)
            TRY(jinja_recase(in, key->key.string, RECASE_LOWER, &key->key));
    }
    return OK;
}

static enum status key_order(struct interpreter *in, struct value a, struct value b, int *order)
{
    size_t a_bytes = jinja_weight(a), b_bytes = jinja_weight(b);
    TRY(jinja_charge(in, a_bytes < b_bytes ? a_bytes : b_bytes));
    if (jinja_compare(a, b, order)) return OK;
    return jinja_fail(in, STATUS_INVALID, "%s and %s have no order", jinja_type_name(a),
                      jinja_type_name(b));
}

/* A stable merge sort; `direction` -1 sorts downwards and keeps equals in place too. */
static enum status merge_sort(struct interpreter *in, struct sort_key *keys,
                              struct sort_key *scratch, size_t count, int direction)
{
    if (count < 2) return OK;
    size_t half = count / 2, left = 0, right = half;
    TRY(merge_sort(in, keys, scratch, half, direction));
    TRY(merge_sort(in, keys + half, scratch, count - half, direction));
    for (size_t i = 0; i < count; i++) {
        int order = left == half ? 1 : -1;
        if (left < half && right < count) {
            TRY(key_order(in, keys[left].key, keys[right].key, &order));
            order *= direction;
        }
        scratch[i] = order <= 0 ? keys[left++] : keys[right++];
    }
    memcpy(keys, scratch, count * sizeof *keys);
    return OK;
}

static enum status sort_items(struct interpreter *in, const struct list *items,
                              struct value attribute, bool case_sensitive, bool downwards,
                              struct sort_key **keys)
{
    TRY(sort_keys(in, items, attribute, case_sensitive, keys));
    struct sort_key *scratch = arena_alloc_array(in->arena, items->count + 1, sizeof *scratch);
    if (!scratch) return jinja_out_of_memory(in);
    return merge_sort(in, *keys, scratch, items->count, downwards ? -1 : 1);
}

FILTER(filter_sort)
{
    const struct list *items;
    struct sort_key *keys;
    struct value attribute = call->argument[2];
    if (attribute.kind == VALUE_STRING && text_find(attribute.string, TEXT(",")) != SIZE_MAX)
        return jinja_fail(in, STATUS_UNSUPPORTED, "sort by several attributes");
    TRY(jinja_items(in, call->subject, &items));
    TRY(sort_items(in, items, attribute, jinja_bool_argument(call->argument[1]),
                   jinja_bool_argument(call->argument[0]), &keys));
    TRY(jinja_new_list(in, VALUE_LIST, result));
    for (size_t i = 0; i < items->count; i++) TRY(jinja_list_push(in, *result, keys[i].item));
    return OK;
}

FILTER(filter_dictsort)
{
    struct value by = call->argument[1], pairs, position = jinja_int(0);
    struct sort_key *keys;
    if (call->subject.kind != VALUE_DICT)
        return jinja_fail(in, STATUS_INVALID, "dictsort needs a dict, not %s",
                          jinja_type_name(call->subject));
    if (jinja_given(by) && jinja_equal(by, jinja_string(TEXT("value"))))
        position = jinja_int(1);
    else if (jinja_given(by) && !jinja_equal(by, jinja_string(TEXT("key"))))
        return jinja_fail(in, STATUS_INVALID, "dictsort sorts by \"key\" or by \"value\"");
    TRY(jinja_call_builtin(in, jinja_method_find(VALUE_DICT, TEXT("items")), call->subject,
                           &(struct arguments){0}, &pairs));
    TRY(sort_items(in, pairs.list, position, jinja_bool_argument(call->argument[0]),
                   jinja_bool_argument(call->argument[2]), &keys));
    TRY(jinja_new_list(in, VALUE_LIST, result));
    for (size_t i = 0; i < pairs.list->count; i++) TRY(jinja_list_push(in, *result, keys[i].item));
    return OK;
}

FILTER(filter_unique)
{
    const struct list *items;
    struct sort_key *keys;
    TRY(jinja_items(in, call->subject, &items));
    TRY(sort_keys(in, items, call->argument[1], jinja_bool_argument(call->argument[0]), &keys));
    TRY(jinja_new_list(in, VALUE_ITERATOR, result));
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < kept && !seen; k++) {
            TRY(jinja_charge(in, jinja_weight(keys[i].key)));
            seen = jinja_equal(keys[k].key, keys[i].key);
        }
        if (seen) continue;
        TRY(jinja_list_push(in, *result, keys[i].item));
        keys[kept++] = keys[i];
    }
    return OK;
}

/* The smallest (sign -1) or the largest (sign 1) item, the first of equals. */
static enum status extreme(struct interpreter *in, const struct call *call, int sign,
                           struct value *result)
{
    const struct list *items;
    struct sort_key *keys;
    TRY(jinja_items(in, call->subject, &items));
    *result = jinja_undefined(TEXT("the extreme of no items"));
    TRY(sort_keys(in, items, call->argument[1], jinja_bool_argument(call->argument[0]), &keys));
    size_t best = 0;
    for (size_t i = 1; i < items->count; i++) {
        int order;
        TRY(key_order(in, keys[i].key, keys[best].key, &order));
        if (order * sign > 0) best = i;
    }
    if (items->count) *result = keys[best].item;
    return OK;
}

FILTER(filter_min)
{
    return extreme(in, call, -1, result);
}

FILTER(filter_max)
{
    return extreme(in, call, 1, result);
}

FILTER(filter_sum)
{
    const struct list *items;
    struct value attribute = call->argument[0];
    TRY(jinja_items(in, call->subject, &items));
    *result = jinja_given(call->argument[1]) ? call->argument[1] : jinja_int(0);
    for (size_t i = 0; i < items->count; i++) {
        struct value item = items->items[i];
        if (jinja_given(attribute) && attribute.kind != VALUE_NONE)
            TRY(get_path(in, item, attribute, (struct value){0}, &item));
        TRY(jinja_arithmetic(in, OPERATION_ADD, *result, item, result));
    }
    return OK;
}

/* (key, items) for each run of equal keys after sorting. */
FILTER(filter_groupby)
{
    const struct list *items;
    struct sort_key *keys;
    bool case_sensitive = jinja_bool_argument(call->argument[2]);
    if (jinja_given(call->argument[1]))
        return jinja_fail(in, STATUS_UNSUPPORTED, "groupby with a default");
    TRY(jinja_items(in, call->subject, &items));
    TRY(sort_items(in, items, call->argument[0], case_sensitive, false, &keys));
    TRY(jinja_new_list(in, VALUE_LIST, result));
    for (size_t i = 0; i < items->count;) {
        struct value group, members, key;
        struct value shared = keys[i].key;
        TRY(get_path(in, keys[i].item, call->argument[0], (struct value){0}, &key));
        TRY(jinja_new_list(in, VALUE_TUPLE, &group));
        TRY(jinja_new_list(in, VALUE_LIST, &members));
        for (; i < items->count && jinja_equal(keys[i].key, shared); i++)
            TRY(jinja_list_push(in, members, keys[i].item));
        TRY(jinja_list_push(in, group, key));
        TRY(jinja_list_push(in, group, members));
        TRY(jinja_list_push(in, *result, group));
    }
    return OK;
}

/* Lists of `linecount` items; the last one filled up when there is something to fill with. */
FILTER(filter_batch)
{
    const struct list *items;
    struct value batch, fill = call->argument[1];
    int64_t size;
    TRY(jinja_int_argument(in, call->argument[0], 0, &size));
    if (size < 1) return jinja_fail(in, STATUS_INVALID, "batch needs a size of at least 1");
    TRY(jinja_items(in, call->subject, &items));
    TRY(jinja_new_list(in, VALUE_ITERATOR, result));
    TRY(jinja_new_list(in, VALUE_LIST, &batch));
    for (size_t i = 0; i < items->count; i++) {
        if (batch.list->count == (size_t)size) {
            TRY(jinja_list_push(in, *result, batch));
            TRY(jinja_new_list(in, VALUE_LIST, &batch));
        }
        TRY(jinja_list_push(in, batch, items->items[i]));
    }
    if (!batch.list->count) return OK;
    bool fills = jinja_given(fill) && fill.kind != VALUE_NONE;
    while (fills && batch.list->count < (size_t)size) {
        TRY(jinja_charge(in, 0));
        TRY(jinja_list_push(in, batch, fill));
    }
    return jinja_list_push(in, *result, batch);
}

static const struct builtin FILTERS[] = {
    {"batch", "linecount fill_with?", filter_batch},
    {"count", "", filter_length},
    {"dictsort", "case_sensitive? by? reverse?", filter_dictsort},
    {"first", "", filter_first},
    {"groupby", "attribute default? case_sensitive?", filter_groupby},
    {"items", "", filter_items},
    {"join", "d? attribute?", filter_join},
    {"last", "", filter_last},
    {"length", "", filter_length},
    {"list", "", filter_list},
    {"map", "*", filter_map},
    {"max", "case_sensitive? attribute?", filter_max},
    {"min", "case_sensitive? attribute?", filter_min},
    {"reject", "*", filter_reject},
    {"rejectattr", "*", filter_rejectattr},
    {"reverse", "", filter_reverse},
    {"select", "*", filter_select},
    {"selectattr", "*", filter_selectattr},
    {"sort", "reverse? case_sensitive? attribute?", filter_sort},
    {"sum", "attribute? start?", filter_sum},
    {"unique", "case_sensitive? attribute?", filter_unique},
};

const struct builtin *jinja_sequence_filter_find(struct text name)
{
    return jinja_builtin_find(FILTERS, ARRAY_COUNT(FILTERS), name);
}
