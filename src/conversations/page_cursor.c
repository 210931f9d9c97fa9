/* page_cursor.c - see page_cursor.h. */
#include "conversations/page_cursor.h"

#include <string.h>

#include "base/moment.h"

enum { TEXT_BYTES = 25 }; /* the kind, the place (big-endian), the id */

void page_cursor_format(enum cursor_kind kind, struct page_cursor cursor, char out[CURSOR_BYTES])
{
    unsigned char bytes[TEXT_BYTES] = {(unsigned char)kind};
    for (int i = 0; i < 8; i++) bytes[1 + i] = (unsigned char)((uint64_t)cursor.at >> (56 - 8 * i));
    memcpy(bytes + 9, cursor.id.bytes, sizeof cursor.id.bytes);
    base64url_encode(bytes, sizeof bytes, out);
}

enum status page_cursor_parse(enum cursor_kind kind, struct text word, struct page_cursor *cursor,
                              struct fault *fault)
{
    unsigned char bytes[TEXT_BYTES];
    uint64_t at = 0;
    bool is_ours = base64url_decode(word, bytes, sizeof bytes) && bytes[0] == kind;
    for (int i = 0; is_ours && i < 8; i++) at = at << 8 | bytes[1 + i];
    cursor->at = (int64_t)at;
    if (!is_ours || cursor->at < 0 || cursor->at > MOMENT_LAST_US)
        return fault_set_param(fault, STATUS_INVALID, "cursor",
                               "cursor must be the next_cursor of an answer from this route");
    memcpy(cursor->id.bytes, bytes + 9, sizeof cursor->id.bytes);
    return OK;
}
