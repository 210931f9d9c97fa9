/* archive.h - the container of a backup: a tar archive (POSIX.1-2017, pax), so that any tar opens
 * it. Headers to bytes and back, and which paths may be in it. Pure. */
#ifndef LIMINAL_OPERATIONS_ARCHIVE_H
#define LIMINAL_OPERATIONS_ARCHIVE_H

#include "base/text.h"

enum { ARCHIVE_BLOCK_BYTES = 512, ARCHIVE_PATH_BYTES = 1024, ARCHIVE_EXTENSION_LIMIT_BYTES = 4096 };

struct archive_entry {
    char path[ARCHIVE_PATH_BYTES]; /* archive_path_is_safe */
    uint64_t bytes;
    uint32_t mode;
    int64_t modified_s;
};

/* Relative, without "." and ".." and empty components, control characters and backslashes. */
bool archive_path_is_safe(struct text path);

/* All blocks before an entry's bytes. */
void archive_append_header(struct buffer *out, const struct archive_entry *entry);
/* Zeros that follow its bytes, up to the next block. */
size_t archive_padding(uint64_t bytes);
/* What ends an archive. */
void archive_append_end(struct buffer *out);

enum archive_block { ARCHIVE_FILE, ARCHIVE_EXTENSION, ARCHIVE_END };
/* What a block at the place of a header is. An EXTENSION's bytes (entry->bytes of them, at most
 * ARCHIVE_EXTENSION_LIMIT_BYTES) tell more of the entry behind it. STATUS_CORRUPT for anything that
 * a backup does not have. */
enum status archive_read_header(const unsigned char block[ARCHIVE_BLOCK_BYTES],
                                struct archive_entry *entry, enum archive_block *kind,
                                struct fault *fault) MUST_USE;
/* Put what the extension says over what the entry's own header said. */
enum status archive_read_extension(struct text records, struct archive_entry *entry,
                                   struct fault *fault) MUST_USE;

#endif
