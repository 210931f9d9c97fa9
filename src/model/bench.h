/* bench.h - how fast a model computes on this machine, and how near that is to what the machine
 * can do at all, measured in the same run. */
#ifndef LIMINAL_MODEL_BENCH_H
#define LIMINAL_MODEL_BENCH_H

#include "model/model.h"

struct model_bench_options {
    uint32_t prefill_tokens; /* 0: 512 */
    uint32_t decode_tokens;  /* 0: 128 */
    uint32_t depth;          /* tokens in the cache before prefill and decoding start */
    uint32_t batch;          /* 0: 1; sequences decoded at once, each at that depth */
    uint32_t repetitions;    /* 0: 3; the median counts */
    bool skip_limits;        /* measure the model alone */
};

struct model_bench_result {
    double prefill_tps;           /* tokens a second of one sequence */
    double decode_tps;            /* of all sequences together */
    double prefill_gops;          /* weight products, 2 operations per multiply-add */
    double decode_gbs;            /* weights as the file has them, and keys and values */
    struct compute_limits limits; /* zero when skipped, and so are the rest */
    double read_gbs;              /* reading the weights and no more, between the decoded tokens */
    double prefill_share;         /* of int8_gops for quantised weights, else of bf16_gflops
                                     (fp32_gflops on a machine without) */
    double decode_share;          /* of read_gbs: the median of what each moment had */
};

/* STATUS_UNSUPPORTED for embedding models, STATUS_TOO_LARGE beyond the context. */
enum status model_bench(struct model *model, const struct model_bench_options *options,
                        struct model_bench_result *result, struct fault *fault) MUST_USE;

#endif
