/* bench.c - timing prefill and decoding of one sequence of arbitrary tokens. */
#include "model/bench.h"

#include <stdlib.h>

#include "model/model_private.h"
#include "platform/platform.h"

enum {
    DEFAULT_PREFILL = 512,
    DEFAULT_DECODE = 128,
    DEFAULT_REPETITIONS = 3,
    MOST_REPETITIONS = 64
};

struct bench {
    struct model *model;
    struct model_bench_options options; /* defaults filled in */
    struct private_sequence sequence;
    int32_t *tokens; /* as many as the sequence has positions */
    uint8_t *wanted;
    float *logits;
};

/* Any tokens do; these are spread over the vocabulary and the same every time. */
static void choose_tokens(int32_t *tokens, size_t count, uint32_t vocabulary)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525U + 1013904223U;
        tokens[i] = (int32_t)((state >> 8) % vocabulary);
    }
}

static enum status forward_range(struct bench *bench, size_t from, size_t count, bool wants_last,
                                 struct fault *fault)
{
    size_t limit = bench->model->batch_limit;
    for (size_t end = from + count; from < end;) {
        size_t n = end - from < limit ? end - from : limit;
        bench->wanted[n - 1] = wants_last && from + n == end;
        const struct model_batch batch = {.count = n,
                                          .tokens = bench->tokens + from,
                                          .positions = bench->sequence.positions + from,
                                          .pages = bench->sequence.row_pages + from,
                                          .wants_logits = bench->wanted};
        TRY(model_forward(bench->model, &batch, bench->logits, fault));
        bench->wanted[n - 1] = 0;
        from += n;
    }
    return OK;
}

static enum status time_prefill(struct bench *bench, double *seconds, struct fault *fault)
{
    uint64_t start = clock_monotonic_ns();
    TRY(forward_range(bench, bench->options.depth, bench->options.prefill_tokens, true, fault));
    *seconds = (double)(clock_monotonic_ns() - start) * 1e-9;
    return OK;
}

static enum status time_decode(struct bench *bench, double *seconds, struct fault *fault)
{
    uint64_t start = clock_monotonic_ns();
    for (uint32_t i = 0; i < bench->options.decode_tokens; i++)
        TRY(forward_range(bench, (size_t)bench->options.depth + i, 1, true, fault));
    *seconds = (double)(clock_monotonic_ns() - start) * 1e-9;
    return OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status median_time(struct bench *bench,
                               enum status (*timed)(struct bench *, double *, struct fault *),
                               double *seconds, struct fault *fault)
{
    double times[MOST_REPETITIONS];
    uint32_t count = bench->options.repetitions;
    for (uint32_t i = 0; i < count; i++) TRY(timed(bench, &times[i], fault));
    qsort(times, count, sizeof times[0], compare_doubles);
    *seconds = times[count / 2];
    return OK;
}

/* Multiply-adds of a prefill: the last layer finishes, and the output runs, for one row only. */
static double prefill_products(const struct weights *weights, uint32_t tokens)
{
    double every_token = (double)(weights->block_products - weights->last_rest_products);
    return every_token * tokens + (double)(weights->last_rest_products + weights->output_products);
}

static double decode_bytes(const struct model *model, const struct model_bench_options *options)
{
    const struct hyperparameters *p = &model->parameters;
    double key_value_bytes = 2.0 * 2 * p->kv_heads * p->head_width * p->layers;
    double seen = options->depth + options->decode_tokens / 2.0;
    return (double)model->weights.read_bytes + seen * key_value_bytes;
}

static double product_limit(const struct model *model, const struct compute_limits *limits)
{
    if (tensor_type_info(model->weights.main_type)->block_values > 1) return limits->int8_gops;
    return limits->bf16_gflops > 0 ? limits->bf16_gflops : limits->fp32_gflops;
}

static enum status measure(struct bench *bench, struct model_bench_result *result,
                           struct fault *fault)
{
    const struct model *model = bench->model;
    const struct model_bench_options *options = &bench->options;
    double prefill_s, decode_s;
    /* once untimed: what lies before, and memory that was never touched */
    TRY(forward_range(bench, 0, (size_t)options->depth + options->prefill_tokens, true, fault));
    TRY(median_time(bench, time_prefill, &prefill_s, fault));
    TRY(median_time(bench, time_decode, &decode_s, fault));
    result->prefill_tps = options->prefill_tokens / prefill_s;
    result->decode_tps = options->decode_tokens / decode_s;
    result->prefill_gops =
        2e-9 * prefill_products(&model->weights, options->prefill_tokens) / prefill_s;
    result->decode_gbs = 1e-9 * decode_bytes(model, options) * result->decode_tps;
    if (options->skip_limits) return OK;
    compute_measure_limits(model->compute, &result->limits);
    double products = product_limit(model, &result->limits);
    if (products > 0) result->prefill_share = result->prefill_gops / products;
    if (result->limits.read_gbs > 0)
        result->decode_share = result->decode_gbs / result->limits.read_gbs;
    return OK;
}

static enum status check_options(const struct model *model, struct model_bench_options *options,
                                 struct fault *fault)
{
    if (model->architecture->encoder)
        return fault_set(fault, STATUS_UNSUPPORTED, "%s is an embedding model: it does not decode",
                         model->info.name);
    if (!options->prefill_tokens) options->prefill_tokens = DEFAULT_PREFILL;
    if (!options->decode_tokens) options->decode_tokens = DEFAULT_DECODE;
    if (!options->repetitions) options->repetitions = DEFAULT_REPETITIONS;
    if (options->repetitions > MOST_REPETITIONS) options->repetitions = MOST_REPETITIONS;
    uint64_t longest = options->prefill_tokens > options->decode_tokens ? options->prefill_tokens
                                                                        : options->decode_tokens;
    if (options->depth + longest > model->parameters.context)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "%llu tokens at depth %u are beyond the context of %u",
                         (unsigned long long)longest, options->depth, model->parameters.context);
    return OK;
}

enum status model_bench(struct model *model, const struct model_bench_options *options,
                        struct model_bench_result *result, struct fault *fault)
{
    struct bench bench = {.model = model, .options = *options};
    TRY(check_options(model, &bench.options, fault));
    *result = (struct model_bench_result){0};
    uint32_t longest = bench.options.prefill_tokens > bench.options.decode_tokens
                           ? bench.options.prefill_tokens
                           : bench.options.decode_tokens;
    size_t count = (size_t)bench.options.depth + longest;
    uint32_t vocabulary = model->parameters.vocabulary;
    TRY(private_sequence_init(&bench.sequence, model, count, fault));
    bench.tokens = malloc(count * sizeof *bench.tokens);
    bench.wanted = calloc(model->batch_limit, 1);
    bench.logits = malloc(vocabulary * sizeof *bench.logits);
    enum status status;
    if (bench.tokens && bench.wanted && bench.logits) {
        choose_tokens(bench.tokens, count, vocabulary);
        status = measure(&bench, result, fault);
    } else {
        status = fault_set(fault, STATUS_NO_MEMORY, "no memory for the bench");
    }
    private_sequence_deinit(&bench.sequence);
    free(bench.tokens);
    free(bench.wanted);
    free(bench.logits);
    return status;
}
