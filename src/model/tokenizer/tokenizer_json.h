/* tokenizer_json.h - between the two files that read a tokenizer.json. */
#ifndef LIMINAL_MODEL_TOKENIZER_JSON_H
#define LIMINAL_MODEL_TOKENIZER_JSON_H

#include <jansson.h>

#include "model/tokenizer/pipeline.h"

/* A member as text, empty when it is absent or null or no string; borrowed. */
struct text json_member_text(const json_t *object, const char *key);
/* A member as truth; `fallback` when it is absent or null or no boolean. */
bool json_member_bool(const json_t *object, const char *key, bool fallback);
/* A copy that lives as long as the tokenizer. */
enum status json_text_keep(struct tokenizer *tokenizer, struct text t, struct text *kept,
                           struct fault *fault) MUST_USE;

/* The "normalizer" and "pre_tokenizer" of the file, either may be null. What is not understood is
 * refused by name. */
enum status json_read_normalizer(struct tokenizer *tokenizer, const json_t *description,
                                 struct fault *fault) MUST_USE;
enum status json_read_pretokenizer(struct tokenizer *tokenizer, const json_t *description,
                                   struct fault *fault) MUST_USE;
/* The "decoder"; to be read after the model. */
enum status json_read_decoder(struct tokenizer *tokenizer, const json_t *description,
                              struct fault *fault) MUST_USE;

#endif
