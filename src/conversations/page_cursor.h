/* page_cursor.h - where a page of a list ended, as a word that clients hand back (R230).
 *
 * A place in an order that does not change, so that pages neither repeat nor miss what stays where
 * it is while new things come. Clients must not read it; what they make up is refused, or is a
 * place in their own list. Pure. */
#ifndef LIMINAL_CONVERSATIONS_PAGE_CURSOR_H
#define LIMINAL_CONVERSATIONS_PAGE_CURSOR_H

#include "base/base64url.h"
#include "base/status.h"
#include "base/uuid.h"

enum cursor_kind { CURSOR_CONVERSATIONS = 1, CURSOR_MESSAGES = 2 };
enum { CURSOR_BYTES = BASE64URL_BYTES(25) + 1 };

struct page_cursor {
    int64_t at; /* updated_us, seq */
    struct uuid id;
};

void page_cursor_format(enum cursor_kind kind, struct page_cursor cursor, char out[CURSOR_BYTES]);
/* STATUS_INVALID, naming "cursor". */
enum status page_cursor_parse(enum cursor_kind kind, struct text word, struct page_cursor *cursor,
                              struct fault *fault) MUST_USE;

#endif
