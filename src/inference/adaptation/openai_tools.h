/* openai_tools.h - the tools of a chat request and how they are to be used, read from their JSON
 * and checked. Pure: a tree in, plain values out, or a fault that names the field
 * ("tools[2].function.name"). */
#ifndef LIMINAL_INFERENCE_OPENAI_TOOLS_H
#define LIMINAL_INFERENCE_OPENAI_TOOLS_H

#include <jansson.h>

#include "base/status.h"
#include "inference/answer_grammar.h"

enum { REQUEST_TOOL_LIMIT = 128 }; /* as OpenAI's */

struct openai_tools {
    json_t *tools; /* a new array: each with name and parameters, a schema of an object; NULL: none
                    */
    enum tool_choice choice;
    json_t *allowed; /* a new array of names: those that may be called; NULL: all */
    bool is_one_call;
    bool asks_parallel; /* for several calls, by name */
};

enum status openai_tools_read(struct openai_tools *tools, const json_t *root,
                              struct fault *fault) MUST_USE;
void openai_tools_deinit(struct openai_tools *tools);

#endif
