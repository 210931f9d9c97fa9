/* unicode.h - the properties of characters that tokenizers ask for (Unicode 14.0, as PCRE2 10.42),
 * and the normal forms NFC and NFD. Pure: tables and arithmetic. */
#ifndef LIMINAL_MODEL_TOKENIZER_UNICODE_H
#define LIMINAL_MODEL_TOKENIZER_UNICODE_H

#include <stdbool.h>

#include "base/text.h"

/* The property White_Space. */
bool unicode_is_space(uint32_t codepoint);
/* Bytes of white space at the start or the end of a text. */
size_t unicode_space_prefix(struct text t);
size_t unicode_space_suffix(struct text t);
/* General category Mn. */
bool unicode_is_nonspacing_mark(uint32_t codepoint);
/* General categories Mn, Mc, Me. */
bool unicode_is_mark(uint32_t codepoint);
/* General categories Cc, Cf, Co. */
bool unicode_is_control(uint32_t codepoint);
/* Append the lower case of one character (without regard to its neighbours). */
void unicode_append_lower(uint32_t codepoint, struct buffer *out);
void unicode_append(uint32_t codepoint, struct buffer *out);
/* Bytes of the longest valid UTF-8 at the start of `t`. */
size_t unicode_valid_prefix(struct text t);

/* Characters being put into a normal form; memory reused from text to text. Zero is empty. */
struct codepoints {
    uint32_t *data;
    size_t count, capacity;
};
void codepoints_deinit(struct codepoints *codepoints);

enum normal_form { NORMAL_FORM_C, NORMAL_FORM_D };
/* Append `t` in a canonical normal form (Unicode Standard Annex 15). Invalid bytes stay as they
 * are. */
enum status unicode_normalize(struct text t, enum normal_form form, struct codepoints *work,
                              struct buffer *out, struct fault *fault) MUST_USE;

#endif
