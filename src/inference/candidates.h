/* candidates.h - the best of a vocabulary: selection in linear time, without order.
 *
 * A value is a logit or a weight; greater is better, and of equals the smaller token, so that
 * nothing depends on memory. Allocates nothing. Knows no settings. */
#ifndef LIMINAL_INFERENCE_CANDIDATES_H
#define LIMINAL_INFERENCE_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

struct candidate {
    float value;
    int32_t token;
};

/* Those of the n values that are greater than `above` and at most `most`, in order of their tokens;
 * returns how many. `out` has room for n. */
size_t candidates_between(const float *values, size_t n, float above, float most,
                          struct candidate *out);
/* The `wanted` best finite ones of the n values, or all when there are fewer; returns how many.
 * `out` has room for n. */
size_t candidates_best(const float *values, size_t n, size_t wanted, struct candidate *out);
/* Move the best candidates to the front, as many as it takes for their values to add up to `mass`,
 * but at most `limit` and at least one; returns how many. */
size_t candidates_keep(struct candidate *candidates, size_t count, size_t limit, double mass);
/* What the values add up to, in order. */
double candidates_mass(const struct candidate *candidates, size_t count);

#endif
