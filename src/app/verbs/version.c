/* version.c - `liminal version`: what this program is, and what it found to compute with. */
#include "app/version.h"

#include "app/verbs/verbs.h"
#include "compute/compute.h"

struct version_values {
    bool json;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct version_values, json), .help = "as a JSON object"},
};

static enum status version_run(struct command *command, struct fault *fault)
{
    const struct version_values *values = command->values;
    struct compute *compute;
    TRY(compute_open(&compute, &(struct compute_options){0}, fault));
    fprintf(command->out,
            values->json ? "{\"version\": \"%s\", \"instructions\": \"%s\", \"threads\": %u}\n"
                         : "liminal %s (%s, %u threads)\n",
            LIMINAL_VERSION, compute_isa_name(compute), compute_threads(compute));
    compute_close(compute);
    return OK;
}

const struct verb VERB_VERSION = {
    .name = "version",
    .arguments = "",
    .summary = "show the version, and the instruction set chosen on this machine",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct version_values),
    .run = version_run,
};
