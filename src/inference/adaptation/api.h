/* api.h - the OpenAI-compatible HTTP API over the models of a host.
 *
 * Owns: its routes and their handlers, and metrics. Must not know: who may call (gateway/), how
 * sockets work (http/), how tokens are made (engine.h), which models are in memory and why
 * (model_host.h), where options come from (app/). When the grace of a stop is over, the API stops
 * the host, and what still ran tells its client so. */
#ifndef LIMINAL_INFERENCE_API_H
#define LIMINAL_INFERENCE_API_H

#include "base/status.h"
#include "base/text.h"

struct api;
struct gateway;
struct model_host;

struct api_options {
    struct model_host *host; /* borrowed */
    const char *backend;     /* what computes, for /health: "cpu avx512-vnni" */
    const char *version;     /* of the program, for GET / */
};

/* Strings are copied. */
enum status api_open(struct api **out, const struct api_options *options,
                     struct fault *fault) MUST_USE;
/* After the server that used its routes is closed. */
void api_close(struct api *api);

/* Adds the routes, and watches all requests for the metrics. */
enum status api_install(struct api *api, struct gateway *gateway, struct fault *fault) MUST_USE;

#endif
