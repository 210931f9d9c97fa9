/* quantize.c - `liminal quantize`: a model in smaller types. */
#include "app/model_choice.h"
#include "app/verbs/file_work.h"
#include "app/verbs/verbs.h"
#include "model/file/quantise_file.h"

struct quantize_values {
    uint64_t threads;
};

static const struct option_row OPTIONS[] = {
    {"threads", 't', OPTION_COUNT, offsetof(struct quantize_values, threads), .value_name = "N",
     .fallback = "0", .help = "threads that compute, 0 for one per core",
     .environment = "LIMINAL_THREADS", .most = 1024},
};

static enum status quantize_run(struct command *command, struct fault *fault)
{
    const struct quantize_values *values = command->values;
    struct model_choice in;
    char *out;
    TRY(model_choose(command->words[0], command->arena, &in, fault));
    TRY(file_work_output(command->words[1], command->arena, &out, fault));
    struct progress_bar bar;
    struct progress progress = file_work_progress(&bar, "quantizing");
    enum status status =
        quantise_file(in.path, out, command->words[2], (unsigned)values->threads, &progress, fault);
    file_work_end(&bar, status, out, command->out);
    return status;
}

const struct verb VERB_QUANTIZE = {
    .name = "quantize",
    .arguments = "IN OUT TYPE",
    .summary = "write a model in a smaller type",
    .help =
        "IN is a name from `liminal list` or a path, OUT a new name or a path. TYPE is one of\n"
        "F32, F16, BF16, Q8_0, Q4_0, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K, IQ4_XS; Q4_K and Q5_K\n"
        "mean the _M mixes.\n"
        "\n"
        "Examples:\n"
        "  liminal quantize smollm2-f16 smollm2-q4 Q4_K\n"
        "  liminal quantize ./model-f16.gguf ./model-q8.gguf Q8_0\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct quantize_values),
    .least_words = 3,
    .most_words = 3,
    .run = quantize_run,
};
