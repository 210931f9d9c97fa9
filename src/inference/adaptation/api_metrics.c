/* api_metrics.c - see api_metrics.h. */
#include "inference/adaptation/api_metrics.h"

#include <string.h>

#include "inference/model_host.h"
#include "platform/platform.h"

enum { RATE_WINDOW_MS = 1000 };

static const double DURATION_BOUNDS_S[] = {0.1, 0.5, 1, 2, 5, 10, 30}; /* R57 */
static const double FIRST_TOKEN_BOUNDS_S[] = {0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};

void api_metrics_init(struct api_metrics *metrics)
{
    memset(metrics, 0, sizeof *metrics);
    metrics->duration.bounds_s = DURATION_BOUNDS_S;
    metrics->duration.bound_count = ARRAY_COUNT(DURATION_BOUNDS_S);
    metrics->time_to_first_token.bounds_s = FIRST_TOKEN_BOUNDS_S;
    metrics->time_to_first_token.bound_count = ARRAY_COUNT(FIRST_TOKEN_BOUNDS_S);
    pthread_mutex_init(&metrics->rate_lock, NULL);
    api_metrics_add_route(metrics, "");
}

void api_metrics_deinit(struct api_metrics *metrics)
{
    pthread_mutex_destroy(&metrics->rate_lock);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    size_t bucket = 0;
    while (bucket < histogram->bound_count && (double)ns / 1e9 > histogram->bounds_s[bucket])
        bucket++;
    histogram->buckets[bucket]++;
    histogram->sum_ns += ns;
}

void api_metrics_add_route(struct api_metrics *metrics, const char *pattern)
{
    for (size_t i = 0; i < metrics->route_count; i++)
        if (strcmp(metrics->routes[i].pattern, pattern) == 0) return;
    if (metrics->route_count < METRICS_ROUTE_LIMIT)
        metrics->routes[metrics->route_count++].pattern = pattern;
}

void api_metrics_count(struct api_metrics *metrics, const char *pattern, int http_code)
{
    size_t class = http_code >= 100 && http_code < 600 ? (size_t)http_code / 100 : 0;
    size_t route = 0; /* routes[0] is "": whatever has no entry of its own */
    for (size_t i = 1; i < metrics->route_count; i++)
        if (strcmp(metrics->routes[i].pattern, pattern) == 0) route = i;
    metrics->routes[route].by_class[class]++;
}

/* ---- text ---- */

static void append_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_number(struct buffer *out, const char *name, const char *type, const char *help,
                          double value)
{
    append_head(out, name, type, help);
    buffer_printf(out, "%s %.17g\n", name, value);
}

static void append_histogram(struct buffer *out, const char *name, const char *help,
                             struct histogram *histogram)
{
    append_head(out, name, "histogram", help);
    uint64_t count = 0;
    for (size_t i = 0; i < histogram->bound_count; i++) {
        count += histogram->buckets[i];
        buffer_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, histogram->bounds_s[i],
                      (unsigned long long)count);
    }
    count += histogram->buckets[histogram->bound_count];
    buffer_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name,
                  (unsigned long long)count, name, (double)histogram->sum_ns / 1e9, name,
                  (unsigned long long)count);
}

static void append_requests(struct buffer *out, struct api_metrics *metrics)
{
    append_head(out, "inference_requests_total", "counter", "Chat completions by outcome.");
    buffer_printf(out,
                  "inference_requests_total{status=\"success\"} %llu\n"
                  "inference_requests_total{status=\"error\"} %llu\n",
                  (unsigned long long)metrics->succeeded, (unsigned long long)metrics->failed);
    append_histogram(out, "inference_duration_seconds", "Time to answer a chat completion.",
                     &metrics->duration);
    append_head(out, "inference_tokens_total", "counter", "Tokens of finished generations.");
    buffer_printf(out,
                  "inference_tokens_total{type=\"prompt\"} %llu\n"
                  "inference_tokens_total{type=\"completion\"} %llu\n",
                  (unsigned long long)metrics->prompt_tokens,
                  (unsigned long long)metrics->completion_tokens);
    /* Until there are accounts, all who ask are one user. */
    append_number(out, "active_users", "gauge", "Users with a generation in progress.",
                  metrics->active > 0);
    append_histogram(out, "liminal_time_to_first_token_seconds",
                     "Time from a request to its first token.", &metrics->time_to_first_token);

    append_head(out, "liminal_http_requests_total", "counter", "Answers by route and class.");
    for (size_t i = 0; i < metrics->route_count; i++)
        for (int class = 0; class < 6; class ++)
            if (metrics->routes[i].by_class[class])
                buffer_printf(out, "liminal_http_requests_total{route=\"%s\",code=\"%dxx\"} %llu\n",
                              metrics->routes[i].pattern, class,
                              (unsigned long long)metrics->routes[i].by_class[class]);
}

/* ---- models ---- */

#define FIGURE(field)                                              \
    static double figure_##field(const struct hosted_model *model) \
    {                                                              \
        return (double)model->counters.field;                      \
    }
FIGURE(requests)
FIGURE(refused)
FIGURE(cancelled)
FIGURE(preempted)
FIGURE(steps)
FIGURE(prompt_tokens)
FIGURE(cached_tokens)
FIGURE(shared_tokens)
FIGURE(rows)
FIGURE(generated_tokens)
FIGURE(drafted_tokens)
FIGURE(accepted_tokens)
FIGURE(running)
FIGURE(waiting)
FIGURE(batch_rows)
FIGURE(kv_pages)
FIGURE(kv_pages_used)
FIGURE(kv_pages_kept)
FIGURE(kv_pages_evicted)
FIGURE(kv_pages_stored)
FIGURE(kv_pages_spilled)
FIGURE(kv_pages_restored)
FIGURE(kv_spill_failures)
#undef FIGURE

static double figure_forms_compiled(const struct hosted_model *model)
{
    return (double)model->forms.misses;
}
static double figure_forms_reused(const struct hosted_model *model)
{
    return (double)model->forms.hits;
}
static double figure_forms_kept(const struct hosted_model *model)
{
    return model->forms.kept;
}
static double figure_bytes(const struct hosted_model *model)
{
    return (double)model->bytes;
}
static double figure_leases(const struct hosted_model *model)
{
    return model->leases;
}
static double figure_tickets(const struct hosted_model *model)
{
    return model->tickets;
}
static double figure_loaded(const struct hosted_model *model)
{
    return model->state == RESIDENT_READY;
}
static double figure_progress(const struct hosted_model *model)
{
    return model->state == RESIDENT_READY ? 1 : model->progress;
}
static double figure_load_seconds(const struct hosted_model *model)
{
    return model->load_seconds;
}

/* One row per figure, so that the samples of all models stand together, as the format wants. */
struct figure {
    const char *name, *type, *help;
    double (*value)(const struct hosted_model *model);
};

static const struct figure ENGINE_FIGURES[] = {
    {"liminal_engine_requests_total", "counter", "Generations accepted.", figure_requests},
    {"liminal_engine_refused_total", "counter", "Refused because the queue was full.",
     figure_refused},
    {"liminal_engine_cancelled_total", "counter", "Generations whose client left.",
     figure_cancelled},
    {"liminal_engine_preempted_total", "counter", "Times a sequence was parked for its pages.",
     figure_preempted},
    {"liminal_engine_steps_total", "counter", "Forward steps.", figure_steps},
    {"liminal_engine_prompt_tokens_total", "counter", "Tokens of prompts.", figure_prompt_tokens},
    {"liminal_engine_cached_tokens_total", "counter", "Those that needed no computing.",
     figure_cached_tokens},
    {"liminal_engine_shared_tokens_total", "counter",
     "And of those, that another sequence was reading at that time.", figure_shared_tokens},
    {"liminal_engine_rows_total", "counter", "Tokens computed in all steps.", figure_rows},
    {"liminal_engine_generated_tokens_total", "counter", "Tokens made.", figure_generated_tokens},
    {"liminal_engine_drafted_tokens_total", "counter", "Tokens guessed ahead and verified.",
     figure_drafted_tokens},
    {"liminal_engine_accepted_tokens_total", "counter", "Those that were right.",
     figure_accepted_tokens},
    {"liminal_engine_running", "gauge", "Sequences that share each step now.", figure_running},
    {"liminal_engine_queue_depth", "gauge", "Generations that wait for a place.", figure_waiting},
    {"liminal_engine_batch_rows", "gauge", "Rows of the last step.", figure_batch_rows},
    {"liminal_engine_kv_pages", "gauge", "Pages of the key/value cache.", figure_kv_pages},
    {"liminal_engine_kv_pages_used", "gauge", "Pages of running sequences.", figure_kv_pages_used},
    {"liminal_engine_kv_pages_kept", "gauge", "Pages kept for requests that begin alike.",
     figure_kv_pages_kept},
    {"liminal_engine_kv_pages_evicted_total", "counter", "Kept pages given up for others.",
     figure_kv_pages_evicted},
    {"liminal_engine_kv_pages_stored", "gauge", "Pages on disk.", figure_kv_pages_stored},
    {"liminal_engine_kv_pages_spilled_total", "counter", "Pages written to disk.",
     figure_kv_pages_spilled},
    {"liminal_engine_kv_pages_restored_total", "counter", "Pages read back from disk.",
     figure_kv_pages_restored},
    {"liminal_engine_kv_spill_failures_total", "counter",
     "Pages that the disk did not take or gave back damaged.", figure_kv_spill_failures},
    {"liminal_engine_forms_compiled_total", "counter", "Forms of answers that were compiled.",
     figure_forms_compiled},
    {"liminal_engine_forms_reused_total", "counter", "Those that had been compiled before.",
     figure_forms_reused},
    {"liminal_engine_forms_kept", "gauge", "Those kept for who asks again.", figure_forms_kept},
};

/* Of all models that are in memory, on their way, or waited for. */
static const struct figure MODEL_FIGURES[] = {
    {"liminal_model_loaded", "gauge", "1 when the model is ready to answer.", figure_loaded},
    {"liminal_model_load_progress", "gauge", "Share of the model that is loaded.", figure_progress},
    {"liminal_model_load_seconds", "gauge", "How long loading it took.", figure_load_seconds},
    {"liminal_model_memory_bytes", "gauge", "Weights, and pages ever used.", figure_bytes},
    {"liminal_model_in_use", "gauge", "Requests that hold the model.", figure_leases},
    {"liminal_model_waiting", "gauge", "Requests that wait for it to be loaded.", figure_tickets},
};

static void append_figures(struct buffer *out, const struct figure *figures, size_t figure_count,
                           const struct hosted_model *models, size_t model_count, bool only_ready)
{
    for (size_t i = 0; i < figure_count; i++) {
        append_head(out, figures[i].name, figures[i].type, figures[i].help);
        for (size_t m = 0; m < model_count; m++) {
            if (only_ready && models[m].state != RESIDENT_READY) continue;
            buffer_printf(out, "%s{model=", figures[i].name);
            buffer_append_json_string(out, text_of(models[m].name)); /* the same escapes */
            buffer_printf(out, "} %.17g\n", figures[i].value(&models[m]));
        }
    }
}

static void append_host(struct buffer *out, const struct model_host_counters *host)
{
    append_number(out, "liminal_model_loads_total", "counter", "Models loaded.",
                  (double)host->loads);
    append_number(out, "liminal_model_load_failures_total", "counter", "Loads that failed.",
                  (double)host->load_failures);
    append_number(out, "liminal_model_unloads_total", "counter", "Models unloaded.",
                  (double)host->unloads);
    append_number(out, "liminal_model_refused_total", "counter",
                  "Requests refused because too many waited for models.", (double)host->refused);
    append_number(out, "liminal_models_memory_bytes", "gauge", "All models together.",
                  (double)host->bytes);
    append_number(out, "liminal_models_memory_budget_bytes", "gauge",
                  "What they may take; 0: no bound.", (double)host->budget_bytes);
}

/* Over at least RATE_WINDOW_MS, so that two scrapers do not make the figure jump. */
static double tokens_per_second(struct api_metrics *metrics, uint64_t tokens, uint64_t now_ns)
{
    pthread_mutex_lock(&metrics->rate_lock);
    uint64_t elapsed_ns = now_ns - metrics->rate_ns;
    if (tokens < metrics->rate_tokens) metrics->rate_tokens = tokens; /* a model was unloaded */
    if (elapsed_ns >= RATE_WINDOW_MS * 1000000ull) {
        if (metrics->rate_ns)
            metrics->rate = (double)(tokens - metrics->rate_tokens) * 1e9 / (double)elapsed_ns;
        metrics->rate_ns = now_ns;
        metrics->rate_tokens = tokens;
    }
    double rate = metrics->rate;
    pthread_mutex_unlock(&metrics->rate_lock);
    return rate;
}

void api_metrics_render(struct api_metrics *metrics, const struct hosted_model *models,
                        size_t model_count, const struct model_host_counters *host, uint64_t now_ns,
                        struct buffer *out)
{
    uint64_t generated = 0;
    for (size_t m = 0; m < model_count; m++) generated += models[m].counters.generated_tokens;
    append_requests(out, metrics);
    append_figures(out, ENGINE_FIGURES, ARRAY_COUNT(ENGINE_FIGURES), models, model_count, true);
    append_figures(out, MODEL_FIGURES, ARRAY_COUNT(MODEL_FIGURES), models, model_count, false);
    append_host(out, host);
    append_number(out, "liminal_tokens_per_second", "gauge",
                  "Tokens generated per second since the last scrape.",
                  tokens_per_second(metrics, generated, now_ns));
    append_number(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                  (double)process_resident_bytes());
}
