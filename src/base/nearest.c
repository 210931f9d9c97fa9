/* nearest.c - optimal string alignment distance: insertions, deletions, substitutions and swaps of
 * neighbours each count one (Damerau 1964); capitals do not. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { WORD_LIMIT = 127 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t word_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    if (rows > WORD_LIMIT || columns > WORD_LIMIT) return SIZE_MAX;
    uint8_t cost[WORD_LIMIT + 1][WORD_LIMIT + 1];
    for (size_t j = 0; j <= columns; j++) cost[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= rows; i++) {
        cost[i][0] = (uint8_t)i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned here = cost[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);
            here = least(here, least(cost[i - 1][j], cost[i][j - 1]) + 1u);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                here = least(here, cost[i - 2][j - 2] + 1u);
            cost[i][j] = (uint8_t)here;
        }
    }
    return cost[rows][columns];
}

void nearest_init(struct nearest *nearest, const char *wanted)
{
    /* A third of the letters may be wrong, but not all: beyond that a suggestion is a guess. */
    size_t length = strlen(wanted), limit = length / 3 + 2;
    *nearest = (struct nearest){.wanted = wanted, .distance = length < limit ? length : limit};
}

void nearest_offer(struct nearest *nearest, const char *word)
{
    size_t distance = word_distance(nearest->wanted, word);
    if (distance >= nearest->distance) return;
    nearest->best = word;
    nearest->distance = distance;
}
