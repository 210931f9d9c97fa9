/* step_costs.c - see step_costs.h. */
#include "inference/step_costs.h"

#include <math.h>

enum {
    KEPT_STEPS = 512,   /* a measurement is forgotten after so many: one bad moment is no verdict */
    GUESSED_SHARE = 32, /* an unknown row is taken to cost this part of the step: try it */
};

uint64_t step_costs_known(const struct step_costs *costs, size_t rows)
{
    return costs->steps - costs->when[rows] <= KEPT_STEPS ? costs->ns[rows] : 0;
}

void step_costs_learn(struct step_costs *costs, size_t rows, uint64_t ns)
{
    if (rows == 0 || rows > KNOWN_ROWS_LIMIT) return;
    uint64_t known = step_costs_known(costs, rows);
    costs->ns[rows] = known ? (3 * known + ns) / 4 : ns;
    costs->when[rows] = ++costs->steps;
}

/* The nearest number of rows from `rows` down to `least` of which the cost is known; 0: none. */
static size_t known_below(const struct step_costs *costs, size_t least, size_t rows)
{
    while (rows >= least && !step_costs_known(costs, rows)) rows--;
    return rows >= least ? rows : 0;
}

/* The same from `rows` up to `most`. */
static size_t known_above(const struct step_costs *costs, size_t rows, size_t most)
{
    while (rows <= most && !step_costs_known(costs, rows)) rows++;
    return rows <= most ? rows : 0;
}

/* On the line from what `below` rows cost to what `above` do. */
static double between(const struct step_costs *costs, size_t below, size_t rows, size_t above)
{
    double ns = (double)step_costs_known(costs, below);
    double more = (double)step_costs_known(costs, above) - ns;
    return ns + (double)(rows - below) * more / (double)(above - below);
}

/* What a row more costs beyond `below` rows: as much as it did before that. */
static double row_ns(const struct step_costs *costs, size_t least, size_t below)
{
    double ns = (double)step_costs_known(costs, below), row = ns / GUESSED_SHARE;
    size_t before = known_below(costs, least, below - 1);
    if (before == 0) return row;
    return fmax(row, (ns - (double)step_costs_known(costs, before)) / (double)(below - before));
}

double step_costs_estimate(const struct step_costs *costs, size_t least, size_t rows)
{
    size_t below = known_below(costs, least, rows);
    double ns = (double)step_costs_known(costs, below);
    if (below == rows) return ns;
    size_t above = known_above(costs, rows + 1, KNOWN_ROWS_LIMIT);
    if (above) return between(costs, below, rows, above);
    return ns + (double)(rows - below) * row_ns(costs, least, below);
}

uint64_t step_costs_near(const struct step_costs *costs, size_t rows)
{
    if (rows > KNOWN_ROWS_LIMIT) rows = KNOWN_ROWS_LIMIT;
    size_t most = 2 * rows < KNOWN_ROWS_LIMIT ? 2 * rows : KNOWN_ROWS_LIMIT;
    size_t below = known_below(costs, (rows + 1) / 2, rows);
    size_t above = known_above(costs, rows, most);
    if (!below || !above) return step_costs_known(costs, below + above);
    return below == above ? step_costs_known(costs, rows)
                          : (uint64_t)between(costs, below, rows, above);
}
