/* utf8_ranges.h - a range of characters as sequences of ranges of bytes. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_UTF8_RANGES_H
#define LIMINAL_INFERENCE_GRAMMAR_UTF8_RANGES_H

#include <stddef.h>
#include <stdint.h>

/* The characters whose n-th byte lies in first[n]..last[n]. */
struct utf8_range {
    unsigned char first[4], last[4];
    size_t length;
};

enum { UTF8_RANGES_MAX = 32 }; /* that one range of code points can take */

/* The range holds no surrogates. Returns how many there are. */
size_t utf8_ranges_split(uint32_t first, uint32_t last, struct utf8_range out[UTF8_RANGES_MAX]);

#endif
