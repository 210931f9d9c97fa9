/* content_struct.h - the parts of a message, as machines and screens read them (R144).
 *
 *     {"segments": [{"type": "code", "text": "print('hi')", "language": "python"}, ...],
 *      "summary": {"highlights": "..."}}
 *
 * What anybody sends is brought to this form: each type of segment has its keys, others are
 * dropped, and so is what is not well-formed; `meta` of a segment is its sender's and kept. Pure.
 * docs/conversations.md has the table of keys. */
#ifndef LIMINAL_CONVERSATIONS_CONTENT_STRUCT_H
#define LIMINAL_CONVERSATIONS_CONTENT_STRUCT_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

enum { SEGMENTS_LIMIT = 1000 };

/* *out is a new tree, or NULL for what is no such structure at all. Where no segment is left, the
 * content stands as one of type text, so that a message never loses its text. `start` and `end` are
 * positions in `content`, in characters: a segment that points outside is dropped. The same again
 * for what came out of this. STATUS_TOO_LARGE for more than SEGMENTS_LIMIT. */
enum status content_struct_normalise(const json_t *given, struct text content, json_t **out,
                                     struct fault *fault) MUST_USE;

#endif
