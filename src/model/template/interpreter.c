/* interpreter.c - runs statements: scopes, loops, macros, captured text. */
#include "model/template/interpreter.h"

#include <string.h>

#include "model/template/lexer.h"

enum status jinja_fail(struct interpreter *in, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    jinja_fail_at(in->program->source, in->node ? in->node->offset : 0, in->fault, status, format,
                  arguments);
    va_end(arguments);
    return status;
}

enum status jinja_out_of_memory(struct interpreter *in)
{
    if (in->arena->budget_bytes && in->arena->used_bytes > in->arena->budget_bytes / 2)
        return jinja_fail(in, STATUS_TOO_LARGE, "needs more than %zu kB of memory",
                          in->arena->budget_bytes >> 10);
    return jinja_fail(in, STATUS_NO_MEMORY, "out of memory");
}

enum status jinja_charge(struct interpreter *in, size_t bytes)
{
    enum { BYTES_PER_STEP = 64 };
    size_t steps = 1 + bytes / BYTES_PER_STEP;
    if (steps > (size_t)in->left.steps) {
        in->left.steps = 0;
        return jinja_fail(in, STATUS_TOO_LARGE, "takes more than %lld steps",
                          (long long)in->limits.steps);
    }
    in->left.steps -= (int64_t)steps;
    return OK;
}

enum status jinja_emit(struct interpreter *in, struct text text)
{
    TRY(jinja_charge(in, text.length));
    if (text.length > in->left.output_bytes)
        return jinja_fail(in, STATUS_TOO_LARGE, "renders more than %zu kB",
                          in->limits.output_bytes >> 10);
    in->left.output_bytes -= text.length;
    buffer_append_text(in->out, text);
    return in->out->failed ? jinja_fail(in, STATUS_NO_MEMORY, "out of memory") : OK;
}

static enum status scope_push(struct interpreter *in, struct scope *parent)
{
    struct scope *scope = arena_alloc(in->arena, sizeof *scope);
    if (!scope) return jinja_out_of_memory(in);
    scope->parent = parent;
    in->scope = scope;
    return OK;
}

enum status jinja_scope_set(struct interpreter *in, int variable, struct value value)
{
    struct scope *scope = in->scope;
    if (!scope) {
        in->globals[variable] = value;
        return OK;
    }
    for (size_t i = 0; i < scope->count; i++) {
        if (scope->bindings[i].variable != variable) continue;
        scope->bindings[i].value = value;
        return OK;
    }
    if (scope->count == scope->capacity) {
        size_t capacity = scope->capacity ? scope->capacity * 2 : 4;
        struct binding *bindings = arena_alloc_array(in->arena, capacity, sizeof *bindings);
        if (!bindings) return jinja_out_of_memory(in);
        if (scope->count) memcpy(bindings, scope->bindings, scope->count * sizeof *bindings);
        scope->bindings = bindings;
        scope->capacity = capacity;
    }
    scope->bindings[scope->count++] = (struct binding){.variable = variable, .value = value};
    return OK;
}

static enum status assign(struct interpreter *in, const struct node *target, struct value value);

static enum status assign_tuple(struct interpreter *in, const struct node *target,
                                struct value value)
{
    const struct list *items;
    TRY(jinja_items(in, value, &items));
    in->node = target;
    if (items->count != target->items.count)
        return jinja_fail(in, STATUS_INVALID, "%zu names cannot take %zu values",
                          target->items.count, items->count);
    size_t i = 0;
    for (const struct node *name = target->items.first; name; name = name->next)
        TRY(assign(in, name, items->items[i++]));
    return OK;
}

/* namespace.attribute = value */
static enum status assign_attribute(struct interpreter *in, const struct node *target,
                                    struct value value)
{
    struct value object;
    TRY(jinja_evaluate(in, target->attribute.object, &object));
    in->node = target;
    if (object.kind != VALUE_NAMESPACE)
        return jinja_fail(in, STATUS_INVALID,
                          "cannot assign to an attribute of %s, only of a namespace",
                          jinja_type_name(object));
    if (!jinja_dict_put(in->arena, object.dict, jinja_string(target->attribute.name), value))
        return jinja_out_of_memory(in);
    return OK;
}

static enum status assign(struct interpreter *in, const struct node *target, struct value value)
{
    switch (target->kind) {
    case NODE_NAME: return jinja_scope_set(in, target->variable, value);
    case NODE_TUPLE: return assign_tuple(in, target, value);
    case NODE_ATTRIBUTE: return assign_attribute(in, target, value);
    default: in->node = target; return jinja_fail(in, STATUS_CORRUPT, "cannot assign to this");
    }
}

/* Run the body in a scope of its own below `parent`, its text going into a string. */
static enum status capture(struct interpreter *in, const struct node_list *body, struct value *text)
{
    struct buffer buffer, *outer = in->out;
    buffer_init(&buffer);
    in->out = &buffer;
    enum status status = jinja_run(in, body);
    in->out = outer;
    if (status == OK) return jinja_take_string(in, &buffer, text);
    buffer_deinit(&buffer);
    return status;
}

/* The items for which the loop's `if` holds. */
static enum status filter_items(struct interpreter *in, const struct node *node,
                                const struct list **items)
{
    struct value kept;
    struct scope *outer = in->scope;
    TRY(jinja_new_list(in, VALUE_LIST, &kept));
    for (size_t i = 0; i < (*items)->count; i++) {
        struct value holds;
        TRY(scope_push(in, outer));
        TRY(assign(in, node->loop.target, (*items)->items[i]));
        TRY(jinja_evaluate(in, node->loop.filter, &holds));
        if (jinja_truth(holds)) TRY(jinja_list_push(in, kept, (*items)->items[i]));
    }
    in->scope = outer;
    *items = kept.list;
    return OK;
}

static enum status run_loop(struct interpreter *in, const struct node *node, struct scope *outer,
                            struct value iterable, int depth)
{
    const struct list *items;
    in->scope = outer;
    TRY(jinja_items(in, iterable, &items));
    if (node->loop.filter) TRY(filter_items(in, node, &items));
    struct loop *loop = arena_alloc(in->arena, sizeof *loop);
    if (!loop) return jinja_out_of_memory(in);
    *loop = (struct loop){.node = node, .scope = outer, .items = items, .depth = depth};
    struct scope *scope = NULL;
    for (; loop->index < items->count && in->flow != FLOW_BREAK; loop->index++) {
        TRY(jinja_charge(in, 0));
        if (scope && !scope->captured) {
            scope->count = 0;
            in->scope = scope;
        } else {
            TRY(scope_push(in, outer));
            scope = in->scope;
        }
        TRY(jinja_scope_set(in, in->program->loop,
                            (struct value){.kind = VALUE_LOOP, .loop = loop}));
        TRY(assign(in, node->loop.target, items->items[loop->index]));
        TRY(jinja_run(in, &node->loop.body));
        if (in->flow == FLOW_CONTINUE) in->flow = FLOW_NEXT;
    }
    in->flow = FLOW_NEXT;
    in->scope = outer;
    return items->count ? OK : jinja_run(in, &node->loop.otherwise);
}

enum status jinja_call_loop(struct interpreter *in, struct loop *loop,
                            const struct arguments *arguments, struct value *result)
{
    struct value items;
    TRY(jinja_bind(in, "loop", "iterable", arguments, &items));
    if (!loop->node->loop.recursive)
        return jinja_fail(in, STATUS_INVALID, "loop() needs {%% for ... recursive %%}");
    struct buffer buffer, *outer = in->out;
    struct scope *scope = in->scope;
    buffer_init(&buffer);
    in->out = &buffer;
    enum status status = run_loop(in, loop->node, loop->scope, items, loop->depth + 1);
    in->out = outer;
    in->scope = scope;
    if (status == OK) return jinja_take_string(in, &buffer, result);
    buffer_deinit(&buffer);
    return status;
}

static enum status run_for(struct interpreter *in, const struct node *node)
{
    struct value iterable;
    TRY(jinja_evaluate(in, node->loop.iterable, &iterable));
    in->node = node->loop.iterable;
    return run_loop(in, node, in->scope, iterable, 0);
}

static enum status run_if(struct interpreter *in, const struct node *node)
{
    const struct node_list *body = node->branch.bodies;
    for (const struct node *condition = node->branch.conditions.first; condition;
         condition = condition->next, body++) {
        struct value holds;
        TRY(jinja_evaluate(in, condition, &holds));
        if (jinja_truth(holds)) return jinja_run(in, body);
    }
    return jinja_run(in, &node->branch.otherwise);
}

static enum status run_set(struct interpreter *in, const struct node *node)
{
    struct value value;
    TRY(jinja_evaluate(in, node->set.value, &value));
    return assign(in, node->set.target, value);
}

/* The body's text, then the filters around NODE_CAPTURED. A break inside leaves no text. */
static enum status run_filtered(struct interpreter *in, const struct node_list *body,
                                const struct node *filters, struct value *value)
{
    struct scope *outer = in->scope;
    struct value text, saved = in->captured;
    TRY(scope_push(in, outer));
    TRY(capture(in, body, &text));
    in->scope = outer;
    in->captured = text;
    TRY(jinja_evaluate(in, filters, value));
    in->captured = saved;
    return OK;
}

static enum status run_set_block(struct interpreter *in, const struct node *node)
{
    struct value value;
    TRY(run_filtered(in, &node->set.body, node->set.value, &value));
    return in->flow == FLOW_NEXT ? assign(in, node->set.target, value) : OK;
}

static enum status emit_value(struct interpreter *in, struct value value)
{
    struct text text;
    TRY(jinja_text(in, value, &text));
    return jinja_emit(in, text);
}

static enum status run_filter_block(struct interpreter *in, const struct node *node)
{
    struct value value;
    TRY(run_filtered(in, &node->block.body, node->block.value, &value));
    return in->flow == FLOW_NEXT ? emit_value(in, value) : OK;
}

static enum status run_scope(struct interpreter *in, const struct node *node)
{
    struct scope *outer = in->scope;
    const struct node *target = node->block.targets.first;
    struct value values;
    TRY(jinja_new_list(in, VALUE_LIST, &values));
    for (const struct node *each = node->block.values.first; each; each = each->next) {
        struct value value;
        TRY(jinja_evaluate(in, each, &value));
        TRY(jinja_list_push(in, values, value));
    }
    TRY(scope_push(in, outer));
    for (size_t i = 0; i < values.list->count; i++, target = target->next)
        TRY(assign(in, target, values.list->items[i]));
    TRY(jinja_run(in, &node->block.body));
    in->scope = outer;
    return OK;
}

static enum status macro_value(struct interpreter *in, const struct macro_syntax *syntax,
                               struct value *value)
{
    struct macro *macro = arena_alloc(in->arena, sizeof *macro);
    if (!macro) return jinja_out_of_memory(in);
    *macro = (struct macro){.syntax = syntax, .scope = in->scope};
    for (struct scope *scope = in->scope; scope && !scope->captured; scope = scope->parent)
        scope->captured = true;
    *value = (struct value){.kind = VALUE_MACRO, .macro = macro};
    return OK;
}

static enum status run_macro(struct interpreter *in, const struct node *node)
{
    struct value macro;
    TRY(macro_value(in, node->macro, &macro));
    return jinja_scope_set(in, node->macro->variable, macro);
}

static enum status run_call_block(struct interpreter *in, const struct node *node)
{
    struct value caller, result;
    TRY(macro_value(in, node->call_block.caller, &caller));
    TRY(jinja_evaluate_call(in, node->call_block.call, caller, &result));
    return emit_value(in, result);
}

static enum status run_statement(struct interpreter *in, const struct node *node)
{
    struct value value;
    switch (node->kind) {
    case NODE_DATA: return jinja_emit(in, node->data);
    case NODE_OUTPUT: TRY(jinja_evaluate(in, node->operand, &value)); return emit_value(in, value);
    case NODE_IF: return run_if(in, node);
    case NODE_FOR: return run_for(in, node);
    case NODE_SET: return run_set(in, node);
    case NODE_SET_BLOCK: return run_set_block(in, node);
    case NODE_MACRO: return run_macro(in, node);
    case NODE_CALL_BLOCK: return run_call_block(in, node);
    case NODE_FILTER_BLOCK: return run_filter_block(in, node);
    case NODE_SCOPE: return run_scope(in, node);
    case NODE_BREAK: in->flow = FLOW_BREAK; return OK;
    case NODE_CONTINUE: in->flow = FLOW_CONTINUE; return OK;
    default: return jinja_fail(in, STATUS_INTERNAL, "an expression stands as a statement");
    }
}

enum status jinja_run(struct interpreter *in, const struct node_list *body)
{
    if (++in->depth > JINJA_RENDER_DEPTH_MAX)
        return jinja_fail(in, STATUS_TOO_LARGE, "nested more than %d levels deep",
                          JINJA_RENDER_DEPTH_MAX);
    for (const struct node *node = body->first; node && in->flow == FLOW_NEXT; node = node->next) {
        in->node = node;
        TRY(jinja_charge(in, 0));
        TRY(run_statement(in, node));
    }
    in->depth--;
    return OK;
}

static const struct value *keyword_find(const struct arguments *arguments, struct text name)
{
    for (size_t i = 0; i < arguments->keyword_count; i++)
        if (text_equal(arguments->keywords[i].name, name)) return &arguments->keywords[i].value;
    return NULL;
}

/* Parameters from positional arguments, then keywords, then defaults, which may mention the
 * parameters before them. */
static enum status bind_parameters(struct interpreter *in, const struct macro_syntax *syntax,
                                   const struct arguments *arguments)
{
    const struct node *initial = syntax->defaults.first;
    size_t first_default = syntax->parameter_count - syntax->defaults.count;
    for (size_t i = 0; i < syntax->parameter_count; i++) {
        struct text name = in->program->variables[syntax->parameters[i]];
        struct value value = jinja_undefined(name);
        const struct value *keyword = keyword_find(arguments, name);
        if (i < arguments->count && keyword)
            return jinja_fail(in, STATUS_INVALID, "%.*s() got \"%.*s\" twice",
                              TEXT_FORMAT(syntax->name), TEXT_FORMAT(name));
        if (i < arguments->count)
            value = arguments->positional[i];
        else if (keyword)
            value = *keyword;
        else if (i >= first_default)
            TRY(jinja_evaluate(in, initial, &value));
        if (i >= first_default) initial = initial->next;
        TRY(jinja_scope_set(in, syntax->parameters[i], value));
    }
    return OK;
}

static bool is_parameter(const struct interpreter *in, const struct macro_syntax *syntax,
                         struct text name)
{
    for (size_t i = 0; i < syntax->parameter_count; i++)
        if (text_equal(in->program->variables[syntax->parameters[i]], name)) return true;
    return false;
}

/* What no parameter takes: varargs, kwargs and caller, if the macro mentions them. */
static enum status bind_rest(struct interpreter *in, const struct macro_syntax *syntax,
                             const struct arguments *arguments)
{
    struct value varargs, kwargs = jinja_dict_new(in->arena, VALUE_DICT, 0);
    struct value caller = jinja_undefined(TEXT("caller"));
    TRY(jinja_new_list(in, VALUE_TUPLE, &varargs));
    if (!kwargs.kind) return jinja_out_of_memory(in);
    for (size_t i = syntax->parameter_count; i < arguments->count; i++)
        TRY(jinja_list_push(in, varargs, arguments->positional[i]));
    if (varargs.list->count && !syntax->takes_varargs)
        return jinja_fail(in, STATUS_INVALID, "%.*s() takes at most %zu arguments, not %zu",
                          TEXT_FORMAT(syntax->name), syntax->parameter_count, arguments->count);
    for (size_t i = 0; i < arguments->keyword_count; i++) {
        struct text name = arguments->keywords[i].name;
        if (is_parameter(in, syntax, name)) continue;
        if (syntax->takes_caller && text_equal(name, TEXT("caller")))
            caller = arguments->keywords[i].value;
        else if (!syntax->takes_kwargs)
            return jinja_fail(in, STATUS_INVALID, "%.*s() has no parameter \"%.*s\"",
                              TEXT_FORMAT(syntax->name), TEXT_FORMAT(name));
        else if (!jinja_dict_put(in->arena, kwargs.dict, jinja_string(name),
                                 arguments->keywords[i].value))
            return jinja_out_of_memory(in);
    }
    if (syntax->takes_varargs) TRY(jinja_scope_set(in, in->program->varargs, varargs));
    if (syntax->takes_kwargs) TRY(jinja_scope_set(in, in->program->kwargs, kwargs));
    if (syntax->takes_caller && !is_parameter(in, syntax, TEXT("caller")))
        TRY(jinja_scope_set(in, in->program->caller, caller));
    return OK;
}

static enum status call_macro(struct interpreter *in, const struct macro *macro,
                              const struct arguments *arguments, struct value *result)
{
    struct scope *outer = in->scope;
    TRY(scope_push(in, macro->scope));
    TRY(bind_rest(in, macro->syntax, arguments));
    TRY(bind_parameters(in, macro->syntax, arguments));
    TRY(capture(in, &macro->syntax->body, result));
    in->scope = outer;
    return OK;
}

enum status jinja_call(struct interpreter *in, struct value callee,
                       const struct arguments *arguments, struct value *result)
{
    switch (callee.kind) {
    case VALUE_MACRO: return call_macro(in, callee.macro, arguments, result);
    case VALUE_LOOP: return jinja_call_loop(in, callee.loop, arguments, result);
    case VALUE_FUNCTION:
        return jinja_call_builtin(in, callee.function, (struct value){0}, arguments, result);
    case VALUE_METHOD:
        return jinja_call_builtin(in, callee.method->function, callee.method->object, arguments,
                                  result);
    case VALUE_UNDEFINED:
        return jinja_fail(in, STATUS_INVALID, "\"%.*s\" is undefined and cannot be called",
                          TEXT_FORMAT(callee.string));
    default: return jinja_fail(in, STATUS_INVALID, "%s cannot be called", jinja_type_name(callee));
    }
}

/* The variables of the context that the template mentions, and the functions it does not hide. */
static enum status fill_globals(struct interpreter *in, const json_t *context)
{
    const struct program *program = in->program;
    in->globals = arena_alloc_array(in->arena, program->variable_count, sizeof *in->globals);
    if (!in->globals) return jinja_out_of_memory(in);
    for (size_t i = 0; i < program->variable_count; i++) {
        struct text name = program->variables[i];
        const struct builtin *function = jinja_function_find(name);
        if (function) in->globals[i] = (struct value){.kind = VALUE_FUNCTION, .function = function};
        const json_t *member = json_object_getn(context, name.data, name.length);
        if (!member) continue;
        enum status status = jinja_from_json(in->arena, member, &in->globals[i]);
        if (status == STATUS_NO_MEMORY) return jinja_out_of_memory(in);
        if (status != OK)
            return fault_set(in->fault, STATUS_TOO_LARGE, "%.*s: nested more than %d levels deep",
                             TEXT_FORMAT(name), JINJA_VALUE_DEPTH_MAX);
    }
    return OK;
}

enum status jinja_render(const struct program *program, const json_t *context, int64_t now_unix,
                         const struct render_limits *limits, struct buffer *out,
                         struct fault *fault)
{
    size_t length = out->length;
    struct arena arena;
    arena_init(&arena, limits->memory_bytes);
    struct interpreter in = {.program = program,
                             .arena = &arena,
                             .out = out,
                             .limits = *limits,
                             .left = *limits,
                             .now_unix = now_unix,
                             .fault = fault};
    enum status status = fill_globals(&in, context);
    if (status == OK) status = jinja_run(&in, &program->body);
    if (status != OK && out->data) {
        out->length = length;
        out->data[length] = '\0';
    }
    arena_deinit(&arena);
    return status;
}
