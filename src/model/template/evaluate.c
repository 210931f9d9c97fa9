/* evaluate.c - computes expressions: names, access, operators, and the arguments of calls. */
#include <math.h>
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

static enum status undefined_fault(struct interpreter *in, struct value value)
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

static enum status lookup(struct interpreter *in, int variable, struct value *value)
{
    for (const struct scope *scope = in->scope; scope; scope = scope->parent) {
        TRY(jinja_charge(in, scope->count * sizeof variable));
        for (size_t i = 0; i < scope->count; i++) {
            if (scope->bindings[i].variable != variable) continue;
            *value = scope->bindings[i].value;
            return OK;
        }
    }
    *value = in->globals[variable];
    if (!value->kind) *value = jinja_undefined(in->program->variables[variable]);
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
    if (object.kind == VALUE_UNDEFINED) return undefined_fault(in, object);
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
    if (object.kind == VALUE_UNDEFINED) return undefined_fault(in, object);
    if (object.kind == VALUE_DICT) {
        TRY(jinja_charge(in, object.dict->count * 8));
        const struct value *present = jinja_dict_find(object.dict, key);
        if (present) *value = *present;
        *found = present != NULL;
        return OK;
    }
    if (!jinja_is_integral(key)) return OK;
    int64_t index = jinja_to_int(key), count;
    if (object.kind == VALUE_LIST || object.kind == VALUE_TUPLE) {
        count = (int64_t)object.list->count;
        if (index < 0) index += count;
        *found = index >= 0 && index < count;
        if (*found) *value = object.list->items[index];
    } else if (object.kind == VALUE_STRING) {
        TRY(jinja_charge(in, object.string.length));
        count = (int64_t)jinja_char_count(object.string);
        if (index < 0) index += count;
        *found = index >= 0 && index < count;
        size_t from = *found ? jinja_char_offset(object.string, (size_t)index) : 0;
        struct text rest = text_slice(object.string, from, object.string.length);
        if (*found) *value = jinja_string(text_slice(rest, 0, jinja_char_offset(rest, 1)));
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

static enum status evaluate_items(struct interpreter *in, const struct node_list *nodes,
                                  enum value_kind kind, struct value *list)
{
    TRY(jinja_new_list(in, kind, list));
    for (const struct node *node = nodes->first; node; node = node->next) {
        struct value item;
        TRY(jinja_evaluate(in, node, &item));
        TRY(jinja_list_push(in, *list, item));
    }
    return OK;
}

static enum status evaluate_dict(struct interpreter *in, const struct node *node,
                                 struct value *value)
{
    *value = jinja_dict_new(in->arena, VALUE_DICT, node->items.count / 2);
    if (!value->kind) return jinja_out_of_memory(in);
    for (const struct node *key = node->items.first; key; key = key->next->next) {
        struct value name, item;
        TRY(jinja_evaluate(in, key, &name));
        TRY(jinja_evaluate(in, key->next, &item));
        in->node = key;
        TRY(jinja_charge(in, value->dict->count * sizeof name));
        if (!jinja_is_hashable(name))
            return jinja_fail(in, STATUS_INVALID, "%s cannot be the key of a dict",
                              jinja_type_name(name));
        if (!jinja_dict_put(in->arena, value->dict, name, item)) return jinja_out_of_memory(in);
    }
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
static enum status evaluate_slice(struct interpreter *in, struct value object,
                                  const struct node *slice, struct value *value)
{
    int64_t number[3] = {0};
    bool given[3], usable = true;
    TRY(slice_number(in, slice->slice.start, &number[0], &given[0], &usable));
    TRY(slice_number(in, slice->slice.stop, &number[1], &given[1], &usable));
    TRY(slice_number(in, slice->slice.step, &number[2], &given[2], &usable));
    in->node = slice;
    if (object.kind == VALUE_UNDEFINED) return undefined_fault(in, object);
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

static enum status evaluate_item(struct interpreter *in, const struct node *node,
                                 struct value *value)
{
    struct value object, key;
    TRY(jinja_evaluate(in, node->item.object, &object));
    if (node->item.index->kind == NODE_SLICE)
        return evaluate_slice(in, object, node->item.index, value);
    TRY(jinja_evaluate(in, node->item.index, &key));
    in->node = node;
    return jinja_item(in, object, key, value);
}

struct argument_lists {
    struct value positional;
    struct keyword *keywords;
    size_t keyword_count;
};

static enum status add_keyword(struct interpreter *in, struct argument_lists *lists,
                               struct text name, struct value value)
{
    for (size_t i = 0; i < lists->keyword_count; i++)
        if (text_equal(lists->keywords[i].name, name))
            return jinja_fail(in, STATUS_INVALID, "the argument \"%.*s\" is given twice",
                              TEXT_FORMAT(name));
    lists->keywords[lists->keyword_count++] = (struct keyword){.name = name, .value = value};
    return OK;
}

static enum status spread_keywords(struct interpreter *in, struct argument_lists *lists,
                                   const struct dict *dict)
{
    TRY(jinja_charge(in, dict->count * 64));
    for (size_t i = 0; i < dict->count; i++) {
        if (dict->entries[i].key.kind != VALUE_STRING)
            return jinja_fail(in, STATUS_INVALID, "the names of arguments must be strings");
        TRY(add_keyword(in, lists, dict->entries[i].key.string, dict->entries[i].value));
    }
    return OK;
}

/* Evaluate what stands in the brackets of a call; `caller` (MISSING: none) goes along. */
static enum status evaluate_arguments(struct interpreter *in, const struct call_syntax *syntax,
                                      struct value caller, struct arguments *arguments)
{
    struct argument_lists lists = {0};
    struct value spread = jinja_none();
    TRY(evaluate_items(in, &syntax->positional, VALUE_LIST, &lists.positional));
    if (syntax->spread) {
        const struct list *more;
        TRY(jinja_evaluate(in, syntax->spread, &spread));
        TRY(jinja_items(in, spread, &more));
        for (size_t i = 0; i < more->count; i++)
            TRY(jinja_list_push(in, lists.positional, more->items[i]));
    }
    spread = jinja_none();
    if (syntax->keyword_spread) TRY(jinja_evaluate(in, syntax->keyword_spread, &spread));
    if (syntax->keyword_spread && spread.kind != VALUE_DICT)
        return jinja_fail(in, STATUS_INVALID, "** needs a dict, not %s", jinja_type_name(spread));
    size_t most = syntax->keywords.count + 1 + (spread.kind == VALUE_DICT ? spread.dict->count : 0);
    if (most > 1 || jinja_given(caller)) {
        lists.keywords = arena_alloc_array(in->arena, most, sizeof *lists.keywords);
        if (!lists.keywords) return jinja_out_of_memory(in);
    }
    size_t i = 0;
    for (const struct node *node = syntax->keywords.first; node; node = node->next) {
        struct value value;
        TRY(jinja_evaluate(in, node, &value));
        TRY(add_keyword(in, &lists, syntax->keyword_names[i++], value));
    }
    if (spread.kind == VALUE_DICT) TRY(spread_keywords(in, &lists, spread.dict));
    if (jinja_given(caller)) TRY(add_keyword(in, &lists, TEXT("caller"), caller));
    *arguments = (struct arguments){.positional = lists.positional.list->items,
                                    .count = lists.positional.list->count,
                                    .keywords = lists.keywords,
                                    .keyword_count = lists.keyword_count};
    return OK;
}

/* Calls, filters and tests: the subject, then the arguments, then the call. */
enum status jinja_evaluate_call(struct interpreter *in, const struct node *node,
                                struct value caller, struct value *value)
{
    struct value subject;
    struct arguments arguments;
    TRY(jinja_evaluate(in, node->call.subject, &subject));
    TRY(evaluate_arguments(in, &node->call.arguments, caller, &arguments));
    in->node = node;
    if (node->kind == NODE_CALL) return jinja_call(in, subject, &arguments, value);
    if (!node->call.builtin)
        return jinja_fail(in, STATUS_UNSUPPORTED, "there is no %s \"%.*s\"",
                          node->kind == NODE_FILTER ? "filter" : "test",
                          TEXT_FORMAT(node->call.name));
    return jinja_call_builtin(in, node->call.builtin, subject, &arguments, value);
}

static enum status evaluate_sign(struct interpreter *in, const struct node *node,
                                 struct value *value)
{
    TRY(jinja_evaluate(in, node->operand, value));
    in->node = node;
    if (value->kind == VALUE_UNDEFINED) return undefined_fault(in, *value);
    if (value->kind == VALUE_FLOAT) {
        if (node->kind == NODE_NEGATE) value->real = -value->real;
        return OK;
    }
    return jinja_arithmetic(in, node->kind == NODE_PLUS ? OPERATION_ADD : OPERATION_SUBTRACT,
                            jinja_int(0), *value, value);
}

static enum status evaluate_concat(struct interpreter *in, const struct node *node,
                                   struct value *value)
{
    struct value parts;
    size_t length = 0;
    TRY(jinja_new_list(in, VALUE_LIST, &parts));
    for (const struct node *item = node->items.first; item; item = item->next) {
        struct value part;
        TRY(jinja_evaluate(in, item, &part));
        in->node = item;
        TRY(jinja_text(in, part, &part.string));
        TRY(jinja_list_push(in, parts, jinja_string(part.string)));
        length += part.string.length;
    }
    TRY(jinja_charge(in, length));
    char *joined = arena_alloc(in->arena, length + 1);
    if (!joined) return jinja_out_of_memory(in);
    *value = jinja_string((struct text){joined, length});
    for (size_t i = 0; i < parts.list->count; i++) {
        struct text part = parts.list->items[i].string;
        if (part.length) joined = mempcpy(joined, part.data, part.length);
    }
    return OK;
}

enum status jinja_contains(struct interpreter *in, struct value container, struct value item,
                           bool *contains)
{
    *contains = false;
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

static const char *operator_sign(enum operation operation)
{
    static const char *const signs[] = {"+",  "-",  "*", "/",  "//", "%", "**",
                                        "==", "!=", "<", "<=", ">",  ">="};
    return signs[operation];
}

static enum status compare(struct interpreter *in, enum operation operation, struct value a,
                           struct value b, bool *holds)
{
    if (operation == OPERATION_IN || operation == OPERATION_NOT_IN) {
        TRY(jinja_contains(in, b, a, holds));
        *holds = *holds == (operation == OPERATION_IN);
        return OK;
    }
    size_t weight = jinja_weight(a) < jinja_weight(b) ? jinja_weight(a) : jinja_weight(b);
    TRY(jinja_charge(in, weight));
    if (operation == OPERATION_EQUAL || operation == OPERATION_NOT_EQUAL) {
        *holds = jinja_equal(a, b) == (operation == OPERATION_EQUAL);
        return OK;
    }
    if (a.kind == VALUE_UNDEFINED) return undefined_fault(in, a);
    if (b.kind == VALUE_UNDEFINED) return undefined_fault(in, b);
    int order;
    if (!jinja_compare(a, b, &order))
        return jinja_fail(in, STATUS_INVALID, "%s %s %s: the two have no order", jinja_type_name(a),
                          operator_sign(operation), jinja_type_name(b));
    bool unordered =
        (a.kind == VALUE_FLOAT && isnan(a.real)) || (b.kind == VALUE_FLOAT && isnan(b.real));
    *holds = !unordered && (operation == OPERATION_LESS         ? order < 0
                            : operation == OPERATION_LESS_EQUAL ? order <= 0
                            : operation == OPERATION_GREATER    ? order > 0
                                                                : order >= 0);
    return OK;
}

/* a < b < c: as long as it holds, from left to right. */
static enum status evaluate_compare(struct interpreter *in, const struct node *node,
                                    struct value *value)
{
    struct value left, right;
    bool holds = true;
    const enum operation *operation = node->compare.operations;
    TRY(jinja_evaluate(in, node->compare.first, &left));
    for (const struct node *operand = node->compare.operands.first; operand && holds;
         operand = operand->next) {
        TRY(jinja_evaluate(in, operand, &right));
        in->node = node;
        TRY(compare(in, *operation++, left, right, &holds));
        left = right;
    }
    *value = jinja_bool(holds);
    return OK;
}

static enum status evaluate_arithmetic(struct interpreter *in, const struct node *node,
                                       struct value *value)
{
    struct value left, right;
    TRY(jinja_evaluate(in, node->binary.left, &left));
    TRY(jinja_evaluate(in, node->binary.right, &right));
    in->node = node;
    if (left.kind == VALUE_UNDEFINED) return undefined_fault(in, left);
    if (right.kind == VALUE_UNDEFINED) return undefined_fault(in, right);
    return jinja_arithmetic(in, node->binary.operation, left, right, value);
}

/* `and` and `or` give the operand that decided, not a bool. */
static enum status evaluate_logic(struct interpreter *in, const struct node *node,
                                  struct value *value)
{
    TRY(jinja_evaluate(in, node->binary.left, value));
    if (jinja_truth(*value) == (node->kind == NODE_OR)) return OK;
    return jinja_evaluate(in, node->binary.right, value);
}

static enum status evaluate_conditional(struct interpreter *in, const struct node *node,
                                        struct value *value)
{
    struct value condition;
    TRY(jinja_evaluate(in, node->conditional.condition, &condition));
    if (jinja_truth(condition)) return jinja_evaluate(in, node->conditional.yes, value);
    if (node->conditional.no) return jinja_evaluate(in, node->conditional.no, value);
    *value = jinja_undefined(TEXT("the inline if without else"));
    return OK;
}

static enum status evaluate_attribute(struct interpreter *in, const struct node *node,
                                      struct value *value)
{
    struct value object;
    TRY(jinja_evaluate(in, node->attribute.object, &object));
    in->node = node;
    return jinja_attribute(in, object, node->attribute.name, value);
}

static enum status evaluate_node(struct interpreter *in, const struct node *node,
                                 struct value *value)
{
    switch (node->kind) {
    case NODE_LITERAL: *value = node->literal; return OK;
    case NODE_NAME: return lookup(in, node->variable, value);
    case NODE_LIST: return evaluate_items(in, &node->items, VALUE_LIST, value);
    case NODE_TUPLE: return evaluate_items(in, &node->items, VALUE_TUPLE, value);
    case NODE_DICT: return evaluate_dict(in, node, value);
    case NODE_ATTRIBUTE: return evaluate_attribute(in, node, value);
    case NODE_ITEM: return evaluate_item(in, node, value);
    case NODE_CALL:
    case NODE_FILTER:
    case NODE_TEST: return jinja_evaluate_call(in, node, (struct value){0}, value);
    case NODE_NOT:
        TRY(jinja_evaluate(in, node->operand, value));
        *value = jinja_bool(!jinja_truth(*value));
        return OK;
    case NODE_NEGATE:
    case NODE_PLUS: return evaluate_sign(in, node, value);
    case NODE_AND:
    case NODE_OR: return evaluate_logic(in, node, value);
    case NODE_ARITHMETIC: return evaluate_arithmetic(in, node, value);
    case NODE_CONCAT: return evaluate_concat(in, node, value);
    case NODE_COMPARE: return evaluate_compare(in, node, value);
    case NODE_CONDITIONAL: return evaluate_conditional(in, node, value);
    case NODE_CAPTURED: *value = in->captured; return OK;
    default:
        in->node = node;
        return jinja_fail(in, STATUS_CORRUPT, "a slice or a statement stands as an expression");
    }
}

enum status jinja_evaluate(struct interpreter *in, const struct node *node, struct value *value)
{
    if (++in->depth > JINJA_RENDER_DEPTH_MAX) {
        in->node = node;
        return jinja_fail(in, STATUS_TOO_LARGE, "nested more than %d levels deep",
                          JINJA_RENDER_DEPTH_MAX);
    }
    TRY(jinja_charge(in, 0));
    TRY(evaluate_node(in, node, value));
    in->depth--;
    return OK;
}
