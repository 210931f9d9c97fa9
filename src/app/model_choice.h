/* model_choice.h - which file a word on the command line means. */
#ifndef LIMINAL_APP_MODEL_CHOICE_H
#define LIMINAL_APP_MODEL_CHOICE_H

#include "base/arena.h"
#include "base/status.h"

struct model_choice {
    char *path;
    char *name; /* as `liminal list` shows it */
};

/* `word` is a name from the list, a path, or NULL or "local-llm" for the default: the setting
 * `model`, else /models/model.gguf where that exists (R24), else the first of the list. */
enum status model_choose(const char *word, struct arena *arena, struct model_choice *choice,
                         struct fault *fault) MUST_USE;

#endif
