/* url_form.c - see url_form.h. */
#include "accounts/url_form.h"

#include <string.h>

void url_append_encoded(struct buffer *out, struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
        if (is_plain)
            buffer_append_char(out, (char)c);
        else
            buffer_printf(out, "%%%02X", c);
    }
}

void url_append_field(struct buffer *out, const char *name, struct text value)
{
    if (out->length > 0 && out->data[out->length - 1] != '?') buffer_append_char(out, '&');
    buffer_append_string(out, name);
    buffer_append_char(out, '=');
    url_append_encoded(out, value);
}
