/* pace.c - see pace.h. */
#include "inference/pace.h"

#include <math.h>

enum {
    MEASURE_EVERY = 64,      /* steps: then one reads nothing, to know what that costs */
    FIRST_ROWS = 8,          /* to learn what one costs */
    ROWS_TO_LEARN_FROM = 16, /* in a step in which nobody writes */
};
/* A pause that nobody notices (Miller 1968). */
static const double PAUSE_NS = 100e6;
/* What one prompt may add to steps that otherwise only write, as a part of those: a long one, and
 * one that a pause would be enough for. With 0.7, 19 gaps of 20 stay below twice what they were
 * although steps vary. */
static const double LONG_SHARE = 0.7, SHORT_SHARE = 2;

/* Of n who read each waits as long as 1 / share, all of them n / share; those who write wait for
 * share. The sum is least where share grows with the root of n. */
static double share_of(const struct pace *pace, const struct demand *demand)
{
    double share = demand->shortest * pace->row_ns > PAUSE_NS ? LONG_SHARE : SHORT_SHARE;
    return demand->reading > 0 ? share * sqrt(demand->reading) : LONG_SHARE;
}

/* For a pause, or for a step's share where steps are long, and always for a row. */
static void save(struct pace *pace, double ns)
{
    pace->saved_ns = fmin(pace->saved_ns + ns, fmax(PAUSE_NS, ns) + pace->row_ns);
}

uint32_t pace_rows(struct pace *pace, const struct step_costs *costs, const struct demand *demand)
{
    if (demand->writing == 0) {
        pace->saved_ns = PAUSE_NS;
        return demand->limit;
    }
    uint64_t without_ns = step_costs_near(costs, demand->writing);
    if (!without_ns || pace->steps >= MEASURE_EVERY) return 0;
    save(pace, (double)without_ns * share_of(pace, demand));
    double rows = pace->row_ns > 0 ? pace->saved_ns / pace->row_ns : FIRST_ROWS;
    return rows < demand->limit ? (uint32_t)rows : demand->limit;
}

void pace_learn(struct pace *pace, const struct step_costs *costs, size_t written, size_t read,
                uint64_t ns)
{
    if (read == 0) {
        pace->steps = 0;
        return;
    }
    uint64_t without_ns = written > 0 ? step_costs_near(costs, written) : 0;
    double row_ns = ns > without_ns ? (double)(ns - without_ns) / (double)read : 1;
    if (written == 0) {
        if (pace->row_ns == 0 && read >= ROWS_TO_LEARN_FROM) pace->row_ns = row_ns;
        return;
    }
    pace->steps++;
    if (pace->row_ns == 0) pace->row_ns = row_ns;
    pace->saved_ns = fmax(0, pace->saved_ns - (double)read * pace->row_ns);
    pace->row_ns = (3 * pace->row_ns + row_ns) / 4;
}
