/* constraint.h - a grammar over a vocabulary: which tokens may come next.
 *
 * A constraint is compiled once for a grammar and a vocabulary and then shared: any number of
 * matchers on any threads (what it learns lazily it publishes by atomic pointers, without locks). A
 * matcher is one answer's place in the grammar; it belongs to one thread at a time and allocates
 * nothing once its stack has grown, but for masks that no answer needed before: those are found,
 * and kept for all.
 *
 * No dead ends: a finished grammar holds no state that cannot reach an end, and constraint_new
 * takes out of it the bytes that no token of the vocabulary has. What remains is a vocabulary that
 * knows a byte only inside longer tokens; there a text can come to a place that no token continues,
 * and matcher_mask says so instead of giving an empty mask. Vocabularies with a token for every
 * byte (all byte-level ones, and SentencePiece with byte fallback) never get there. */
#ifndef LIMINAL_INFERENCE_CONSTRAINT_H
#define LIMINAL_INFERENCE_CONSTRAINT_H

#include "base/status.h"
#include "inference/grammar/grammar.h"

struct tokenizer;
struct token_trie; /* the bytes of all tokens, as a tree; once per model */
struct constraint;
struct matcher;

/* Special tokens are no text: allowed are those that end an answer, where it may end, and others
 * where the grammar names them (grammar_special_token). The tokenizer is borrowed. */
enum status token_trie_new(struct token_trie **out, const struct tokenizer *tokenizer,
                           struct fault *fault) MUST_USE;
void token_trie_free(struct token_trie *trie);

/* One reference. The grammar is taken, also on failure; the trie is borrowed. */
enum status constraint_new(struct constraint **out, struct grammar *grammar,
                           struct token_trie *trie, struct fault *fault) MUST_USE;
struct constraint *constraint_share(struct constraint *constraint);
void constraint_release(struct constraint *constraint);
/* Find ahead the masks that answers will need, as far as a bounded amount of work and memory goes
 * (some 25 ms); the others are found when they are needed. For a thread of its own, while the
 * prompt is read and others write already; ends soon after *stop. NULL: until it is done. */
void constraint_warm(struct constraint *constraint, const _Atomic bool *stop);
/* What it takes in memory now; it grows while it learns masks. */
size_t constraint_bytes(const struct constraint *constraint);

/* Holds a reference of its own. */
enum status matcher_new(struct matcher **out, struct constraint *constraint,
                        struct fault *fault) MUST_USE;
void matcher_free(struct matcher *matcher);

/* One bit per token, word t/64 bit t%64: may it come next? The tokens that end an answer are set
 * where the text may end here. With OK never all zeros: a text the grammar began can always be
 * ended. STATUS_UNSUPPORTED: no token of this vocabulary goes on from here (see above); the answer
 * cannot be ended as the grammar wants it. STATUS_NO_MEMORY. */
enum status matcher_mask(struct matcher *matcher, uint64_t *mask, struct fault *fault) MUST_USE;
/* Take the token in. False, and the place unchanged, when it does not fit (or there is no memory).
 * An end token fits where the mask says so, and leaves the place as it is. */
bool matcher_accept(struct matcher *matcher, int32_t token);
/* How many tokens were taken in; and go back to when there were only so many (for drafts that were
 * not confirmed). At most MATCHER_REWIND_MAX tokens back. */
enum { MATCHER_REWIND_MAX = 64 };
uint32_t matcher_position(const struct matcher *matcher);
void matcher_rewind(struct matcher *matcher, uint32_t position);
/* Nothing may follow any more but the end. */
bool matcher_is_complete(const struct matcher *matcher);

static inline bool token_mask_allows(const uint64_t *mask, int32_t token)
{
    return mask[(uint32_t)token / 64] >> ((uint32_t)token % 64) & 1;
}
static inline size_t token_mask_words(uint32_t vocabulary)
{
    return (vocabulary + 63) / 64;
}

#endif
