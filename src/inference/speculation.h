/* speculation.h - do drafts pay? Which of them to verify in the next step.
 *
 * A step that decodes reads all weights once, whatever its rows, so that a few more rows cost
 * little until arithmetic is the limit: where that is, only measuring tells (step_costs.h). */
#ifndef LIMINAL_INFERENCE_SPECULATION_H
#define LIMINAL_INFERENCE_SPECULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inference/step_costs.h"

enum {
    DRAFT_LIMIT = 15,      /* tokens guessed ahead for one sequence */
    DRAFT_ROWS_LIMIT = 16, /* that one step verifies, of all sequences */
    STEP_ROWS_LIMIT = 64,  /* steps with more rows get no drafts */
};

/* What one sequence could have verified. */
struct draft_offer {
    uint32_t length; /* tokens */
    float credit;    /* how often such tokens were right of late, 0..1 */
};
/* How many tokens of each offer to verify in a step of `count` decoding sequences, one row each and
 * nothing else: those that make the most tokens a second, perhaps none. */
void speculation_share(const struct step_costs *costs, const struct draft_offer *offers,
                       size_t count, uint32_t *granted);
/* As many as fit, whatever they cost. */
void speculation_share_all(const struct draft_offer *offers, size_t count, uint32_t *granted);

/* How many tokens a draft model should guess for each of `count` sequences, when a pass of it costs
 * `pass_ns` (0: not known yet: try) and so many of its tokens were right; 0: it does not pay. */
uint32_t speculation_depth(const struct step_costs *costs, size_t count, uint64_t pass_ns,
                           float credit);
/* The same where it is to be used whatever it costs. */
uint32_t speculation_depth_always(size_t count);

/* How often guesses were right: by how many tokens they were based on. */
enum { CREDIT_CLASSES = 4 };
#define DRAFT_BY_MODEL SIZE_MAX /* instead of how many tokens: a draft model guessed */
struct draft_credit {
    float share[CREDIT_CLASSES];
};
void draft_credit_init(struct draft_credit *credit);
float draft_credit_of(const struct draft_credit *credit, size_t matched);
void draft_credit_learn(struct draft_credit *credit, size_t matched, bool was_right);

#endif
