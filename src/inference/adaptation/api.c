/* api.c - the routes, who may call them, the shape of errors, and the log line of each request. */
#include "inference/adaptation/api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inference/adaptation/api_private.h"
#include "http/json_body.h"
#include "inference/adaptation/turn_line.h"
#include "model/model.h"
#include "platform/platform.h"

static const struct {
    const char *method, *pattern;
    http_handler *handler;
} ROUTES[] = {
    {"GET", "/v1/models", openai_models_list},
    {"GET", "/v1/models/{id*}", openai_models_get}, /* names may have slashes */
    {"GET", "/api/ps", api_ps_handle},
    {"GET", "/health", health_handle},
    {"GET", "/healthz", healthz_handle},
    {"GET", "/metrics", metrics_handle},
    {"GET", "/", welcome_handle},
    {"GET", "/v1", welcome_handle},
};

/* All are POST. */
static const struct {
    const char *pattern;
    model_handler *handler;
    enum model_use use;
} MODEL_ROUTES[] = {
    {"/v1/chat/completions", openai_chat_handle, USE_GENERATION},
    {"/v1/completions", openai_completions_handle, USE_GENERATION},
    {"/v1/embeddings", openai_embeddings_handle, USE_EMBEDDING},
    {"/v1/rerank", rerank_handle, USE_EMBEDDING},
    {"/rerank", rerank_handle, USE_EMBEDDING},
    {"/tokenize", tokenize_handle, USE_TOKENIZER},
    {"/detokenize", detokenize_handle, USE_TOKENIZER},
};

/* ---- life ---- */

static bool copy_string(char **copy, const char *string)
{
    *copy = strdup(string ? string : "");
    return *copy != NULL;
}

static bool take_options(struct api *api, const struct api_options *options)
{
    return copy_string(&api->key, options->api_key) &&
           copy_string(&api->backend, options->backend) &&
           copy_string(&api->version, options->version);
}

static void add_route(struct api *api, const struct http_route *route)
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
        add_route(api, &(struct http_route){"POST", MODEL_ROUTES[i].pattern, model_route_handle,
                                            &api->model_routes[i]});
    }
    for (size_t i = 0; i < ARRAY_COUNT(ROUTES); i++)
        add_route(
            api, &(struct http_route){ROUTES[i].method, ROUTES[i].pattern, ROUTES[i].handler, api});
    return true;
}

enum status api_open(struct api **out, const struct api_options *options, struct fault *fault)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the API");
    api->host = options->host;
    api_metrics_init(&api->metrics);
    api->opened_unix = clock_wall_ms() / 1000;
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
    free(api->key);
    free(api->backend);
    free(api->version);
    free(api->routes);
    free(api->model_routes);
    free(api);
}

const struct http_route *api_routes(struct api *api, size_t *count)
{
    *count = api->route_count;
    return api->routes;
}

/* ---- errors ---- */

static const char *code_of(enum status status, const struct fault *fault)
{
    bool about_model = fault && strcmp(fault->param, "model") == 0;
    switch (status) {
    case STATUS_UNAUTHORIZED: return "invalid_api_key";
    case STATUS_NOT_FOUND: return about_model ? "model_not_found" : "not_found";
    case STATUS_BUSY: return "rate_limit_exceeded";
    case STATUS_INVALID: return "invalid_value";
    case STATUS_UNSUPPORTED: return "unsupported_value";
    case STATUS_STOPPING: return "server_shutting_down";
    default: return status_name(status);
    }
}

void api_append_error(struct buffer *out, enum status status, const struct fault *fault,
                      const char *code)
{
    struct text message = text_of(fault ? fault->message : status_name(status));
    buffer_append_string(out, "{\"error\":{\"message\":");
    buffer_append_json_string(out, message);
    buffer_printf(out, ",\"type\":\"%s\",\"param\":", status_error_type(status));
    if (fault && fault->param[0])
        buffer_append_json_string(out, text_of(fault->param));
    else
        buffer_append_string(out, "null");
    buffer_printf(out, ",\"code\":\"%s\"},\"detail\":", code ? code : code_of(status, fault));
    buffer_append_json_string(out, message); /* X34 */
    buffer_append_char(out, '}');
}

static void reply_error(struct http_exchange *exchange, int http_code, enum status status,
                        const struct fault *fault, const char *code)
{
    struct request_note *note = api_note(exchange);
    if (note && fault) note->fault = *fault;
    if (note) note->fault.status = status;
    if (status == STATUS_BUSY) http_set_header(exchange, "Retry-After", "1");
    if (status == STATUS_UNAUTHORIZED) http_set_header(exchange, "WWW-Authenticate", "Bearer");
    struct buffer body;
    buffer_init(&body);
    api_append_error(&body, status, fault, code);
    http_reply_json(exchange, http_code, buffer_text(&body));
    buffer_deinit(&body);
}

void api_reply_fault(struct http_exchange *exchange, enum status status, const struct fault *fault,
                     const char *code)
{
    reply_error(exchange, status_http_code(status), status, fault, code);
}

static void error_body(struct http_exchange *exchange, enum status status, int http_code,
                       const struct fault *fault, void *context)
{
    reply_error(exchange, http_code, status, fault, NULL);
}

bool api_read_body(struct http_exchange *exchange, json_t **root)
{
    struct fault fault;
    enum status status = json_body_parse(http_body(exchange), root, &fault);
    if (status == OK) return true;
    api_reply_fault(exchange, status, &fault, status == STATUS_INVALID ? "invalid_json" : NULL);
    return false;
}

/* ---- who may call ---- */

/* Its time depends on the length of what the caller sent, and on nothing of the key but its
 * length. */
static bool key_matches(const char *key, struct text given)
{
    size_t length = strlen(key);
    size_t difference = length ^ given.length;
    for (size_t i = 0; i < given.length; i++)
        difference |= (size_t)((unsigned char)given.data[i] ^ (unsigned char)key[i % length]);
    return difference == 0;
}

/* R23: probes have no key, and no more has who looks what this is. */
static bool is_open_to_all(struct http_exchange *exchange)
{
    static const char *const OPEN[] = {"/health", "/healthz", "/", "/v1"};
    for (size_t i = 0; i < ARRAY_COUNT(OPEN); i++)
        if (text_equal(http_path(exchange), text_of(OPEN[i]))) return true;
    return false;
}

/* R21 in the seed's words. X-API-Key is the same key in the other usual place. */
static const char *why_refused(const struct api *api, struct http_exchange *exchange)
{
    struct text given = http_header(exchange, "X-API-Key");
    if (given.length == 0) {
        given = http_header(exchange, "Authorization");
        if (given.length == 0) return "Missing authorization header";
        struct text scheme = text_slice(given, 0, 7);
        if (!text_equal_ignore_case(scheme, TEXT("Bearer "))) return "Invalid authorization format";
        given = text_trim(text_slice(given, 7, given.length));
    }
    return key_matches(api->key, given) ? NULL : "Invalid or expired token";
}

static bool guard(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    if (api->key[0] == '\0' || is_open_to_all(exchange)) return false;
    const char *why = why_refused(api, exchange);
    if (!why) return false;
    struct fault fault;
    api_reply_fault(exchange, fault_set(&fault, STATUS_UNAUTHORIZED, "%s", why), &fault, NULL);
    return true;
}

/* ---- one line per request (R59) ---- */

struct request_note *api_note(struct http_exchange *exchange)
{
    struct request_note *note = http_note(exchange);
    if (!note) {
        note = arena_alloc(http_arena(exchange), sizeof *note);
        http_set_note(exchange, note);
    }
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

static void append_error_fields(struct buffer *fields, const struct request_note *note)
{
    buffer_append_string(fields, ",\"error\":");
    buffer_append_json_string(fields, text_of(note->fault.message));
    buffer_printf(fields, ",\"error_type\":\"%s\"", status_name(note->fault.status));
}

static void log_request(const struct http_exchange *exchange, const struct request_note *note,
                        int http_code, uint64_t bytes_out, uint64_t duration_ns, bool client_gone)
{
    bool failed = http_code >= 400 || (note && note->fault.status != OK);
    bool is_inference = note && note->is_inference;
    const char *component = is_inference ? "inference" : "http";
    enum log_level level = http_code >= 500 ? LOG_ERROR : LOG_INFO;
    if (!log_enabled(component, level)) return;

    struct buffer fields;
    buffer_init(&fields);
    buffer_printf(&fields, "\"request_id\":\"%s\",\"method\":", http_request_id(exchange));
    buffer_append_json_string(&fields, http_method(exchange));
    buffer_append_string(&fields, ",\"path\":");
    buffer_append_json_string(&fields, http_path(exchange));
    buffer_append_string(&fields, ",\"remote\":");
    buffer_append_json_string(&fields, http_remote_address(exchange));
    buffer_printf(&fields, ",\"status\":%d,\"duration_ms\":%.1f,\"bytes_out\":%llu", http_code,
                  milliseconds(duration_ns), (unsigned long long)bytes_out);
    if (client_gone) buffer_append_string(&fields, ",\"client_gone\":true");
    if (note && note->model) append_model_fields(&fields, note);
    if (is_inference) append_inference_fields(&fields, note);
    if (note && note->fault.status != OK) append_error_fields(&fields, note);
    const char *message = !is_inference ? "Request answered"
                          : failed      ? "Inference failed"
                          : client_gone ? "Inference cancelled by the client"
                                        : "Inference completed successfully";
    if (!fields.failed) log_write(component, level, fields.data, "%s", message);
    buffer_deinit(&fields);
}

static void finished(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                     uint64_t duration_ns, bool client_gone, void *context)
{
    struct api *api = context;
    const struct request_note *note = http_note(exchange);
    const char *pattern = http_route_pattern(exchange);
    api_metrics_count(&api->metrics, pattern, http_code);
    if (strcmp(pattern, "/v1/chat/completions") == 0) { /* R58 */
        bool failed = http_code >= 400 || client_gone || (note && note->fault.status != OK);
        _Atomic uint64_t *outcome = failed ? &api->metrics.failed : &api->metrics.succeeded;
        ++*outcome;
        histogram_add(&api->metrics.duration, duration_ns);
    }
    log_request(exchange, note, http_code, bytes_out, duration_ns, client_gone);
}

/* ---- the end ---- */

static void stop_models(void *context)
{
    const struct api *api = context;
    model_host_stop(api->host);
}

void api_install(struct api *api, struct http_server_options *options)
{
    options->guard = guard;
    options->error_body = error_body;
    options->finished = finished;
    options->grace_over = stop_models;
    options->context = api;
}

/* ---- the smallest handlers ---- */

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
