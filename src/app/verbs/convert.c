/* convert.c - `liminal convert`: foreign model files to GGUF. */
#include "model/file/convert.h"

#include <sys/stat.h>

#include "app/verbs/file_work.h"
#include "app/verbs/verbs.h"

struct convert_values {
    const char *type, *tokenizer;
};

static const struct option_row OPTIONS[] = {
    {"type", 0, OPTION_TEXT, offsetof(struct convert_values, type), .value_name = "TYPE",
     .fallback = "F16",
     .help = "what the weights become: F32, F16, BF16, or a type of `liminal quantize`"},
    {"tokenizer", 0, OPTION_TEXT, offsetof(struct convert_values, tokenizer), .value_name = "FILE",
     .help = "tokenizer.bin of a llama2.c checkpoint; default: it follows in the same file"},
};

static enum status convert_run(struct command *command, struct fault *fault)
{
    const struct convert_values *values = command->values;
    const char *in = command->words[0];
    struct stat info;
    if (stat(in, &info) != 0)
        return fault_set(fault, STATUS_NOT_FOUND, "there is no file or folder %s", in);
    if (S_ISDIR(info.st_mode) && values->tokenizer)
        return fault_set_param(fault, STATUS_INVALID, "tokenizer",
                               "--tokenizer is for llama2.c checkpoints; %s is a folder", in);
    char *out;
    TRY(file_work_output(command->words[1], command->arena, &out, fault));
    struct progress_bar bar;
    struct progress progress = file_work_progress(&bar, "converting");
    enum status status =
        S_ISDIR(info.st_mode)
            ? convert_huggingface(in, out, values->type, &progress, fault)
            : convert_llama2c(in, values->tokenizer, out, values->type, &progress, fault);
    file_work_end(&bar, status, out, command->out);
    return status;
}

const struct verb VERB_CONVERT = {
    .name = "convert",
    .arguments = "IN OUT",
    .summary = "make a GGUF file of a Hugging Face folder or a llama2.c checkpoint",
    .help =
        "IN is a folder with config.json, tokenizer.json and *.safetensors, or a llama2.c file.\n"
        "OUT is a path, or a name that the model gets in `liminal list`.\n"
        "\n"
        "Examples:\n"
        "  liminal convert ./SmolLM2-135M-Instruct smollm2-135m --type Q8_0\n"
        "  liminal convert stories15M.bin stories15m.gguf --tokenizer tokenizer.bin\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct convert_values),
    .least_words = 2,
    .most_words = 2,
    .run = convert_run,
};
