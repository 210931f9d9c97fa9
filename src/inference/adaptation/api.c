/* api.c - the routes, and what the log and the metrics tell of each request. */
#include "inference/adaptation/api.h"

#include <stdlib.h>
#include <string.h>

#include "inference/adaptation/api_private.h"
#include "inference/adaptation/api_schemas.h"
#include "inference/adaptation/chat_keeper.h"
#include "inference/adaptation/turn_line.h"
#include "model/model.h"
#include "platform/platform.h"

static const struct gateway_route ROUTES[] = {
    {"GET", "/v1/models", ACCESS_MODELS, STYLE_OPENAI, LIMIT_READ, false, openai_models_list,
     .summary = "The models that can be named", .answer_schema = SCHEMA_MODEL_LIST},
    /* names may have slashes */
    {"GET", "/v1/models/{id*}", ACCESS_MODELS, STYLE_OPENAI, LIMIT_READ, false, openai_models_get,
     .summary = "One model", .answer_schema = SCHEMA_MODEL},
    {"GET", "/api/ps", ACCESS_MODELS, STYLE_OPENAI, LIMIT_READ, false, api_ps_handle,
     .summary = "The models in memory", .answer_schema = SCHEMA_PS},
    /* R23: probes have no key, and no more has who looks what this is */
    {"GET", "/health", ACCESS_OPEN, STYLE_OPENAI, LIMIT_NONE, false, health_handle,
     .summary = "Does the main model answer?", .answer_schema = SCHEMA_HEALTH},
    {"GET", "/metrics", ACCESS_OPERATOR, STYLE_OPENAI, LIMIT_NONE, false, metrics_handle,
     .summary = "Prometheus metrics"},
    {"GET", "/v1", ACCESS_OPEN, STYLE_OPENAI, LIMIT_NONE, false, welcome_handle,
     .summary = "What this is"},
};

/* All are POST. */
static const struct {
    const char *pattern;
    model_handler *handler;
    enum model_use use;
    const char *summary, *request_schema, *answer_schema;
} MODEL_ROUTES[] = {
    {"/v1/chat/completions", openai_chat_handle, USE_GENERATION, "The next message of a chat",
     SCHEMA_CHAT_REQUEST, SCHEMA_CHAT_ANSWER},
    {"/v1/completions", openai_completions_handle, USE_GENERATION, "The continuation of a text",
     SCHEMA_COMPLETION_REQUEST, SCHEMA_COMPLETION_ANSWER},
    {"/v1/embeddings", openai_embeddings_handle, USE_EMBEDDING, "Vectors of texts",
     SCHEMA_EMBEDDINGS_REQUEST, SCHEMA_EMBEDDINGS_ANSWER},
    {"/v1/rerank", rerank_handle, USE_EMBEDDING, "Documents by nearness to a query",
     SCHEMA_RERANK_REQUEST, SCHEMA_RERANK_ANSWER},
    {"/rerank", rerank_handle, USE_EMBEDDING, "Documents by nearness to a query",
     SCHEMA_RERANK_REQUEST, SCHEMA_RERANK_ANSWER},
    {"/tokenize", tokenize_handle, USE_TOKENIZER, "A text as tokens", SCHEMA_TOKENIZE_REQUEST,
     SCHEMA_TOKENIZE_ANSWER},
    {"/detokenize", detokenize_handle, USE_TOKENIZER, "Tokens as a text", SCHEMA_DETOKENIZE_REQUEST,
     SCHEMA_DETOKENIZE_ANSWER},
};

/* ---- life ---- */

static bool copy_string(char **copy, const char *string)
{
    *copy = strdup(string ? string : "");
    return *copy != NULL;
}

static bool take_options(struct api *api, const struct api_options *options)
{
    return copy_string(&api->backend, options->backend) &&
           copy_string(&api->version, options->version);
}

static void add_route(struct api *api, const struct gateway_route *route)
{
    api->routes[api->route_count++] = *route;
    api_metrics_add_route(&api->metrics, route->pattern);
}

static bool make_routes(struct api *api)
{
    api->routes = calloc(ARRAY_COUNT(ROUTES) + ARRAY_COUNT(MODEL_ROUTES), sizeof *api->routes);
    api->model_routes = calloc(ARRAY_COUNT(MODEL_ROUTES), sizeof *api->model_routes);
    if (!api->routes || !api->model_routes) return false;
    for (size_t i = 0; i < ARRAY_COUNT(MODEL_ROUTES); i++) {
        api->model_routes[i] =
            (struct model_route){api, MODEL_ROUTES[i].use, MODEL_ROUTES[i].handler};
        add_route(api, &(struct gateway_route){
                           .method = "POST",
                           .pattern = MODEL_ROUTES[i].pattern,
                           .access = ACCESS_MODELS,
                           .style = STYLE_OPENAI,
                           .limit = LIMIT_CHAT,
                           .replays = true,
                           .handler = model_route_handle,
                           .context = &api->model_routes[i],
                           .summary = MODEL_ROUTES[i].summary,
                           .request_schema = MODEL_ROUTES[i].request_schema,
                           .answer_schema = MODEL_ROUTES[i].answer_schema,
                       });
    }
    for (size_t i = 0; i < ARRAY_COUNT(ROUTES); i++) {
        struct gateway_route route = ROUTES[i];
        route.context = api;
        add_route(api, &route);
    }
    return true;
}

enum status api_open(struct api **out, const struct api_options *options, struct fault *fault)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the API");
    api->host = options->host;
    api_metrics_init(&api->metrics);
    api->health = health_new();
    if (!api->health || !take_options(api, options) || !make_routes(api)) {
        api_close(api);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the API");
    }
    enum status status = turn_line_open(&api->embedding_line, fault);
    if (status != OK) {
        api_close(api);
        return status;
    }
    *out = api;
    return OK;
}

void api_close(struct api *api)
{
    if (!api) return;
    turn_line_close(api->embedding_line);
    health_free(api->health);
    api_metrics_deinit(&api->metrics);
    free(api->backend);
    free(api->version);
    free(api->routes);
    free(api->model_routes);
    free(api);
}

/* Conversations are somebody's: the operator's key, which owns nothing, has none. */
void api_set_keeper(struct api *api, const struct chat_keeper *keeper)
{
    api->keeper = keeper;
    api->kept_model_route = (struct model_route){api, USE_GENERATION, kept_chat_handle};
    api->kept_route = (struct gateway_route){
        .method = "POST",
        .pattern = "/v2/chat/completions",
        .access = ACCESS_ACCOUNT,
        .style = STYLE_OPENAI,
        .limit = LIMIT_CHAT,
        .replays = true,
        .handler = model_route_handle,
        .context = &api->kept_model_route,
        .summary = "The next message of a chat that is kept",
        .request_schema = SCHEMA_KEPT_CHAT_REQUEST,
        .answer_schema = SCHEMA_KEPT_CHAT_ANSWER,
    };
    api_metrics_add_route(&api->metrics, api->kept_route.pattern);
}

/* ---- what is told of a request (R59) ---- */

static const char NOTE_KIND;

struct request_note *api_note(struct http_exchange *exchange)
{
    struct request_note *note = gateway_note(exchange, &NOTE_KIND);
    if (note) return note;
    note = arena_alloc(http_arena(exchange), sizeof *note);
    if (!note) return NULL;
    note->fault = gateway_fault(exchange);
    note->caller = gateway_caller_name(exchange);
    gateway_set_note(exchange, &NOTE_KIND, note);
    return note;
}

static double milliseconds(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void append_inference_fields(struct buffer *fields, const struct request_note *note)
{
    buffer_printf(fields,
                  ",\"prompt_length\":%llu,\"temperature\":%g,\"max_tokens\":%u,"
                  "\"prompt_tokens\":%u,\"completion_tokens\":%u,\"total_tokens\":%u,"
                  "\"queued_ms\":%.1f,\"prefill_ms\":%.1f,\"decode_ms\":%.1f",
                  (unsigned long long)note->prompt_bytes, (double)note->temperature,
                  note->max_tokens, note->prompt_tokens, note->completion_tokens,
                  note->prompt_tokens + note->completion_tokens, milliseconds(note->queued_ns),
                  milliseconds(note->prefill_ns), milliseconds(note->decode_ns));
    if (note->finish) buffer_printf(fields, ",\"finish\":\"%s\"", note->finish);
}

static void append_model_fields(struct buffer *fields, const struct request_note *note)
{
    buffer_append_string(fields, ",\"model\":");
    buffer_append_json_string(fields, text_of(note->model));
    if (note->waited_ns)
        buffer_printf(fields, ",\"model_wait_ms\":%.1f", milliseconds(note->waited_ns));
}

static bool is_chat(const struct http_exchange *exchange)
{
    return strcmp(http_route_pattern(exchange), "/v1/chat/completions") == 0;
}

static void finished(const struct http_exchange *exchange, const struct gateway_outcome *outcome,
                     struct gateway_log_line *line, void *context)
{
    struct api *api = context;
    api_metrics_count(&api->metrics, http_route_pattern(exchange), outcome->http_code);
    const struct request_note *note = gateway_note(exchange, &NOTE_KIND);
    bool failed = outcome->http_code >= 400 || outcome->fault;
    if (is_chat(exchange)) { /* R58 */
        bool is_failure = failed || outcome->client_gone;
        ++*(is_failure ? &api->metrics.failed : &api->metrics.succeeded);
        histogram_add(&api->metrics.duration, outcome->duration_ns);
    }
    if (!note) return;
    gateway_count_tokens(exchange, (uint64_t)note->prompt_tokens + note->completion_tokens);
    if (note->model) append_model_fields(line->fields, note);
    if (!note->is_inference) return;
    append_inference_fields(line->fields, note);
    line->component = "inference";
    line->message = failed                 ? "Inference failed"
                    : outcome->client_gone ? "Inference cancelled by the client"
                                           : "Inference completed successfully";
}

/* ---- the end ---- */

static void stop_models(void *context)
{
    const struct api *api = context;
    model_host_stop(api->host);
}

enum status api_install(struct api *api, struct gateway *gateway, struct fault *fault)
{
    const struct gateway_watcher watcher = {finished, stop_models, api};
    const struct gateway_check check = {"model", true, health_check_model, api};
    TRY(gateway_add_routes(gateway, api->routes, api->route_count, fault));
    if (api->keeper) TRY(gateway_add_routes(gateway, &api->kept_route, 1, fault));
    TRY(gateway_add_check(gateway, &check, fault));
    return gateway_add_watcher(gateway, &watcher, fault);
}

/* ---- the smallest handler ---- */

void metrics_handle(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    struct hosted_model models[RESIDENCY_MODELS];
    struct model_host_counters counters;
    size_t count = model_host_list(api->host, models);
    model_host_counters(api->host, &counters);
    struct buffer out;
    buffer_init(&out);
    api_metrics_render(&api->metrics, models, count, &counters, clock_monotonic_ns(), &out);
    http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_text(&out));
    buffer_deinit(&out);
}
