/* qr_code.h - a text as a QR code, drawn as SVG. */
#ifndef LIMINAL_ACCOUNTS_QR_CODE_H
#define LIMINAL_ACCOUNTS_QR_CODE_H

#include "base/status.h"
#include "base/text.h"

/* Append an <svg> element, a square per module and four around as the standard wants. The text has
 * no NUL. STATUS_TOO_LARGE beyond what a QR code holds. */
enum status qr_code_append_svg(struct buffer *out, const char *text, struct fault *fault) MUST_USE;

#endif
