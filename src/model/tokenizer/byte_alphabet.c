/* byte_alphabet.c - see byte_alphabet.h. */
#include "model/tokenizer/byte_alphabet.h"

enum { FIRST_SUBSTITUTE = 0x100 };

static bool stands_for_itself(uint32_t codepoint)
{
    return (codepoint >= '!' && codepoint <= '~') || (codepoint >= 0xA1 && codepoint <= 0xAC) ||
           (codepoint >= 0xAE && codepoint <= 0xFF);
}

/* The substitutes count the bytes 0x00-0x20, 0x7F-0xA0 and 0xAD. */
static uint32_t letter_of(unsigned char byte)
{
    if (stands_for_itself(byte)) return byte;
    if (byte <= 0x20) return FIRST_SUBSTITUTE + byte;
    if (byte <= 0xA0) return FIRST_SUBSTITUTE + 0x21 + (byte - 0x7Fu);
    return FIRST_SUBSTITUTE + 0x43;
}

/* The byte, or -1. */
static int byte_of(uint32_t codepoint)
{
    if (stands_for_itself(codepoint)) return (int)codepoint;
    if (codepoint < FIRST_SUBSTITUTE || codepoint > FIRST_SUBSTITUTE + 0x43) return -1;
    uint32_t index = codepoint - FIRST_SUBSTITUTE;
    if (index <= 0x20) return (int)index;
    return index == 0x43 ? 0xAD : (int)(0x7F + index - 0x21);
}

size_t byte_alphabet_letter(unsigned char byte, char out[4])
{
    return utf8_encode(letter_of(byte), out);
}

bool byte_alphabet_decode(struct text t, struct buffer *out)
{
    size_t before = out->length;
    for (size_t at = 0; at < t.length;) {
        uint32_t codepoint;
        size_t length = utf8_decode(t.data + at, t.length - at, &codepoint);
        int byte = length ? byte_of(codepoint) : -1;
        if (byte < 0) {
            out->length = before;
            return false;
        }
        buffer_append_char(out, (char)byte);
        at += length;
    }
    return true;
}
