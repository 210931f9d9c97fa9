/* unicode.h - the properties of characters that tokenizers ask for. Pure tables. */
#ifndef LIMINAL_MODEL_TOKENIZER_UNICODE_H
#define LIMINAL_MODEL_TOKENIZER_UNICODE_H

#include <stdbool.h>

#include "base/text.h"

/* The property White_Space. */
bool unicode_is_space(uint32_t codepoint);
/* Bytes of white space at the start or the end of a text. */
size_t unicode_space_prefix(struct text t);
size_t unicode_space_suffix(struct text t);

#endif
