/* evaluate.c - computes expressions: names, operators, and the arguments of calls. */
#include <math.h>
#include <string.h>

#include "model/template/interpreter.h"

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

static enum status evaluate_item(struct interpreter *in, const struct node *node,
                                 struct value *value)
{
    struct value object, key;
    TRY(jinja_evaluate(in, node->item.object, &object));
    if (node->item.index->kind == NODE_SLICE)
        return jinja_slice(in, object, node->item.index, value);
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
    TRY(jinja_charge(in, lists->keyword_count * sizeof name));
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
    if (value->kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, *value);
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
    if (a.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, a);
    if (b.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, b);
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
    if (left.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, left);
    if (right.kind == VALUE_UNDEFINED) return jinja_undefined_fault(in, right);
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
