/* file.c - files and directories; every message names the path and the cause. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/platform.h"

static enum status errno_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM: return STATUS_FORBIDDEN;
    case ENOMEM: return STATUS_NO_MEMORY;
    default: return STATUS_IO;
    }
}

static enum status path_fault(struct fault *fault, const char *action, const char *path)
{
    int error = errno;
    return fault_set(fault, errno_status(error), "cannot %s %s: %s", action, path, strerror(error));
}

enum status file_map_open(struct file_map *map, const char *path, struct fault *fault)
{
    *map = (struct file_map){.data = (const unsigned char *)""};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for its writer */
    if (fd < 0) return path_fault(fault, "open", path);
    struct stat info;
    enum status status = OK;
    if (fstat(fd, &info) != 0) {
        status = path_fault(fault, "stat", path);
    } else if (!S_ISREG(info.st_mode)) {
        status = fault_set(fault, STATUS_INVALID, "%s is not a regular file", path);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
            status = path_fault(fault, "map", path);
        else
            *map = (struct file_map){.data = data, .length = (size_t)info.st_size};
    }
    close(fd);
    return status;
}

void file_map_close(struct file_map *map)
{
    if (map->length) munmap((void *)map->data, map->length);
    *map = (struct file_map){.data = (const unsigned char *)""};
}

void file_map_release(const struct file_map *map, size_t offset, size_t length)
{
    if (offset >= map->length) return;
    if (length > map->length - offset) length = map->length - offset;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = (offset + page - 1) / page * page; /* whole pages inside the range only */
    size_t to = (offset + length) / page * page;
    if (from < to) madvise((void *)(map->data + from), to - from, MADV_DONTNEED);
}

enum status file_read(const char *path, size_t limit_bytes, struct buffer *out, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return path_fault(fault, "open", path);
    enum status status = OK;
    size_t total = 0;
    for (;;) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) status = path_fault(fault, "read", path);
        if (got <= 0) break;
        total += (size_t)got;
        if (total > limit_bytes) {
            status = fault_set(fault, STATUS_TOO_LARGE, "%s is larger than %zu bytes", path,
                               limit_bytes);
            break;
        }
        buffer_append(out, chunk, (size_t)got);
    }
    close(fd);
    return status == OK ? buffer_status(out, fault) : status;
}

static bool write_all(int fd, const void *data, size_t length)
{
    const char *bytes = data;
    while (length) {
        ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

/* A directory holds the names in it. */
enum status file_sync_name(const char *path, struct fault *fault)
{
    char parent[4096];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash) slash[slash == parent ? 1 : 0] = '\0';
    int fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    enum status status = good ? OK : path_fault(fault, "make durable", path);
    if (fd >= 0) close(fd);
    return status;
}

/* Puts the whole new file in place, or reports why it can't. */
typedef int place_file(const char *temporary, const char *path);

static enum status write_beside(const char *path, const void *data, size_t length, unsigned mode,
                                place_file *place, struct fault *fault)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return fault_set(fault, STATUS_INVALID, "the path %s is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) return path_fault(fault, "create a file beside", path);
    enum status status = OK;
    if (!write_all(fd, data, length) || fchmod(fd, mode) != 0 || fsync(fd) != 0)
        status = path_fault(fault, "write", path);
    if (close(fd) != 0 && status == OK) status = path_fault(fault, "write", path);
    if (status == OK && place(temporary, path) != 0)
        status = errno == EEXIST ? fault_set(fault, STATUS_CONFLICT, "%s exists already", path)
                                 : path_fault(fault, "put in place", path);
    unlink(temporary); /* gone already when it was renamed */
    return status == OK ? file_sync_name(path, fault) : status;
}

enum status file_write_atomic(const char *path, const void *data, size_t length, unsigned mode,
                              struct fault *fault)
{
    return write_beside(path, data, length, mode, rename, fault);
}

enum status file_write_new(const char *path, const void *data, size_t length, unsigned mode,
                           struct fault *fault)
{
    return write_beside(path, data, length, mode, link, fault);
}

enum status directory_make(const char *path, struct fault *fault)
{
    char partial[4096];
    if (snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial)
        return fault_set(fault, STATUS_INVALID, "the path %s is too long", path);
    for (char *p = partial + 1;; p++) {
        if (*p != '/' && *p != '\0') continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(partial, 0700) != 0 && errno != EEXIST)
            return path_fault(fault, "make the directory", partial);
        *p = kept;
        if (kept == '\0') break;
    }
    struct stat info;
    if (stat(path, &info) != 0) return path_fault(fault, "stat", path);
    if (!S_ISDIR(info.st_mode))
        return fault_set(fault, STATUS_CONFLICT, "%s is in the way: it is not a directory", path);
    return OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int64_t file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}
