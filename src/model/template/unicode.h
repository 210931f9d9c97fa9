/* unicode.h - what templates need to know of characters: white space, letter case, what repr()
 * shows as it is. Code points in, no locale. */
#ifndef LIMINAL_TEMPLATE_UNICODE_H
#define LIMINAL_TEMPLATE_UNICODE_H

#include "base/text.h"

bool jinja_is_space(uint32_t c);     /* str.isspace() */
bool jinja_is_printable(uint32_t c); /* str.isprintable() of every assigned character */

/* Append the upper, lower or title case of one character: up to three characters ("ß": "SS"). */
enum letter_case { CASE_UPPER, CASE_LOWER, CASE_TITLE };
void jinja_append_case(struct buffer *out, uint32_t c, enum letter_case letter_case);
/* str.islower(), str.isupper(): every letter that has a case is in this one, and one is there. */
bool jinja_all_in_case(struct text text, enum letter_case letter_case);

/* Strip white space (chars NULL data) or the characters in `chars` from the chosen ends. */
struct text jinja_strip(struct text t, struct text chars, bool left, bool right);

size_t jinja_char_count(struct text t);
/* The byte offset of the index-th character, or t.length when there are fewer. */
size_t jinja_char_offset(struct text t, size_t index);

#endif
