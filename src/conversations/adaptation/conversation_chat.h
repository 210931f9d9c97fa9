/* conversation_chat.h - conversations as the keeper of chats (chat_keeper.h): what a model is told
 * of a conversation, and its answer written down while it is made (R60). */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_CHAT_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_CHAT_H

#include "inference/adaptation/chat_keeper.h"

struct conversations;

/* For api_set_keeper; `conversations` must live as long as the api's server. */
struct chat_keeper conversation_chat_keeper(struct conversations *conversations);

#endif
