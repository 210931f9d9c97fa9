/* speculation.c - see speculation.h. */
#include "inference/speculation.h"

#include <math.h>
#include <string.h>

#include "inference/engine.h"

/* What drafts must promise, for they cost a little on this side of the model too. */
static const double LEAST_GAIN = 1.03;

enum status speculation_parse(struct text t, enum speculation *speculation, struct fault *fault)
{
    static const char *const NAMES[] = {[SPECULATION_LOOKUP] = "lookup",
                                        [SPECULATION_OFF] = "off",
                                        [SPECULATION_ALWAYS] = "always"};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (!text_equal(t, text_of(NAMES[i]))) continue;
        *speculation = (enum speculation)i;
        return OK;
    }
    return fault_set_param(fault, STATUS_INVALID, "speculation",
                           "speculation must be \"lookup\", \"off\" or \"always\"");
}

/* ---- which drafts ---- */

static double chance_of_next(const struct draft_offer *offer, uint32_t granted)
{
    return granted < offer->length ? pow((double)offer->credit, granted + 1) : 0;
}

/* One more token, the likeliest to be right. Returns its chance; 0: there is none. */
static double grant_best(const struct draft_offer *offers, size_t count, uint32_t *granted)
{
    double most = 0;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        double chance = chance_of_next(&offers[i], granted[i]);
        if (chance <= most) continue;
        most = chance;
        best = i;
    }
    if (most > 0) granted[best]++;
    return most;
}

static size_t grant_rows(const struct draft_offer *offers, size_t count, size_t rows,
                         uint32_t *granted)
{
    size_t done = 0;
    memset(granted, 0, count * sizeof *granted);
    while (done < rows && grant_best(offers, count, granted) > 0) done++;
    return done;
}

static size_t most_rows(size_t count)
{
    if (count >= STEP_ROWS_LIMIT) return 0;
    size_t room = STEP_ROWS_LIMIT - count;
    return room < DRAFT_ROWS_LIMIT ? room : DRAFT_ROWS_LIMIT;
}

void speculation_share(const struct step_costs *costs, const struct draft_offer *offers,
                       size_t count, uint32_t *granted)
{
    memset(granted, 0, count * sizeof *granted);
    size_t most = most_rows(count), chosen = 0;
    if (count == 0 || most == 0 || !step_costs_known(costs, count)) return;
    double tokens = (double)count;
    double best = LEAST_GAIN * tokens / (double)step_costs_known(costs, count);
    for (size_t rows = 1; rows <= most; rows++) {
        double chance = grant_best(offers, count, granted);
        if (chance == 0) break;
        tokens += chance;
        double rate = tokens / step_costs_estimate(costs, count, count + rows);
        if (rate <= best) continue;
        best = rate;
        chosen = rows;
    }
    grant_rows(offers, count, chosen, granted);
}

void speculation_share_all(const struct draft_offer *offers, size_t count, uint32_t *granted)
{
    grant_rows(offers, count, most_rows(count), granted);
}

/* ---- how far a draft model should guess ---- */

enum { DEPTH_TO_TRY = 2, DEPTH_ALWAYS = 4 };

static uint32_t most_depth(size_t count, uint32_t wanted)
{
    size_t most = count > 0 ? most_rows(count) / count : 0;
    return most < wanted ? (uint32_t)most : wanted;
}

uint32_t speculation_depth(const struct step_costs *costs, size_t count, uint64_t pass_ns,
                           float credit)
{
    if (count == 0 || count > STEP_ROWS_LIMIT || !step_costs_known(costs, count)) return 0;
    if (pass_ns == 0) return most_depth(count, DEPTH_TO_TRY);
    uint32_t most = most_depth(count, DRAFT_LIMIT), chosen = 0;
    double tokens = (double)count;
    double best = LEAST_GAIN * tokens / (double)step_costs_known(costs, count);
    for (uint32_t depth = 1; depth <= most; depth++) {
        tokens += (double)count * pow((double)credit, depth);
        double ns =
            step_costs_estimate(costs, count, count * (1 + depth)) + depth * (double)pass_ns;
        if (tokens / ns <= best) continue;
        best = tokens / ns;
        chosen = depth;
    }
    return chosen;
}

uint32_t speculation_depth_always(size_t count)
{
    return most_depth(count, DEPTH_ALWAYS);
}

/* ---- how often guesses are right ---- */

void draft_credit_init(struct draft_credit *credit)
{
    *credit = (struct draft_credit){{0.25f, 0.5f, 0.75f, 0.6f}};
}

static size_t class_of(size_t matched)
{
    if (matched == DRAFT_BY_MODEL) return 3;
    return matched < 4 ? 0 : matched < 8 ? 1 : 2;
}

float draft_credit_of(const struct draft_credit *credit, size_t matched)
{
    return credit->share[class_of(matched)];
}

void draft_credit_learn(struct draft_credit *credit, size_t matched, bool was_right)
{
    float *share = &credit->share[class_of(matched)];
    *share += ((was_right ? 1.0f : 0.0f) - *share) / 8;
}
