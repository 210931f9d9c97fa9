/* utf8_ranges.c - splits a range until each piece is a product of ranges of bytes: first where the
 * length of the encoding changes, then where a byte further back does not run over its whole range.
 */
#include "inference/grammar/utf8_ranges.h"

#include <assert.h>

#include "base/text.h"

/* The last character with the same number of bytes. */
static uint32_t last_of_length(uint32_t c)
{
    return c < 0x80 ? 0x7F : c < 0x800 ? 0x7FF : c < 0x10000 ? 0xFFFF : 0x10FFFF;
}

/* The largest last such that first..last is one product: the lowest `free` six-bit groups run over
 * all values, the group above over a range, the rest is fixed. */
static uint32_t last_of_product(uint32_t first, uint32_t last)
{
    if (last > last_of_length(first)) last = last_of_length(first);
    if (last < 0x80) return last;
    for (unsigned bits = 18; bits > 0; bits -= 6) {
        uint32_t low = ((uint32_t)1 << bits) - 1;
        if ((first & ~low) == (last & ~low)) continue; /* nothing changes up there */
        if ((first & low) != 0) {
            last = first | low; /* up to where the lower groups begin anew */
        } else if ((last & low) != low) {
            last = (last & ~low) - 1; /* leave the rest for the next piece */
        }
    }
    return last;
}

size_t utf8_ranges_split(uint32_t first, uint32_t last, struct utf8_range out[UTF8_RANGES_MAX])
{
    size_t count = 0;
    while (first <= last) {
        struct utf8_range *piece = &out[count++];
        uint32_t end = last_of_product(first, last);
        assert(count <= UTF8_RANGES_MAX);
        piece->length = utf8_encode(first, (char *)piece->first);
        (void)utf8_encode(end, (char *)piece->last);
        first = end + 1;
    }
    return count;
}
