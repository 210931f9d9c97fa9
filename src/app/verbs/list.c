/* list.c - `liminal list`: the models in the store, as a table or as JSON. */
#include <inttypes.h>
#include <time.h>

#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "models/models.h"
#include "platform/platform.h"

struct list_values {
    bool json;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct list_values, json), .help = "as a JSON array"},
};

static void print_table(const struct models_listing *listing, FILE *out)
{
    int width = (int)sizeof "NAME" - 1;
    for (size_t i = 0; i < listing->count; i++) {
        int length = (int)text_of(listing->entries[i].name).length;
        if (length > width) width = length;
    }
    fprintf(out, "%-*s  %9s  %-8s  %-8s  %8s  %s\n", width, "NAME", "SIZE", "TYPE", "ARCH",
            "CONTEXT", "MODIFIED");
    for (size_t i = 0; i < listing->count; i++) {
        const struct models_entry *entry = &listing->entries[i];
        char size[SIZE_TEXT_BYTES], modified[32];
        struct tm local;
        localtime_r(&(time_t){entry->modified_s}, &local);
        strftime(modified, sizeof modified, "%Y-%m-%d %H:%M", &local);
        size_text(entry->bytes, size);
        if (entry->problem)
            fprintf(out, "%-*s  %9s  %-8s  %-8s  %8s  %s\n", width, entry->name, size, "damaged",
                    "-", "-", modified);
        else
            fprintf(out, "%-*s  %9s  %-8s  %-8s  %8" PRIu32 "  %s\n", width, entry->name, size,
                    entry->type, entry->architecture, entry->context_length, modified);
    }
}

static enum status print_json(const struct models_listing *listing, FILE *out, struct fault *fault)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < listing->count; i++) {
        const struct models_entry *entry = &listing->entries[i];
        json_t *object = json_pack(
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:b, s:b, s:s?}", "name", entry->name, "path",
            entry->path, "bytes", (json_int_t)entry->bytes, "type", entry->type, "architecture",
            entry->architecture, "context_length", (json_int_t)entry->context_length, "modified",
            (json_int_t)entry->modified_s, "embedding", entry->is_embedding, "default",
            entry->is_default, "problem", entry->problem);
        if (json_array_append_new(array, object) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return print_json_take(array, out, fault);
}

static enum status list_run(struct command *command, struct fault *fault)
{
    const struct list_values *values = command->values;
    char folder[MODELS_PATH_LIMIT];
    TRY(path_models(folder, sizeof folder, fault));
    struct models_listing listing;
    TRY(models_list(folder, command->arena, &listing, fault));
    if (values->json) return print_json(&listing, command->out, fault);
    print_table(&listing, command->out);
    if (!listing.count)
        fprintf(stderr, "There is no model in %s yet: `liminal pull org/repo:file.gguf`.\n",
                folder);
    return OK;
}

const struct verb VERB_LIST = {
    .name = "list",
    .arguments = "",
    .summary = "show the models on this machine, the default one first",
    .help =
        "Models lie in $LIMINAL_MODELS (by default ~/.local/share/liminal/models).\n"
        "\n"
        "Examples:\n"
        "  liminal list\n"
        "  liminal list --json | jq -r '.[].name'\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct list_values),
    .run = list_run,
};
