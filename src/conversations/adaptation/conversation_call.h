/* conversation_call.h - one request on its way to conversations: what handlers share. */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_CALL_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_CALL_H

#include <jansson.h>

#include "conversations/conversations.h"
#include "gateway/gateway.h"

struct conversation_call {
    struct http_exchange *exchange;
    struct conversations *conversations;
    struct uuid user; /* the caller */
    struct arena *job;
    json_t *body;      /* of those that take one */
    struct buffer out; /* JSON */
    int http_code;
    bool is_page; /* `out` is an array, and goes on at next_cursor where that is not empty */
    char next_cursor[CURSOR_BYTES];
    bool is_answered; /* by the action itself */
};

/* Writes the answer's data to `out`. */
typedef enum status conversation_action(struct conversation_call *call, struct fault *fault);

/* ---- what requests say ---- */

/* {id} of the path. STATUS_NOT_FOUND for what is no id. */
enum status call_path_id(const struct conversation_call *call, struct uuid *id,
                         struct fault *fault) MUST_USE;
/* ?limit= and ?cursor=; `cursor` has room for what `wish` points to. */
enum status call_page_wish(const struct conversation_call *call, enum cursor_kind kind,
                           uint32_t most, struct page_wish *wish, struct page_cursor *cursor,
                           struct fault *fault) MUST_USE;
/* A member that is an object, as text in the arena; absent and null leave it empty. */
enum status call_read_object(const struct conversation_call *call, const char *name,
                             struct text *value, struct fault *fault) MUST_USE;
/* The text of a tree, in the arena. */
enum status call_keep_tree(const struct conversation_call *call, const json_t *tree,
                           struct text *value, struct fault *fault) MUST_USE;

#endif
