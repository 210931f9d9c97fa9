/* chat_answer.h - one answer on its way to the client: told apart into text, reasoning and calls of
 * tools, and told on in deltas as it comes, or kept until it is whole.
 *
 * Must not know where deltas go. */
#ifndef LIMINAL_INFERENCE_CHAT_ANSWER_H
#define LIMINAL_INFERENCE_CHAT_ANSWER_H

#include "inference/adaptation/openai_text.h"
#include "inference/answer_parser.h"

/* How answers are to be read. */
struct chat_answer_plan {
    const struct chat_format *format; /* borrowed; NULL: all of it is text */
    bool finds_calls;
    enum chat_reasoning reasoning; /* where the prompt ended */
};

struct chat_answer {
    struct answer_parser parser;
    bool is_parsed;
    void (*on_delta)(void *argument, const struct openai_delta *delta); /* NULL: kept */
    void *argument;
    void (*on_heard)(void *listener, const struct openai_delta *delta); /* NULL: nobody listens */
    void *listener;

    /* kept */
    struct buffer text, reasoning;
    struct buffer calls;     /* JSON, comma-separated */
    struct buffer arguments; /* of the call that is being written */

    char call_id[OPENAI_CALL_ID_BYTES];
    uint32_t calls_begun, calls_ended;
};

/* The answer is not moved afterwards. */
void chat_answer_init(struct chat_answer *answer, const struct chat_answer_plan *plan,
                      void (*on_delta)(void *argument, const struct openai_delta *delta),
                      void *argument);
void chat_answer_deinit(struct chat_answer *answer);
void chat_answer_add(struct chat_answer *answer, struct text piece);
/* The last piece was added. `was_cut`: before the answer came to its end. */
void chat_answer_finish(struct chat_answer *answer, bool was_cut);
/* What comes next is a thought. */
bool chat_answer_is_reasoning(const struct chat_answer *answer);
/* It ended with calls, all of them whole. */
bool chat_answer_calls(const struct chat_answer *answer);
/* Some of it was lost for want of memory. */
bool chat_answer_failed(const struct chat_answer *answer);
/* What was kept. */
struct openai_message chat_answer_message(const struct chat_answer *answer);

#endif
