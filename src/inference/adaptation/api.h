/* api.h - the OpenAI-compatible HTTP API over the models of a host.
 *
 * Owns: the routes, the shape of errors, who may call, metrics and the log line per request.
 * Must not know: how sockets work (http/), how tokens are made (engine.h), which models are in
 * memory and why (model_host.h), where options come from (app/). Wiring:
 *
 *     api_open(&api, &options, &fault);
 *     api_install(api, &server_options);
 *     routes = api_routes(api, &count);
 *     http_server_open(&server, &server_options, routes, count, &fault);
 *     ...
 *     http_server_stop(server, grace_ms);
 *     http_server_close(server); api_close(api); model_host_close(host);
 *
 * in this order: when the grace is over, the API stops the host, and what still ran tells its
 * client so.
 */
#ifndef LIMINAL_INFERENCE_API_H
#define LIMINAL_INFERENCE_API_H

#include "base/status.h"
#include "base/text.h"

struct api;
struct http_route;
struct http_server_options;
struct model_host;

struct api_options {
    struct model_host *host; /* borrowed */
    const char *api_key;     /* NULL or "": nobody is asked for one */
    const char *backend;     /* what computes, for /health: "cpu avx512-vnni" */
    const char *version;     /* of the program, for /healthz */
};

/* Strings are copied. */
enum status api_open(struct api **out, const struct api_options *options,
                     struct fault *fault) MUST_USE;
/* After the server that used its routes is closed. */
void api_close(struct api *api);

/* Sets guard (API key), error_body, finished, grace_over and context. */
void api_install(struct api *api, struct http_server_options *options);
/* Lives as long as the api. */
const struct http_route *api_routes(struct api *api, size_t *count);

#endif
