/* chat_format_test_support.h - the formats of some families as chat_format.c learns them, for tests
 * of what is done with a format. */
#ifndef LIMINAL_INFERENCE_CHAT_FORMAT_TEST_SUPPORT_H
#define LIMINAL_INFERENCE_CHAT_FORMAT_TEST_SUPPORT_H

#include "inference/chat_format.h"

#define LITERAL(string)             \
    {                               \
        string, sizeof(string) - 1, \
    }

static const struct chat_format HERMES = {
    .reasoning_open = LITERAL("<think>"),
    .reasoning_close = LITERAL("</think>"),
    .tools =
        {
            .opening = LITERAL("<tool_call>\n{\"name\": \""),
            .mark = LITERAL("<tool_call>"),
            .between = LITERAL("\", \"arguments\": "),
            .middle = LITERAL("}\n</tool_call>\n<tool_call>\n{\"name\": \""),
            .end = LITERAL("}\n</tool_call>"),
        },
};
static const struct chat_format LLAMA = {
    .tools =
        {
            .opening = LITERAL("<|python_tag|>{\"name\": \""),
            .opening_at_start = LITERAL("{\"name\": \""),
            .mark = LITERAL("<|python_tag|>"),
            .between = LITERAL("\", \"parameters\": "),
            .end = LITERAL("}"),
        },
    .specials = {{LITERAL("<|python_tag|>"), 1}},
    .special_count = 1,
};
static const struct chat_format MISTRAL = {
    .reasoning_open = LITERAL("[THINK]"),
    .reasoning_close = LITERAL("[/THINK]"),
    .tools =
        {
            .opening = LITERAL("[TOOL_CALLS]"),
            .mark = LITERAL("[TOOL_CALLS]"),
            .between = LITERAL("[CALL_ID]\1[ARGS]"),
            .middle = LITERAL("[TOOL_CALLS]"),
        },
    .specials = {{LITERAL("[TOOL_CALLS]"), 1}, {LITERAL("[CALL_ID]"), 2}, {LITERAL("[ARGS]"), 3}},
    .special_count = 3,
};

#endif
