/* api.h - the OpenAI-compatible HTTP API over one chat engine and, if wanted, one embedding engine.
 *
 * Owns: the routes, the shape of errors, who may call, metrics and the log line per request.
 * Must not know: how sockets work (http/), how tokens are made (engine.h), where options come from
 * (app/). Wiring:
 *
 *     api_open(&api, &options, &fault);
 *     api_install(api, &server_options);
 *     routes = api_routes(api, &count);
 *     http_server_open(&server, &server_options, routes, count, &fault);
 *     ...
 *     http_server_stop(server, grace_ms);
 *     http_server_close(server); engine_close(chat); api_close(api);
 *
 * in this order: when the grace is over, the API stops its engines, and what still ran tells its
 * client so.
 */
#ifndef LIMINAL_INFERENCE_API_H
#define LIMINAL_INFERENCE_API_H

#include "base/status.h"
#include "base/text.h"

struct api;
struct engine;
struct http_route;
struct http_server_options;

struct api_options {
    struct engine *chat;      /* borrowed, also below; NULL: no chat model */
    const char *chat_name;    /* as `liminal list` shows it; "local-llm" names it too */
    struct engine *embedding; /* NULL: embeddings come from the chat model */
    const char *embedding_name;
    struct text chat_template; /* replaces the model's own (--chat-template); empty: the model's */
    const char *api_key;       /* NULL or "": nobody is asked for one */
    const char *backend;       /* what computes, for /health: "cpu avx512-vnni" */
    const char *version;       /* of the program, for /healthz */
};

/* Strings are copied. A chat template that does not compile is no failure here: it is logged, and
 * /v1/chat/completions answers with its fault, so that the other routes still serve. */
enum status api_open(struct api **out, const struct api_options *options,
                     struct fault *fault) MUST_USE;
/* After the server that used its routes is closed. */
void api_close(struct api *api);

/* Sets guard (API key), error_body, finished, grace_over and context. */
void api_install(struct api *api, struct http_server_options *options);
/* Lives as long as the api. */
const struct http_route *api_routes(struct api *api, size_t *count);

#endif
