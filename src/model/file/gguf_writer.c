/* gguf_writer.c - writing GGUF version 3: see gguf.h and docs/format-gguf.md.
 *
 * The header is gathered in memory; with the first data it goes out, and the data follow in the
 * order of declaration. All lands in a temporary file beside the target, so that a reader never
 * meets half a model. Adding entries cannot fail at once: lack of memory is remembered and
 * reported when data are written or the file is finished. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/file/gguf.h"
#include "platform/platform.h"

enum { ALIGNMENT = 32, VERSION = 3, WRITE_BUFFER_BYTES = 1 << 20 };

struct gguf_writer {
    FILE *file;
    char *path, *temporary;
    char *write_buffer;
    struct buffer entries, tensors; /* as they will lie in the file */
    struct buffer sizes;            /* uint64_t per tensor: its bytes */
    uint64_t entry_count, tensor_count;
    uint64_t data_bytes; /* declared so far, padding included */
    uint64_t current, current_written;
    bool header_written;
};

static enum status write_fault(const struct gguf_writer *writer, struct fault *fault)
{
    int error = errno;
    return fault_set(
        fault, STATUS_IO, "cannot write %s: %s%s", writer->path, strerror(error),
        error == ENOSPC || error == EFBIG ? "; free some space or choose another disk" : "");
}

static void writer_free(struct gguf_writer *writer)
{
    if (writer->file) fclose(writer->file);
    buffer_deinit(&writer->entries);
    buffer_deinit(&writer->tensors);
    buffer_deinit(&writer->sizes);
    free(writer->path);
    free(writer->temporary);
    free(writer->write_buffer);
    free(writer);
}

static enum status create_temporary(struct gguf_writer *writer, struct fault *fault)
{
    int fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        writer->temporary[0] = '\0'; /* nothing to remove */
        return write_fault(writer, fault);
    }
    writer->file = fdopen(fd, "wb");
    if (!writer->file) {
        enum status status = write_fault(writer, fault);
        close(fd);
        return status;
    }
    setvbuf(writer->file, writer->write_buffer, _IOFBF, WRITE_BUFFER_BYTES);
    return OK;
}

enum status gguf_writer_open(struct gguf_writer **writer, const char *path, struct fault *fault)
{
    *writer = NULL;
    struct gguf_writer *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory to write %s", path);
    buffer_init(&fresh->entries);
    buffer_init(&fresh->tensors);
    buffer_init(&fresh->sizes);
    fresh->path = strdup(path);
    fresh->write_buffer = malloc(WRITE_BUFFER_BYTES);
    uint64_t unique;
    entropy_fill(&unique, sizeof unique);
    if (asprintf(&fresh->temporary, "%s.%016" PRIx64, path, unique) < 0) fresh->temporary = NULL;
    enum status status =
        fresh->path && fresh->write_buffer && fresh->temporary
            ? create_temporary(fresh, fault)
            : fault_set(fault, STATUS_NO_MEMORY, "not enough memory to write %s", path);
    if (status == OK)
        *writer = fresh;
    else
        gguf_writer_abort(fresh);
    return status;
}

void gguf_writer_abort(struct gguf_writer *writer)
{
    if (!writer) return;
    if (writer->temporary && writer->temporary[0]) unlink(writer->temporary);
    writer_free(writer);
}

/* ---- entries ---- */

static void append_u32(struct buffer *buffer, uint32_t value)
{
    buffer_append(buffer, &value, sizeof value);
}

static void append_u64(struct buffer *buffer, uint64_t value)
{
    buffer_append(buffer, &value, sizeof value);
}

static void append_text(struct buffer *buffer, struct text t)
{
    append_u64(buffer, t.length);
    buffer_append_text(buffer, t);
}

static void begin_entry(struct gguf_writer *writer, struct text key, enum gguf_kind kind)
{
    assert(!writer->header_written);
    append_text(&writer->entries, key);
    append_u32(&writer->entries, kind);
    writer->entry_count++;
}

static void begin_array(struct gguf_writer *writer, struct text key, enum gguf_kind kind,
                        uint64_t count)
{
    begin_entry(writer, key, GGUF_ARRAY);
    append_u32(&writer->entries, kind);
    append_u64(&writer->entries, count);
}

void gguf_writer_add_u32(struct gguf_writer *writer, const char *key, uint32_t value)
{
    begin_entry(writer, text_of(key), GGUF_U32);
    append_u32(&writer->entries, value);
}

void gguf_writer_add_f32(struct gguf_writer *writer, const char *key, float value)
{
    begin_entry(writer, text_of(key), GGUF_F32);
    buffer_append(&writer->entries, &value, sizeof value);
}

void gguf_writer_add_bool(struct gguf_writer *writer, const char *key, bool value)
{
    begin_entry(writer, text_of(key), GGUF_BOOL);
    buffer_append_char(&writer->entries, value);
}

void gguf_writer_add_string(struct gguf_writer *writer, const char *key, struct text value)
{
    begin_entry(writer, text_of(key), GGUF_STRING);
    append_text(&writer->entries, value);
}

void gguf_writer_add_strings(struct gguf_writer *writer, const char *key, const struct text *values,
                             uint64_t count)
{
    begin_array(writer, text_of(key), GGUF_STRING, count);
    for (uint64_t i = 0; i < count; i++) append_text(&writer->entries, values[i]);
}

void gguf_writer_add_i32s(struct gguf_writer *writer, const char *key, const int32_t *values,
                          uint64_t count)
{
    begin_array(writer, text_of(key), GGUF_I32, count);
    buffer_append(&writer->entries, values, count * sizeof *values);
}

void gguf_writer_add_f32s(struct gguf_writer *writer, const char *key, const float *values,
                          uint64_t count)
{
    begin_array(writer, text_of(key), GGUF_F32, count);
    buffer_append(&writer->entries, values, count * sizeof *values);
}

static void add_array_value(struct gguf_writer *writer, struct text key,
                            const struct gguf_value *value)
{
    begin_array(writer, key, value->array.kind, value->array.count);
    if (value->array.kind == GGUF_STRING)
        for (uint64_t i = 0; i < value->array.count; i++)
            append_text(&writer->entries, value->array.strings[i]);
    else
        buffer_append(&writer->entries, value->array.data,
                      value->array.count * gguf_kind_bytes(value->array.kind));
}

void gguf_writer_add_value(struct gguf_writer *writer, struct text key,
                           const struct gguf_value *value)
{
    if (value->kind == GGUF_ARRAY) {
        add_array_value(writer, key, value);
        return;
    }
    begin_entry(writer, key, value->kind);
    if (value->kind == GGUF_STRING) {
        append_text(&writer->entries, value->string);
    } else if (value->kind == GGUF_F32) {
        float narrow = (float)value->f;
        buffer_append(&writer->entries, &narrow, sizeof narrow);
    } else { /* the low bytes of u, i and f are what the narrower kinds hold */
        buffer_append(&writer->entries, &value->u, gguf_kind_bytes(value->kind));
    }
}

/* ---- tensors ---- */

static uint64_t padded(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void gguf_writer_declare(struct gguf_writer *writer, struct text name, enum tensor_type type,
                         const uint64_t *dimensions, uint32_t dimension_count)
{
    assert(!writer->header_written && dimension_count >= 1 && dimension_count <= 4);
    uint64_t values = 1, bytes = 0;
    for (uint32_t i = 0; i < dimension_count; i++) values *= dimensions[i];
    bool whole = tensor_type_bytes(type, values, &bytes);
    assert(whole && "rows of whole blocks");
    append_text(&writer->tensors, name);
    append_u32(&writer->tensors, dimension_count);
    for (uint32_t i = 0; i < dimension_count; i++) append_u64(&writer->tensors, dimensions[i]);
    append_u32(&writer->tensors, type);
    append_u64(&writer->tensors, writer->data_bytes);
    append_u64(&writer->sizes, bytes);
    writer->data_bytes += padded(bytes);
    writer->tensor_count++;
}

static bool write_padding(struct gguf_writer *writer, uint64_t after)
{
    static const char zeros[ALIGNMENT];
    size_t count = (size_t)(padded(after) - after);
    return fwrite(zeros, 1, count, writer->file) == count;
}

static bool write_buffer(struct gguf_writer *writer, const struct buffer *buffer)
{
    return fwrite(buffer->data, 1, buffer->length, writer->file) == buffer->length;
}

/* Learn that the disk is too small now, and not after an hour of work. Not every file system can
 * tell. */
static bool reserve_space(struct gguf_writer *writer, uint64_t header_bytes)
{
    off_t total = (off_t)(padded(header_bytes) + writer->data_bytes);
    if (fallocate(fileno(writer->file), 0, 0, total) == 0) return true;
    return errno != ENOSPC && errno != EFBIG;
}

static enum status write_header(struct gguf_writer *writer, struct fault *fault)
{
    if (writer->header_written) return OK;
    TRY(buffer_status(&writer->entries, fault));
    TRY(buffer_status(&writer->tensors, fault));
    TRY(buffer_status(&writer->sizes, fault));
    struct buffer start;
    buffer_init(&start);
    buffer_append_string(&start, "GGUF");
    append_u32(&start, VERSION);
    append_u64(&start, writer->tensor_count);
    append_u64(&start, writer->entry_count);
    enum status status = buffer_status(&start, fault);
    uint64_t header_bytes = start.length + writer->entries.length + writer->tensors.length;
    if (status == OK &&
        (!reserve_space(writer, header_bytes) || !write_buffer(writer, &start) ||
         !write_buffer(writer, &writer->entries) || !write_buffer(writer, &writer->tensors) ||
         !write_padding(writer, header_bytes)))
        status = write_fault(writer, fault);
    buffer_deinit(&start);
    writer->header_written = true;
    return status;
}

static uint64_t tensor_bytes(const struct gguf_writer *writer, uint64_t index)
{
    uint64_t bytes;
    memcpy(&bytes, writer->sizes.data + index * sizeof bytes, sizeof bytes);
    return bytes;
}

enum status gguf_writer_data(struct gguf_writer *writer, const void *data, size_t length,
                             struct fault *fault)
{
    TRY(write_header(writer, fault));
    assert(writer->current < writer->tensor_count);
    uint64_t bytes = tensor_bytes(writer, writer->current);
    assert(length <= bytes - writer->current_written);
    if (fwrite(data, 1, length, writer->file) != length) return write_fault(writer, fault);
    writer->current_written += length;
    if (writer->current_written < bytes) return OK;
    writer->current++;
    writer->current_written = 0;
    return write_padding(writer, bytes) ? OK : write_fault(writer, fault);
}

enum status gguf_writer_finish(struct gguf_writer *writer, struct fault *fault)
{
    enum status status = write_header(writer, fault);
    if (status == OK) {
        assert(writer->current == writer->tensor_count && "every declared tensor has its data");
        if (fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0 ||
            rename(writer->temporary, writer->path) != 0)
            status = write_fault(writer, fault);
    }
    if (status == OK)
        writer_free(writer);
    else
        gguf_writer_abort(writer);
    return status;
}
