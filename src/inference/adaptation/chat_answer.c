/* chat_answer.c - see chat_answer.h. */
#include "inference/adaptation/chat_answer.h"

#include <string.h>

#include "platform/platform.h"

/* "call_" and CALL_ID_LENGTH letters and digits, which templates that want short ids take as they
 * are (chat_messages.h). */
static void make_call_id(char id[OPENAI_CALL_ID_BYTES])
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char random[CALL_ID_LENGTH];
    entropy_fill(random, sizeof random);
    memcpy(id, "call_", 5);
    for (size_t i = 0; i < CALL_ID_LENGTH; i++) id[5 + i] = letters[random[i] % 62];
    id[5 + CALL_ID_LENGTH] = '\0';
}

/* ---- kept ---- */

static void keep_call(struct chat_answer *answer, struct text name)
{
    if (answer->calls.length) buffer_append_char(&answer->calls, ',');
    openai_append_call(&answer->calls, text_of(answer->call_id), name);
}

/* The arguments are a JSON string in JSON, and known as a whole only now. */
static void end_kept_call(struct chat_answer *answer)
{
    buffer_append_json_string(&answer->calls, buffer_text(&answer->arguments));
    buffer_append_string(&answer->calls, "}}");
    buffer_clear(&answer->arguments);
}

static void keep(struct chat_answer *answer, const struct answer_event *event)
{
    switch (event->kind) {
    case ANSWER_TEXT: buffer_append_text(&answer->text, event->text); break;
    case ANSWER_REASONING: buffer_append_text(&answer->reasoning, event->text); break;
    case ANSWER_CALL: keep_call(answer, event->text); break;
    case ANSWER_ARGUMENTS: buffer_append_text(&answer->arguments, event->text); break;
    case ANSWER_CALL_END: end_kept_call(answer); break;
    }
}

/* ---- told on ---- */

/* False for the end of a call, which is no delta. */
static bool delta_of(const struct chat_answer *answer, const struct answer_event *event,
                     struct openai_delta *delta)
{
    *delta = (struct openai_delta){.text = event->text, .call = event->call};
    switch (event->kind) {
    case ANSWER_TEXT: delta->kind = DELTA_TEXT; return true;
    case ANSWER_REASONING: delta->kind = DELTA_REASONING; return true;
    case ANSWER_CALL:
        delta->kind = DELTA_CALL;
        delta->call_id = text_of(answer->call_id);
        return true;
    case ANSWER_ARGUMENTS: delta->kind = DELTA_ARGUMENTS; return true;
    case ANSWER_CALL_END: return false;
    }
    return false;
}

static void on_event(void *argument, const struct answer_event *event)
{
    struct chat_answer *answer = argument;
    if (event->kind == ANSWER_CALL) {
        answer->calls_begun++;
        make_call_id(answer->call_id);
    }
    if (event->kind == ANSWER_CALL_END) answer->calls_ended++;
    struct openai_delta delta;
    bool is_delta = delta_of(answer, event, &delta);
    if (is_delta && answer->on_heard) answer->on_heard(answer->listener, &delta);
    if (!answer->on_delta)
        keep(answer, event);
    else if (is_delta)
        answer->on_delta(answer->argument, &delta);
}

/* ---- the face ---- */

void chat_answer_init(struct chat_answer *answer, const struct chat_answer_plan *plan,
                      void (*on_delta)(void *argument, const struct openai_delta *delta),
                      void *argument)
{
    *answer = (struct chat_answer){
        .is_parsed = plan->format != NULL,
        .on_delta = on_delta,
        .argument = argument,
    };
    answer_parser_init(&answer->parser, plan->format, plan->finds_calls, plan->reasoning, on_event,
                       answer);
    buffer_init(&answer->text);
    buffer_init(&answer->reasoning);
    buffer_init(&answer->calls);
    buffer_init(&answer->arguments);
}

void chat_answer_deinit(struct chat_answer *answer)
{
    answer_parser_deinit(&answer->parser);
    buffer_deinit(&answer->text);
    buffer_deinit(&answer->reasoning);
    buffer_deinit(&answer->calls);
    buffer_deinit(&answer->arguments);
}

void chat_answer_add(struct chat_answer *answer, struct text piece)
{
    if (piece.length == 0) return;
    if (answer->is_parsed)
        answer_parser_add(&answer->parser, piece);
    else
        on_event(answer, &(struct answer_event){.kind = ANSWER_TEXT, .text = piece});
}

void chat_answer_finish(struct chat_answer *answer, bool was_cut)
{
    if (answer->is_parsed) answer_parser_finish(&answer->parser, was_cut);
    bool is_open = answer->calls_begun > answer->calls_ended;
    if (is_open && !answer->on_delta) end_kept_call(answer);
}

bool chat_answer_is_reasoning(const struct chat_answer *answer)
{
    return answer->parser.state == IN_REASONING;
}

bool chat_answer_calls(const struct chat_answer *answer)
{
    return answer->calls_begun > 0 && answer->calls_begun == answer->calls_ended;
}

bool chat_answer_failed(const struct chat_answer *answer)
{
    return answer->parser.held.failed || answer->text.failed || answer->reasoning.failed ||
           answer->calls.failed || answer->arguments.failed;
}

struct openai_message chat_answer_message(const struct chat_answer *answer)
{
    return (struct openai_message){
        .content = buffer_text(&answer->text),
        .reasoning = buffer_text(&answer->reasoning),
        .calls = buffer_text(&answer->calls),
    };
}
