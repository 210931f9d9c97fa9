/* uuid.c - see uuid.h. */
#include "base/uuid.h"

#include <string.h>

struct uuid uuid_v7(int64_t unix_ms, const unsigned char random[10])
{
    struct uuid id;
    for (int i = 0; i < 6; i++) id.bytes[i] = (unsigned char)((uint64_t)unix_ms >> (40 - 8 * i));
    memcpy(id.bytes + 6, random, 10);
    id.bytes[6] = (unsigned char)(0x70 | (id.bytes[6] & 0x0f)); /* version */
    id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3f)); /* variant */
    return id;
}

static bool is_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

void uuid_format(struct uuid id, char out[UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0, at = 0; i < sizeof id.bytes; i++) {
        if (is_dash(at)) out[at++] = '-';
        out[at++] = digits[id.bytes[i] >> 4];
        out[at++] = digits[id.bytes[i] & 15];
    }
    out[UUID_TEXT_BYTES - 1] = '\0';
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct text t, struct uuid *id)
{
    if (t.length != UUID_TEXT_BYTES - 1) return false;
    size_t byte = 0;
    for (size_t at = 0; at < t.length;) {
        if (is_dash(at)) {
            if (t.data[at++] != '-') return false;
            continue;
        }
        int high = digit_of(t.data[at]), low = digit_of(t.data[at + 1]);
        if (high < 0 || low < 0) return false;
        id->bytes[byte++] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return true;
}

bool uuid_equal(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

bool uuid_is_nil(struct uuid id)
{
    static const struct uuid nil;
    return uuid_equal(id, nil);
}
