/* file_work.c - see file_work.h. */
#include "app/verbs/file_work.h"

#include <string.h>

#include "models/models.h"
#include "platform/platform.h"

enum status file_work_output(const char *word, struct arena *arena, char **path,
                             struct fault *fault)
{
    if (models_is_path(word)) {
        *path = arena_copy(arena, word, strlen(word));
        return *path ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    char folder[MODELS_PATH_LIMIT];
    TRY(models_name_check(text_of(word), fault));
    TRY(path_models(folder, sizeof folder, fault));
    TRY(directory_make(folder, fault));
    *path = arena_printf(arena, "%s/%s.gguf", folder, word);
    if (!*path) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    if (!file_exists(*path)) return OK;
    return fault_set(fault, STATUS_CONFLICT,
                     "there is a model \"%s\" already: choose another name, or `liminal rm %s`",
                     word, word);
}

static void show_share(void *argument, double done)
{
    progress_bar_share(argument, done);
}

static void show_note(void *argument, const char *line)
{
    progress_bar_end(argument);
    fprintf(stderr, "%s\n", line);
}

struct progress file_work_progress(struct progress_bar *bar, const char *label)
{
    progress_bar_start(bar, label);
    return (struct progress){.report = show_share, .note = show_note, .argument = bar};
}

void file_work_end(struct progress_bar *bar, enum status status, const char *path, FILE *out)
{
    progress_bar_end(bar);
    if (status != OK) return;
    char size[SIZE_TEXT_BYTES];
    size_text((uint64_t)file_size(path), size);
    fprintf(out, "%s (%s)\n", path, size);
}
