/* store.c - the folder of models on disk. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "models/models.h"
#include "platform/platform.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* ---- listing ---- */

/* The model's name if the directory entry is one, else the empty text. */
static struct text entry_name(const char *file_name)
{
    struct text name = text_of(file_name);
    if (!text_ends_with(name, TEXT(".gguf"))) return (struct text){0};
    name.length -= strlen(".gguf");
    return models_name_check(name, NULL) == OK ? name : (struct text){0};
}

static enum status add_entry(const char *folder, struct text name, struct arena *arena,
                             struct models_listing *listing, size_t *capacity, struct fault *fault)
{
    struct models_entry entry = {
        .name = arena_copy(arena, name.data, name.length),
        .path = arena_printf(arena, "%s/%.*s.gguf", folder, TEXT_FORMAT(name)),
    };
    if (!entry.name || !entry.path) return no_memory(fault);
    struct stat info;
    if (stat(entry.path, &info) != 0 || !S_ISREG(info.st_mode)) return OK; /* gone, or no file */
    entry.bytes = (uint64_t)info.st_size;
    entry.modified_s = info.st_mtim.tv_sec;
    TRY(models_describe(&entry, arena, fault));
    if (listing->count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        struct models_entry *more = arena_alloc_array(arena, *capacity, sizeof *more);
        if (!more) return no_memory(fault);
        if (listing->count) memcpy(more, listing->entries, listing->count * sizeof *more);
        listing->entries = more;
    }
    assert(listing->entries);
    listing->entries[listing->count++] = entry;
    return OK;
}

enum rank { RANK_PREFERRED, RANK_CHAT, RANK_TEXT, RANK_EMBEDDING, RANK_DAMAGED };

static enum rank entry_rank(const struct models_entry *entry)
{
    if (entry->problem) return RANK_DAMAGED;
    if (entry->is_embedding) return RANK_EMBEDDING;
    if (strcmp(entry->name, MODELS_PREFERRED) == 0) return RANK_PREFERRED;
    return entry->has_chat_template ? RANK_CHAT : RANK_TEXT;
}

static int compare_entries(const void *a, const void *b)
{
    const struct models_entry *x = a, *y = b;
    int ranks = (int)entry_rank(x) - (int)entry_rank(y);
    return ranks ? ranks : strcmp(x->name, y->name);
}

enum status models_list(const char *folder, struct arena *arena, struct models_listing *listing,
                        struct fault *fault)
{
    *listing = (struct models_listing){0};
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOENT) return OK;
    if (!directory)
        return fault_set(fault, STATUS_IO, "cannot read the models in %s: %s", folder,
                         strerror(errno));
    enum status status = OK;
    size_t capacity = 0;
    for (const struct dirent *file; (file = readdir(directory)) != NULL;) {
        struct text name = entry_name(file->d_name);
        if (!name.length) continue;
        TRY_DONE(add_entry(folder, name, arena, listing, &capacity, fault));
    }
    if (listing->count) {
        qsort(listing->entries, listing->count, sizeof *listing->entries, compare_entries);
        listing->entries[0].is_default = entry_rank(&listing->entries[0]) <= RANK_TEXT;
    }
done:
    closedir(directory);
    return status;
}

/* ---- finding ---- */

static enum status find_default(const char *folder, struct arena *arena, char **path,
                                struct fault *fault)
{
    *path = arena_printf(arena, "%s/%s.gguf", folder, MODELS_PREFERRED);
    if (!*path) return no_memory(fault);
    if (file_exists(*path)) return OK;
    struct models_listing listing;
    TRY(models_list(folder, arena, &listing, fault));
    if (!listing.count || !listing.entries[0].is_default)
        return fault_set_param(fault, STATUS_NOT_FOUND, "model",
                               "there is no chat model in %s yet: fetch one with "
                               "`liminal pull org/repo:file.gguf`, or the default with `make run`",
                               folder);
    *path = listing.entries[0].path;
    return OK;
}

/* The name that `word` is, about, the beginning of: people leave sizes and versions out. */
static const char *nearest_beginning(const struct models_listing *listing, const char *word)
{
    const char *best = NULL;
    struct nearest nearest;
    nearest_init(&nearest, word);
    nearest.distance = strlen(word) / 4 + 1; /* stricter than for whole names */
    for (size_t i = 0; i < listing->count && *word; i++) {
        char start[MODELS_NAME_LIMIT + 1];
        snprintf(start, sizeof start, "%.*s", (int)strlen(word), listing->entries[i].name);
        nearest.best = NULL;
        nearest_offer(&nearest, start);
        if (nearest.best) best = listing->entries[i].name;
    }
    return best;
}

/* There is none of that name: say which may have been meant. */
static enum status unknown_model(const char *folder, const char *word, struct fault *fault)
{
    struct arena arena;
    struct models_listing listing;
    struct fault unread; /* a folder that cannot be read has nothing to suggest */
    struct nearest nearest;
    arena_init(&arena, 0);
    nearest_init(&nearest, word);
    nearest_offer(&nearest, MODELS_ALIAS);
    if (models_list(folder, &arena, &listing, &unread) != OK) listing.count = 0;
    for (size_t i = 0; i < listing.count; i++) nearest_offer(&nearest, listing.entries[i].name);
    if (!nearest.best) nearest.best = nearest_beginning(&listing, word);
    if (nearest.best)
        fault_set_param(fault, STATUS_NOT_FOUND, "model",
                        "there is no model \"%s\"; did you mean \"%s\"?", word, nearest.best);
    else
        fault_set_param(fault, STATUS_NOT_FOUND, "model",
                        "there is no model \"%s\"; `liminal list` shows those in %s", word, folder);
    arena_deinit(&arena);
    return STATUS_NOT_FOUND;
}

enum status models_find(const char *folder, const char *word, struct arena *arena, char **path,
                        struct fault *fault)
{
    if (strcmp(word, MODELS_ALIAS) == 0) return find_default(folder, arena, path, fault);
    if (models_is_path(word)) {
        *path = arena_copy(arena, word, strlen(word));
        if (!*path) return no_memory(fault);
        if (file_exists(*path)) return OK;
        return fault_set_param(fault, STATUS_NOT_FOUND, "model", "there is no file %s", word);
    }
    TRY(models_name_check(text_of(word), fault));
    *path = arena_printf(arena, "%s/%s.gguf", folder, word);
    if (!*path) return no_memory(fault);
    if (file_exists(*path)) return OK;
    return unknown_model(folder, word, fault);
}

/* ---- removing ---- */

enum status models_remove(const char *folder, const char *name, struct fault *fault)
{
    TRY(models_name_check(text_of(name), fault));
    char path[MODELS_PATH_LIMIT];
    if (snprintf(path, sizeof path, "%s/%s.gguf", folder, name) >= (int)sizeof path)
        return fault_set(fault, STATUS_INVALID, "the path %s is too long", folder);
    if (unlink(path) != 0) {
        if (errno == ENOENT) return unknown_model(folder, name, fault);
        return fault_set(fault, STATUS_IO, "cannot remove %s: %s", path, strerror(errno));
    }
    static const char *const BESIDE[] = {".json", ".pulled.part"};
    for (size_t i = 0; i < ARRAY_COUNT(BESIDE); i++) {
        snprintf(path, sizeof path, "%s/%s%s", folder, name, BESIDE[i]);
        unlink(path); /* they need not exist */
    }
    return OK;
}
