/* qr_code.c - see qr_code.h. The code is libqrencode's, the drawing ours. */
#include "accounts/realization/qr_code.h"

#include <errno.h>
#include <qrencode.h>

enum { QUIET = 4 }; /* modules of white around (ISO 18004 section 6.3.8) */

static bool is_dark(const QRcode *code, int x, int y)
{
    return code->data[y * code->width + x] & 1;
}

/* Runs of dark modules, as rectangles of one path. */
static void append_row(struct buffer *out, const QRcode *code, int y)
{
    for (int x = 0, end; x < code->width; x = end) {
        end = x + 1;
        if (!is_dark(code, x, y)) continue;
        while (end < code->width && is_dark(code, end, y)) end++;
        buffer_printf(out, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, end - x, end - x);
    }
}

enum status qr_code_append_svg(struct buffer *out, const char *text, struct fault *fault)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code && errno == ENOMEM)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a QR code");
    if (!code) return fault_set(fault, STATUS_TOO_LARGE, "the text is too long for a QR code");
    int size = code->width + 2 * QUIET;
    buffer_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                  " shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                  "<path d=\"",
                  size, size, size, size);
    for (int y = 0; y < code->width; y++) append_row(out, code, y);
    buffer_append_string(out, "\"/></svg>");
    QRcode_free(code);
    return buffer_status(out, fault);
}
