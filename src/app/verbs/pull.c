/* pull.c - `liminal pull`: fetch a model into the store. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "models/models.h"
#include "platform/platform.h"

struct pull_values {
    const char *endpoint, *name, *sha256, *token;
};

static const struct option_row OPTIONS[] = {
    {"as", 0, OPTION_TEXT, offsetof(struct pull_values, name), .value_name = "NAME",
     .help = "what to call it here; default: the file's name"},
    {"sha256", 0, OPTION_TEXT, offsetof(struct pull_values, sha256), .value_name = "HEX",
     .help = "refuse a file with any other SHA-256 digest"},
    {"endpoint", 0, OPTION_TEXT, offsetof(struct pull_values, endpoint), .value_name = "URL",
     .fallback = "https://huggingface.co", .help = "hub that org/repo:file is fetched from",
     .environment = "LIMINAL_HF_ENDPOINT"},
    {"token", 0, OPTION_TEXT, offsetof(struct pull_values, token), .value_name = "TOKEN",
     .help = "what the hub knows you by, for models that want it; not sent to other URLs",
     .environment = "HF_TOKEN"},
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool show_progress(void *argument, uint64_t done_bytes, uint64_t total_bytes)
{
    progress_bar_bytes(argument, done_bytes, total_bytes);
    return !interrupted;
}

static enum status check_digest(const char *hex, struct fault *fault)
{
    if (!hex || (strlen(hex) == 64 && strspn(hex, "0123456789abcdefABCDEF") == 64)) return OK;
    return fault_set_param(fault, STATUS_INVALID, "sha256",
                           "--sha256 takes the 64 hexadecimal digits of a SHA-256 digest");
}

static enum status pull_run(struct command *command, struct fault *fault)
{
    const struct pull_values *values = command->values;
    struct models_pull pull = {
        .sha256 = values->sha256, .token = values->token, .progress = show_progress};
    TRY(check_digest(values->sha256, fault));
    TRY(models_reference_parse(command->words[0], values->endpoint, command->arena, &pull.reference,
                               fault));
    if (values->name) {
        TRY(models_name_check(text_of(values->name), fault));
        pull.reference.name = arena_copy(command->arena, values->name, strlen(values->name));
        if (!pull.reference.name) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    char folder[MODELS_PATH_LIMIT], size[SIZE_TEXT_BYTES];
    TRY(path_models(folder, sizeof folder, fault));

    struct progress_bar bar;
    progress_bar_start(&bar, pull.reference.name);
    pull.progress_argument = &bar;
    signal(SIGINT, note_interrupt);
    signal(SIGTERM, note_interrupt);
    char *path;
    enum status status = models_pull(folder, &pull, command->arena, &path, fault);
    progress_bar_end(&bar);
    if (status == STATUS_CANCELLED)
        return fault_set(fault, status, "stopped; the same command goes on where this one ended");
    if (status != OK) return status;
    size_text((uint64_t)file_size(path), size);
    fprintf(command->out, "%s (%s) is in %s\n", pull.reference.name, size, path);
    return OK;
}

const struct verb VERB_PULL = {
    .name = "pull",
    .arguments = "REFERENCE",
    .summary = "fetch a model, going on where an interrupted fetch ended",
    .help =
        "REFERENCE is org/repo:file.gguf on the hub, or an http(s) URL of a GGUF file.\n"
        "\n"
        "Examples:\n"
        "  liminal pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:qwen2.5-0.5b-instruct-q8_0.gguf\n"
        "  liminal pull https://models.example.org/small.gguf --as small\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct pull_values),
    .least_words = 1,
    .most_words = 1,
    .run = pull_run,
};
