/* candidates.c - see candidates.h. */
#include "inference/candidates.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

enum {
    SCAN_BLOCK = 64, /* values that are passed over at once when none is good enough */
    BEST_ROOM = 1024 /* candidates_best looks again at what it has when it has so many too many */
};

/* ---- order ---- */

static bool before(struct candidate a, struct candidate b)
{
    return a.value > b.value || (a.value == b.value && a.token < b.token);
}

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate moved = *a;
    *a = *b;
    *b = moved;
}

/* Move the median of the first, middle and last candidate to the end, as the pivot. */
static void choose_pivot(struct candidate *candidates, size_t count)
{
    struct candidate *first = candidates, *middle = candidates + count / 2,
                     *last = candidates + count - 1;
    if (before(*middle, *first)) swap(middle, first);
    if (before(*last, *first)) swap(last, first);
    if (before(*middle, *last)) swap(middle, last);
}

/* Bring those that are better than a pivot to the front and the pivot behind them. Returns where
 * the pivot is; *mass is what those before it add up to. */
static size_t partition(struct candidate *candidates, size_t count, double *mass)
{
    choose_pivot(candidates, count);
    struct candidate pivot = candidates[count - 1];
    size_t better = 0;
    *mass = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        if (!before(candidates[i], pivot)) continue;
        *mass += (double)candidates[i].value;
        swap(&candidates[i], &candidates[better++]);
    }
    swap(&candidates[better], &candidates[count - 1]);
    return better;
}

/* Quickselect (Hoare 1961). */
size_t candidates_keep(struct candidate *candidates, size_t count, size_t limit, double mass)
{
    size_t from = 0, to = count; /* the last one to keep is in between */
    double kept = 0;             /* what candidates[0..from) add up to */
    while (from < to) {
        double better;
        size_t pivot = from + partition(candidates + from, to - from, &better);
        double with_pivot = kept + better + (double)candidates[pivot].value;
        if (pivot >= limit || kept + better >= mass) {
            to = pivot;
        } else {
            from = pivot + 1;
            kept = with_pivot;
            if (from >= limit || kept >= mass) break;
        }
    }
    return from > 0 ? from : 1;
}

double candidates_mass(const struct candidate *candidates, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)candidates[i].value;
    return sum;
}

/* ---- scanning ---- */

/* A comparison per vector: nearly all blocks have none. */
static bool any_between(const float *values, size_t n, float above, float most)
{
    int any = 0;
    for (size_t i = 0; i < n; i++) any |= (values[i] > above) & (values[i] <= most);
    return any;
}

/* Append those of the block that begins at `from`. */
static size_t take_between(const float *values, size_t from, size_t n, float above, float most,
                           struct candidate *out, size_t count)
{
    size_t to = n - from < SCAN_BLOCK ? n : from + SCAN_BLOCK;
    if (!any_between(values + from, to - from, above, most)) return count;
    for (size_t i = from; i < to; i++)
        if (values[i] > above && values[i] <= most)
            out[count++] = (struct candidate){values[i], (int32_t)i};
    return count;
}

size_t candidates_between(const float *values, size_t n, float above, float most,
                          struct candidate *out)
{
    size_t count = 0;
    for (size_t from = 0; from < n; from += SCAN_BLOCK)
        count = take_between(values, from, n, above, most, out, count);
    return count;
}

static float least_of(const struct candidate *candidates, size_t count)
{
    float least = INFINITY;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].value < least) least = candidates[i].value;
    return least;
}

/* Once there are enough, only what beats the worst of them is looked at. A later equal is not: its
 * token is greater. */
size_t candidates_best(const float *values, size_t n, size_t wanted, struct candidate *out)
{
    if (wanted == 0) return 0;
    float threshold = -INFINITY;
    size_t count = 0;
    for (size_t from = 0; from < n; from += SCAN_BLOCK) {
        count = take_between(values, from, n, threshold, FLT_MAX, out, count);
        if (count < wanted + BEST_ROOM) continue;
        count = candidates_keep(out, count, wanted, (double)INFINITY);
        threshold = least_of(out, count);
    }
    return count > wanted ? candidates_keep(out, count, wanted, (double)INFINITY) : count;
}
