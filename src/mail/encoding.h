/* encoding.h - text as seven-bit lines: bodies as quoted-printable (RFC 2045 section 6.7), header
 * values as encoded words (RFC 2047). Input is valid UTF-8. */
#ifndef LIMINAL_MAIL_ENCODING_H
#define LIMINAL_MAIL_ENCODING_H

#include "base/text.h"

/* Lines of at most 76 characters. LF and CRLF become CRLF, also at the end; a lone CR is kept as
 * =0D. */
void mail_append_quoted_printable(struct buffer *out, struct text body);

/* The value of a header behind `column` characters that stand in its line already: as it is when it
 * is plain ASCII and fits, else as encoded words of whole characters, folded. */
void mail_append_header_text(struct buffer *out, size_t column, struct text value);

#endif
