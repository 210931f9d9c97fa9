/* restore_files.c - see restore_files.h. */
#include "operations/realization/restore_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations/manifest.h"
#include "operations/realization/parts.h"

enum { PATH_BYTES = FOLDER_PATH_BYTES + ARCHIVE_PATH_BYTES, OPEN_FOLDERS = 16 };

static enum status write_fault(const char *path, struct fault *fault)
{
    return fault_set(fault, STATUS_IO, "cannot write %s: %s", path, strerror(errno));
}

/* ---- laying out ---- */

static enum status make_parents(const char *path, struct fault *fault)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    return directory_make(folder, fault);
}

/* Data and name are on the disk. */
static enum status finish_file(int fd, const char *path, const struct archive_entry *entry,
                               struct fault *fault)
{
    const struct timespec times[2] = {{entry->modified_s, 0}, {entry->modified_s, 0}};
    if (fchmod(fd, entry->mode) != 0 || futimens(fd, times) != 0 || fsync(fd) != 0)
        return write_fault(path, fault);
    return file_sync_name(path, fault);
}

static enum status lay_out_file(struct archive_reader *reader, const struct archive_entry *entry,
                                const char *folder, struct fault *fault)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, entry->path + strlen(FILES_FOLDER));
    TRY(make_parents(path, fault));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return write_fault(path, fault);
    enum status status = archive_reader_copy(reader, fd, path, fault);
    if (status == OK) status = finish_file(fd, path, entry, fault);
    close(fd);
    return status;
}

static enum status lay_out_all(struct archive_reader *reader, const char *folder, uint64_t *files,
                               struct fault *fault)
{
    struct archive_entry entry;
    bool found;
    for (;;) {
        TRY(archive_reader_next(reader, &entry, &found, fault));
        if (!found) return OK;
        if (!text_starts_with(text_of(entry.path), TEXT(FILES_FOLDER))) continue;
        TRY(lay_out_file(reader, &entry, folder, fault));
        ++*files;
    }
}

enum status files_lay_out(const char *path, const char *data_folder,
                          const struct operations_progress *progress,
                          char laid_out[FOLDER_PATH_BYTES], uint64_t *files, struct fault *fault)
{
    struct archive_reader reader;
    *files = 0;
    TRY(directory_make(data_folder, fault));
    if (snprintf(laid_out, FOLDER_PATH_BYTES, "%s/restoring-XXXXXX", data_folder) >=
        FOLDER_PATH_BYTES)
        return fault_set(fault, STATUS_INVALID, "the path %s is too long", data_folder);
    if (!mkdtemp(laid_out)) {
        laid_out[0] = '\0';
        return write_fault(data_folder, fault);
    }
    enum status status = archive_reader_open(&reader, path, MANIFEST_PATH, progress, fault);
    if (status == OK) status = lay_out_all(&reader, laid_out, files, fault);
    archive_reader_close(&reader);
    return status;
}

/* ---- moving ---- */

static enum status move_one(const char *from, const char *to, const char *name, struct fault *fault)
{
    char old[PATH_BYTES], new[PATH_BYTES];
    snprintf(old, sizeof old, "%s/%s", from, name);
    snprintf(new, sizeof new, "%s/%s", to, name);
    if (renameat2(AT_FDCWD, old, AT_FDCWD, new, RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || rename(old, new) != 0)) /* not every file system knows the flag */
        return fault_set(fault, STATUS_IO, "cannot move %s to %s: %s", old, to, strerror(errno));
    return file_sync_name(new, fault);
}

static enum status move_all(const char *from, const char *to, struct fault *fault)
{
    struct dirent **found;
    int count = scandir(from, &found, NULL, alphasort);
    enum status status = OK;
    if (count < 0) return fault_set(fault, STATUS_IO, "cannot read %s: %s", from, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = found[i]->d_name;
        if (status == OK && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            status = move_one(from, to, name, fault);
        free(found[i]);
    }
    free(found);
    return status;
}

enum status files_move(const char *from, const char *const *names, const char *to,
                       struct fault *fault)
{
    if (!names) return move_all(from, to, fault);
    for (; *names; names++) TRY(move_one(from, to, *names, fault));
    return OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    return remove(path);
}

void files_remove_folder(const char *folder)
{
    nftw(folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}
