/* archive_reader.c - the reading half of archive_file.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operations/realization/archive_file.h"

enum status archive_reader_open(struct archive_reader *reader, const char *path, const char *last,
                                const struct operations_progress *progress, struct fault *fault)
{
    int64_t size = file_size(path);
    *reader = (struct archive_reader){.path = path, .last = last, .progress = progress};
    reader->file = fopen(path, "re");
    if (!reader->file)
        return fault_set(fault, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO,
                         "cannot open %s: %s", path, strerror(errno));
    reader->total_bytes = size > 0 ? (uint64_t)size : 0;
    reader->sha = sha256_new();
    return reader->sha ? OK : fault_set(fault, STATUS_NO_MEMORY, "no memory for a backup");
}

static enum status damaged(const struct archive_reader *reader, struct fault *fault)
{
    return fault_set(fault, STATUS_CORRUPT, "%s is not a backup, or it is damaged", reader->path);
}

static enum status get(struct archive_reader *reader, void *bytes, size_t length,
                       struct fault *fault)
{
    if (fread(bytes, 1, length, reader->file) != length)
        return ferror(reader->file) ? fault_set(fault, STATUS_IO, "cannot read %s: %s",
                                                reader->path, strerror(errno))
                                    : damaged(reader, fault);
    if (reader->sha) sha256_update(reader->sha, bytes, length);
    reader->read_bytes += length;
    return operations_advance(reader->progress, reader->read_bytes, reader->total_bytes, fault);
}

/* A piece of the entry; with its last one, the padding behind it. */
static enum status get_piece(struct archive_reader *reader, void *bytes, size_t length,
                             uint64_t entry_bytes, struct fault *fault)
{
    unsigned char padding[ARCHIVE_BLOCK_BYTES];
    TRY(get(reader, bytes, length, fault));
    reader->left_bytes -= length;
    return reader->left_bytes ? OK : get(reader, padding, archive_padding(entry_bytes), fault);
}

static enum status skip_rest(struct archive_reader *reader, struct fault *fault)
{
    char chunk[1 << 16];
    const uint64_t bytes = reader->left_bytes;
    while (reader->left_bytes)
        TRY(get_piece(reader, chunk,
                      reader->left_bytes < sizeof chunk ? (size_t)reader->left_bytes : sizeof chunk,
                      bytes, fault));
    return OK;
}

static void take_sum(struct archive_reader *reader)
{
    unsigned char digest[32];
    sha256_final_free(reader->sha, digest);
    reader->sha = NULL;
    hex_encode(digest, sizeof digest, reader->sum);
}

/* The block is summed up by hand: whether it belongs to the sum shows only when it was read. */
static enum status get_header(struct archive_reader *reader, struct archive_entry *entry,
                              enum archive_block *kind, struct fault *fault)
{
    unsigned char block[ARCHIVE_BLOCK_BYTES];
    struct sha256 *sha = reader->sha;
    reader->sha = NULL;
    enum status status = get(reader, block, sizeof block, fault);
    reader->sha = sha;
    TRY(status);
    TRY(archive_read_header(block, entry, kind, fault));
    bool is_last = *kind == ARCHIVE_FILE && strcmp(entry->path, reader->last) == 0;
    if (is_last && reader->sha) take_sum(reader);
    if (reader->sha) sha256_update(reader->sha, block, sizeof block);
    return OK;
}

enum status archive_reader_next(struct archive_reader *reader, struct archive_entry *entry,
                                bool *found, struct fault *fault)
{
    char records[ARCHIVE_EXTENSION_LIMIT_BYTES + ARCHIVE_BLOCK_BYTES];
    enum archive_block kind;
    TRY(skip_rest(reader, fault));
    TRY(get_header(reader, entry, &kind, fault));
    struct text extension = {records, 0};
    if (kind == ARCHIVE_EXTENSION) {
        extension.length = (size_t)entry->bytes;
        TRY(get(reader, records, extension.length + archive_padding(entry->bytes), fault));
        TRY(get_header(reader, entry, &kind, fault));
        if (kind != ARCHIVE_FILE) return damaged(reader, fault);
    }
    *found = kind == ARCHIVE_FILE;
    if (!*found) return OK;
    TRY(archive_read_extension(extension, entry, fault));
    if (!archive_path_is_safe(text_of(entry->path)) ||
        entry->bytes > reader->total_bytes - reader->read_bytes)
        return damaged(reader, fault);
    reader->left_bytes = entry->bytes;
    return OK;
}

enum status archive_reader_take(struct archive_reader *reader, size_t limit_bytes,
                                struct buffer *out, struct fault *fault)
{
    const uint64_t bytes = reader->left_bytes;
    if (bytes > limit_bytes)
        return fault_set(fault, STATUS_TOO_LARGE, "%s has a part of %llu bytes, which is too large",
                         reader->path, (unsigned long long)bytes);
    buffer_clear(out);
    if (!buffer_reserve(out, (size_t)bytes)) return buffer_status(out, fault);
    if (bytes) TRY(get_piece(reader, out->data, (size_t)bytes, bytes, fault));
    out->length = (size_t)bytes;
    out->data[bytes] = '\0';
    return OK;
}

enum status archive_reader_copy(struct archive_reader *reader, int to, const char *name,
                                struct fault *fault)
{
    char chunk[1 << 16];
    const uint64_t bytes = reader->left_bytes;
    while (reader->left_bytes) {
        size_t length =
            reader->left_bytes < sizeof chunk ? (size_t)reader->left_bytes : sizeof chunk;
        TRY(get_piece(reader, chunk, length, bytes, fault));
        for (size_t put = 0; put < length;) {
            ssize_t wrote = write(to, chunk + put, length - put);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0)
                return fault_set(fault, STATUS_IO, "cannot write %s: %s", name, strerror(errno));
            put += (size_t)wrote;
        }
    }
    return OK;
}

void archive_reader_close(struct archive_reader *reader)
{
    unsigned char ignored[32];
    if (reader->sha) sha256_final_free(reader->sha, ignored);
    if (reader->file) fclose(reader->file);
    *reader = (struct archive_reader){0};
}
