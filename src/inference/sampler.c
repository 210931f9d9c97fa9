/* sampler.c - see sampler.h.
 *
 * A vocabulary is long, so what touches all of it are single passes of vectorised loops
 * (compute.h), and what is costlier is done for a few candidates only. The weights of all tokens
 * have sums per block: a draw finds its block first. */
#include "inference/sampler.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "compute/compute.h"
#include "inference/candidates.h"

/* What a logit was before bias and penalties, so that logprobs tell of the raw distribution. */
struct adjusted {
    int32_t token;
    float raw;
};

struct sampler {
    const struct compute *compute;
    uint32_t vocabulary;
    float *weights;    /* of all tokens, or of the candidates: e^(logit / temperature) */
    float *block_sums; /* of them */
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

enum status sampler_new(struct sampler **out, const struct compute *compute, uint32_t vocabulary,
                        struct fault *fault)
{
    assert(vocabulary > 0);
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sampler");
    size_t blocks = (vocabulary + WEIGHT_BLOCK - 1) / WEIGHT_BLOCK;
    sampler->compute = compute;
    sampler->vocabulary = vocabulary;
    sampler->weights = calloc(vocabulary, sizeof *sampler->weights);
    sampler->block_sums = calloc(blocks, sizeof *sampler->block_sums);
    sampler->candidates = calloc(vocabulary, sizeof *sampler->candidates);
    sampler->seen = calloc(vocabulary, sizeof *sampler->seen);
    sampler->answered = calloc(vocabulary, sizeof *sampler->answered);
    sampler->adjusted = calloc((size_t)vocabulary + LOGIT_BIAS_LIMIT, sizeof *sampler->adjusted);
    if (!sampler->weights || !sampler->block_sums || !sampler->candidates || !sampler->seen ||
        !sampler->answered || !sampler->adjusted) {
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
    free(sampler->weights);
    free(sampler->block_sums);
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

static float find_largest(const struct sampler *sampler, const float *logits)
{
    return compute_logits_largest(sampler->compute, logits, sampler->vocabulary);
}

static int32_t first_of(const float *logits, float value)
{
    int32_t token = 0;
    while (logits[token] != value) token++;
    return token;
}

/* ---- raw probabilities ---- */

static double log_sum_exp(struct sampler *sampler, const float *logits, float largest)
{
    double sum = compute_logits_weigh(sampler->compute, logits, sampler->vocabulary, largest, 1,
                                      sampler->weights, sampler->block_sums);
    return (double)largest + log(sum);
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

static void tell_top(struct sampler *sampler, const float *logits, double normaliser, size_t wanted,
                     struct sampler_choice *choice)
{
    struct candidate *best = sampler->candidates;
    choice->top_count = candidates_best(logits, sampler->vocabulary, wanted, best);
    qsort(best, choice->top_count, sizeof *best, compare_candidates);
    for (size_t i = 0; i < choice->top_count; i++)
        choice->top[i] =
            (struct token_logprob){best[i].token, (float)((double)best[i].value - normaliser)};
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

/* ---- what a constraint allows ---- */

static void forbid_others(const struct sampler *sampler, float *logits, const uint64_t *allowed)
{
    for (uint32_t from = 0; from < sampler->vocabulary; from += 64) {
        uint64_t forbidden = ~allowed[from / 64];
        if (sampler->vocabulary - from < 64) {
            forbidden &= (1ull << sampler->vocabulary % 64) - 1;
        } else if (forbidden == UINT64_MAX) {
            for (uint32_t i = from; i < from + 64; i++) logits[i] = -INFINITY;
            continue;
        }
        for (; forbidden; forbidden &= forbidden - 1)
            logits[from + (uint32_t)__builtin_ctzll(forbidden)] = -INFINITY;
    }
}

/* ---- the draw ---- */

/* The first place where the weights so far exceed *target, from which what lies before is taken.
 * Where rounding left too little: the last that weighs anything. */
static size_t find_place(const float *weights, size_t count, double *target)
{
    double sum = 0, before = 0;
    size_t place = 0;
    for (size_t i = 0; i < count && sum <= *target; i++) {
        if (weights[i] <= 0) continue;
        place = i;
        before = sum;
        sum += (double)weights[i];
    }
    *target -= before;
    return place;
}

static int32_t draw_from_all(const struct sampler *sampler, double random)
{
    const float *sums = sampler->block_sums;
    size_t count = sampler->vocabulary, blocks = (count + WEIGHT_BLOCK - 1) / WEIGHT_BLOCK;
    double mass = 0;
    for (size_t i = 0; i < blocks; i++) mass += (double)sums[i];
    double target = random * mass;
    size_t from = find_place(sums, blocks, &target) * WEIGHT_BLOCK;
    size_t width = count - from < WEIGHT_BLOCK ? count - from : WEIGHT_BLOCK;
    return (int32_t)(from + find_place(sampler->weights + from, width, &target));
}

static int32_t draw_from(struct sampler *sampler, size_t count, double random)
{
    const struct candidate *candidates = sampler->candidates;
    double target = random * candidates_mass(candidates, count);
    for (size_t i = 0; i < count; i++) sampler->weights[i] = candidates[i].value;
    return candidates[find_place(sampler->weights, count, &target)].token;
}

/* From their logits; the best weighs 1. Returns what all weigh. */
static double weigh(struct sampler *sampler, const float *logits, size_t count, float largest,
                    float temperature)
{
    /* Below this, nothing but the best weighs anything. */
    float scale = 1 / fmaxf(temperature, 1e-30f);
    return compute_logits_weigh(sampler->compute, logits, count, largest, scale, sampler->weights,
                                sampler->block_sums);
}

static void weigh_candidates(struct sampler *sampler, size_t count, float largest,
                             float temperature)
{
    struct candidate *candidates = sampler->candidates;
    for (size_t i = 0; i < count; i++) sampler->weights[i] = candidates[i].value;
    weigh(sampler, sampler->weights, count, largest, temperature);
    for (size_t i = 0; i < count; i++) candidates[i].value = sampler->weights[i];
}

/* Leave only the nucleus its weights: as few tokens as it takes to have the share top_p of the
 * mass.
 *
 * Where its limit lies is found by halving: all that weigh more than `inside` are in it, none that
 * weigh `outside` or less is, and only what is in between is looked at one by one. To begin with,
 * all tokens of the weight `outside` together weigh less than what top_p leaves out. */
static void keep_nucleus(struct sampler *sampler, float top_p, double mass)
{
    enum { HALVINGS = 10 };
    float *weights = sampler->weights;
    size_t n = sampler->vocabulary;
    double wanted = (double)top_p * mass, mass_inside = 0;
    float inside = 1, outside = (float)(0.999 * (1 - (double)top_p) * mass / (double)n);
    for (int i = 0; i < HALVINGS; i++) {
        float middle = sqrtf(inside * outside);
        double heavier = compute_weights_above(sampler->compute, weights, n, middle);
        if (heavier >= wanted) {
            outside = middle;
        } else {
            inside = middle;
            mass_inside = heavier;
        }
    }
    struct candidate *open = sampler->candidates;
    size_t count = candidates_between(weights, n, outside, inside, open);
    if (count > 0) count = candidates_keep(open, count, count, wanted - mass_inside);
    compute_weights_cut(sampler->compute, weights, n, inside, sampler->block_sums);
    for (size_t i = 0; i < count; i++) {
        weights[open[i].token] = open[i].value;
        sampler->block_sums[open[i].token / WEIGHT_BLOCK] += open[i].value;
    }
}

/* The best weight is 1, so min_p is the least weight. */
static size_t drop_lighter(struct candidate *candidates, size_t count, float min_p)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].value >= min_p) candidates[kept++] = candidates[i];
    return kept;
}

static int32_t draw_from_top(struct sampler *sampler, const struct sampler_input *input,
                             float largest, double random)
{
    const struct sampling *sampling = input->sampling;
    struct candidate *candidates = sampler->candidates;
    size_t count =
        candidates_best(input->logits, sampler->vocabulary, (size_t)sampling->top_k, candidates);
    weigh_candidates(sampler, count, largest, sampling->temperature);
    double wanted = (double)sampling->top_p * candidates_mass(candidates, count);
    if (sampling->top_p < 1) count = candidates_keep(candidates, count, count, wanted);
    count = drop_lighter(candidates, count, sampling->min_p);
    return draw_from(sampler, count, random);
}

static int32_t draw(struct sampler *sampler, const struct sampler_input *input, float largest)
{
    const struct sampling *sampling = input->sampling;
    double random = random_at(sampling->seed, input->index);
    if (sampling->top_k > 0) return draw_from_top(sampler, input, largest, random);

    double mass =
        weigh(sampler, input->logits, sampler->vocabulary, largest, sampling->temperature);
    if (sampling->top_p < 1) keep_nucleus(sampler, sampling->top_p, mass);
    if (sampling->min_p > 0)
        compute_weights_cut(sampler->compute, sampler->weights, sampler->vocabulary,
                            nextafterf(sampling->min_p, 0), sampler->block_sums);
    return draw_from_all(sampler, random);
}

bool sampler_choose(struct sampler *sampler, const struct sampler_input *input,
                    struct sampler_choice *choice)
{
    choice->top_count = 0;
    choice->logprob = 0;
    sampler->adjusted_count = 0;
    float largest = find_largest(sampler, input->logits);
    if (largest == -INFINITY) return false;

    bool wants_logprobs = input->top_logprobs >= 0;
    double normaliser = 0;
    if (wants_logprobs) {
        assert(input->top_logprobs <= LOGPROBS_LIMIT);
        normaliser = log_sum_exp(sampler, input->logits, largest);
        tell_top(sampler, input->logits, normaliser, (size_t)input->top_logprobs, choice);
    }
    apply_biases(sampler, input);
    apply_penalties(sampler, input);
    if (input->allowed) forbid_others(sampler, input->logits, input->allowed);
    if (input->allowed || sampler->adjusted_count) largest = find_largest(sampler, input->logits);
    if (largest == -INFINITY) return false;

    choice->token = input->sampling->temperature == 0 ? first_of(input->logits, largest)
                                                      : draw(sampler, input, largest);
    if (wants_logprobs)
        choice->logprob =
            (float)((double)raw_logit(sampler, input->logits, choice->token) - normaliser);
    return true;
}
