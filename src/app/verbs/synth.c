/* synth.c - `liminal synth`: random weights in the shape of a known model. */
#include "model/file/synth.h"

#include "app/verbs/file_work.h"
#include "app/verbs/verbs.h"

struct synth_values {
    const char *out, *type;
    bool list;
};

static const struct option_row OPTIONS[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct synth_values, out), .value_name = "OUT",
     .help = "path, or a new name for `liminal list`; default: the shape's name"},
    {"type", 0, OPTION_TEXT, offsetof(struct synth_values, type), .value_name = "TYPE",
     .fallback = "Q8_0", .help = "any tensor type or mix, e.g. Q4_0, Q4_K_M, IQ2_XXS"},
    {"list", 0, OPTION_FLAG, offsetof(struct synth_values, list), .help = "list the shapes"},
};

static enum status synth_run(struct command *command, struct fault *fault)
{
    const struct synth_values *values = command->values;
    if (values->list) {
        for (size_t i = 0; synth_shape_name(i); i++)
            fprintf(command->out, "%s\n", synth_shape_name(i));
        return OK;
    }
    if (!command->word_count)
        return fault_set(fault, STATUS_INVALID,
                         "which shape? `liminal synth --list` shows those there are");
    const char *shape = command->words[0];
    char *out;
    TRY(file_work_output(values->out ? values->out : shape, command->arena, &out, fault));
    struct progress_bar bar;
    struct progress progress = file_work_progress(&bar, shape);
    enum status status = synth_model(shape, values->type, out, &progress, fault);
    file_work_end(&bar, status, out, command->out);
    return status;
}

const struct verb VERB_SYNTH = {
    .name = "synth",
    .arguments = "SHAPE",
    .summary = "make a model of random weights, for benchmarks",
    .help =
        "Examples:\n"
        "  liminal synth --list\n"
        "  liminal synth llama-3.2-1b -o llama.gguf --type Q4_0\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct synth_values),
    .most_words = 1,
    .run = synth_run,
};
