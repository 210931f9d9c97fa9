/* model_store.c - see model_store.h. */
#include "app/model_store.h"

#include <stdio.h>

#include "app/model_choice.h"
#include "models/models.h"
#include "platform/platform.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the list of models");
}

/* A client's word is a name, whatever it looks like: a path would reach any file. */
static enum status find(void *context, struct text name, struct arena *arena,
                        struct stored_model *found, struct fault *fault)
{
    struct model_choice choice;
    bool is_alias = text_equal(name, TEXT(MODELS_ALIAS));
    if (!is_alias && models_name_check(name, NULL) != OK)
        return fault_set_param(fault, STATUS_NOT_FOUND, "model", "that is no name of a model");
    char folder[MODELS_PATH_LIMIT];
    TRY(path_models(folder, sizeof folder, fault));
    if (is_alias) {
        TRY(model_choose(NULL, arena, &choice, fault));
    } else {
        choice.name = arena_copy(arena, name.data, name.length);
        choice.path = arena_printf(arena, "%s/%.*s.gguf", folder, TEXT_FORMAT(name));
        if (!choice.name || !choice.path) return no_memory(fault);
    }
    int64_t bytes = file_size(choice.path);
    if (bytes < 0)
        return fault_set_param(fault, STATUS_NOT_FOUND, "model", "there is no such model");
    *found =
        (struct stored_model){.name = choice.name, .path = choice.path, .bytes = (uint64_t)bytes};
    return OK;
}

static struct stored_model stored_of(const struct models_entry *entry)
{
    return (struct stored_model){
        .name = entry->name,
        .path = entry->path,
        .bytes = entry->bytes,
        .modified_s = entry->modified_s,
        .type = entry->type,
        .architecture = entry->architecture,
        .context_length = entry->context_length,
        .is_embedding = entry->is_embedding,
        .is_default = entry->is_default,
        .problem = entry->problem,
    };
}

static enum status list(void *context, struct arena *arena, struct stored_model **models,
                        size_t *count, struct fault *fault)
{
    char folder[MODELS_PATH_LIMIT];
    struct models_listing listing;
    TRY(path_models(folder, sizeof folder, fault));
    TRY(models_list(folder, arena, &listing, fault));
    *count = listing.count;
    *models = arena_alloc_array(arena, listing.count + 1, sizeof **models);
    if (!*models) return no_memory(fault);
    for (size_t i = 0; i < listing.count; i++) (*models)[i] = stored_of(&listing.entries[i]);
    return OK;
}

struct model_store model_store_of_machine(void)
{
    return (struct model_store){.find = find, .list = list};
}
