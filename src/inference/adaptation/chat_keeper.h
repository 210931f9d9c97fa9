/* chat_keeper.h - whoever keeps conversations, as POST /v2/chat/completions (R60) asks for it: so
 * inference answers within a conversation and knows of none.
 *
 * A kept chat is a chat of /v1 with something before and behind it: the keeper puts messages in
 * front of the request's, writes down that an answer is being made, listens to it, and says when it
 * may be called done. */
#ifndef LIMINAL_INFERENCE_CHAT_KEEPER_H
#define LIMINAL_INFERENCE_CHAT_KEEPER_H

#include <jansson.h>

#include "base/text.h"
#include "inference/adaptation/openai_text.h"

struct api;
struct http_exchange;
struct model_lease;

/* One answer within a conversation. */
struct kept_chat {
    void *turn;          /* the keeper's own */
    size_t told_before;  /* messages put in front of the request's own */
    struct text members; /* of the answer's JSON: "\"conversation_id\":..."; set by begin */
    bool is_deferred;    /* the keeper has called http_defer: all begins again when it is resumed */
    void **memory;       /* of the exchange, for what begins again; NULL at first */
};

struct chat_ending {
    bool is_whole;      /* it came to its end; else the client left, or it failed */
    const char *finish; /* "stop", "length", "tool_calls"; NULL when it is not whole */
    uint32_t prompt_tokens, completion_tokens;
};

struct chat_keeper {
    void *context;
    /* The request's model is at hand, nothing of the request is checked yet. Puts messages in front
     * of those of `root`. On a worker, may block; `chat` is zeroed. What it allocates lies in the
     * exchange's arena, as there may be no end. */
    enum status (*prepare)(void *context, struct http_exchange *exchange, json_t *root,
                           struct model_lease *lease, struct kept_chat *chat, struct fault *fault);
    /* The request is in order: write down what was asked. On a worker, may block. */
    enum status (*begin)(struct kept_chat *chat, struct fault *fault);
    /* After begin: it can't be answered now, and the client is told so. On a worker, may block. */
    void (*refused)(struct kept_chat *chat);

    /* On the engine's thread: these never block. */
    void (*told)(void *turn, const struct openai_delta *delta);
    /* After the last. Calls go_on once, from any thread, when the client may be told that it is
     * over; with a fault when it could not be kept. */
    void (*ended)(void *turn, const struct chat_ending *ending,
                  void (*go_on)(void *argument, const struct fault *fault), void *argument);
};

/* Before api_install: serve /v2/chat/completions. The keeper must live as long as the api. */
void api_set_keeper(struct api *api, const struct chat_keeper *keeper);

#endif
