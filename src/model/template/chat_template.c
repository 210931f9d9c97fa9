/* chat_template.c - the face: compile once, render with bounds. */
#include "model/template/chat_template.h"

#include <stdlib.h>

#include "model/template/interpreter.h"
#include "model/template/parser.h"

enum { COMPILE_BYTES_MAX = 64 << 20 };

struct chat_template {
    struct arena arena;
    struct program program;
};

enum status chat_template_compile(struct chat_template **compiled, struct text source,
                                  struct fault *fault)
{
    *compiled = NULL;
    struct chat_template *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return fault_set(fault, STATUS_NO_MEMORY, "chat template: out of memory");
    arena_init(&fresh->arena, COMPILE_BYTES_MAX);
    enum status status = jinja_parse(&fresh->arena, source, &fresh->program, fault);
    if (status == OK)
        *compiled = fresh;
    else
        chat_template_free(fresh);
    return status;
}

void chat_template_free(struct chat_template *compiled)
{
    if (!compiled) return;
    arena_deinit(&compiled->arena);
    free(compiled);
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

enum status chat_template_render(const struct chat_template *compiled, const json_t *context,
                                 int64_t now_unix, struct buffer *out, struct fault *fault)
{
    struct arena arena;
    arena_init(&arena, JINJA_MEMORY_BYTES_MAX);
    struct interpreter in = {.program = &compiled->program,
                             .arena = &arena,
                             .out = out,
                             .steps_left = JINJA_STEPS_MAX,
                             .output_left_bytes = JINJA_OUTPUT_BYTES_MAX,
                             .now_unix = now_unix,
                             .fault = fault};
    enum status status = fill_globals(&in, context);
    if (status == OK) status = jinja_run(&in, &compiled->program.body);
    arena_deinit(&arena);
    return status;
}
