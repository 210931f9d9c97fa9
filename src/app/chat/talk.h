/* talk.h - the interactive chat: what a person types is said to the model or is a /command. */
#ifndef LIMINAL_APP_TALK_H
#define LIMINAL_APP_TALK_H

#include <stdio.h>

#include "app/chat/chat.h"
#include "app/option.h"

struct loaded_model;

/* Until /bye or the end of input. `parse` fills `choices`, so that /set takes the same names and
 * ranges as the command line; rows whose field lies outside `choices` cannot be set. */
enum status talk(struct chat *chat, const struct loaded_model *loaded, struct chat_choices *choices,
                 struct option_parse *parse, bool verbose, struct fault *fault) MUST_USE;

/* One line about how long an answer took. */
void talk_print_summary(const struct answer_summary *summary, FILE *out);

/* Ctrl-C during answers is noted here instead of ending the program. */
extern volatile sig_atomic_t talk_interrupted;
void talk_catch_interrupts(void);

#endif
