/* chat.h - a conversation with one model: what was said so far, and how answers are chosen. Knows
 * nothing of terminals. */
#ifndef LIMINAL_APP_CHAT_H
#define LIMINAL_APP_CHAT_H

#include <jansson.h>

#include "app/chat/answer.h"
#include "app/option.h"

struct chat_template;

/* Whatever reads JSON keeps whole numbers up to this one. */
#define CHAT_SEED_MOST ((1ull << 53) - 1)

/* What may change from one turn to the next. The unset values mean the engine's defaults. */
struct chat_choices {
    double temperature, top_p, min_p;
    uint64_t top_k, seed, max_tokens;
    double repeat_penalty, presence_penalty, frequency_penalty;
    struct option_list stop;
    const char *system;
};

struct chat {
    struct engine *engine;
    struct chat_template *compiled; /* NULL: the prompt goes to the model as it is (raw) */
    json_t *turns;                  /* user and assistant messages */
    uint64_t last_seed;             /* that the last answer used */
};

/* `template_source` empty: the model's own; a model without one is refused. `raw`: no template. */
enum status chat_open(struct chat *chat, struct engine *engine, struct text template_source,
                      bool raw, struct fault *fault) MUST_USE;
void chat_close(struct chat *chat);
void chat_forget(struct chat *chat); /* start a new conversation */

/* Fill what was not chosen with the engine's defaults. What those leave open stays unset. */
void chat_choices_fill(struct chat_choices *choices);

/* The sampling that these choices make; the seed is drawn if none was chosen. */
void chat_sampling(const struct chat_choices *choices, struct sampling *sampling);

/* Say `prompt` and stream the answer; on success both are part of the conversation. */
enum status chat_ask(struct chat *chat, const struct chat_choices *choices, struct text prompt,
                     void (*show)(void *argument, struct text text), void *argument,
                     const volatile sig_atomic_t *stop, struct answer_summary *summary,
                     struct fault *fault) MUST_USE;

#endif
