/* interpreter.h - one rendering in progress: its memory, its scopes, its bounds.
 * interpreter.c runs statements and calls, evaluate.c computes expressions, access.c reaches into
 * values; the builtins use all three.
 * A template is hostile until proven otherwise: every loop that it controls is charged. */
#ifndef LIMINAL_TEMPLATE_INTERPRETER_H
#define LIMINAL_TEMPLATE_INTERPRETER_H

#include "model/template/builtin.h"
#include "model/template/syntax.h"

/* What one rendering may use; the defaults are far above what real templates need. */
struct render_limits {
    int64_t steps;       /* nodes evaluated, and 64 bytes worked on, each one */
    size_t memory_bytes; /* of values */
    size_t output_bytes; /* rendered, captured text included */
};
#define JINJA_RENDER_LIMITS  \
    ((struct render_limits){ \
        .steps = 20 * 1000 * 1000, .memory_bytes = 256 << 20, .output_bytes = 64 << 20})

enum { JINJA_RENDER_DEPTH_MAX = 400 }; /* nested expressions, statements, macro calls */

struct scope {
    struct scope *parent; /* NULL: the globals are next */
    struct binding {
        int variable;
        struct value value;
    } * bindings;
    size_t count, capacity;
    bool captured; /* a macro was made in here and may outlive the scope's run */
};

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE };

struct interpreter {
    const struct program *program;
    struct arena *arena;
    struct buffer *out;
    struct scope *scope;
    struct value *globals;   /* by variable; MISSING where there is none */
    const struct node *node; /* for faults */
    struct value captured;   /* what NODE_CAPTURED stands for */
    enum flow flow;
    int depth;
    struct render_limits limits, left;
    int64_t now_unix;
    struct fault *fault;
};

/* A macro as a value: the syntax and where it was defined. */
struct macro {
    const struct macro_syntax *syntax;
    struct scope *scope;
};

/* A function and the object it was looked up on. */
struct method {
    struct value object;
    const struct builtin *function;
};

/* `loop` inside {% for %}. */
struct loop {
    const struct node *node;
    struct scope *scope; /* around the loop, for loop(...) */
    const struct list *items;
    size_t index;
    int depth;
    struct value changed; /* the last argument of loop.changed() */
};

/* Fault with the place of the current node; returns the status. */
enum status jinja_fail(struct interpreter *in, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
enum status jinja_out_of_memory(struct interpreter *in);
/* Pay for work on so many bytes. */
enum status jinja_charge(struct interpreter *in, size_t bytes) MUST_USE;

/* Render with these limits; chat_template.h has the usual ones. On failure `out` is as it was. */
enum status jinja_render(const struct program *program, const json_t *context, int64_t now_unix,
                         const struct render_limits *limits, struct buffer *out,
                         struct fault *fault) MUST_USE;
enum status jinja_run(struct interpreter *in, const struct node_list *body) MUST_USE;
enum status jinja_emit(struct interpreter *in, struct text text) MUST_USE;
enum status jinja_evaluate(struct interpreter *in, const struct node *node,
                           struct value *value) MUST_USE;
/* The same for a call, filter or test, with `caller` (kind MISSING: none) as one more argument. */
enum status jinja_evaluate_call(struct interpreter *in, const struct node *node,
                                struct value caller, struct value *value) MUST_USE;
enum status jinja_scope_set(struct interpreter *in, int variable, struct value value) MUST_USE;
enum status jinja_call(struct interpreter *in, struct value callee,
                       const struct arguments *arguments, struct value *result) MUST_USE;
/* Recursion of the loop of `loop` over other items: loop(children). */
enum status jinja_call_loop(struct interpreter *in, struct loop *loop,
                            const struct arguments *arguments, struct value *result) MUST_USE;

/* a OPERATION b for everything arithmetic. */
enum status jinja_arithmetic(struct interpreter *in, enum operation operation, struct value a,
                             struct value b, struct value *result) MUST_USE;
/* Whether `item in container`. */
enum status jinja_contains(struct interpreter *in, struct value container, struct value item,
                           bool *contains) MUST_USE;
/* object.name and object[key] by Jinja's rules; what is not there is undefined. */
enum status jinja_attribute(struct interpreter *in, struct value object, struct text name,
                            struct value *value) MUST_USE;
enum status jinja_item(struct interpreter *in, struct value object, struct value key,
                       struct value *value) MUST_USE;

/* object[start:stop:step]; `slice` is the NODE_SLICE. */
enum status jinja_slice(struct interpreter *in, struct value object, const struct node *slice,
                        struct value *value) MUST_USE;
/* "x" is undefined. */
enum status jinja_undefined_fault(struct interpreter *in, struct value value);

/* What a for loop walks: items, characters, keys. Consumes an iterator. */
enum status jinja_items(struct interpreter *in, struct value value,
                        const struct list **items) MUST_USE;
/* str(value) */
enum status jinja_text(struct interpreter *in, struct value value, struct text *text) MUST_USE;
/* The bytes of the buffer as a string value in the arena; deinits the buffer in any case. */
enum status jinja_take_string(struct interpreter *in, struct buffer *buffer,
                              struct value *value) MUST_USE;
enum status jinja_list_push(struct interpreter *in, struct value list, struct value item) MUST_USE;
enum status jinja_new_list(struct interpreter *in, enum value_kind kind,
                           struct value *list) MUST_USE;

#endif
