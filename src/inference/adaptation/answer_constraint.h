/* answer_constraint.h - what an answer is held to: the form its request wants, and in a chat the
 * reasoning and the calls of tools around it. */
#ifndef LIMINAL_INFERENCE_ANSWER_CONSTRAINT_H
#define LIMINAL_INFERENCE_ANSWER_CONSTRAINT_H

#include "inference/adaptation/openai_request.h"
#include "inference/answer_grammar.h"
#include "inference/grammar/constraint.h"
#include "inference/model_lease.h"

/* One reference, from what the model's cache has of the request's tenant: that a form was compiled
 * before shows in the time to the first token, and forms tell what was asked. NULL: anything may be
 * said. `rules` without their content, which comes from the form; NULL: the text is the form and
 * nothing else. */
enum status answer_constraint_get(const struct model_lease *lease,
                                  const struct openai_generation *generation,
                                  const struct answer_rules *rules, struct constraint **out,
                                  struct fault *fault) MUST_USE;

#endif
