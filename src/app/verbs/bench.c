/* bench.c - `liminal bench`: how fast a model runs here, beside what the machine could do at all.
 */
#include "model/bench.h"

#include "app/model_choice.h"
#include "app/terminal.h"
#include "app/verbs/verbs.h"

struct bench_values {
    uint64_t threads, prefill, decode, depth, batch, repetitions;
    bool json;
};

#define FIELD(name) offsetof(struct bench_values, name)

static const struct option_row OPTIONS[] = {
    {"threads", 't', OPTION_COUNT, FIELD(threads), .value_name = "N", .fallback = "0",
     .help = "threads that compute, 0 for one per core", .environment = "LIMINAL_THREADS",
     .most = 1024},
    {"prefill", 0, OPTION_COUNT, FIELD(prefill), .value_name = "TOKENS", .fallback = "512",
     .help = "length of the prompt that is read", .least = 1, .most = 1 << 20},
    {"decode", 0, OPTION_COUNT, FIELD(decode), .value_name = "TOKENS", .fallback = "128",
     .help = "length of the answer that is written", .least = 1, .most = 1 << 20},
    {"depth", 0, OPTION_COUNT, FIELD(depth), .value_name = "TOKENS", .fallback = "0",
     .help = "tokens that the conversation has already", .most = 1 << 20},
    {"batch", 0, OPTION_COUNT, FIELD(batch), .value_name = "N", .fallback = "1",
     .help = "answers that are written at once; their tokens count together", .least = 1,
     .most = 512},
    {"repetitions", 0, OPTION_COUNT, FIELD(repetitions), .value_name = "N", .fallback = "3",
     .help = "the median counts", .least = 1, .most = 1000},
    {"json", 0, OPTION_FLAG, FIELD(json), .help = "as a JSON object"},
};

static enum status measure(const struct bench_values *values, const struct model_choice *choice,
                           struct compute *compute, struct model_info *info,
                           struct model_bench_result *result, struct fault *fault)
{
    struct model *model;
    struct model_bench_options options = {
        .prefill_tokens = (uint32_t)values->prefill,
        .decode_tokens = (uint32_t)values->decode,
        .depth = (uint32_t)values->depth,
        .batch = (uint32_t)values->batch,
        .repetitions = (uint32_t)values->repetitions,
    };
    TRY(model_open(&model, compute, choice->path, &(struct model_options){0}, fault));
    *info = *model_info(model);
    enum status status = model_bench(model, &options, result, fault);
    model_close(model);
    return status;
}

static enum status print_json(const struct model_choice *choice, const struct compute *compute,
                              const struct model_info *info, const struct bench_values *values,
                              const struct model_bench_result *result, FILE *out,
                              struct fault *fault)
{
    const struct compute_limits *limits = &result->limits;
    json_t *document = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
        "model", choice->name, "type", info->file_type, "instructions", compute_isa_name(compute),
        "threads", (int)compute_threads(compute), "depth", (int)values->depth, "batch",
        (int)values->batch, "prefill_tps", result->prefill_tps, "decode_tps", result->decode_tps,
        "prefill_gops", result->prefill_gops, "decode_gbs", result->decode_gbs, "limit_int8_gops",
        limits->int8_gops, "limit_bf16_gflops", limits->bf16_gflops, "limit_read_gbs",
        result->read_gbs, "handover_us", limits->handover_us, "barrier_us", limits->barrier_us,
        "prefill_share", result->prefill_share, "decode_share", result->decode_share);
    return print_json_take(document, out, fault);
}

static void print_table(const struct model_choice *choice, const struct compute *compute,
                        const struct model_info *info, const struct bench_values *values,
                        const struct model_bench_result *result, FILE *out)
{
    char decode[24] = "decode";
    if (values->batch > 1) snprintf(decode, sizeof decode, "decode x%u", (unsigned)values->batch);
    fprintf(out, "%s (%s, %.2f billion parameters), %s, %u threads\n\n", choice->name,
            info->file_type, (double)info->parameters / 1e9, compute_isa_name(compute),
            compute_threads(compute));
    fprintf(out, "          %12s  %18s  %22s\n", "tokens/s", "work", "of the machine's limit");
    fprintf(out, "prefill   %12.1f  %10.1f Gop/s    %20.0f %%\n", result->prefill_tps,
            result->prefill_gops, result->prefill_share * 100);
    fprintf(out, "%-10s%12.1f  %10.1f GB/s     %20.0f %%\n\n", decode, result->decode_tps,
            result->decode_gbs, result->decode_share * 100);
    fprintf(out, "limits measured now: reading %.1f GB/s, int8 %.0f Gop/s, bf16 %.0f Gflop/s\n",
            result->read_gbs, result->limits.int8_gops, result->limits.bf16_gflops);
    fprintf(out, "the threads take %.2f us for a job without work, %.2f us to meet inside one\n",
            result->limits.handover_us, result->limits.barrier_us);
}

static enum status bench_run(struct command *command, struct fault *fault)
{
    const struct bench_values *values = command->values;
    struct model_choice choice;
    struct compute *compute;
    struct model_info info;
    struct model_bench_result result;
    TRY(model_choose(command->words[0], command->arena, &choice, fault));
    struct compute_options options = {.threads = (unsigned)values->threads};
    TRY(compute_open(&compute, &options, fault));
    enum status status = measure(values, &choice, compute, &info, &result, fault);
    if (status == OK && values->json)
        status = print_json(&choice, compute, &info, values, &result, command->out, fault);
    else if (status == OK)
        print_table(&choice, compute, &info, values, &result, command->out);
    compute_close(compute);
    return status;
}

const struct verb VERB_BENCH = {
    .name = "bench",
    .arguments = "MODEL",
    .summary = "measure how fast a model runs on this machine",
    .help =
        "Shares are of limits measured in the same run: 8-bit products for prefill, memory\n"
        "reads for decode.\n"
        "\n"
        "Examples:\n"
        "  liminal bench local-llm\n"
        "  liminal bench ./llama-q4.gguf --batch 16\n"
        "  liminal bench ./llama-q4.gguf --threads 2 --json\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct bench_values),
    .least_words = 1,
    .most_words = 1,
    .run = bench_run,
};
