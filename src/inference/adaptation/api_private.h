/* api_private.h - what the files of the API share. */
#ifndef LIMINAL_INFERENCE_API_PRIVATE_H
#define LIMINAL_INFERENCE_API_PRIVATE_H

#include <jansson.h>

#include "gateway/gateway.h"
#include "inference/adaptation/api.h"
#include "inference/adaptation/api_metrics.h"
#include "inference/engine.h"
#include "inference/model_host.h"

struct chat_keeper;
struct health;
struct model_wait;
struct turn_line;

/* ---- routes whose body names a model ---- */

/* Called when the request's model is at hand. `root` (the body, an object) and `lease` are borrowed
 * for the call: what goes on after it takes model_lease_share(lease), and releases that after the
 * last event of its generations. */
typedef void model_handler(struct http_exchange *exchange, struct api *api, json_t *root,
                           struct model_lease *lease);

struct model_route {
    struct api *api;
    enum model_use use;
    model_handler *handler;
};

struct api {
    struct model_host *host;
    char *backend, *version;
    int64_t opened_unix;
    struct api_metrics metrics;
    struct health *health;
    struct turn_line *embedding_line;
    struct gateway_route *routes;
    struct model_route *model_routes; /* context of those that name a model */
    size_t route_count;
    const struct chat_keeper *keeper; /* NULL: nobody keeps conversations: no route for them */
    struct gateway_route kept_route;
    struct model_route kept_model_route; /* its context */
};

/* What the log line and the metrics of a request tell; lives in the exchange's arena. */
struct request_note {
    const char *caller;      /* gateway_caller_name */
    struct model_wait *wait; /* for the model, as long as it lasts */
    const char *model;       /* that answers; NULL: none, or not yet */
    uint64_t waited_ns;      /* for it to be loaded */
    bool is_inference;       /* a generation was asked for */
    uint64_t prompt_bytes;
    float temperature;
    uint32_t max_tokens;
    uint32_t prompt_tokens, completion_tokens;
    uint64_t queued_ns, prefill_ns, decode_ns;
    const char *finish;  /* "stop", "length", "cancelled", "error" or NULL */
    void *of_keeper;     /* chat_keeper.h's memory */
    struct fault *fault; /* gateway_fault: for what goes wrong once the answer has begun */
};

/* ---- api.c ---- */
/* The exchange's note, made at the first call; NULL without memory. */
struct request_note *api_note(struct http_exchange *exchange);

/* ---- model_route.c ---- */
/* Reads the body, waits for the model that it names, and calls the handler; context is a
 * model_route. */
http_handler model_route_handle;

model_handler openai_chat_handle, openai_completions_handle, openai_embeddings_handle;
model_handler kept_chat_handle;
model_handler rerank_handle;
model_handler tokenize_handle, detokenize_handle;

/* ---- openai_models.c ---- */
/* "ready", "loading": what answers call it. */
const char *hosted_state_name(enum resident_state state);

/* ---- other handlers; context is the api ---- */
http_handler openai_models_list, openai_models_get, api_ps_handle;
http_handler health_handle, metrics_handle;
http_handler welcome_handle;

/* ---- health.c ---- */
struct health *health_new(void);
void health_free(struct health *health);
/* Is there a main model? Context is the api. */
enum status health_check_model(void *context, struct fault *fault) MUST_USE;

#endif
