/* data_folder.c - see data_folder.h. */
#include "operations/realization/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, FOLDERS_DEEP = 32 };

struct walk {
    const char *folder;
    char real_folder[PATH_MAX], real_database[PATH_MAX]; /* "" for none */
    struct arena *job;
    struct data_files *files;
    size_t capacity;
    struct fault *fault;
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the list of files");
}

/* Of what stands directly in the folder. */
static bool belongs(const char *name)
{
    static const char *const others[] = {"models", "kv", "backups", "liminal.conf"};
    static const char *const beginnings[] = {"liminal.db", "before-restore-", "restoring-",
                                             "liminal-backup-"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        if (strcmp(name, others[i]) == 0) return false;
    for (size_t i = 0; i < ARRAY_COUNT(beginnings); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) return false;
    return true;
}

/* The database itself, and what SQLite puts beside it ("-wal", "-shm", "-journal"). */
static bool is_of_database(const struct walk *walk, const char *inside)
{
    struct text database = text_of(walk->real_database), folder = text_of(walk->real_folder);
    if (!text_starts_with(database, folder)) return false;
    struct text name = text_slice(database, folder.length, database.length);
    if (!text_starts_with(name, TEXT("/"))) return false;
    name = text_slice(name, 1, name.length);
    return text_starts_with(text_of(inside), name) &&
           (inside[name.length] == '\0' || inside[name.length] == '-');
}

static enum status add_file(struct walk *walk, const char *inside, const struct stat *info)
{
    struct data_files *files = walk->files;
    if (files->count == walk->capacity) {
        size_t wanted = walk->capacity ? walk->capacity * 2 : 16;
        struct archive_entry *items = arena_alloc_array(walk->job, wanted, sizeof *items);
        if (!items) return no_memory(walk->fault);
        if (files->count) memcpy(items, files->items, files->count * sizeof *items);
        files->items = items;
        walk->capacity = wanted;
    }
    struct archive_entry *entry = &files->items[files->count++];
    *entry = (struct archive_entry){.bytes = (uint64_t)info->st_size,
                                    .mode = info->st_mode & 0777,
                                    .modified_s = info->st_mtim.tv_sec};
    memcpy(entry->path, inside, strlen(inside) + 1); /* archive_path_is_safe: it fits */
    return OK;
}

static enum status visit_folder(struct walk *walk, const char *inside, unsigned depth);

static enum status visit(struct walk *walk, const char *inside, unsigned depth)
{
    char path[PATH_BYTES];
    struct stat info;
    if (snprintf(path, sizeof path, "%s/%s", walk->folder, inside) >= (int)sizeof path ||
        !archive_path_is_safe(text_of(inside)) || depth > FOLDERS_DEEP)
        return fault_set(walk->fault, STATUS_UNSUPPORTED,
                         "%s/%s can't be in a backup: its name is too long or has characters that "
                         "no name should have",
                         walk->folder, inside);
    if (is_of_database(walk, inside)) return OK;
    if (lstat(path, &info) != 0) return OK; /* gone again */
    if (S_ISDIR(info.st_mode)) return visit_folder(walk, inside, depth + 1);
    if (S_ISREG(info.st_mode)) return add_file(walk, inside, &info);
    walk->files->left_out++;
    return OK;
}

static int sorted_by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* "" is the data folder itself. */
static enum status visit_folder(struct walk *walk, const char *inside, unsigned depth)
{
    char path[PATH_BYTES];
    struct dirent **found;
    snprintf(path, sizeof path, "%s/%s", walk->folder, inside);
    int count = scandir(path, &found, NULL, sorted_by_name);
    if (count < 0 && errno == ENOENT) return OK;
    if (count < 0)
        return fault_set(walk->fault, STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    enum status status = OK;
    for (int i = 0; i < count; i++) {
        const char *name = found[i]->d_name;
        bool is_itself = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (status == OK && !is_itself && (*inside || belongs(name))) {
            snprintf(path, sizeof path, *inside ? "%s/%s" : "%s%s", inside, name);
            status = visit(walk, path, depth);
        }
        free(found[i]);
    }
    free(found);
    return status;
}

enum status data_folder_list(const char *folder, const char *database, struct arena *job,
                             struct data_files *files, struct fault *fault)
{
    *files = (struct data_files){0};
    struct walk walk = {.folder = folder, .job = job, .files = files, .fault = fault};
    if (!realpath(folder, walk.real_folder)) return OK; /* there is none */
    if (!database || !realpath(database, walk.real_database)) walk.real_database[0] = '\0';
    return visit_folder(&walk, "", 0);
}

enum status data_folder_names(const char *folder, const char *database, struct arena *job,
                              const char *const **names, struct fault *fault)
{
    struct data_files files;
    size_t count = 0;
    TRY(data_folder_list(folder, database, job, &files, fault));
    const char **made = arena_alloc_array(job, files.count + 1, sizeof *made);
    if (!made) return no_memory(fault);
    for (size_t i = 0; i < files.count; i++) {
        struct text path = text_of(files.items[i].path);
        struct text name = text_slice(path, 0, text_find(path, TEXT("/")));
        if (count && text_equal(name, text_of(made[count - 1]))) continue;
        made[count] = arena_copy(job, name.data, name.length);
        if (!made[count++]) return no_memory(fault);
    }
    *names = made;
    return OK;
}
