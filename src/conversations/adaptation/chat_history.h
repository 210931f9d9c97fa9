/* chat_history.h - what a model is told of a conversation before a new question: as much as fits,
 * and a summary of what does not (window.h). */
#ifndef LIMINAL_CONVERSATIONS_CHAT_HISTORY_H
#define LIMINAL_CONVERSATIONS_CHAT_HISTORY_H

#include <jansson.h>

#include "conversations/conversations.h"

struct tokenizer;

/* What there is room for. */
struct chat_room {
    const struct tokenizer *tokenizer;
    uint32_t tokens; /* for messages */
    uint32_t summary_tokens;
};

/* A new array of what is told besides `asked` (an array of the request's messages), or, with
 * *stands_for > 0, what must be summarised first: all up to this seq, without instructions but with
 * the summary before. */
enum status chat_history_load(struct conversations *conversations, struct uuid user,
                              struct uuid conversation, const struct chat_room *room,
                              const json_t *asked, json_t **told, int64_t *stands_for,
                              struct fault *fault) MUST_USE;

#endif
