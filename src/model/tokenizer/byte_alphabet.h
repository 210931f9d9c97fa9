/* byte_alphabet.h - the alphabet in which byte-level vocabularies write bytes: printable Latin-1
 * characters stand for themselves, the other 68 bytes for U+0100 and following, in order
 * (Radford et al. 2019, GPT-2). */
#ifndef LIMINAL_MODEL_TOKENIZER_BYTE_ALPHABET_H
#define LIMINAL_MODEL_TOKENIZER_BYTE_ALPHABET_H

#include <stdbool.h>

#include "base/text.h"

/* Write the letter of a byte into out[2]; returns its length in UTF-8. */
size_t byte_alphabet_letter(unsigned char byte, char out[4]);
/* Append the bytes that the letters of `t` stand for; false, with nothing appended, when `t` holds
 * a character that is no letter. */
bool byte_alphabet_decode(struct text t, struct buffer *out);

#endif
