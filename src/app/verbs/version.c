/* version.c - `liminal version`. */
#include "app/version.h"

#include "app/verbs/verbs.h"

struct version_values {
    bool json;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct version_values, json), .help = "as a JSON object"},
};

static enum status version_run(struct command *command, struct fault *fault)
{
    const struct version_values *values = command->values;
    fprintf(command->out, values->json ? "{\"version\":\"%s\"}\n" : "liminal %s\n",
            LIMINAL_VERSION);
    return OK;
}

const struct verb VERB_VERSION = {
    .name = "version",
    .arguments = "",
    .summary = "show the version",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct version_values),
    .run = version_run,
};
