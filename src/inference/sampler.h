/* sampler.h - from the logits of one position to the token that is said next.
 *
 * Pure: the same logits, settings, seed and index always give the same token. Owns scratch memory
 * for one vocabulary, so that choosing allocates nothing. Must not know sequences, steps or text.
 *
 * The chain, in order: logit_bias, repetition / presence / frequency penalties, temperature,
 * top_k, top_p, min_p, draw. Temperature 0 takes the greatest logit after the penalties. What a
 * constraint forbids is out before temperature, whatever bias it has. Ties go to the smaller token,
 * so that nothing depends on memory. */
#ifndef LIMINAL_INFERENCE_SAMPLER_H
#define LIMINAL_INFERENCE_SAMPLER_H

#include "inference/engine.h"

struct compute;
struct sampler;

enum { LOGIT_BIAS_LIMIT = 1024 };

enum status sampler_new(struct sampler **out, const struct compute *compute /* borrowed */,
                        uint32_t vocabulary, struct fault *fault) MUST_USE;
void sampler_free(struct sampler *sampler);

struct sampler_input {
    float *logits; /* of the vocabulary; overwritten */
    const struct sampling *sampling;
    const uint64_t *allowed; /* a bit per token: only these; NULL: all */
    const int32_t *tokens;   /* prompt and answer so far, for the penalties */
    size_t token_count, prompt_count;
    uint64_t index;   /* of the token in its answer: the position in the random sequence */
    int top_logprobs; /* 0..LOGPROBS_LIMIT best alternatives, -1: no logprobs at all */
};

struct sampler_choice {
    int32_t token;
    float logprob; /* natural; of the raw distribution, before any setting (0 if not asked for) */
    struct token_logprob top[LOGPROBS_LIMIT]; /* best first */
    size_t top_count;
};

/* False when no logit of an allowed token is a finite number. */
bool sampler_choose(struct sampler *sampler, const struct sampler_input *input,
                    struct sampler_choice *choice) MUST_USE;

/* STATUS_INVALID naming the parameter and its range. */
enum status sampling_check(const struct sampling *sampling, uint32_t vocabulary,
                           struct fault *fault) MUST_USE;

/* The seed of the i-th of n answers to one request; that of answer 0 is `seed` itself. */
uint64_t sampling_seed_of(uint64_t seed, uint32_t choice);

#endif
