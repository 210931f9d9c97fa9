/* answer_grammar.h - what a model may answer: reasoning if it does any, then text, or calls of
 * tools in its own format, whose arguments fit the tools' schemas.
 *
 * A part of a grammar; the engine holds the model to it. Pure. Must not know requests or tokens. */
#ifndef LIMINAL_INFERENCE_ANSWER_GRAMMAR_H
#define LIMINAL_INFERENCE_ANSWER_GRAMMAR_H

#include "inference/chat_format.h"
#include "inference/grammar/grammar.h"

enum tool_choice {
    TOOLS_NONE, /* text only */
    TOOLS_AUTO, /* as the model likes */
    TOOLS_REQUIRED,
};

enum { CALLS_LIMIT = 32 }; /* in one answer */

struct answer_rules {
    const struct chat_format *format;
    enum chat_reasoning reasoning; /* where the prompt ended */
    const json_t *tools;           /* in OpenAI's shape, each with parameters; NULL: none */
    enum tool_choice choice;
    const json_t *allowed;       /* names of those that may be called; NULL: all */
    bool is_one_call;            /* at most one */
    const grammar_part *content; /* what a text must be; NULL: any */
};

/* A schema that cannot be honoured is STATUS_UNSUPPORTED or STATUS_INVALID, and the fault names the
 * tool and the place in it: "tools[2].function.parameters". */
enum status answer_grammar_add(struct grammar *grammar, const struct answer_rules *rules,
                               grammar_part *part, struct fault *fault) MUST_USE;

#endif
