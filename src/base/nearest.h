/* nearest.h - "did you mean": of the words offered, the one fewest typing slips away. */
#ifndef LIMINAL_BASE_NEAREST_H
#define LIMINAL_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *wanted;
    const char *best; /* NULL while nothing is near enough to be meant */
    size_t distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);
void nearest_offer(struct nearest *nearest, const char *word);

#endif
