/* archive_writer.c - the writing half of archive_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "operations/realization/archive_file.h"

enum { BUFFER_BYTES = 1 << 18, ARCHIVE_MODE = 0600 };

static enum status write_fault(const struct archive_writer *writer, struct fault *fault)
{
    const char *remedy = errno == ENOSPC || errno == EDQUOT || errno == EFBIG
                             ? ": make room there, or write it elsewhere"
                             : "";
    return fault_set(fault, STATUS_IO, "cannot write %s: %s%s", writer->path, strerror(errno),
                     remedy);
}

enum status archive_writer_open(struct archive_writer *writer, const char *path,
                                const struct operations_progress *progress, struct fault *fault)
{
    *writer = (struct archive_writer){.progress = progress};
    if (snprintf(writer->path, sizeof writer->path, "%s", path) >= (int)sizeof writer->path ||
        snprintf(writer->temporary, sizeof writer->temporary, "%s.XXXXXX", path) >=
            (int)sizeof writer->temporary)
        return fault_set(fault, STATUS_INVALID, "the path %s is too long", path);
    if (file_exists(path))
        return fault_set(fault, STATUS_CONFLICT,
                         "%s exists already, and nothing is ever overwritten: choose another name",
                         path);
    int fd = mkostemp(writer->temporary, O_CLOEXEC);
    if (fd < 0) {
        writer->temporary[0] = '\0';
        return write_fault(writer, fault);
    }
    writer->file = fdopen(fd, "w");
    if (!writer->file) {
        close(fd);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a backup");
    }
    setvbuf(writer->file, NULL, _IOFBF, BUFFER_BYTES);
    return archive_writer_rewind(writer, fault);
}

enum status archive_writer_rewind(struct archive_writer *writer, struct fault *fault)
{
    unsigned char ignored[32];
    if (writer->sha) sha256_final_free(writer->sha, ignored);
    writer->sha = sha256_new();
    writer->written_bytes = 0;
    if (!writer->sha) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a backup");
    if (fflush(writer->file) != 0 || fseek(writer->file, 0, SEEK_SET) != 0 ||
        ftruncate(fileno(writer->file), 0) != 0)
        return write_fault(writer, fault);
    return OK;
}

static enum status put(struct archive_writer *writer, const void *bytes, size_t length,
                       struct fault *fault)
{
    if (fwrite(bytes, 1, length, writer->file) != length) return write_fault(writer, fault);
    if (writer->sha) sha256_update(writer->sha, bytes, length);
    writer->written_bytes += length;
    return operations_advance(writer->progress, writer->written_bytes, 0, fault);
}

static enum status put_header(struct archive_writer *writer, const struct archive_entry *entry,
                              struct fault *fault)
{
    struct buffer header;
    buffer_init(&header);
    archive_append_header(&header, entry);
    enum status status = buffer_status(&header, fault);
    if (status == OK) status = put(writer, header.data, header.length, fault);
    buffer_deinit(&header);
    return status;
}

static enum status put_padding(struct archive_writer *writer, uint64_t bytes, struct fault *fault)
{
    static const char zeros[ARCHIVE_BLOCK_BYTES];
    return put(writer, zeros, archive_padding(bytes), fault);
}

enum status archive_writer_add(struct archive_writer *writer, const char *path, struct text bytes,
                               struct fault *fault)
{
    struct archive_entry entry = {
        .bytes = bytes.length, .mode = ARCHIVE_MODE, .modified_s = clock_wall_ms() / 1000};
    snprintf(entry.path, sizeof entry.path, "%s", path);
    TRY(put_header(writer, &entry, fault));
    TRY(put(writer, bytes.data, bytes.length, fault));
    return put_padding(writer, bytes.length, fault);
}

enum status archive_writer_add_file(struct archive_writer *writer,
                                    const struct archive_entry *entry, int from,
                                    struct fault *fault)
{
    char chunk[1 << 16];
    TRY(put_header(writer, entry, fault));
    for (uint64_t left = entry->bytes; left;) {
        ssize_t got = read(from, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return fault_set(fault, STATUS_IO, "cannot read %s: %s", entry->path, strerror(errno));
        if (got == 0)
            return fault_set(fault, STATUS_BUSY, "%s is being made shorter meanwhile: try again",
                             entry->path);
        TRY(put(writer, chunk, (size_t)got, fault));
        left -= (uint64_t)got;
    }
    return put_padding(writer, entry->bytes, fault);
}

void archive_writer_sum(struct archive_writer *writer, char sum[ARCHIVE_SUM_BYTES])
{
    unsigned char digest[32];
    sha256_final_free(writer->sha, digest);
    writer->sha = NULL;
    hex_encode(digest, sizeof digest, sum);
}

/* Not over what somebody else put there meanwhile. Some file systems only know the one way, some
 * only the other. */
static bool take_name(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    return link(temporary, path) == 0 && unlink(temporary) == 0;
}

enum status archive_writer_finish(struct archive_writer *writer, struct fault *fault)
{
    struct buffer end;
    buffer_init(&end);
    archive_append_end(&end);
    enum status status = buffer_status(&end, fault);
    if (status == OK) status = put(writer, end.data, end.length, fault);
    buffer_deinit(&end);
    TRY(status);
    if (fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0)
        return write_fault(writer, fault);
    if (!take_name(writer->temporary, writer->path)) return write_fault(writer, fault);
    writer->temporary[0] = '\0';
    return file_sync_name(writer->path, fault);
}

void archive_writer_close(struct archive_writer *writer)
{
    unsigned char ignored[32];
    if (writer->sha) sha256_final_free(writer->sha, ignored);
    if (writer->file) fclose(writer->file);
    if (writer->temporary[0]) unlink(writer->temporary);
    *writer = (struct archive_writer){0};
}
