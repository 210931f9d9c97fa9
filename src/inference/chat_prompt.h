/* chat_prompt.h - from a conversation to the tokens that a model was taught to continue.
 *
 * The model's own template is the only way in: a model without one is refused, with the remedy,
 * because a guessed format would silently make its answers worse (issue point 6). */
#ifndef LIMINAL_INFERENCE_CHAT_PROMPT_H
#define LIMINAL_INFERENCE_CHAT_PROMPT_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"
#include "inference/chat_format.h"

struct chat_template;
struct token_list;
struct tokenizer;

/* What a template is told. */
struct chat_prompt {
    json_t *messages; /* {"role", "content", ...} objects, content being a string */
    json_t *tools;    /* NULL: none */
    json_t *options;  /* an object of more variables, such as enable_thinking; NULL: none */
    int64_t now_unix; /* for templates that tell the date */
};

/* Append the prompt's tokens to `out`. The start token is put in front when the model wants one and
 * the template did not write it itself. *reasoning: where the prompt ends by the format;
 * both may be NULL. */
enum status chat_prompt_encode(const struct chat_template *compiled,
                               const struct tokenizer *tokenizer, const struct chat_prompt *prompt,
                               const struct chat_format *format, struct token_list *out,
                               enum chat_reasoning *reasoning, struct fault *fault) MUST_USE;

/* The same for a prompt that its writer made without a template: special tokens by their names, one
 * start token. */
enum status text_prompt_encode(const struct tokenizer *tokenizer, struct text prompt,
                               struct token_list *out, struct fault *fault) MUST_USE;

#endif
