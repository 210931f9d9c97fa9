/* test_disk.h - a disk that can lose its power or be full: a layer (VFS) between SQLite and the
 * files of one folder. Only tests include this, one per program.
 *
 * What was written since a file's last fsync is kept apart. At any write, truncation or fsync an
 * image of the disk can be taken as a power cut would leave it: of what was not yet on the disk,
 * any sectors are there and any are not. The files themselves are written as ever. */
#ifndef LIMINAL_STORAGE_TEST_DISK_H
#define LIMINAL_STORAGE_TEST_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "platform/platform.h"
#include "storage/test_appends.h"

enum { DISK_SECTOR_BYTES = 512, DISK_FILES = 2 /* the database and its WAL */, DISK_IMAGES = 400 };

struct disk_write {
    sqlite3_int64 offset;
    size_t length;
    unsigned char *bytes; /* NULL: a truncation to `offset` */
};

/* Both copies of a file: what is surely on the disk, and what was done to it since. */
struct disk_contents {
    char path[TEST_URL_BYTES];
    unsigned char *durable;
    size_t durable_length;
    struct disk_write *writes;
    size_t write_count, write_capacity;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex;
    const char *folder; /* whose files go through here */
    struct disk_contents contents[DISK_FILES];
    size_t contents_count;
    bool lies;                /* an fsync does nothing */
    sqlite3_int64 room_bytes; /* files may grow by so much */
    /* images, in folder/image-0, -1, ... */
    uint64_t chance;
    unsigned images, images_wanted, one_in;
    const struct append_acks *acks; /* at this moment; the test's, counted up by its threads */
    struct append_acks acks_at[DISK_IMAGES];
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .room_bytes = INT64_MAX};

struct disk_file {
    sqlite3_file base;
    struct disk_contents *contents;
    sqlite3_file *real;
};

static uint64_t disk_chance(void) /* xorshift64 */
{
    disk.chance ^= disk.chance << 13;
    disk.chance ^= disk.chance >> 7;
    disk.chance ^= disk.chance << 17;
    return disk.chance;
}

/* ---- what is on the disk, and what is on its way ---- */

static void disk_forget_writes(struct disk_contents *contents)
{
    for (size_t i = 0; i < contents->write_count; i++) free(contents->writes[i].bytes);
    contents->write_count = 0;
}

static void disk_remember(struct disk_contents *contents, sqlite3_int64 offset, const void *bytes,
                          size_t length)
{
    if (contents->write_count == contents->write_capacity) {
        contents->write_capacity = contents->write_capacity ? contents->write_capacity * 2 : 64;
        contents->writes =
            realloc(contents->writes, contents->write_capacity * sizeof *contents->writes);
        assert_non_null(contents->writes);
    }
    unsigned char *copy = NULL;
    if (bytes) {
        copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
    }
    contents->writes[contents->write_count++] = (struct disk_write){offset, length, copy};
}

struct disk_bytes {
    unsigned char *data;
    size_t length;
};

static void disk_lengthen(struct disk_bytes *to, size_t length)
{
    if (length <= to->length) return;
    to->data = realloc(to->data, length);
    assert_non_null(to->data);
    memset(to->data + to->length, 0, length - to->length);
    to->length = length;
}

static void disk_apply(struct disk_bytes *to, const struct disk_write *write, size_t from,
                       size_t end)
{
    disk_lengthen(to, (size_t)write->offset + end);
    memcpy(to->data + write->offset + from, write->bytes + from, end - from);
}

/* How a power cut treats what is on its way. */
enum disk_cut { CUT_ALL, CUT_NONE, CUT_BEHIND, CUT_ANYWHERE, CUTS };

/* Any sectors of one write. */
static void disk_apply_some(struct disk_bytes *to, const struct disk_write *write)
{
    for (size_t at = 0; at < write->length;) {
        size_t in_sector = (size_t)(write->offset + (sqlite3_int64)at) % DISK_SECTOR_BYTES;
        size_t end = at + DISK_SECTOR_BYTES - in_sector;
        if (end > write->length) end = write->length;
        if (disk_chance() % 2) disk_apply(to, write, at, end);
        at = end;
    }
}

static struct disk_bytes disk_after_cut(const struct disk_contents *contents, enum disk_cut cut)
{
    struct disk_bytes bytes = {0};
    disk_lengthen(&bytes, contents->durable_length);
    if (contents->durable_length) memcpy(bytes.data, contents->durable, contents->durable_length);
    size_t behind = contents->write_count ? disk_chance() % contents->write_count : 0;
    for (size_t i = 0; i < contents->write_count; i++) {
        const struct disk_write *write = &contents->writes[i];
        bool whole = cut == CUT_NONE || (cut == CUT_BEHIND && i < behind);
        bool some = cut == CUT_ANYWHERE || (cut == CUT_BEHIND && i == behind);
        if (!whole && !some) continue;
        if (!write->bytes && (whole || disk_chance() % 2))
            bytes.length =
                (size_t)write->offset < bytes.length ? (size_t)write->offset : bytes.length;
        else if (write->bytes && whole)
            disk_apply(&bytes, write, 0, write->length);
        else if (write->bytes)
            disk_apply_some(&bytes, write);
    }
    return bytes;
}

/* ---- images ---- */

static void disk_image_path(unsigned image, const char *name, char out[TEST_URL_BYTES * 2])
{
    snprintf(out, TEST_URL_BYTES * 2, "%s/image-%u%s%s", disk.folder, image, *name ? "/" : "",
             name);
}

static void disk_take_image(void)
{
    char path[TEST_URL_BYTES * 2];
    enum disk_cut cut = (enum disk_cut)(disk_chance() % CUTS);
    disk.acks_at[disk.images] = *disk.acks;
    disk_image_path(disk.images, "", path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < disk.contents_count; i++) {
        const struct disk_contents *contents = &disk.contents[i];
        struct disk_bytes bytes = disk_after_cut(contents, cut);
        disk_image_path(disk.images, strrchr(contents->path, '/') + 1, path);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
        assert_int_equal(fclose(file), 0);
        free(bytes.data);
    }
    disk.images++;
}

/* Something is about to reach the disk, or just has. */
static void disk_moment(void)
{
    if (disk.images < disk.images_wanted && disk_chance() % disk.one_in == 0) disk_take_image();
}

/* ---- the file ---- */

#define DISK_REAL(file) (((struct disk_file *)(file))->real)

static int disk_close(sqlite3_file *file)
{
    return DISK_REAL(file)->pMethods->xClose(DISK_REAL(file));
}

static int disk_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    return DISK_REAL(file)->pMethods->xRead(DISK_REAL(file), bytes, length, offset);
}

/* False: there is no room for what the file would grow by. */
static bool disk_take_room(sqlite3_file *file, sqlite3_int64 end)
{
    sqlite3_int64 size = 0;
    DISK_REAL(file)->pMethods->xFileSize(DISK_REAL(file), &size);
    if (end - size > disk.room_bytes) return false;
    if (end > size) disk.room_bytes -= end - size;
    return true;
}

static int disk_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    pthread_mutex_lock(&disk.mutex);
    int code = SQLITE_FULL;
    if (disk_take_room(file, offset + length)) {
        disk_remember(((struct disk_file *)file)->contents, offset, bytes, (size_t)length);
        code = DISK_REAL(file)->pMethods->xWrite(DISK_REAL(file), bytes, length, offset);
        disk_moment();
    }
    pthread_mutex_unlock(&disk.mutex);
    return code;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    pthread_mutex_lock(&disk.mutex);
    disk_remember(((struct disk_file *)file)->contents, size, NULL, 0);
    int code = DISK_REAL(file)->pMethods->xTruncate(DISK_REAL(file), size);
    disk_moment();
    pthread_mutex_unlock(&disk.mutex);
    return code;
}

/* All that was on its way is there. */
static int disk_sync(sqlite3_file *file, int flags)
{
    struct disk_contents *contents = ((struct disk_file *)file)->contents;
    pthread_mutex_lock(&disk.mutex);
    disk_moment();
    if (!disk.lies) {
        struct disk_bytes bytes = disk_after_cut(contents, CUT_NONE);
        free(contents->durable);
        contents->durable = bytes.data;
        contents->durable_length = bytes.length;
        disk_forget_writes(contents);
    }
    disk_moment();
    pthread_mutex_unlock(&disk.mutex);
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return DISK_REAL(file)->pMethods->xFileSize(DISK_REAL(file), size);
}

static int disk_lock(sqlite3_file *file, int level)
{
    return DISK_REAL(file)->pMethods->xLock(DISK_REAL(file), level);
}

static int disk_unlock(sqlite3_file *file, int level)
{
    return DISK_REAL(file)->pMethods->xUnlock(DISK_REAL(file), level);
}

static int disk_check_lock(sqlite3_file *file, int *result)
{
    return DISK_REAL(file)->pMethods->xCheckReservedLock(DISK_REAL(file), result);
}

static int disk_control(sqlite3_file *file, int what, void *argument)
{
    if (what == SQLITE_FCNTL_SIZE_HINT) return SQLITE_OK; /* it would write past this layer */
    return DISK_REAL(file)->pMethods->xFileControl(DISK_REAL(file), what, argument);
}

static int disk_sector_size(sqlite3_file *file)
{
    return DISK_SECTOR_BYTES;
}

static int disk_characteristics(sqlite3_file *file)
{
    return DISK_REAL(file)->pMethods->xDeviceCharacteristics(DISK_REAL(file));
}

static int disk_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return DISK_REAL(file)->pMethods->xShmMap(DISK_REAL(file), page, size, extend, memory);
}

static int disk_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return DISK_REAL(file)->pMethods->xShmLock(DISK_REAL(file), offset, count, flags);
}

static void disk_shm_barrier(sqlite3_file *file)
{
    DISK_REAL(file)->pMethods->xShmBarrier(DISK_REAL(file));
}

static int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return DISK_REAL(file)->pMethods->xShmUnmap(DISK_REAL(file), remove);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_check_lock,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector_size,
    .xDeviceCharacteristics = disk_characteristics,
    .xShmMap = disk_shm_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_shm_barrier,
    .xShmUnmap = disk_shm_unmap,
};

/* ---- the layer ---- */

static struct disk_contents *disk_contents_of(const char *path)
{
    for (size_t i = 0; i < disk.contents_count; i++)
        if (strcmp(disk.contents[i].path, path) == 0) return &disk.contents[i];
    assert_true(disk.contents_count < DISK_FILES);
    struct disk_contents *contents = &disk.contents[disk.contents_count++];
    snprintf(contents->path, sizeof contents->path, "%s", path);
    struct buffer bytes; /* what is there before is on the disk */
    struct fault fault;
    buffer_init(&bytes);
    if (file_exists(path)) assert_ok(file_read(path, 1 << 28, &bytes, &fault), &fault);
    contents->durable = (unsigned char *)bytes.data;
    contents->durable_length = bytes.length;
    return contents;
}

/* Files directly in the folder go through here; those of images, and all others, do not. */
static bool disk_is_ours(const char *path)
{
    size_t length = disk.folder ? strlen(disk.folder) : 0;
    return path && length && strncmp(path, disk.folder, length) == 0 && path[length] == '/' &&
           !strchr(path + length + 1, '/');
}

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    if (!disk_is_ours(path)) return disk.real->xOpen(disk.real, path, file, flags, out);
    struct disk_file *own = (struct disk_file *)file;
    pthread_mutex_lock(&disk.mutex);
    own->contents = disk_contents_of(path);
    pthread_mutex_unlock(&disk.mutex);
    own->real = (sqlite3_file *)(own + 1);
    int code = disk.real->xOpen(disk.real, path, own->real, flags, out);
    file->pMethods = own->real->pMethods ? &disk_methods : NULL;
    return code;
}

/* From now on for the files of `folder`, which must live as long. */
static inline void disk_watch(const char *folder)
{
    if (!disk.real) {
        disk.real = sqlite3_vfs_find(NULL);
        disk.vfs = *disk.real;
        disk.vfs.zName = "test-disk";
        disk.vfs.szOsFile += (int)sizeof(struct disk_file);
        disk.vfs.xOpen = disk_open;
        assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
    }
    for (size_t i = 0; i < disk.contents_count; i++) {
        disk_forget_writes(&disk.contents[i]);
        free(disk.contents[i].writes);
        free(disk.contents[i].durable);
        disk.contents[i] = (struct disk_contents){0};
    }
    disk.contents_count = 0;
    disk.images = 0;
    disk.folder = folder;
}

#endif
