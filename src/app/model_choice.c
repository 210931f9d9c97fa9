/* model_choice.c - see model_choice.h. */
#include "app/model_choice.h"

#include <string.h>

#include "app/settings.h"
#include "models/models.h"
#include "platform/platform.h"

static const char CONTAINER_MODEL[] = "/models/model.gguf"; /* R24 */

static bool is_alias(const char *word)
{
    return !word || strcmp(word, MODELS_ALIAS) == 0;
}

enum status model_choose(const char *word, struct arena *arena, struct model_choice *choice,
                         struct fault *fault)
{
    if (is_alias(word)) {
        struct settings settings;
        TRY(settings_load(&settings, arena, fault));
        word = settings.models.count ? settings.models.items[0] : NULL;
        if (is_alias(word)) word = file_exists(CONTAINER_MODEL) ? CONTAINER_MODEL : MODELS_ALIAS;
    }
    char folder[MODELS_PATH_LIMIT];
    TRY(path_models(folder, sizeof folder, fault));
    TRY(models_find(folder, word, arena, &choice->path, fault));
    struct text name = models_name_in_path(text_of(choice->path));
    choice->name = arena_copy(arena, name.data, name.length);
    return choice->name ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}
