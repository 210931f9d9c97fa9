/* api_private.h - what the files of the API share. */
#ifndef LIMINAL_INFERENCE_API_PRIVATE_H
#define LIMINAL_INFERENCE_API_PRIVATE_H

#include <jansson.h>

#include "http/http_server.h"
#include "inference/adaptation/api.h"
#include "inference/adaptation/api_metrics.h"
#include "inference/engine.h"

struct chat_template;
struct health;
struct turn_line;

struct api_model {
    struct engine *engine; /* NULL: none */
    char *name;
};

struct api {
    struct api_model chat, embedding;
    struct chat_template *chat_template; /* NULL: chat_template_fault says why */
    struct fault chat_template_fault;
    char *key, *backend, *version;
    int64_t opened_unix;
    struct api_metrics metrics;
    struct health *health;
    struct turn_line *embedding_line;
    struct http_route *routes;
    size_t route_count;
};

/* What the log line and the metrics of a request tell; lives in the exchange's arena. */
struct request_note {
    bool is_inference; /* a generation was asked for */
    uint64_t prompt_bytes;
    float temperature;
    uint32_t max_tokens;
    uint32_t prompt_tokens, completion_tokens;
    uint64_t queued_ns, prefill_ns, decode_ns;
    const char *finish; /* "stop", "length", "cancelled", "error" or NULL */
    struct fault fault; /* status OK: none */
};

/* ---- api.c ---- */
/* Answer with the fault in OpenAI's shape. `code` is the machine-readable one, NULL for that of the
 * status. */
void api_reply_fault(struct http_exchange *exchange, enum status status, const struct fault *fault,
                     const char *code);
/* The same body without an exchange, for streams. */
void api_append_error(struct buffer *out, enum status status, const struct fault *fault,
                      const char *code);
/* The exchange's note, made at the first call; NULL without memory. */
struct request_note *api_note(struct http_exchange *exchange);
/* Does `name` mean this model? "local-llm" names whatever is served. */
bool api_model_is(const struct api_model *model, struct text name);
/* Why no model here answers to the name: a fault, never OK. */
enum status api_model_unknown(const struct api *api, struct text name, struct fault *fault);
/* Parse the body, or answer why not. */
bool api_read_body(struct http_exchange *exchange, json_t **root);

/* ---- handlers; context is the api ---- */
http_handler openai_chat_handle, openai_completions_handle, openai_embeddings_handle;
http_handler openai_models_list, openai_models_get;
http_handler tokenize_handle, detokenize_handle;
http_handler health_handle, healthz_handle, metrics_handle;
http_handler welcome_handle;

/* ---- health.c ---- */
struct health *health_new(void);
void health_free(struct health *health);

#endif
