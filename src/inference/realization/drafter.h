/* drafter.h - a small model that guesses ahead for a large one of the same vocabulary.
 *
 * It has keys and values of its own, of what it read so far of each sequence, and is fed what it
 * missed when it is asked. Its tokens are drawn with the settings and the random numbers with which
 * the large model will draw, so that they agree as often as the two models do. Engine's thread
 * only. */
#ifndef LIMINAL_INFERENCE_DRAFTER_H
#define LIMINAL_INFERENCE_DRAFTER_H

#include "inference/realization/generation.h"
#include "model/model.h"

struct drafter;

/* STATUS_INVALID when its vocabulary is not the target's, token for token. */
enum status drafter_open(struct drafter **out, const char *path, const struct model *target,
                         uint32_t sequence_limit, uint32_t context_length,
                         struct fault *fault) MUST_USE;
void drafter_close(struct drafter *drafter);
uint64_t drafter_memory_bytes(const struct drafter *drafter);
/* Of one pass that makes a token for each sequence, of late; 0: not known yet. */
uint64_t drafter_pass_ns(const struct drafter *drafter);

/* Before each step: which sequences run, and that whatever was guessed behind their newest token is
 * void. */
void drafter_follow(struct drafter *drafter, struct generation **generations, uint32_t count);
/* Guess up to `most` tokens for those of the generations that have no guess yet. One whose prompt
 * is long is read over several calls, and gets none before. */
void drafter_guess(struct drafter *drafter, struct generation **generations, uint32_t count,
                   uint32_t most);

#endif
