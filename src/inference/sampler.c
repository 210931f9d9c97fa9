/* sampler.c - see sampler.h. Ties go to the smaller token, so that nothing depends on memory. */
#include "inference/sampler.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct candidate {
    float weight; /* proportional to its probability; the best token's is 1 */
    int32_t token;
};

/* What a logit was before bias and penalties, so that logprobs tell of the raw distribution. */
struct adjusted {
    int32_t token;
    float raw;
};

struct sampler {
    uint32_t vocabulary;
    struct candidate *candidates;
    uint32_t *seen;     /* per token: times in the window; all zero between calls */
    uint32_t *answered; /* per token: times in the answer; all zero between calls */
    struct adjusted *adjusted;
    size_t adjusted_count;
};

void sampling_defaults(struct sampling *sampling)
{
    *sampling = (struct sampling){
        .temperature = 0.7f, /* R6 */
        .top_p = 1,
        .repetition_penalty = 1,
        .penalty_window = -1,
    };
}

static enum status check_range(const char *name, float value, float least, float most,
                               struct fault *fault)
{
    if (value >= least && value <= most) return OK; /* NaN is in no range */
    return fault_set_param(fault, STATUS_INVALID, name, "%s must be between %g and %g", name,
                           (double)least, (double)most);
}

enum status sampling_check(const struct sampling *sampling, uint32_t vocabulary,
                           struct fault *fault)
{
    if (!(sampling->temperature >= 0 && sampling->temperature <= 2)) /* R7 */
        return fault_set_param(fault, STATUS_INVALID, "temperature",
                               "Temperature must be between 0 and 2");
    TRY(check_range("top_p", sampling->top_p, 0, 1, fault));
    TRY(check_range("min_p", sampling->min_p, 0, 1, fault));
    TRY(check_range("presence_penalty", sampling->presence_penalty, -2, 2, fault));
    TRY(check_range("frequency_penalty", sampling->frequency_penalty, -2, 2, fault));
    TRY(check_range("repetition_penalty", sampling->repetition_penalty, 0.01f, 10, fault));
    if (sampling->top_k < 0)
        return fault_set_param(fault, STATUS_INVALID, "top_k",
                               "top_k must not be negative; 0 considers all tokens");
    if (sampling->bias_count > LOGIT_BIAS_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "logit_bias",
                               "logit_bias may name at most %d tokens", LOGIT_BIAS_LIMIT);
    for (size_t i = 0; i < sampling->bias_count; i++) {
        int32_t token = sampling->biases[i].token;
        if (token < 0 || (uint32_t)token >= vocabulary)
            return fault_set_param(fault, STATUS_INVALID, "logit_bias",
                                   "token %d is not in the vocabulary (0..%u)", token,
                                   vocabulary - 1);
        TRY(check_range("logit_bias", sampling->biases[i].bias, -100, 100, fault));
    }
    return OK;
}

enum status sampler_new(struct sampler **out, uint32_t vocabulary, struct fault *fault)
{
    assert(vocabulary > 0);
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sampler");
    sampler->vocabulary = vocabulary;
    sampler->candidates = calloc(vocabulary, sizeof *sampler->candidates);
    sampler->seen = calloc(vocabulary, sizeof *sampler->seen);
    sampler->answered = calloc(vocabulary, sizeof *sampler->answered);
    sampler->adjusted = calloc((size_t)vocabulary + LOGIT_BIAS_LIMIT, sizeof *sampler->adjusted);
    if (!sampler->candidates || !sampler->seen || !sampler->answered || !sampler->adjusted) {
        sampler_free(sampler);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sampler of %u tokens",
                         vocabulary);
    }
    *out = sampler;
    return OK;
}

void sampler_free(struct sampler *sampler)
{
    if (!sampler) return;
    free(sampler->candidates);
    free(sampler->seen);
    free(sampler->answered);
    free(sampler->adjusted);
    free(sampler);
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t sampling_seed_of(uint64_t seed, uint32_t choice)
{
    return choice == 0 ? seed : mix(seed + 0xD1B54A32D192ED03u * choice);
}

/* The index-th number of the seed's sequence, in [0, 1). Counter based: a sequence that was parked
 * and recomputed draws the same numbers. */
static double random_at(uint64_t seed, uint64_t index)
{
    uint64_t bits = mix(mix(seed) + 0x9E3779B97F4A7C15u * (index + 1));
    return (double)(bits >> 11) * 0x1p-53;
}

/* Drops what is no finite number and returns the best token, or -1. */
static int32_t find_best(float *logits, uint32_t vocabulary)
{
    int32_t best = -1;
    float most = -INFINITY;
    for (uint32_t i = 0; i < vocabulary; i++) {
        if (!isfinite(logits[i])) logits[i] = -INFINITY;
        if (logits[i] > most) {
            most = logits[i];
            best = (int32_t)i;
        }
    }
    return best;
}

/* ---- raw probabilities ---- */

static double log_sum_exp(const float *logits, uint32_t vocabulary, float most)
{
    double sum = 0;
    for (uint32_t i = 0; i < vocabulary; i++) sum += (double)expf(logits[i] - most);
    return (double)most + log(sum);
}

/* Insertion into a short sorted list: most tokens fail the first comparison. */
static void find_top(const float *logits, uint32_t vocabulary, double normaliser, size_t wanted,
                     struct sampler_choice *choice)
{
    for (uint32_t i = 0; wanted && i < vocabulary; i++) {
        if (choice->top_count == wanted && logits[i] <= choice->top[wanted - 1].logprob) continue;
        size_t at = choice->top_count < wanted ? choice->top_count++ : wanted - 1;
        for (; at > 0 && choice->top[at - 1].logprob < logits[i]; at--)
            choice->top[at] = choice->top[at - 1];
        choice->top[at] = (struct token_logprob){(int32_t)i, logits[i]};
    }
    for (size_t i = 0; i < choice->top_count; i++)
        choice->top[i].logprob = (float)((double)choice->top[i].logprob - normaliser);
}

/* ---- bias and penalties ---- */

static void adjust(struct sampler *sampler, float *logits, int32_t token, float value)
{
    sampler->adjusted[sampler->adjusted_count++] = (struct adjusted){token, logits[token]};
    logits[token] = value;
}

/* The first adjustment of a token remembers its raw logit. */
static float raw_logit(const struct sampler *sampler, const float *logits, int32_t token)
{
    for (size_t i = 0; i < sampler->adjusted_count; i++)
        if (sampler->adjusted[i].token == token) return sampler->adjusted[i].raw;
    return logits[token];
}

static void apply_biases(struct sampler *sampler, const struct sampler_input *input)
{
    const struct sampling *sampling = input->sampling;
    assert(sampling->bias_count <= LOGIT_BIAS_LIMIT);
    for (size_t i = 0; i < sampling->bias_count; i++) {
        int32_t token = sampling->biases[i].token;
        adjust(sampler, input->logits, token, input->logits[token] + sampling->biases[i].bias);
    }
}

static float penalised(const struct sampling *sampling, float logit, bool seen, uint32_t answered)
{
    if (seen)
        logit =
            logit > 0 ? logit / sampling->repetition_penalty : logit * sampling->repetition_penalty;
    if (answered)
        logit -= sampling->presence_penalty + sampling->frequency_penalty * (float)answered;
    return logit;
}

/* Repetition counts the prompt too (Keskar et al. 2019); presence and frequency count only what
 * was answered, as the OpenAI API defines them. */
static void apply_penalties(struct sampler *sampler, const struct sampler_input *input)
{
    const struct sampling *sampling = input->sampling;
    if (sampling->repetition_penalty == 1 && sampling->presence_penalty == 0 &&
        sampling->frequency_penalty == 0)
        return;
    size_t from = 0;
    if (sampling->penalty_window >= 0 && (size_t)sampling->penalty_window < input->token_count)
        from = input->token_count - (size_t)sampling->penalty_window;
    for (size_t i = from; i < input->token_count; i++) {
        sampler->seen[input->tokens[i]]++;
        if (i >= input->prompt_count) sampler->answered[input->tokens[i]]++;
    }
    for (size_t i = from; i < input->token_count; i++) {
        int32_t token = input->tokens[i];
        if (!sampler->seen[token]) continue; /* a repetition, done already */
        adjust(sampler, input->logits, token,
               penalised(sampling, input->logits[token], true, sampler->answered[token]));
        sampler->seen[token] = sampler->answered[token] = 0;
    }
}

/* ---- the draw ---- */

static bool before(struct candidate a, struct candidate b)
{
    return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
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
 * the pivot is; *mass is what those before it weigh. */
static size_t partition(struct candidate *candidates, size_t count, double *mass)
{
    choose_pivot(candidates, count);
    struct candidate pivot = candidates[count - 1];
    size_t better = 0;
    *mass = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        if (!before(candidates[i], pivot)) continue;
        *mass += (double)candidates[i].weight;
        swap(&candidates[i], &candidates[better++]);
    }
    swap(&candidates[better], &candidates[count - 1]);
    return better;
}

/* Move the best candidates to the front, as many as it takes to weigh `mass`, but at most `limit`
 * and at least one; returns how many. Quickselect (Hoare 1961): linear time, and no order among
 * those chosen, which a draw does not need. */
static size_t keep_best(struct candidate *candidates, size_t count, size_t limit, double mass)
{
    size_t from = 0, to = count; /* the last one to keep is in between */
    double kept = 0;             /* what candidates[0..from) weigh */
    while (from < to) {
        double better;
        size_t pivot = from + partition(candidates + from, to - from, &better);
        double with_pivot = kept + better + (double)candidates[pivot].weight;
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

static double weight_of(const struct candidate *candidates, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)candidates[i].weight;
    return sum;
}

/* The best weight is 1, so min_p is the least weight. */
static size_t drop_lighter(struct candidate *candidates, size_t count, float min_p)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].weight >= min_p) candidates[kept++] = candidates[i];
    return kept;
}

static int32_t draw_from(const struct candidate *candidates, size_t count, double random)
{
    double target = random * weight_of(candidates, count), sum = 0;
    size_t last = 0;
    for (size_t i = 0; i < count && sum <= target; i++) {
        if (candidates[i].weight <= 0) continue;
        last = i;
        sum += (double)candidates[i].weight;
    }
    return candidates[last].token;
}

static int32_t draw(struct sampler *sampler, const struct sampler_input *input, float most)
{
    const struct sampling *sampling = input->sampling;
    struct candidate *candidates = sampler->candidates;
    size_t count = sampler->vocabulary;
    for (size_t i = 0; i < count; i++) {
        float weight = expf((input->logits[i] - most) / sampling->temperature);
        candidates[i] = (struct candidate){weight, (int32_t)i};
    }
    if (sampling->top_k > 0 && (size_t)sampling->top_k < count)
        count = keep_best(candidates, count, (size_t)sampling->top_k, INFINITY);
    if (sampling->top_p < 1)
        count = keep_best(candidates, count, count,
                          (double)sampling->top_p * weight_of(candidates, count));
    if (sampling->min_p > 0) count = drop_lighter(candidates, count, sampling->min_p);
    return draw_from(candidates, count, random_at(sampling->seed, input->index));
}

bool sampler_choose(struct sampler *sampler, const struct sampler_input *input,
                    struct sampler_choice *choice)
{
    choice->top_count = 0;
    choice->logprob = 0;
    sampler->adjusted_count = 0;
    int32_t best = find_best(input->logits, sampler->vocabulary);
    if (best < 0) return false;

    bool wants_logprobs = input->top_logprobs >= 0;
    double normaliser = 0;
    if (wants_logprobs) {
        assert(input->top_logprobs <= LOGPROBS_LIMIT);
        normaliser = log_sum_exp(input->logits, sampler->vocabulary, input->logits[best]);
        find_top(input->logits, sampler->vocabulary, normaliser, (size_t)input->top_logprobs,
                 choice);
    }
    apply_biases(sampler, input);
    apply_penalties(sampler, input);
    if (sampler->adjusted_count) best = find_best(input->logits, sampler->vocabulary);
    if (best < 0) return false;

    choice->token =
        input->sampling->temperature == 0 ? best : draw(sampler, input, input->logits[best]);
    if (wants_logprobs)
        choice->logprob =
            (float)((double)raw_logit(sampler, input->logits, choice->token) - normaliser);
    return true;
}
