/* inflate_bounded.c - see inflate_bounded.h. */
#include "http/inflate_bounded.h"

#include <limits.h>
#include <zlib.h>

enum { STEP_BYTES = 64 * 1024, GZIP_WINDOW = 15 + 16 };

/* Inflate one step onto the end of *out. */
static enum status inflate_step(z_stream *stream, size_t limit_bytes, struct buffer *out,
                                int *result, struct fault *fault)
{
    size_t room = limit_bytes - out->length;
    /* one byte beyond the bound tells "exactly full" from "too much" */
    size_t step = room < STEP_BYTES ? room + 1 : STEP_BYTES;
    if (!buffer_reserve(out, step)) return buffer_status(out, fault);
    stream->next_out = (unsigned char *)out->data + out->length;
    stream->avail_out = (unsigned)step;
    *result = inflate(stream, Z_NO_FLUSH);
    out->length += step - stream->avail_out;
    out->data[out->length] = '\0';
    if (*result == Z_MEM_ERROR) return fault_set(fault, STATUS_NO_MEMORY, "Out of memory.");
    if (out->length > limit_bytes)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "The request's body inflates to more than %zu bytes.", limit_bytes);
    if (*result != Z_OK && *result != Z_STREAM_END)
        return fault_set(fault, STATUS_CORRUPT, "The request's body is not a whole gzip stream.");
    return OK;
}

enum status gzip_inflate(struct text packed, size_t limit_bytes, struct buffer *out,
                         struct fault *fault)
{
    if (packed.length > UINT_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "The request's body is too large.");
    z_stream stream = {.next_in = (unsigned char *)packed.data,
                       .avail_in = (unsigned)packed.length};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return fault_set(fault, STATUS_NO_MEMORY, "Out of memory.");
    enum status status;
    int result = Z_OK;
    do {
        TRY_DONE(inflate_step(&stream, limit_bytes, out, &result, fault));
        if (result == Z_STREAM_END && stream.avail_in > 0) {
            inflateReset(&stream); /* another member follows */
            result = Z_OK;
        }
    } while (result != Z_STREAM_END);
done:
    inflateEnd(&stream);
    return status;
}
