/* openai_messages.h - the messages of a chat request, read from their JSON and checked.
 *
 * Pure: a tree in, a plain tree out, or a fault that names the field ("messages[2].tool_calls[0].
 * function.arguments"). Must not know models, nor how they want to be told. */
#ifndef LIMINAL_INFERENCE_OPENAI_MESSAGES_H
#define LIMINAL_INFERENCE_OPENAI_MESSAGES_H

#include <jansson.h>

#include "base/status.h"

enum {
    /* The JSON in arguments of all calls: as a tree it is many times larger. */
    REQUEST_ARGUMENTS_BYTES_LIMIT = 1 << 20,
};

/* `messages`: a new array of objects: "role" and "content", both strings; an assistant's may have
 * "reasoning_content" and "tool_calls" with objects for arguments, a tool's has "tool_call_id"
 * and "name".
 * `prompt_bytes`: of all contents. */
enum status openai_messages_read(json_t **messages, size_t *prompt_bytes, const json_t *root,
                                 struct fault *fault) MUST_USE;

#endif
