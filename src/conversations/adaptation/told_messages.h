/* told_messages.h - messages as they are kept, and as OpenAI's clients and chat templates tell
 * them: from one to the other and back. Pure. */
#ifndef LIMINAL_CONVERSATIONS_TOLD_MESSAGES_H
#define LIMINAL_CONVERSATIONS_TOLD_MESSAGES_H

#include <jansson.h>

#include "base/arena.h"
#include "conversations/conversation.h"

/* Of a summary (R143): the seq up to which it stands for what was said; 0 when it is none. */
int64_t summary_stands_for(const struct message *message);

/* A new {"role","content",...} object; *told is NULL for what is being written. An answer without a
 * word is told as such: many templates want question and answer to take turns. */
enum status message_tell(const struct message *message, json_t **told,
                         struct fault *fault) MUST_USE;

/* A message of a request that was found in order. Texts lie in the arena or the tree. */
enum status message_take(const json_t *told, struct arena *job, struct message *message,
                         struct fault *fault) MUST_USE;

/* Calls of tools, as `tool_calls` has them ("arguments" being text), as segments of content_struct.
 * In the arena. */
enum status calls_keep(const json_t *tool_calls, struct arena *job, struct text *content_struct,
                       struct fault *fault) MUST_USE;

#endif
