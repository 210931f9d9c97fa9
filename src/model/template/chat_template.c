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

enum status chat_template_render(const struct chat_template *compiled, const json_t *context,
                                 int64_t now_unix, struct buffer *out, struct fault *fault)
{
    return jinja_render(&compiled->program, context, now_unix, &JINJA_RENDER_LIMITS, out, fault);
}
