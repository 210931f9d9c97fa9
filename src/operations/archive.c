/* archive.c - see archive.h. Fields of a header are at fixed places, numbers are octal digits; what
 * does not fit goes into an extended header, records of "LENGTH KEY=VALUE\n" (POSIX.1-2017, pax).
 */
#include "operations/archive.h"

#include <stdio.h>
#include <string.h>

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
    char link[100], magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155];
    char unused[12];
};
_Static_assert(sizeof(struct header) == ARCHIVE_BLOCK_BYTES, "a tar header is one block");

enum { TYPE_FILE = '0', TYPE_OLD_FILE = '\0', TYPE_EXTENSION = 'x' };
#define SIZE_LIMIT_BYTES (1ull << 33) /* eleven octal digits */

static enum status damaged(struct fault *fault)
{
    return fault_set(fault, STATUS_CORRUPT, "this is not a backup, or it is damaged");
}

bool archive_path_is_safe(struct text path)
{
    if (path.length == 0 || path.length >= ARCHIVE_PATH_BYTES || !utf8_valid(path)) return false;
    for (size_t i = 0; i < path.length; i++)
        if ((unsigned char)path.data[i] < 32 || path.data[i] == 127 || path.data[i] == '\\')
            return false;
    for (struct text rest = path;;) {
        size_t slash = text_find(rest, TEXT("/"));
        struct text part = text_slice(rest, 0, slash);
        if (part.length == 0 || text_equal(part, TEXT(".")) || text_equal(part, TEXT("..")))
            return false;
        if (slash == SIZE_MAX) return true;
        rest = text_slice(rest, slash + 1, rest.length);
    }
}

size_t archive_padding(uint64_t bytes)
{
    return (size_t)(-bytes % ARCHIVE_BLOCK_BYTES);
}

static void append_zeros(struct buffer *out, size_t count)
{
    static const char zeros[2 * ARCHIVE_BLOCK_BYTES];
    buffer_append(out, zeros, count);
}

void archive_append_end(struct buffer *out)
{
    append_zeros(out, 2 * (size_t)ARCHIVE_BLOCK_BYTES);
}

/* ---- out ---- */

static unsigned checksum_of(const struct header *header)
{
    struct header copy = *header;
    memset(copy.checksum, ' ', sizeof copy.checksum);
    const unsigned char *bytes = (const unsigned char *)&copy;
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof copy; i++) sum += bytes[i];
    return sum;
}

static void put_octal(char *field, size_t size, uint64_t value)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i > 0; i--, value /= 8) field[i - 1] = (char)('0' + value % 8);
}

static void append_block(struct buffer *out, char type, struct text name, uint64_t bytes,
                         const struct archive_entry *entry)
{
    struct header header = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    size_t length = name.length < sizeof header.name ? name.length : sizeof header.name;
    memcpy(header.name, name.data, length);
    put_octal(header.mode, sizeof header.mode, entry->mode & 0777);
    put_octal(header.uid, sizeof header.uid, 0);
    put_octal(header.gid, sizeof header.gid, 0);
    put_octal(header.size, sizeof header.size, bytes < SIZE_LIMIT_BYTES ? bytes : 0);
    put_octal(header.mtime, sizeof header.mtime,
              entry->modified_s > 0 ? (uint64_t)entry->modified_s : 0);
    snprintf(header.checksum, sizeof header.checksum, "%06o", checksum_of(&header));
    header.checksum[7] = ' ';
    buffer_append(out, &header, sizeof header);
}

/* The length counts its own digits. */
static void append_record(struct buffer *out, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + strlen(" =\n"), length = rest + 1;
    while (length != rest + (size_t)snprintf(NULL, 0, "%zu", length)) length++;
    buffer_printf(out, "%zu %s=%s\n", length, key, value);
}

void archive_append_header(struct buffer *out, const struct archive_entry *entry)
{
    struct text path = text_of(entry->path);
    struct buffer records;
    char size[24];
    buffer_init(&records);
    if (path.length > sizeof((struct header *)0)->name)
        append_record(&records, "path", entry->path);
    if (entry->bytes >= SIZE_LIMIT_BYTES) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)entry->bytes);
        append_record(&records, "size", size);
    }
    if (records.length) {
        append_block(out, TYPE_EXTENSION, TEXT("extension"), records.length, entry);
        buffer_append_text(out, buffer_text(&records));
        append_zeros(out, archive_padding(records.length));
    }
    if (records.failed) out->failed = true;
    buffer_deinit(&records);
    append_block(out, TYPE_FILE, path, entry->bytes, entry);
}

/* ---- in ---- */

static bool read_octal(const char *field, size_t size, uint64_t *value)
{
    size_t at = 0, digits = 0;
    *value = 0;
    while (at < size && field[at] == ' ') at++;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++, digits++)
        *value = *value * 8 + (uint64_t)(field[at] - '0');
    for (; at < size; at++)
        if (field[at] != ' ' && field[at] != '\0') return false;
    return digits > 0 && digits <= 12;
}

static bool is_all_zero(const unsigned char block[ARCHIVE_BLOCK_BYTES])
{
    for (size_t i = 0; i < ARCHIVE_BLOCK_BYTES; i++)
        if (block[i]) return false;
    return true;
}

enum status archive_read_header(const unsigned char block[ARCHIVE_BLOCK_BYTES],
                                struct archive_entry *entry, enum archive_block *kind,
                                struct fault *fault)
{
    struct header header;
    uint64_t checksum, mode, modified;
    *entry = (struct archive_entry){0};
    *kind = ARCHIVE_END;
    if (is_all_zero(block)) return OK;
    memcpy(&header, block, sizeof header);
    if (memcmp(header.magic, "ustar", 5) != 0 || header.prefix[0] ||
        !read_octal(header.checksum, sizeof header.checksum, &checksum) ||
        checksum != checksum_of(&header) ||
        !read_octal(header.size, sizeof header.size, &entry->bytes) ||
        !read_octal(header.mode, sizeof header.mode, &mode) ||
        !read_octal(header.mtime, sizeof header.mtime, &modified))
        return damaged(fault);
    entry->mode = (uint32_t)mode & 0777;
    entry->modified_s = (int64_t)modified;
    size_t length = strnlen(header.name, sizeof header.name);
    memcpy(entry->path, header.name, length);
    if (header.type == TYPE_EXTENSION && entry->bytes <= ARCHIVE_EXTENSION_LIMIT_BYTES) {
        *kind = ARCHIVE_EXTENSION;
        return OK;
    }
    bool is_file = header.type == TYPE_FILE || header.type == TYPE_OLD_FILE;
    if (!is_file) return damaged(fault);
    *kind = ARCHIVE_FILE;
    return OK;
}

/* One record off the front; false when it is none. */
static bool take_record(struct text *records, struct text *key, struct text *value)
{
    size_t length = 0, at = 0;
    for (; at < records->length && at < 6; at++) {
        char c = records->data[at];
        if (c < '0' || c > '9') break;
        length = length * 10 + (size_t)(c - '0');
    }
    if (at == 0 || length > records->length || length < at + 3 || records->data[at] != ' ' ||
        records->data[length - 1] != '\n')
        return false;
    struct text body = text_slice(*records, at + 1, length - 1);
    size_t equals = text_find(body, TEXT("="));
    if (equals == SIZE_MAX) return false;
    *key = text_slice(body, 0, equals);
    *value = text_slice(body, equals + 1, body.length);
    *records = text_slice(*records, length, records->length);
    return true;
}

static bool read_decimal(struct text digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        *value = *value * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return digits.length > 0 && digits.length <= 18;
}

enum status archive_read_extension(struct text records, struct archive_entry *entry,
                                   struct fault *fault)
{
    while (records.length) {
        struct text key, value;
        if (!take_record(&records, &key, &value)) return damaged(fault);
        if (text_equal(key, TEXT("path"))) {
            if (!archive_path_is_safe(value)) return damaged(fault);
            memcpy(entry->path, value.data, value.length);
            entry->path[value.length] = '\0';
        } else if (text_equal(key, TEXT("size"))) {
            if (!read_decimal(value, &entry->bytes)) return damaged(fault);
        }
    }
    return OK;
}
