/* chat_template.h - a model's own chat template (Jinja) compiled once and rendered per request.
 * Immutable after compiling: any number of threads may render one at once.
 * Hostile: templates come from model files. Rendering is bounded in steps, depth and output. */
#ifndef LIMINAL_MODEL_CHAT_TEMPLATE_H
#define LIMINAL_MODEL_CHAT_TEMPLATE_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

struct chat_template;

/* A fault names line and column and what is not understood. */
enum status chat_template_compile(struct chat_template **compiled, struct text source,
                                  struct fault *fault) MUST_USE;
void chat_template_free(struct chat_template *compiled);

/* Append the rendering to `out`. `context` is a JSON object of the template's globals (messages,
 * tools, add_generation_prompt, bos_token, ...), keys in insertion order. `now_unix` is for
 * strftime_now (UTC). raise_exception(...) gives STATUS_INVALID with the template's words. On
 * failure `out` is as it was. */
enum status chat_template_render(const struct chat_template *compiled, const json_t *context,
                                 int64_t now_unix, struct buffer *out,
                                 struct fault *fault) MUST_USE;

#endif
