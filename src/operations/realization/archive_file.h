/* archive_file.h - an archive on disk: written beside its place and put there when it is whole, or
 * read from its beginning. All bytes but those of the last entry are summed up. */
#ifndef LIMINAL_OPERATIONS_ARCHIVE_FILE_H
#define LIMINAL_OPERATIONS_ARCHIVE_FILE_H

#include <stdio.h>

#include "operations/archive.h"
#include "operations/progress.h"
#include "platform/platform.h"

enum { ARCHIVE_SUM_BYTES = 65 /* SHA-256 as hex */ };

struct archive_writer {
    char path[4096], temporary[4096];
    FILE *file;
    struct sha256 *sha;
    uint64_t written_bytes;
    const struct operations_progress *progress;
};

/* STATUS_CONFLICT when there is something at `path` already. */
enum status archive_writer_open(struct archive_writer *writer, const char *path,
                                const struct operations_progress *progress,
                                struct fault *fault) MUST_USE;
/* Begin again. */
enum status archive_writer_rewind(struct archive_writer *writer, struct fault *fault) MUST_USE;
enum status archive_writer_add(struct archive_writer *writer, const char *path, struct text bytes,
                               struct fault *fault) MUST_USE;
/* `from` has entry->bytes bytes, or STATUS_BUSY: it is being changed. */
enum status archive_writer_add_file(struct archive_writer *writer,
                                    const struct archive_entry *entry, int from,
                                    struct fault *fault) MUST_USE;
/* The sum of all until now; what is added after is not summed up. */
void archive_writer_sum(struct archive_writer *writer, char sum[ARCHIVE_SUM_BYTES]);
/* On the disk, under its name. */
enum status archive_writer_finish(struct archive_writer *writer, struct fault *fault) MUST_USE;
/* Always; what was not finished is gone. */
void archive_writer_close(struct archive_writer *writer);

struct archive_reader {
    const char *path;
    FILE *file;
    struct sha256 *sha;
    uint64_t total_bytes, read_bytes;
    uint64_t left_bytes; /* of the entry */
    const char *last;    /* the entry that is not summed up any more */
    char sum[ARCHIVE_SUM_BYTES];
    const struct operations_progress *progress;
};

/* `last` is the path of the entry before which the sum is taken. */
enum status archive_reader_open(struct archive_reader *reader, const char *path, const char *last,
                                const struct operations_progress *progress,
                                struct fault *fault) MUST_USE;
/* To the next entry, past what was not read of this one. *found false: the archive ends. */
enum status archive_reader_next(struct archive_reader *reader, struct archive_entry *entry,
                                bool *found, struct fault *fault) MUST_USE;
/* The whole entry. STATUS_TOO_LARGE beyond the limit. */
enum status archive_reader_take(struct archive_reader *reader, size_t limit_bytes,
                                struct buffer *out, struct fault *fault) MUST_USE;
/* The whole entry, into a file. */
enum status archive_reader_copy(struct archive_reader *reader, int to, const char *name,
                                struct fault *fault) MUST_USE;
void archive_reader_close(struct archive_reader *reader);

#endif
