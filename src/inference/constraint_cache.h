/* constraint_cache.h - what grammars became over one model's vocabulary, kept for whoever asks for
 * the same again.
 *
 * A constraint learns its masks while it is used, so the second answer in the same form is cheaper
 * than the first; and what it will need is found ahead by a thread of the cache, while the prompt
 * of the first is read. Those not used for longest are let go beyond a bound of number and of
 * bytes; who still uses one keeps it. Any thread; a grammar is made on the thread that asks,
 * outside of any lock. */
#ifndef LIMINAL_INFERENCE_CONSTRAINT_CACHE_H
#define LIMINAL_INFERENCE_CONSTRAINT_CACHE_H

#include "base/text.h"
#include "inference/grammar/grammar.h"

struct constraint;
struct constraint_cache;
struct engine;

/* The part that is the whole text. */
typedef enum status constraint_builder(struct grammar *grammar, grammar_part *root,
                                       const void *argument, struct fault *fault);

/* The engine is borrowed, and outlives the cache. */
enum status constraint_cache_open(struct constraint_cache **out, struct engine *engine,
                                  struct fault *fault) MUST_USE;
void constraint_cache_close(struct constraint_cache *cache);

/* One reference to the constraint of `key`, which tells all that the builder's outcome depends on;
 * built if it is not there. What cannot be built is not remembered. */
enum status constraint_cache_get(struct constraint_cache *cache, struct text key,
                                 constraint_builder *build, const void *argument,
                                 struct constraint **out, struct fault *fault) MUST_USE;

struct constraint_cache_counters {
    uint64_t hits, misses;
    uint32_t kept;
};
void constraint_cache_counters(struct constraint_cache *cache,
                               struct constraint_cache_counters *counters);

#endif
