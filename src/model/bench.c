/* bench.c - timing prefill of one sequence of arbitrary tokens, and decoding of one or more. */
#include "model/bench.h"

#include <stdlib.h>
#include <string.h>

#include "model/model_private.h"
#include "platform/platform.h"

enum {
    DEFAULT_PREFILL = 512,
    DEFAULT_DECODE = 128,
    DEFAULT_REPETITIONS = 3,
    MOST_REPETITIONS = 64,
    SLICE_STEPS = 16,         /* decoded between two measurements of bandwidth */
    READ_BYTES_MOST = 1 << 30 /* of one */
};

struct bench {
    struct model *model;
    struct model_bench_options options; /* defaults filled in */
    struct private_sequence *sequences; /* options.batch; the first is also prefilled */
    size_t length;                      /* positions of each */
    int32_t *tokens;                    /* so many */
    uint8_t *wanted;
    float *logits; /* of options.batch rows */
    /* one row per sequence */
    int32_t *step_tokens, *step_positions;
    void *const **step_pages;
    /* of each slice of decoding */
    double *read_gbs, *shares;
    size_t slices;
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

/* Positions from .. from+count-1 of one sequence. */
static enum status forward_range(struct bench *bench, const struct private_sequence *sequence,
                                 size_t from, size_t count, bool wants_last, struct fault *fault)
{
    size_t limit = bench->model->batch_limit;
    for (size_t end = from + count; from < end;) {
        size_t n = end - from < limit ? end - from : limit;
        bench->wanted[n - 1] = wants_last && from + n == end;
        const struct model_batch batch = {.count = n,
                                          .tokens = bench->tokens + from,
                                          .positions = sequence->positions + from,
                                          .pages = sequence->row_pages + from,
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
    TRY(forward_range(bench, &bench->sequences[0], bench->options.depth,
                      bench->options.prefill_tokens, true, fault));
    *seconds = (double)(clock_monotonic_ns() - start) * 1e-9;
    return OK;
}

/* The next token of every sequence. */
static enum status forward_step(struct bench *bench, size_t position, struct fault *fault)
{
    const uint32_t count = bench->options.batch;
    for (uint32_t i = 0; i < count; i++) {
        bench->step_tokens[i] = bench->tokens[(position + i) % bench->length];
        bench->step_positions[i] = (int32_t)position;
        bench->step_pages[i] = bench->sequences[i].pages;
    }
    memset(bench->wanted, 1, count);
    const struct model_batch batch = {.count = count,
                                      .tokens = bench->step_tokens,
                                      .positions = bench->step_positions,
                                      .pages = bench->step_pages,
                                      .wants_logits = bench->wanted};
    enum status status = model_forward(bench->model, &batch, bench->logits, fault);
    memset(bench->wanted, 0, count);
    return status;
}

/* Bytes of one step. */
static double decode_bytes(const struct model *model, const struct model_bench_options *options)
{
    const struct hyperparameters *p = &model->parameters;
    double key_value_bytes = 2.0 * 2 * p->kv_heads * p->head_width * p->layers;
    double seen = options->depth + options->decode_tokens / 2.0;
    return (double)model->weights.read_bytes + options->batch * seen * key_value_bytes;
}

/* How much of the bandwidth did some steps have? */
static void weigh_slice(struct bench *bench, uint32_t steps, double seconds)
{
    const struct weights *weights = &bench->model->weights;
    size_t bytes =
        weights->packed_bytes < READ_BYTES_MOST ? weights->packed_bytes : READ_BYTES_MOST;
    double read_gbs = compute_measure_read(bench->model->compute, weights->matrix_memory, bytes);
    double decode_gbs = 1e-9 * decode_bytes(bench->model, &bench->options) * steps / seconds;
    bench->read_gbs[bench->slices] = read_gbs;
    bench->shares[bench->slices++] = decode_gbs / read_gbs;
}

static enum status time_decode(struct bench *bench, double *seconds, struct fault *fault)
{
    const uint32_t count = bench->options.decode_tokens;
    *seconds = 0;
    for (uint32_t step = 0, end; step < count; step = end) {
        end = count - step < SLICE_STEPS ? count : step + SLICE_STEPS;
        uint64_t start = clock_monotonic_ns();
        for (uint32_t i = step; i < end; i++)
            TRY(forward_step(bench, (size_t)bench->options.depth + i, fault));
        double slice_s = (double)(clock_monotonic_ns() - start) * 1e-9;
        *seconds += slice_s;
        if (!bench->options.skip_limits) weigh_slice(bench, end - step, slice_s);
    }
    return OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static enum status median_time(struct bench *bench,
                               enum status (*timed)(struct bench *, double *, struct fault *),
                               double *seconds, struct fault *fault)
{
    double times[MOST_REPETITIONS];
    uint32_t count = bench->options.repetitions;
    for (uint32_t i = 0; i < count; i++) TRY(timed(bench, &times[i], fault));
    *seconds = median(times, count);
    return OK;
}

/* Multiply-adds of a prefill: the last layer finishes, and the output runs, for one row only. */
static double prefill_products(const struct weights *weights, uint32_t tokens)
{
    double every_token = (double)(weights->block_products - weights->last_rest_products);
    return every_token * tokens + (double)(weights->last_rest_products + weights->output_products);
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
    size_t read_first = (size_t)options->depth + options->prefill_tokens;
    TRY(forward_range(bench, &bench->sequences[0], 0, read_first, true, fault));
    for (uint32_t i = 1; i < options->batch && options->depth; i++)
        TRY(forward_range(bench, &bench->sequences[i], 0, options->depth, false, fault));
    TRY(forward_step(bench, options->depth, fault));
    TRY(median_time(bench, time_prefill, &prefill_s, fault));
    TRY(median_time(bench, time_decode, &decode_s, fault));
    result->prefill_tps = options->prefill_tokens / prefill_s;
    double steps_per_s = options->decode_tokens / decode_s;
    result->decode_tps = steps_per_s * options->batch;
    result->prefill_gops =
        2e-9 * prefill_products(&model->weights, options->prefill_tokens) / prefill_s;
    result->decode_gbs = 1e-9 * decode_bytes(model, options) * steps_per_s;
    if (options->skip_limits) return OK;
    compute_measure_limits(model->compute, &result->limits);
    double products = product_limit(model, &result->limits);
    if (products > 0) result->prefill_share = result->prefill_gops / products;
    result->read_gbs = median(bench->read_gbs, bench->slices);
    result->decode_share = median(bench->shares, bench->slices);
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
    if (!options->batch) options->batch = 1;
    if (options->batch > model->batch_limit)
        return fault_set(fault, STATUS_TOO_LARGE, "%u sequences at once; the limit is %zu",
                         options->batch, model->batch_limit);
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

static enum status allocate(struct bench *bench, struct fault *fault)
{
    const struct model *model = bench->model;
    const struct model_bench_options *options = &bench->options;
    const uint32_t vocabulary = model->parameters.vocabulary;
    uint32_t longest = options->prefill_tokens > options->decode_tokens ? options->prefill_tokens
                                                                        : options->decode_tokens;
    bench->length = (size_t)options->depth + longest;
    bench->tokens = malloc(bench->length * sizeof *bench->tokens);
    bench->wanted = calloc(model->batch_limit, 1);
    bench->logits = calloc((size_t)options->batch * vocabulary, sizeof *bench->logits);
    bench->step_tokens = calloc(options->batch, sizeof *bench->step_tokens);
    bench->step_positions = calloc(options->batch, sizeof *bench->step_positions);
    bench->step_pages = calloc(options->batch, sizeof *bench->step_pages);
    bench->sequences = calloc(options->batch, sizeof *bench->sequences);
    const size_t slices = (options->decode_tokens + SLICE_STEPS - 1) / SLICE_STEPS;
    bench->read_gbs = calloc(slices * options->repetitions, sizeof *bench->read_gbs);
    bench->shares = calloc(slices * options->repetitions, sizeof *bench->shares);
    if (!bench->tokens || !bench->wanted || !bench->logits || !bench->step_tokens ||
        !bench->step_positions || !bench->step_pages || !bench->sequences || !bench->read_gbs ||
        !bench->shares) {
        fault_set(fault, STATUS_NO_MEMORY, "no memory for the bench");
        return STATUS_NO_MEMORY; /* said again, so that clang's analyser follows */
    }
    choose_tokens(bench->tokens, bench->length, vocabulary);
    for (uint32_t i = 0; i < options->batch; i++)
        TRY(private_sequence_init(&bench->sequences[i], model, bench->length, fault));
    return OK;
}

static void deinit(struct bench *bench)
{
    for (uint32_t i = 0; bench->sequences && i < bench->options.batch; i++)
        private_sequence_deinit(&bench->sequences[i]);
    free(bench->sequences);
    free(bench->tokens);
    free(bench->wanted);
    free(bench->logits);
    free(bench->step_tokens);
    free(bench->step_positions);
    free(bench->step_pages);
    free(bench->read_gbs);
    free(bench->shares);
}

enum status model_bench(struct model *model, const struct model_bench_options *options,
                        struct model_bench_result *result, struct fault *fault)
{
    struct bench bench = {.model = model, .options = *options};
    TRY(check_options(model, &bench.options, fault));
    *result = (struct model_bench_result){0};
    enum status status = allocate(&bench, fault);
    if (status == OK) status = measure(&bench, result, fault);
    deinit(&bench);
    return status;
}
