/* access.c - reaching into values: items to walk, attributes, items by key, slices, text. */
#include <string.h>

#include "model/template/interpreter.h"
#include "model/template/unicode.h"

enum status jinja_new_list(struct interpreter *in, enum value_kind kind, struct value *list)
{
    *list = jinja_list_new(in->arena, kind, 0);
    return list->kind ? OK : jinja_out_of_memory(in);
}

enum status jinja_list_push(struct interpreter *in, struct value list, struct value item)
{
    return jinja_list_add(in->arena, list.list, item) ? OK : jinja_out_of_memory(in);
}

enum status jinja_take_string(struct interpreter *in, struct buffer *buffer, struct value *value)
{
    enum status status = OK;
    char *copy = NULL;
    if (!buffer->failed) copy = arena_copy(in->arena, buffer->data, buffer->length);
    if (copy)
        *value = jinja_string((struct text){copy, buffer->length});
    else
        status = jinja_out_of_memory(in);
    buffer_deinit(buffer);
    return status == OK ? jinja_charge(in, value->string.length) : status;
}

enum status jinja_text(struct interpreter *in, struct value value, struct text *text)
{
    if (value.kind == VALUE_STRING) {
        *text = value.string;
        return OK;
    }
    TRY(jinja_charge(in, jinja_weight(value)));
    struct buffer buffer;
    buffer_init(&buffer);
    bool written = jinja_append_str(&buffer, value);
    if (!written && !buffer.failed) {
        buffer_deinit(&buffer);
        return jinja_fail(in, STATUS_UNSUPPORTED, "%s cannot be printed (or what it contains)",
                          jinja_type_name(value));
    }
    struct value string;
    TRY(jinja_take_string(in, &buffer, &string));
    *text = string.string;
    return OK;
}

enum status jinja_undefined_fault(struct interpreter *in, struct value value)
{
    return jinja_fail(in, STATUS_INVALID, "\"%.*s\" is undefined", TEXT_FORMAT(value.string));
}

static enum status characters(struct interpreter *in, struct text text, struct value *list)
{
    TRY(jinja_new_list(in, VALUE_LIST, list));
    TRY(jinja_charge(in, text.length * sizeof *list));
    for (size_t at = 0; at < text.length;) {
        uint32_t c;
        size_t bytes = utf8_decode(text.data + at, text.length - at, &c);
        if (!bytes) bytes = 1;
        TRY(jinja_list_push(in, *list, jinja_string(text_slice(text, at, at + bytes))));
        at += bytes;
    }
    return OK;
}

enum status jinja_items(struct interpreter *in, struct value value, const struct list **items)
{
    struct value list;
    switch (value.kind) {
    case VALUE_LIST:
    case VALUE_TUPLE: *items = value.list; return OK;
    case VALUE_ITERATOR: {
        struct list *rest = arena_alloc(in->arena, sizeof *rest);
        if (!rest) return jinja_out_of_memory(in);
        *rest = *value.list;
        *items = rest;
        value.list->count = 0;
        return OK;
    }
    case VALUE_STRING: TRY(characters(in, value.string, &list)); break;
    case VALUE_DICT:
        TRY(jinja_new_list(in, VALUE_LIST, &list));
        for (size_t i = 0; i < value.dict->count; i++)
            TRY(jinja_list_push(in, list, value.dict->entries[i].key));
        break;
    case VALUE_UNDEFINED: TRY(jinja_new_list(in, VALUE_LIST, &list)); break;
    default: return jinja_fail(in, STATUS_INVALID, "%s is not iterable", jinja_type_name(value));
    }
    *items = list.list;
    return OK;
}

static enum status method_value(struct interpreter *in, struct value object,
                                const struct builtin *function, struct value *value)
{
    struct method *method = arena_alloc(in->arena, sizeof *method);
    if (!method) return jinja_out_of_memory(in);
    *method = (struct method){.object = object, .function = function};
    *value = (struct value){.kind = VALUE_METHOD, .method = method};
    return OK;
}

/* loop.index and its like. */
static bool loop_attribute(const struct loop *loop, struct text name, struct value *value)
{
    int64_t index = (int64_t)loop->index, count = (int64_t)loop->items->count;
    const struct {
        struct text name;
        struct value value;
    } attributes[] = {
        {TEXT("index"), jinja_int(index + 1)},
        {TEXT("index0"), jinja_int(index)},
        {TEXT("revindex"), jinja_int(count - index)},
        {TEXT("revindex0"), jinja_int(count - index - 1)},
        {TEXT("first"), jinja_bool(index == 0)},
        {TEXT("last"), jinja_bool(index == count - 1)},
        {TEXT("length"), jinja_int(count)},
        {TEXT("depth"), jinja_int(loop->depth + 1)},
        {TEXT("depth0"), jinja_int(loop->depth)},
        {TEXT("previtem"),
         index > 0 ? loop->items->items[index - 1] : jinja_undefined(TEXT("loop.previtem"))},
        {TEXT("nextitem"), index + 1 < count ? loop->items->items[index + 1]
                                             : jinja_undefined(TEXT("loop.nextitem"))},
    };
    for (size_t i = 0; i < ARRAY_COUNT(attributes); i++) {
        if (!text_equal(name, attributes[i].name)) continue;
        *value = attributes[i].value;
        return true;
    }
    return false;
}

/* What Python's getattr() would find: methods, the attributes of a loop and of a namespace. */
static enum status python_attribute(struct interpreter *in, struct value object, struct text name,
                                    struct value *value, bool *found)
{
    *found = true;
    if (object.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, object);
    if (object.kind == VALUE_LOOP && loop_attribute(object.loop, name, value)) return OK;
    if (object.kind == VALUE_NAMESPACE) {
        const struct value *present = jinja_dict_find_name(object.dict, name);
        *value = present ? *present : jinja_undefined(name);
        return OK;
    }
    const struct builtin *method = jinja_method_find(object.kind, name);
    if (method) return method_value(in, object, method, value);
    const char *refused = jinja_method_refused(object.kind, name);
    if (refused)
        return jinja_fail(in, STATUS_UNSUPPORTED, "%s.%.*s() %s", jinja_type_name(object),
                          TEXT_FORMAT(name), refused);
    *found = false;
    return OK;
}

/* What object[key] would find. */
static enum status python_item(struct interpreter *in, struct value object, struct value key,
                               struct value *value, bool *found)
{
    *found = false;
    if (object.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, object);
    if (object.kind == VALUE_DICT) {
        TRY(jinja_charge(in, object.dict->count * 8));
        const struct value *present = jinja_dict_find(object.dict, key);
        if (present) *value = *present;
        *found = present != NULL;
        return OK;
    }
    bool is_list = object.kind == VALUE_LIST || object.kind == VALUE_TUPLE;
    if (!jinja_is_integral(key) || (!is_list && object.kind != VALUE_STRING)) return OK;
    TRY(jinja_charge(in, is_list ? 0 : object.string.length));
    size_t count = is_list ? object.list->count : jinja_char_count(object.string);
    int64_t index = jinja_to_int(key);
    if (index < 0) index += (int64_t)count;
    *found = index >= 0 && index < (int64_t)count;
    if (!*found) return OK;
    if (is_list) {
        *value = object.list->items[index];
    } else {
        size_t from = jinja_char_offset(object.string, (size_t)index);
        struct text rest = text_slice(object.string, from, object.string.length);
        *value = jinja_string(text_slice(rest, 0, jinja_char_offset(rest, 1)));
    }
    return OK;
}

enum status jinja_attribute(struct interpreter *in, struct value object, struct text name,
                            struct value *value)
{
    bool found;
    TRY(python_attribute(in, object, name, value, &found));
    if (found) return OK;
    TRY(python_item(in, object, jinja_string(name), value, &found));
    if (!found) *value = jinja_undefined(name);
    return OK;
}

enum status jinja_item(struct interpreter *in, struct value object, struct value key,
                       struct value *value)
{
    bool found;
    TRY(python_item(in, object, key, value, &found));
    if (found) return OK;
    if (key.kind == VALUE_STRING) TRY(python_attribute(in, object, key.string, value, &found));
    if (!found) *value = jinja_undefined(key.kind == VALUE_STRING ? key.string : TEXT("[...]"));
    return OK;
}

/* One of the three numbers of a slice; *given false: left out, or none. Clears *usable when it is
 * no integer. */
static enum status slice_number(struct interpreter *in, const struct node *node, int64_t *number,
                                bool *given, bool *usable)
{
    struct value value = jinja_none();
    if (node) TRY(jinja_evaluate(in, node, &value));
    *given = value.kind != VALUE_NONE;
    *usable &= !*given || jinja_is_integral(value);
    if (*given && *usable) *number = jinja_to_int(value);
    return OK;
}

/* A bound counted from either end and clamped to [low, high], as Python does. */
static int64_t slice_bound(int64_t index, int64_t count, int64_t low, int64_t high)
{
    if (index < 0) index = index < -count ? low : index + count;
    return index < low ? low : index > high ? high : index;
}

/* From `from` by `step` up to (not including) `to`; none when `from` is at or beyond it. */
struct slice_range {
    int64_t from, to, step;
};

static enum status slice_range(struct interpreter *in, int64_t count, const int64_t number[3],
                               const bool given[3], struct slice_range *range)
{
    int64_t step = given[2] ? number[2] : 1;
    if (step > count + 1) step = count + 1; /* the same items, and no overflow */
    if (step < -count - 1) step = -count - 1;
    if (step == 0) return jinja_fail(in, STATUS_INVALID, "the step of a slice cannot be 0");
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? count : count - 1;
    *range = (struct slice_range){step > 0 ? low : high, step > 0 ? high : low, step};
    if (given[0]) range->from = slice_bound(number[0], count, low, high);
    if (given[1]) range->to = slice_bound(number[1], count, low, high);
    return OK;
}

static enum status slice_list(struct interpreter *in, const struct list *items,
                              struct slice_range range, struct value picked)
{
    for (int64_t i = range.from; range.step > 0 ? i < range.to : i > range.to; i += range.step)
        TRY(jinja_list_push(in, picked, items->items[i]));
    return jinja_charge(in, picked.list->count * sizeof picked);
}

static enum status slice_string(struct interpreter *in, struct text text, struct slice_range range,
                                struct value *value)
{
    TRY(jinja_charge(in, text.length));
    if (range.step == 1) {
        size_t from = jinja_char_offset(text, (size_t)range.from);
        size_t to = jinja_char_offset(text, (size_t)range.to);
        *value = jinja_string(text_slice(text, from, from < to ? to : from));
        return OK;
    }
    struct value all, picked;
    struct buffer out;
    TRY(characters(in, text, &all));
    TRY(jinja_new_list(in, VALUE_LIST, &picked));
    TRY(slice_list(in, all.list, range, picked));
    buffer_init(&out);
    for (size_t i = 0; i < picked.list->count; i++)
        buffer_append_text(&out, picked.list->items[i].string);
    return jinja_take_string(in, &out, value);
}

/* What has no slices, or not with such bounds, is undefined, like any item that is not there. */
enum status jinja_slice(struct interpreter *in, struct value object, const struct node *slice,
                        struct value *value)
{
    int64_t number[3] = {0};
    bool given[3], usable = true;
    TRY(slice_number(in, slice->slice.start, &number[0], &given[0], &usable));
    TRY(slice_number(in, slice->slice.stop, &number[1], &given[1], &usable));
    TRY(slice_number(in, slice->slice.step, &number[2], &given[2], &usable));
    in->node = slice;
    if (object.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, object);
    *value = jinja_undefined(TEXT("[...]"));
    bool is_list = object.kind == VALUE_LIST || object.kind == VALUE_TUPLE;
    if (!usable || (!is_list && object.kind != VALUE_STRING)) return OK;
    size_t count = is_list ? object.list->count : jinja_char_count(object.string);
    struct slice_range range = {0};
    TRY(slice_range(in, (int64_t)count, number, given, &range));
    if (!is_list) return slice_string(in, object.string, range, value);
    TRY(jinja_new_list(in, object.kind, value));
    return slice_list(in, object.list, range, *value);
}

enum status jinja_contains(struct interpreter *in, struct value container, struct value item,
                           bool *contains)
{
    *contains = false;
    if (container.kind == VALUE_DICT)
        TRY(jinja_charge(in, container.dict->count * sizeof item));
    else
        TRY(jinja_charge(in, jinja_weight(container)));
    if (container.kind == VALUE_STRING) {
        if (item.kind != VALUE_STRING)
            return jinja_fail(in, STATUS_INVALID, "\"in\" a string needs a string, not %s",
                              jinja_type_name(item));
        *contains = text_find(container.string, item.string) != SIZE_MAX;
        return OK;
    }
    if (container.kind == VALUE_DICT) {
        *contains = jinja_dict_find(container.dict, item) != NULL;
        return OK;
    }
    const struct list *items;
    TRY(jinja_items(in, container, &items));
    for (size_t i = 0; i < items->count && !*contains; i++) {
        TRY(jinja_charge(in, 0));
        *contains = jinja_equal(items->items[i], item);
    }
    return OK;
}
