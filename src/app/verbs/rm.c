/* rm.c - `liminal rm`: remove models from the store. */
#include "app/verbs/verbs.h"
#include "models/models.h"
#include "platform/platform.h"

static enum status rm_run(struct command *command, struct fault *fault)
{
    char folder[MODELS_PATH_LIMIT];
    TRY(path_models(folder, sizeof folder, fault));
    for (size_t i = 0; i < command->word_count; i++) {
        TRY(models_remove(folder, command->words[i], fault));
        fprintf(command->out, "removed %s\n", command->words[i]);
    }
    return OK;
}

const struct verb VERB_RM = {
    .name = "rm",
    .arguments = "MODEL...",
    .summary = "remove models from this machine",
    .help =
        "MODEL is a name from `liminal list`; paths are refused.\n"
        "\n"
        "Example:\n"
        "  liminal rm smollm2-135m\n",
    .options = &OPTION_TABLE_EMPTY,
    .values_bytes = 1,
    .least_words = 1,
    .most_words = SIZE_MAX,
    .run = rm_run,
};
