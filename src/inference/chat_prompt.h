/* chat_prompt.h - from a conversation to the tokens that a model was taught to continue.
 *
 * The model's own template is the only way in: a model without one is refused, with the remedy,
 * because a guessed format would silently make its answers worse (issue point 6). */
#ifndef LIMINAL_INFERENCE_CHAT_PROMPT_H
#define LIMINAL_INFERENCE_CHAT_PROMPT_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

struct chat_template;
struct token_list;
struct tokenizer;

/* Append the prompt's tokens to `out`. `messages` is a JSON array of {"role", "content"} objects,
 * content being a string. The start token is put in front when the model wants one and the
 * template did not write it itself. `now_unix` is for templates that tell the date. */
enum status chat_prompt_encode(const struct chat_template *compiled,
                               const struct tokenizer *tokenizer, json_t *messages,
                               int64_t now_unix, struct token_list *out,
                               struct fault *fault) MUST_USE;

/* The same for a prompt that its writer made without a template: special tokens by their names, one
 * start token. */
enum status text_prompt_encode(const struct tokenizer *tokenizer, struct text prompt,
                               struct token_list *out, struct fault *fault) MUST_USE;

#endif
