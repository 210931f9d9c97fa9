/* parser_expression.c - expressions by recursive descent, one function per level of precedence:
 * tuple, inline if, or, and, not, comparison, + -, ~, * / // %, **, unary, postfix, filter. */
#include <string.h>

#include "model/template/builtin.h"
#include "model/template/parser.h"

static enum status parse_or(struct parser *parser, struct node **node);
static enum status parse_unary(struct parser *parser, bool with_filter, struct node **node);

static enum status literal(struct parser *parser, struct value value, struct node **node)
{
    TRY(jinja_node_new(parser, NODE_LITERAL, parser->token->offset, node));
    (*node)->literal = value;
    parser->token++;
    return OK;
}

static enum status name_node(struct parser *parser, struct node **node)
{
    TRY(jinja_node_new(parser, NODE_NAME, parser->token->offset, node));
    TRY(jinja_variable(parser, parser->token->text, &(*node)->variable));
    parser->token++;
    return OK;
}

static enum status parse_name(struct parser *parser, struct node **node)
{
    struct text name = parser->token->text;
    if (text_equal(name, TEXT("true")) || text_equal(name, TEXT("True")))
        return literal(parser, jinja_bool(true), node);
    if (text_equal(name, TEXT("false")) || text_equal(name, TEXT("False")))
        return literal(parser, jinja_bool(false), node);
    if (text_equal(name, TEXT("none")) || text_equal(name, TEXT("None")))
        return literal(parser, jinja_none(), node);
    return name_node(parser, node);
}

/* Adjacent strings are one string. */
static enum status parse_string(struct parser *parser, struct node **node)
{
    const struct token *first = parser->token;
    size_t length = 0;
    TRY(literal(parser, jinja_string(first->text), node));
    if (parser->token->kind != TOKEN_STRING) return OK;
    while (parser->token->kind == TOKEN_STRING) parser->token++;
    for (const struct token *token = first; token < parser->token; token++)
        length += token->text.length;
    char *joined = arena_alloc(parser->arena, length + 1);
    if (!joined) return jinja_parse_fail(parser, first->offset, STATUS_NO_MEMORY, "out of memory");
    (*node)->literal.string = (struct text){joined, length};
    for (const struct token *token = first; token < parser->token; token++)
        joined = mempcpy(joined, token->text.data, token->text.length);
    return OK;
}

static enum status parse_list(struct parser *parser, struct node **node)
{
    TRY(jinja_node_new(parser, NODE_LIST, parser->token->offset, node));
    parser->token++;
    while (!jinja_parse_skip(parser, TOKEN_BRACKET_CLOSE)) {
        struct node *item;
        if ((*node)->items.count) {
            TRY(jinja_parse_expect(parser, TOKEN_COMMA, "\",\" or \"]\""));
            if (jinja_parse_skip(parser, TOKEN_BRACKET_CLOSE)) break;
        }
        TRY(jinja_parse_expression(parser, &item));
        jinja_node_list_add(&(*node)->items, item);
    }
    return OK;
}

static enum status parse_dict(struct parser *parser, struct node **node)
{
    TRY(jinja_node_new(parser, NODE_DICT, parser->token->offset, node));
    parser->token++;
    while (!jinja_parse_skip(parser, TOKEN_BRACE_CLOSE)) {
        struct node *key, *value;
        if ((*node)->items.count) {
            TRY(jinja_parse_expect(parser, TOKEN_COMMA, "\",\" or \"}\""));
            if (jinja_parse_skip(parser, TOKEN_BRACE_CLOSE)) break;
        }
        TRY(jinja_parse_expression(parser, &key));
        TRY(jinja_parse_expect(parser, TOKEN_COLON, "\":\""));
        TRY(jinja_parse_expression(parser, &value));
        jinja_node_list_add(&(*node)->items, key);
        jinja_node_list_add(&(*node)->items, value);
    }
    return OK;
}

/* In brackets: `(a)` is a, `(a,)` and `()` are tuples. */
static enum status parse_parenthesis(struct parser *parser, struct node **node)
{
    uint32_t offset = parser->token->offset;
    parser->token++;
    if (jinja_parse_skip(parser, TOKEN_PAREN_CLOSE))
        return jinja_node_new(parser, NODE_TUPLE, offset, node);
    TRY(jinja_parse_tuple(parser, node));
    return jinja_parse_expect(parser, TOKEN_PAREN_CLOSE, "\")\"");
}

static enum status parse_primary(struct parser *parser, struct node **node)
{
    const struct token *token = parser->token;
    switch (token->kind) {
    case TOKEN_NAME: return parse_name(parser, node);
    case TOKEN_STRING: return parse_string(parser, node);
    case TOKEN_INTEGER: return literal(parser, jinja_int(token->integer), node);
    case TOKEN_FLOAT: return literal(parser, jinja_float(token->real), node);
    case TOKEN_PAREN_OPEN: return parse_parenthesis(parser, node);
    case TOKEN_BRACKET_OPEN: return parse_list(parser, node);
    case TOKEN_BRACE_OPEN: return parse_dict(parser, node);
    default: return jinja_parse_unexpected(parser, "an expression");
    }
}

static bool ends_subscript(const struct parser *parser)
{
    enum token_kind kind = parser->token->kind;
    return kind == TOKEN_BRACKET_CLOSE || kind == TOKEN_COMMA || kind == TOKEN_COLON;
}

/* What stands in [..]: an expression or a slice. */
static enum status parse_subscript(struct parser *parser, struct node **index)
{
    uint32_t offset = parser->token->offset;
    struct node *start = NULL, *slice;
    if (parser->token->kind != TOKEN_COLON) TRY(jinja_parse_expression(parser, &start));
    if (!jinja_parse_skip(parser, TOKEN_COLON)) {
        *index = start;
        return OK;
    }
    TRY(jinja_node_new(parser, NODE_SLICE, offset, &slice));
    slice->slice.start = start;
    if (!ends_subscript(parser)) TRY(jinja_parse_expression(parser, &slice->slice.stop));
    if (jinja_parse_skip(parser, TOKEN_COLON) && !ends_subscript(parser))
        TRY(jinja_parse_expression(parser, &slice->slice.step));
    *index = slice;
    return OK;
}

/* object.name, object.0, object[index] */
static enum status parse_access(struct parser *parser, struct node **node)
{
    uint32_t offset = parser->token->offset;
    struct node *object = *node, *index;
    if (jinja_parse_skip(parser, TOKEN_BRACKET_OPEN)) {
        TRY(parse_subscript(parser, &index));
        TRY(jinja_parse_expect(parser, TOKEN_BRACKET_CLOSE, "\"]\""));
    } else {
        parser->token++;
        if (parser->token->kind == TOKEN_NAME) {
            TRY(jinja_node_new(parser, NODE_ATTRIBUTE, offset, node));
            (*node)->attribute.object = object;
            (*node)->attribute.name = parser->token->text;
            parser->token++;
            return OK;
        }
        if (parser->token->kind != TOKEN_INTEGER)
            return jinja_parse_unexpected(parser, "a name or a number");
        TRY(literal(parser, jinja_int(parser->token->integer), &index));
    }
    TRY(jinja_node_new(parser, NODE_ITEM, offset, node));
    (*node)->item.object = object;
    (*node)->item.index = index;
    return OK;
}

static enum status parse_keyword(struct parser *parser, struct call_syntax *call)
{
    struct node *value;
    struct text name = parser->token->text;
    parser->token += 2;
    TRY(jinja_parse_expression(parser, &value));
    size_t count = call->keywords.count;
    struct text *names = arena_alloc_array(parser->arena, count + 1, sizeof *names);
    if (!names) return jinja_parse_fail(parser, 0, STATUS_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        if (text_equal(call->keyword_names[i], name))
            return jinja_parse_fail(parser, value->offset, STATUS_CORRUPT,
                                    "the argument \"%.*s\" is given twice", TEXT_FORMAT(name));
        names[i] = call->keyword_names[i];
    }
    names[count] = name;
    call->keyword_names = names;
    jinja_node_list_add(&call->keywords, value);
    return OK;
}

static enum status parse_argument(struct parser *parser, struct call_syntax *call)
{
    struct node *value;
    if (call->keyword_spread) return jinja_parse_unexpected(parser, "\")\" after **arguments");
    if (jinja_parse_skip(parser, TOKEN_POWER))
        return jinja_parse_expression(parser, &call->keyword_spread);
    if (parser->token->kind == TOKEN_NAME && parser->token[1].kind == TOKEN_ASSIGN)
        return parse_keyword(parser, call);
    if (call->spread || (call->keywords.count && parser->token->kind != TOKEN_MULTIPLY))
        return jinja_parse_unexpected(parser, "a keyword argument");
    if (jinja_parse_skip(parser, TOKEN_MULTIPLY))
        return jinja_parse_expression(parser, &call->spread);
    TRY(jinja_parse_expression(parser, &value));
    jinja_node_list_add(&call->positional, value);
    return OK;
}

static enum status parse_arguments(struct parser *parser, struct call_syntax *call)
{
    TRY(jinja_parse_expect(parser, TOKEN_PAREN_OPEN, "\"(\""));
    while (!jinja_parse_skip(parser, TOKEN_PAREN_CLOSE)) {
        TRY(parse_argument(parser, call));
        if (parser->token->kind != TOKEN_PAREN_CLOSE)
            TRY(jinja_parse_expect(parser, TOKEN_COMMA, "\",\" or \")\""));
    }
    return OK;
}

enum status jinja_parse_call(struct parser *parser, struct node **node)
{
    struct node *callee = *node;
    TRY(jinja_node_new(parser, NODE_CALL, parser->token->offset, node));
    (*node)->call.subject = callee;
    return parse_arguments(parser, &(*node)->call.arguments);
}

static enum status parse_postfix(struct parser *parser, struct node **node)
{
    for (;;) {
        enum token_kind kind = parser->token->kind;
        if (kind == TOKEN_DOT || kind == TOKEN_BRACKET_OPEN)
            TRY(parse_access(parser, node));
        else if (kind == TOKEN_PAREN_OPEN)
            TRY(jinja_parse_call(parser, node));
        else
            return OK;
    }
}

/* As in Jinja, an unknown filter is a fault at once only where every rendering would come by; in a
 * branch it is one when it is reached. */
static void note_unknown(struct parser *parser, const struct node *node, const struct token *name)
{
    if (!node->call.builtin && !parser->unknown) parser->unknown = name;
}

enum status jinja_parse_filters(struct parser *parser, bool starts_inline, struct node **node)
{
    while (starts_inline || jinja_parse_skip(parser, TOKEN_PIPE)) {
        starts_inline = false;
        struct node *subject = *node;
        const struct token *name = parser->token;
        TRY(jinja_parse_expect(parser, TOKEN_NAME, "the name of a filter"));
        TRY(jinja_node_new(parser, NODE_FILTER, name->offset, node));
        (*node)->call.subject = subject;
        (*node)->call.name = name->text;
        (*node)->call.builtin = jinja_filter_find(name->text);
        note_unknown(parser, *node, name);
        if (parser->token->kind == TOKEN_PAREN_OPEN)
            TRY(parse_arguments(parser, &(*node)->call.arguments));
    }
    return OK;
}

/* `is divisibleby 3`: one argument may stand without brackets. */
static bool at_bare_argument(const struct parser *parser)
{
    switch (parser->token->kind) {
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
    case TOKEN_BRACKET_OPEN:
    case TOKEN_BRACE_OPEN: return true;
    case TOKEN_NAME:
        return !jinja_parse_at_name(parser, "else") && !jinja_parse_at_name(parser, "or") &&
               !jinja_parse_at_name(parser, "and");
    default: return false;
    }
}

static enum status parse_test(struct parser *parser, struct node **node)
{
    struct node *subject = *node;
    uint32_t offset = parser->token->offset;
    parser->token++;
    bool negated = jinja_parse_skip_name(parser, "not");
    const struct token *name = parser->token;
    TRY(jinja_parse_expect(parser, TOKEN_NAME, "the name of a test"));
    TRY(jinja_node_new(parser, NODE_TEST, offset, node));
    (*node)->call.subject = subject;
    (*node)->call.name = name->text;
    (*node)->call.builtin = jinja_test_find(name->text);
    note_unknown(parser, *node, name);
    if (parser->token->kind == TOKEN_PAREN_OPEN) {
        TRY(parse_arguments(parser, &(*node)->call.arguments));
    } else if (at_bare_argument(parser)) {
        struct node *argument;
        if (jinja_parse_at_name(parser, "is"))
            return jinja_parse_unexpected(parser, "no second \"is\"");
        TRY(parse_primary(parser, &argument));
        TRY(parse_postfix(parser, &argument));
        jinja_node_list_add(&(*node)->call.arguments.positional, argument);
    }
    if (!negated) return OK;
    struct node *test = *node;
    TRY(jinja_node_new(parser, NODE_NOT, offset, node));
    (*node)->operand = test;
    return OK;
}

/* Filters, tests and calls behind an operand. */
static enum status parse_filter_chain(struct parser *parser, struct node **node)
{
    for (;;) {
        if (parser->token->kind == TOKEN_PIPE)
            TRY(jinja_parse_filters(parser, false, node));
        else if (jinja_parse_at_name(parser, "is"))
            TRY(parse_test(parser, node));
        else if (parser->token->kind == TOKEN_PAREN_OPEN)
            TRY(jinja_parse_call(parser, node));
        else
            return OK;
    }
}

static enum status parse_unary(struct parser *parser, bool with_filter, struct node **node)
{
    enum token_kind kind = parser->token->kind;
    if (kind == TOKEN_SUBTRACT || kind == TOKEN_ADD) {
        struct node *sign;
        TRY(jinja_parse_enter(parser));
        TRY(jinja_node_new(parser, kind == TOKEN_ADD ? NODE_PLUS : NODE_NEGATE,
                           parser->token->offset, &sign));
        parser->token++;
        TRY(parse_unary(parser, false, &sign->operand));
        jinja_parse_leave(parser);
        *node = sign;
    } else {
        TRY(parse_primary(parser, node));
    }
    TRY(parse_postfix(parser, node));
    return with_filter ? parse_filter_chain(parser, node) : OK;
}

/* *node becomes `*node operation right`. */
static enum status binary(struct parser *parser, enum node_kind kind, enum operation operation,
                          uint32_t offset, struct node *right, struct node **node)
{
    struct node *left = *node;
    TRY(jinja_node_new(parser, kind, offset, node));
    (*node)->binary.operation = operation;
    (*node)->binary.left = left;
    (*node)->binary.right = right;
    return OK;
}

static enum status parse_power(struct parser *parser, struct node **node)
{
    TRY(parse_unary(parser, true, node));
    while (parser->token->kind == TOKEN_POWER) {
        struct node *right;
        uint32_t offset = (parser->token++)->offset;
        TRY(parse_unary(parser, true, &right));
        TRY(binary(parser, NODE_ARITHMETIC, OPERATION_POWER, offset, right, node));
    }
    return OK;
}

static enum status parse_product(struct parser *parser, struct node **node)
{
    TRY(parse_power(parser, node));
    for (;;) {
        enum operation operation;
        switch (parser->token->kind) {
        case TOKEN_MULTIPLY: operation = OPERATION_MULTIPLY; break;
        case TOKEN_DIVIDE: operation = OPERATION_DIVIDE; break;
        case TOKEN_FLOOR_DIVIDE: operation = OPERATION_FLOOR_DIVIDE; break;
        case TOKEN_MODULO: operation = OPERATION_MODULO; break;
        default: return OK;
        }
        struct node *right;
        uint32_t offset = (parser->token++)->offset;
        TRY(parse_power(parser, &right));
        TRY(binary(parser, NODE_ARITHMETIC, operation, offset, right, node));
    }
}

static enum status parse_concat(struct parser *parser, struct node **node)
{
    TRY(parse_product(parser, node));
    if (parser->token->kind != TOKEN_TILDE) return OK;
    struct node *item = *node;
    TRY(jinja_node_new(parser, NODE_CONCAT, parser->token->offset, node));
    jinja_node_list_add(&(*node)->items, item);
    while (jinja_parse_skip(parser, TOKEN_TILDE)) {
        TRY(parse_product(parser, &item));
        jinja_node_list_add(&(*node)->items, item);
    }
    return OK;
}

static enum status parse_sum(struct parser *parser, struct node **node)
{
    TRY(parse_concat(parser, node));
    while (parser->token->kind == TOKEN_ADD || parser->token->kind == TOKEN_SUBTRACT) {
        struct node *right;
        enum operation operation =
            parser->token->kind == TOKEN_ADD ? OPERATION_ADD : OPERATION_SUBTRACT;
        uint32_t offset = (parser->token++)->offset;
        TRY(parse_concat(parser, &right));
        TRY(binary(parser, NODE_ARITHMETIC, operation, offset, right, node));
    }
    return OK;
}

/* Take a comparison operator if one stands here. */
static bool skip_comparison(struct parser *parser, enum operation *operation)
{
    switch (parser->token->kind) {
    case TOKEN_EQUAL: *operation = OPERATION_EQUAL; break;
    case TOKEN_NOT_EQUAL: *operation = OPERATION_NOT_EQUAL; break;
    case TOKEN_LESS: *operation = OPERATION_LESS; break;
    case TOKEN_LESS_EQUAL: *operation = OPERATION_LESS_EQUAL; break;
    case TOKEN_GREATER: *operation = OPERATION_GREATER; break;
    case TOKEN_GREATER_EQUAL: *operation = OPERATION_GREATER_EQUAL; break;
    default:
        if (jinja_parse_skip_name(parser, "in")) {
            *operation = OPERATION_IN;
            return true;
        }
        if (!jinja_parse_at_name(parser, "not") || parser->token[1].kind != TOKEN_NAME ||
            !text_equal(parser->token[1].text, TEXT("in")))
            return false;
        parser->token++;
        *operation = OPERATION_NOT_IN;
    }
    parser->token++;
    return true;
}

static enum status parse_comparison(struct parser *parser, struct node **node)
{
    TRY(parse_sum(parser, node));
    uint32_t offset = parser->token->offset;
    enum operation operation;
    struct node *compare = NULL;
    while (skip_comparison(parser, &operation)) {
        struct node *operand;
        TRY(parse_sum(parser, &operand));
        if (!compare) {
            TRY(jinja_node_new(parser, NODE_COMPARE, offset, &compare));
            compare->compare.first = *node;
        }
        size_t count = compare->compare.operands.count;
        enum operation *operations =
            arena_alloc_array(parser->arena, count + 1, sizeof *operations);
        if (!operations) return jinja_parse_fail(parser, 0, STATUS_NO_MEMORY, "out of memory");
        if (count) memcpy(operations, compare->compare.operations, count * sizeof *operations);
        operations[count] = operation;
        compare->compare.operations = operations;
        jinja_node_list_add(&compare->compare.operands, operand);
    }
    if (compare) *node = compare;
    return OK;
}

static enum status parse_not(struct parser *parser, struct node **node)
{
    if (!jinja_parse_at_name(parser, "not")) return parse_comparison(parser, node);
    struct node *negation;
    TRY(jinja_parse_enter(parser));
    TRY(jinja_node_new(parser, NODE_NOT, parser->token->offset, &negation));
    parser->token++;
    TRY(parse_not(parser, &negation->operand));
    jinja_parse_leave(parser);
    *node = negation;
    return OK;
}

static enum status parse_and(struct parser *parser, struct node **node)
{
    TRY(parse_not(parser, node));
    while (jinja_parse_at_name(parser, "and")) {
        struct node *right;
        uint32_t offset = (parser->token++)->offset;
        TRY(parse_not(parser, &right));
        TRY(binary(parser, NODE_AND, 0, offset, right, node));
    }
    return OK;
}

static enum status parse_or(struct parser *parser, struct node **node)
{
    TRY(parse_and(parser, node));
    while (jinja_parse_at_name(parser, "or")) {
        struct node *right;
        uint32_t offset = (parser->token++)->offset;
        TRY(parse_and(parser, &right));
        TRY(binary(parser, NODE_OR, 0, offset, right, node));
    }
    return OK;
}

static enum status parse_conditional(struct parser *parser, struct node **node)
{
    const struct token *unknown = parser->unknown;
    TRY(parse_or(parser, node));
    while (jinja_parse_at_name(parser, "if")) {
        struct node *conditional;
        TRY(jinja_node_new(parser, NODE_CONDITIONAL, parser->token->offset, &conditional));
        parser->token++;
        conditional->conditional.yes = *node;
        TRY(parse_or(parser, &conditional->conditional.condition));
        if (jinja_parse_skip_name(parser, "else"))
            TRY(jinja_parse_expression(parser, &conditional->conditional.no));
        parser->unknown = unknown;
        *node = conditional;
    }
    return OK;
}

enum status jinja_parse_expression(struct parser *parser, struct node **node)
{
    TRY(jinja_parse_enter(parser));
    TRY(parse_conditional(parser, node));
    jinja_parse_leave(parser);
    return OK;
}

static bool at_tuple_end(const struct parser *parser)
{
    enum token_kind kind = parser->token->kind;
    return kind == TOKEN_OUTPUT_END || kind == TOKEN_BLOCK_END || kind == TOKEN_PAREN_CLOSE ||
           kind == TOKEN_ASSIGN || jinja_parse_at_name(parser, "in");
}

typedef enum status parse_item(struct parser *parser, struct node **node);

/* Items with commas between them; a single one without a comma stays what it is. */
static enum status parse_items(struct parser *parser, parse_item *item, struct node **node)
{
    uint32_t offset = parser->token->offset;
    TRY(item(parser, node));
    if (parser->token->kind != TOKEN_COMMA) return OK;
    struct node *tuple, *next = *node;
    TRY(jinja_node_new(parser, NODE_TUPLE, offset, &tuple));
    jinja_node_list_add(&tuple->items, next);
    while (jinja_parse_skip(parser, TOKEN_COMMA) && !at_tuple_end(parser)) {
        TRY(item(parser, &next));
        jinja_node_list_add(&tuple->items, next);
    }
    *node = tuple;
    return OK;
}

enum status jinja_parse_tuple(struct parser *parser, struct node **node)
{
    return parse_items(parser, jinja_parse_expression, node);
}

enum status jinja_parse_tuple_without_if(struct parser *parser, struct node **node)
{
    return parse_items(parser, parse_or, node);
}

static enum status parse_target_item(struct parser *parser, bool with_namespace, struct node **node)
{
    if (jinja_parse_skip(parser, TOKEN_PAREN_OPEN)) {
        TRY(jinja_parse_enter(parser));
        TRY(jinja_parse_target(parser, with_namespace, node));
        jinja_parse_leave(parser);
        return jinja_parse_expect(parser, TOKEN_PAREN_CLOSE, "\")\"");
    }
    if (parser->token->kind != TOKEN_NAME)
        return jinja_parse_unexpected(parser, "a name to assign to");
    const struct token *name = parser->token;
    TRY(parse_name(parser, node));
    if ((*node)->kind != NODE_NAME)
        return jinja_parse_fail(parser, name->offset, STATUS_CORRUPT, "cannot assign to \"%.*s\"",
                                TEXT_FORMAT(name->text));
    return with_namespace && parser->token->kind == TOKEN_DOT ? parse_access(parser, node) : OK;
}

static enum status parse_any_target(struct parser *parser, struct node **node)
{
    return parse_target_item(parser, true, node);
}

static enum status parse_plain_target(struct parser *parser, struct node **node)
{
    return parse_target_item(parser, false, node);
}

enum status jinja_parse_target(struct parser *parser, bool with_namespace, struct node **node)
{
    return parse_items(parser, with_namespace ? parse_any_target : parse_plain_target, node);
}
