/* rope.h - the frequencies of rotary position embedding, with every known way of stretching them to
 * longer contexts already applied: plain, linear, YaRN, Llama 3's factors, LongRoPE. */
#ifndef LIMINAL_MODEL_ROPE_H
#define LIMINAL_MODEL_ROPE_H

#include "model/weights.h"

/* What compute_rope needs for a layer. */
struct rope_table {
    float *frequencies; /* rope.width / 2: the angle of one position, in radians */
    float magnitude;    /* of the turned values */
};

/* `frequencies` has room for rope.width / 2. `is_local`: of layers that see a window.
 * `context` is how far positions will go: LongRoPE chooses its factors by it. */
void rope_table_fill(struct rope_table *table, const struct rope_parameters *rope,
                     const struct weights *weights, bool is_local, uint32_t context);

#endif
