/* answer_constraint.h - what an answer is held to: the form its request wants, and in a chat the
 * reasoning and the calls of tools around it. */
#ifndef LIMINAL_INFERENCE_ANSWER_CONSTRAINT_H
#define LIMINAL_INFERENCE_ANSWER_CONSTRAINT_H

#include "inference/adaptation/openai_constraint.h"
#include "inference/answer_grammar.h"
#include "inference/grammar/constraint.h"
#include "inference/model_lease.h"

/* One reference, from the model's cache; NULL: anything may be said. `rules` without their content,
 * which comes from the form; NULL: the text is the form and nothing else. */
enum status answer_constraint_get(const struct model_lease *lease,
                                  const struct openai_constraint *form,
                                  const struct answer_rules *rules, struct constraint **out,
                                  struct fault *fault) MUST_USE;

#endif
