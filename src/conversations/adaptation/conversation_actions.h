/* conversation_actions.h - what each route of /v1/conversations does. */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_ACTIONS_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_ACTIONS_H

#include "conversations/adaptation/conversation_call.h"

conversation_action action_create, action_list, action_get, action_change, action_delete;
conversation_action action_fork, action_search, action_export;
conversation_action action_messages, action_append;

#endif
