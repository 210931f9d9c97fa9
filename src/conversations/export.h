/* export.h - a whole conversation as a file to take away: Markdown to read, JSON to keep. Pure. */
#ifndef LIMINAL_CONVERSATIONS_EXPORT_H
#define LIMINAL_CONVERSATIONS_EXPORT_H

#include "conversations/conversation.h"

enum export_format { EXPORT_MARKDOWN, EXPORT_JSON };

/* "md", "json". */
bool export_format_parse(struct text name, enum export_format *format) MUST_USE;
const char *export_content_type(enum export_format format);
/* A name for the file, from the title: ASCII letters, digits and dashes, and the format's ending.
 */
enum { EXPORT_NAME_BYTES = 80 };
void export_file_name(enum export_format format, const struct conversation *conversation,
                      char out[EXPORT_NAME_BYTES]);

/* In this order; messages come in as many parts as the caller likes. */
void export_begin(struct buffer *out, enum export_format format,
                  const struct conversation *conversation);
void export_messages(struct buffer *out, enum export_format format, const struct message *messages,
                     size_t count, bool is_first);
void export_end(struct buffer *out, enum export_format format);

#endif
