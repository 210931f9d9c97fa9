/* parser.h - tokens to a syntax tree. parser.c knows the statements, parser_expression.c the
 * expressions; both follow the grammar of Jinja 3.1. */
#ifndef LIMINAL_TEMPLATE_PARSER_H
#define LIMINAL_TEMPLATE_PARSER_H

#include "model/template/lexer.h"
#include "model/template/syntax.h"

enum { JINJA_PARSE_DEPTH_MAX = 100 }; /* nesting of blocks, brackets, unary operators */

struct parser {
    struct arena *arena;
    const struct token *token; /* the current one; the list ends with TOKEN_END */
    struct program *program;
    size_t variable_capacity;
    int depth;
    const struct token *unknown; /* a filter or test that nobody knows, on the way of every run */
    int loop_depth;              /* loops around this statement within its macro */
    struct fault *fault;
};

/* The whole template. `program` and all below it live in the arena. */
enum status jinja_parse(struct arena *arena, struct text source, struct program *program,
                        struct fault *fault) MUST_USE;

/* Shared by the two files of the parser. */
enum status jinja_parse_fail(const struct parser *parser, uint32_t offset, enum status status,
                             const char *format, ...) PRINTF_LIKE(4, 5);
enum status jinja_parse_unexpected(const struct parser *parser, const char *expected);
enum status jinja_parse_expect(struct parser *parser, enum token_kind kind, const char *what);
bool jinja_parse_skip(struct parser *parser, enum token_kind kind);
bool jinja_parse_at_name(const struct parser *parser, const char *name);
bool jinja_parse_skip_name(struct parser *parser, const char *name);
enum status jinja_parse_enter(struct parser *parser); /* with ++depth; pair with leave */
void jinja_parse_leave(struct parser *parser);
enum status jinja_node_new(struct parser *parser, enum node_kind kind, uint32_t offset,
                           struct node **node) MUST_USE;
void jinja_node_list_add(struct node_list *list, struct node *node);
enum status jinja_variable(struct parser *parser, struct text name, int *variable) MUST_USE;

enum status jinja_parse_expression(struct parser *parser, struct node **node) MUST_USE;
/* Also an unbracketed tuple `a, b`, as {% set %} and {% for %} take it. */
enum status jinja_parse_tuple(struct parser *parser, struct node **node) MUST_USE;
/* Without the inline `if`: what {% for x in ... %} takes, whose `if` is a filter. */
enum status jinja_parse_tuple_without_if(struct parser *parser, struct node **node) MUST_USE;
/* What can be assigned to: a name, a tuple of targets, or namespace.attribute. */
enum status jinja_parse_target(struct parser *parser, bool with_namespace,
                               struct node **node) MUST_USE;
/* `| f | g(1)` around a node that is already there. */
enum status jinja_parse_filters(struct parser *parser, bool starts_inline,
                                struct node **node) MUST_USE;
/* A call with its arguments behind `callee`, the "(" being the current token. */
enum status jinja_parse_call(struct parser *parser, struct node **node) MUST_USE;

#endif
