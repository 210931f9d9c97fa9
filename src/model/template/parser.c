/* parser.c - statements: text, {{ output }}, and one function per {% tag %}. */
#include "model/template/parser.h"

#include <string.h>

static enum status parse_body(struct parser *parser, const char *const *ends,
                              struct node_list *body);

enum status jinja_parse_fail(const struct parser *parser, uint32_t offset, enum status status,
                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    jinja_fail_at(parser->program->source, offset, parser->fault, status, format, arguments);
    va_end(arguments);
    return status;
}

static struct text describe(const struct token *token)
{
    switch (token->kind) {
    case TOKEN_END: return TEXT("the end of the template");
    case TOKEN_DATA: return TEXT("text");
    case TOKEN_OUTPUT_BEGIN: return TEXT("{{");
    case TOKEN_OUTPUT_END: return TEXT("}}");
    case TOKEN_BLOCK_BEGIN: return TEXT("{%");
    case TOKEN_BLOCK_END: return TEXT("%}");
    case TOKEN_STRING: return TEXT("a string");
    default: return token->text;
    }
}

enum status jinja_parse_unexpected(const struct parser *parser, const char *expected)
{
    struct text found = describe(parser->token);
    return jinja_parse_fail(parser, parser->token->offset, STATUS_CORRUPT,
                            "expected %s, found \"%.*s\"", expected, TEXT_FORMAT(found));
}

enum status jinja_parse_expect(struct parser *parser, enum token_kind kind, const char *what)
{
    if (!jinja_parse_skip(parser, kind)) return jinja_parse_unexpected(parser, what);
    return OK;
}

bool jinja_parse_skip(struct parser *parser, enum token_kind kind)
{
    if (parser->token->kind != kind) return false;
    parser->token++;
    return true;
}

bool jinja_parse_at_name(const struct parser *parser, const char *name)
{
    return parser->token->kind == TOKEN_NAME && text_equal(parser->token->text, text_of(name));
}

bool jinja_parse_skip_name(struct parser *parser, const char *name)
{
    if (!jinja_parse_at_name(parser, name)) return false;
    parser->token++;
    return true;
}

enum status jinja_parse_enter(struct parser *parser)
{
    if (++parser->depth <= JINJA_PARSE_DEPTH_MAX) return OK;
    return jinja_parse_fail(parser, parser->token->offset, STATUS_TOO_LARGE,
                            "nested more than %d levels deep", JINJA_PARSE_DEPTH_MAX);
}

void jinja_parse_leave(struct parser *parser)
{
    parser->depth--;
}

enum status jinja_node_new(struct parser *parser, enum node_kind kind, uint32_t offset,
                           struct node **node)
{
    *node = arena_alloc(parser->arena, sizeof **node);
    if (!*node) return jinja_parse_fail(parser, offset, STATUS_NO_MEMORY, "out of memory");
    (*node)->kind = kind;
    (*node)->offset = offset;
    return OK;
}

void jinja_node_list_add(struct node_list *list, struct node *node)
{
    if (list->last)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
    list->count++;
}

enum status jinja_variable(struct parser *parser, struct text name, int *variable)
{
    struct program *program = parser->program;
    for (size_t i = 0; i < program->variable_count; i++) {
        if (!text_equal(program->variables[i], name)) continue;
        *variable = (int)i;
        return OK;
    }
    enum { VARIABLES_MAX = 2000 };
    if (program->variable_count == VARIABLES_MAX)
        return jinja_parse_fail(parser, parser->token->offset, STATUS_TOO_LARGE,
                                "more than %d different names", VARIABLES_MAX);
    if (program->variable_count == parser->variable_capacity) {
        size_t capacity = parser->variable_capacity ? parser->variable_capacity * 2 : 32;
        struct text *names = arena_alloc_array(parser->arena, capacity, sizeof *names);
        if (!names) return jinja_parse_fail(parser, 0, STATUS_NO_MEMORY, "out of memory");
        if (program->variable_count)
            memcpy(names, program->variables, program->variable_count * sizeof *names);
        program->variables = names;
        parser->variable_capacity = capacity;
    }
    *variable = (int)program->variable_count;
    program->variables[program->variable_count++] = name;
    return OK;
}

static enum status end_block(struct parser *parser)
{
    return jinja_parse_expect(parser, TOKEN_BLOCK_END, "\"%}\"");
}

/* The body of a block, its own tag being closed here and `end` being consumed with its tag. */
static enum status parse_until(struct parser *parser, const char *end, struct node_list *body)
{
    TRY(end_block(parser));
    TRY(parse_body(parser, (const char *const[]){end, NULL}, body));
    parser->token++;
    return end_block(parser);
}

static enum status parse_branch(struct parser *parser, struct node *node)
{
    struct node *condition;
    size_t count = node->branch.conditions.count;
    TRY(jinja_parse_tuple(parser, &condition));
    TRY(end_block(parser));
    struct node_list *bodies = arena_alloc_array(parser->arena, count + 1, sizeof *bodies);
    if (!bodies) return jinja_parse_fail(parser, node->offset, STATUS_NO_MEMORY, "out of memory");
    if (count) memcpy(bodies, node->branch.bodies, count * sizeof *bodies);
    node->branch.bodies = bodies;
    jinja_node_list_add(&node->branch.conditions, condition);
    const struct token *unknown = parser->unknown;
    TRY(parse_body(parser, (const char *const[]){"elif", "else", "endif", NULL}, &bodies[count]));
    parser->unknown = unknown;
    return OK;
}

static enum status parse_if(struct parser *parser, struct node *node)
{
    node->kind = NODE_IF;
    do {
        TRY(parse_branch(parser, node));
    } while (jinja_parse_skip_name(parser, "elif"));
    if (jinja_parse_skip_name(parser, "else"))
        return parse_until(parser, "endif", &node->branch.otherwise);
    parser->token++;
    return end_block(parser);
}

static bool assigns(const struct node *target, int variable)
{
    if (target->kind == NODE_NAME) return target->variable == variable;
    if (target->kind != NODE_TUPLE) return false;
    for (const struct node *item = target->items.first; item; item = item->next)
        if (assigns(item, variable)) return true;
    return false;
}

static enum status parse_for(struct parser *parser, struct node *node)
{
    node->kind = NODE_FOR;
    TRY(jinja_parse_target(parser, false, &node->loop.target));
    if (assigns(node->loop.target, parser->program->loop))
        return jinja_parse_fail(parser, node->offset, STATUS_CORRUPT,
                                "\"loop\" is the loop itself and cannot be assigned to");
    if (!jinja_parse_skip_name(parser, "in")) return jinja_parse_unexpected(parser, "\"in\"");
    TRY(jinja_parse_tuple_without_if(parser, &node->loop.iterable));
    if (jinja_parse_skip_name(parser, "if"))
        TRY(jinja_parse_expression(parser, &node->loop.filter));
    node->loop.recursive = jinja_parse_skip_name(parser, "recursive");
    TRY(end_block(parser));
    parser->loop_depth++;
    TRY(parse_body(parser, (const char *const[]){"else", "endfor", NULL}, &node->loop.body));
    parser->loop_depth--;
    if (jinja_parse_skip_name(parser, "else"))
        return parse_until(parser, "endfor", &node->loop.otherwise);
    parser->token++;
    return end_block(parser);
}

static enum status parse_set(struct parser *parser, struct node *node)
{
    node->kind = NODE_SET;
    TRY(jinja_parse_target(parser, true, &node->set.target));
    if (jinja_parse_skip(parser, TOKEN_ASSIGN)) {
        TRY(jinja_parse_tuple(parser, &node->set.value));
        return end_block(parser);
    }
    node->kind = NODE_SET_BLOCK;
    TRY(jinja_node_new(parser, NODE_CAPTURED, node->offset, &node->set.value));
    TRY(jinja_parse_filters(parser, false, &node->set.value));
    return parse_until(parser, "endset", &node->set.body);
}

static enum status parse_parameters(struct parser *parser, struct macro_syntax *macro)
{
    TRY(jinja_parse_expect(parser, TOKEN_PAREN_OPEN, "\"(\""));
    size_t capacity = 0;
    while (!jinja_parse_skip(parser, TOKEN_PAREN_CLOSE)) {
        if (macro->parameter_count) TRY(jinja_parse_expect(parser, TOKEN_COMMA, "\",\" or \")\""));
        if (macro->parameter_count == capacity) {
            capacity = capacity ? capacity * 2 : 4;
            int *parameters = arena_alloc_array(parser->arena, capacity, sizeof *parameters);
            if (!parameters) return jinja_parse_fail(parser, 0, STATUS_NO_MEMORY, "out of memory");
            if (macro->parameter_count)
                memcpy(parameters, macro->parameters, macro->parameter_count * sizeof *parameters);
            macro->parameters = parameters;
        }
        const struct token *name = parser->token;
        TRY(jinja_parse_expect(parser, TOKEN_NAME, "the name of a parameter"));
        TRY(jinja_variable(parser, name->text, &macro->parameters[macro->parameter_count++]));
        struct node *initial;
        if (jinja_parse_skip(parser, TOKEN_ASSIGN)) {
            TRY(jinja_parse_expression(parser, &initial));
            jinja_node_list_add(&macro->defaults, initial);
        } else if (macro->defaults.count) {
            return jinja_parse_fail(parser, name->offset, STATUS_CORRUPT,
                                    "a parameter without default follows one with");
        }
    }
    return OK;
}

/* The body up to `end`, and which of the special variables it mentions. */
static enum status parse_macro_body(struct parser *parser, struct macro_syntax *macro,
                                    const char *end)
{
    TRY(end_block(parser));
    int loop_depth = parser->loop_depth;
    parser->loop_depth = 0;
    const struct token *first = parser->token;
    TRY(parse_body(parser, (const char *const[]){end, NULL}, &macro->body));
    for (const struct token *token = first; token < parser->token; token++) {
        if (token->kind != TOKEN_NAME) continue;
        macro->takes_varargs |= text_equal(token->text, TEXT("varargs"));
        macro->takes_kwargs |= text_equal(token->text, TEXT("kwargs"));
        macro->takes_caller |= text_equal(token->text, TEXT("caller"));
    }
    parser->loop_depth = loop_depth;
    parser->token++;
    return end_block(parser);
}

static enum status macro_new(struct parser *parser, struct macro_syntax **macro)
{
    *macro = arena_alloc(parser->arena, sizeof **macro);
    if (!*macro) return jinja_parse_fail(parser, 0, STATUS_NO_MEMORY, "out of memory");
    return OK;
}

static enum status parse_macro(struct parser *parser, struct node *node)
{
    node->kind = NODE_MACRO;
    TRY(macro_new(parser, &node->macro));
    node->macro->name = parser->token->text;
    TRY(jinja_parse_expect(parser, TOKEN_NAME, "the name of a macro"));
    TRY(jinja_variable(parser, node->macro->name, &node->macro->variable));
    TRY(parse_parameters(parser, node->macro));
    return parse_macro_body(parser, node->macro, "endmacro");
}

static enum status parse_call_block(struct parser *parser, struct node *node)
{
    node->kind = NODE_CALL_BLOCK;
    TRY(macro_new(parser, &node->call_block.caller));
    node->call_block.caller->name = TEXT("caller");
    node->call_block.caller->variable = -1;
    if (parser->token->kind == TOKEN_PAREN_OPEN)
        TRY(parse_parameters(parser, node->call_block.caller));
    TRY(jinja_parse_expression(parser, &node->call_block.call));
    if (node->call_block.call->kind != NODE_CALL)
        return jinja_parse_fail(parser, node->offset, STATUS_CORRUPT,
                                "{%% call %%} needs the call of a macro");
    return parse_macro_body(parser, node->call_block.caller, "endcall");
}

static enum status parse_filter_block(struct parser *parser, struct node *node)
{
    node->kind = NODE_FILTER_BLOCK;
    TRY(jinja_node_new(parser, NODE_CAPTURED, node->offset, &node->block.value));
    TRY(jinja_parse_filters(parser, true, &node->block.value));
    return parse_until(parser, "endfilter", &node->block.body);
}

static enum status parse_with(struct parser *parser, struct node *node)
{
    node->kind = NODE_SCOPE;
    while (parser->token->kind != TOKEN_BLOCK_END) {
        struct node *target, *value;
        if (node->block.targets.count) TRY(jinja_parse_expect(parser, TOKEN_COMMA, "\",\""));
        TRY(jinja_parse_target(parser, false, &target));
        TRY(jinja_parse_expect(parser, TOKEN_ASSIGN, "\"=\""));
        TRY(jinja_parse_expression(parser, &value));
        jinja_node_list_add(&node->block.targets, target);
        jinja_node_list_add(&node->block.values, value);
    }
    return parse_until(parser, "endwith", &node->block.body);
}

/* Marks what the assistant said, for training masks; the text is the same without it. */
static enum status parse_generation(struct parser *parser, struct node *node)
{
    node->kind = NODE_SCOPE;
    return parse_until(parser, "endgeneration", &node->block.body);
}

static enum status parse_loop_control(struct parser *parser, struct node *node)
{
    node->kind = text_equal(parser->token[-1].text, TEXT("break")) ? NODE_BREAK : NODE_CONTINUE;
    if (!parser->loop_depth)
        return jinja_parse_fail(parser, node->offset, STATUS_CORRUPT, "\"%.*s\" outside of a loop",
                                TEXT_FORMAT(parser->token[-1].text));
    return end_block(parser);
}

static const struct {
    const char *name;
    enum status (*parse)(struct parser *parser, struct node *node);
} TAGS[] = {
    {"if", parse_if},
    {"for", parse_for},
    {"set", parse_set},
    {"macro", parse_macro},
    {"call", parse_call_block},
    {"filter", parse_filter_block},
    {"with", parse_with},
    {"generation", parse_generation},
    {"break", parse_loop_control},
    {"continue", parse_loop_control},
};

/* A {% tag %}, its name being the current token. */
static enum status parse_tag(struct parser *parser, struct node_list *body)
{
    const struct token *name = parser->token;
    if (name->kind != TOKEN_NAME) return jinja_parse_unexpected(parser, "the name of a tag");
    for (size_t i = 0; i < ARRAY_COUNT(TAGS); i++) {
        if (!text_equal(name->text, text_of(TAGS[i].name))) continue;
        struct node *node;
        parser->token++;
        TRY(jinja_node_new(parser, NODE_SCOPE, name->offset, &node));
        TRY(TAGS[i].parse(parser, node));
        jinja_node_list_add(body, node);
        return OK;
    }
    return jinja_parse_fail(parser, name->offset, STATUS_UNSUPPORTED,
                            "the tag \"%.*s\" does not belong here, or is not supported in chat "
                            "templates",
                            TEXT_FORMAT(name->text));
}

static enum status parse_output(struct parser *parser, struct node_list *body)
{
    struct node *node;
    TRY(jinja_node_new(parser, NODE_OUTPUT, parser->token->offset, &node));
    parser->token++;
    TRY(jinja_parse_tuple(parser, &node->operand));
    TRY(jinja_parse_expect(parser, TOKEN_OUTPUT_END, "\"}}\""));
    jinja_node_list_add(body, node);
    return OK;
}

static enum status parse_data(struct parser *parser, struct node_list *body)
{
    struct node *node;
    TRY(jinja_node_new(parser, NODE_DATA, parser->token->offset, &node));
    node->data = (parser->token++)->text;
    jinja_node_list_add(body, node);
    return OK;
}

static bool at_end_tag(const struct parser *parser, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (jinja_parse_at_name(parser, *ends)) return true;
    return false;
}

/* Statements up to one of the end tags, whose name is then the current token; `ends` NULL: up to
 * the end of the template. */
static enum status parse_body(struct parser *parser, const char *const *ends,
                              struct node_list *body)
{
    const struct token *begin = ends ? parser->token - 1 : parser->token; /* the end of its tag */
    TRY(jinja_parse_enter(parser));
    for (;;) {
        switch (parser->token->kind) {
        case TOKEN_DATA: TRY(parse_data(parser, body)); break;
        case TOKEN_OUTPUT_BEGIN: TRY(parse_output(parser, body)); break;
        case TOKEN_BLOCK_BEGIN:
            parser->token++;
            if (at_end_tag(parser, ends)) {
                jinja_parse_leave(parser);
                return OK;
            }
            TRY(parse_tag(parser, body));
            break;
        default:
            jinja_parse_leave(parser);
            if (!ends) return OK;
            while (ends[1]) ends++;
            return jinja_parse_fail(parser, begin->offset, STATUS_CORRUPT,
                                    "the block that begins here has no {%% %s %%}", ends[0]);
        }
    }
}

enum status jinja_parse(struct arena *arena, struct text source, struct program *program,
                        struct fault *fault)
{
    *program = (struct program){0};
    TRY(jinja_normalise(arena, source, &program->source, fault));
    struct token_list tokens = {0};
    TRY(jinja_tokenize(arena, program->source, &tokens, fault));
    struct parser parser = {
        .arena = arena, .token = tokens.tokens, .program = program, .fault = fault};
    TRY(jinja_variable(&parser, TEXT("caller"), &program->caller));
    TRY(jinja_variable(&parser, TEXT("varargs"), &program->varargs));
    TRY(jinja_variable(&parser, TEXT("kwargs"), &program->kwargs));
    TRY(jinja_variable(&parser, TEXT("loop"), &program->loop));
    TRY(parse_body(&parser, NULL, &program->body));
    if (!parser.unknown) return OK;
    return jinja_parse_fail(&parser, parser.unknown->offset, STATUS_UNSUPPORTED,
                            "there is no filter or test \"%.*s\"",
                            TEXT_FORMAT(parser.unknown->text));
}
