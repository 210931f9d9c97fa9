/* completion_run.h - one completion request in flight: its generations, and the way of their text
 * to the client, streamed or in one piece.
 *
 * The handler's thread makes it ready, starts all its generations at once, and leaves. From then on
 * it belongs to the engine's thread, which tells each token and frees it after the last; the loop's
 * thread only ever cancels. So it needs no lock. */
#ifndef LIMINAL_INFERENCE_COMPLETION_RUN_H
#define LIMINAL_INFERENCE_COMPLETION_RUN_H

#include "inference/adaptation/api_private.h"
#include "inference/adaptation/chat_answer.h"
#include "inference/adaptation/chat_keeper.h"
#include "inference/adaptation/openai_request.h"
#include "inference/adaptation/openai_text.h"
#include "model/tokenizer/tokenizer.h"

struct completion_start {
    struct model_lease *lease; /* shared until the last event */
    enum openai_shape shape;
    const struct openai_generation *generation;
    const struct token_list *prompts;
    const struct text *echoes; /* per prompt, shown before its answer; NULL: none */
    size_t prompt_count;
    struct constraint *constraint;       /* of each answer; NULL: none */
    const char *prompt_field;            /* "messages" or "prompt", for faults */
    const struct chat_answer_plan *plan; /* NULL: answers are text and nothing else */
    const struct kept_chat *kept;        /* NULL: nobody keeps it; else there is one answer */
};

/* Remember for the log line what was asked (R59). */
void completion_note(struct http_exchange *exchange, const struct openai_generation *generation,
                     size_t prompt_bytes);
/* Among whom what it asks is shared: to be told before a form is looked for. STATUS_NO_MEMORY. */
enum status completion_set_tenant(struct http_exchange *exchange,
                                  struct openai_generation *generation,
                                  struct fault *fault) MUST_USE;
/* Answers the exchange, now (refused: false) or later. */
bool completion_run_start(struct api *api, struct http_exchange *exchange,
                          const struct completion_start *start);

#endif
