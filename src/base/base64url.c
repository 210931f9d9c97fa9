/* base64url.c - see base64url.h. */
#include "base/base64url.h"

#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *bytes, size_t length, char *out)
{
    const unsigned char *from = bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | from[i];
        for (held += 8; held >= 6; held -= 6) *out++ = letters[bits >> (held - 6) & 63];
    }
    if (held) *out++ = letters[bits << (6 - held) & 63];
    *out = '\0';
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct text t, void *bytes, size_t length)
{
    unsigned char *to = bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    if (t.length != BASE64URL_BYTES(length)) return false;
    for (size_t i = 0; i < t.length; i++) {
        int value = value_of(t.data[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        *to++ = (unsigned char)(bits >> held);
    }
    return (bits & ((1u << held) - 1)) == 0; /* another last letter would mean the same bytes */
}
