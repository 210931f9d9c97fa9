/* nearest.c - optimal string alignment distance: insertions, deletions, substitutions and swaps of
 * neighbours each count one (Damerau 1964). */
#include "app/nearest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_LIMIT = 31 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t word_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > WORD_LIMIT || columns > WORD_LIMIT) return SIZE_MAX;
    size_t cost[WORD_LIMIT + 1][WORD_LIMIT + 1];
    for (size_t j = 0; j <= columns; j++) cost[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        cost[i][0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t substitute = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            cost[i][j] = least(substitute, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[rows][columns];
}

void nearest_init(struct nearest *nearest, const char *wanted)
{
    /* A third of the letters may be wrong: beyond that a suggestion is a guess. */
    *nearest = (struct nearest){.wanted = wanted, .distance = strlen(wanted) / 3 + 2};
}

void nearest_offer(struct nearest *nearest, const char *word)
{
    size_t distance = word_distance(nearest->wanted, word);
    if (distance >= nearest->distance) return;
    nearest->best = word;
    nearest->distance = distance;
}
