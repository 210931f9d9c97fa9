/* chat_messages.h - a conversation with calls of tools, as a model's template wants to be told it.
 *
 * A template that knows tools gets them as they are, but for what chat_format.h learnt of its
 * habits. One that does not gets a conversation without any: the tools and how to call them are
 * part of the system message, calls are written into the assistant's text, and what tools gave
 * comes from the user. Pure. */
#ifndef LIMINAL_INFERENCE_CHAT_MESSAGES_H
#define LIMINAL_INFERENCE_CHAT_MESSAGES_H

#include <jansson.h>

#include "inference/chat_format.h"

/* `*out` is a new array. `messages`: {"role", "content"}, content being a string; an assistant's
 * may have "tool_calls" in OpenAI's shape, but with objects for arguments, a tool's has
 * "tool_call_id". Other fields are passed on. `tools` in OpenAI's shape; NULL or empty: none.
 * Tools go to the template as well only where the format is not generic. STATUS_NO_MEMORY. */
enum status chat_messages_arrange(const struct chat_format *format, const json_t *messages,
                                  const json_t *tools, json_t **out, struct fault *fault) MUST_USE;

#endif
