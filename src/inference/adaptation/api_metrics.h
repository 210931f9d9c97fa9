/* api_metrics.h - counters and histograms of the API, and their Prometheus text.
 *
 * Counters are atomic: any thread counts, none waits. The names without the prefix `liminal_` are
 * the seed's (R57). */
#ifndef LIMINAL_INFERENCE_API_METRICS_H
#define LIMINAL_INFERENCE_API_METRICS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"

struct hosted_model;
struct model_host_counters;

enum { HISTOGRAM_BUCKETS = 8, METRICS_ROUTE_LIMIT = 32 };

struct histogram {
    const double *bounds_s;                          /* upper bounds, ascending */
    size_t bound_count;                              /* at most HISTOGRAM_BUCKETS */
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS + 1]; /* the last one is beyond all bounds */
    _Atomic uint64_t sum_ns;
};
void histogram_add(struct histogram *histogram, uint64_t ns);

/* Requests of one route by the first digit of the answer's code. */
struct route_counts {
    const char *pattern; /* "" for what no route took */
    _Atomic uint64_t by_class[6];
};

struct api_metrics {
    _Atomic uint64_t succeeded, failed; /* chat completions (R58) */
    struct histogram duration;          /* of chat completions */
    struct histogram time_to_first_token;
    _Atomic uint64_t prompt_tokens, completion_tokens;
    _Atomic uint32_t active; /* generations that somebody waits for */
    struct route_counts routes[METRICS_ROUTE_LIMIT];
    size_t route_count;

    pthread_mutex_t rate_lock; /* tokens per second since the last look */
    uint64_t rate_ns, rate_tokens;
    double rate;
};

void api_metrics_init(struct api_metrics *metrics);
void api_metrics_deinit(struct api_metrics *metrics);
/* Before the server starts. */
void api_metrics_add_route(struct api_metrics *metrics, const char *pattern);
void api_metrics_count(struct api_metrics *metrics, const char *pattern, int http_code);

/* What belongs to a model is labelled {model="..."}. */
void api_metrics_render(struct api_metrics *metrics, const struct hosted_model *models,
                        size_t model_count, const struct model_host_counters *host, uint64_t now_ns,
                        struct buffer *out);

#endif
