/* pattern.h - regular expressions from Oniguruma's dialect to PCRE2's. */
#ifndef LIMINAL_MODEL_TOKENIZER_PATTERN_H
#define LIMINAL_MODEL_TOKENIZER_PATTERN_H

#include "base/status.h"
#include "base/text.h"

/* Append the translation. STATUS_UNSUPPORTED names a construct that the two dialects read
 * differently and that no known tokenizer needs. Syntax errors are left for PCRE2 to find. */
enum status pattern_translate(struct text pattern, struct buffer *out,
                              struct fault *fault) MUST_USE;

#endif
