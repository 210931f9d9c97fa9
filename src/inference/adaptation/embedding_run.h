/* embedding_run.h - a request in flight whose texts become vectors: several of them a turn, taking
 * turns with other requests, holding no worker of the HTTP server. What the vectors are for is the
 * route's affair. */
#ifndef LIMINAL_INFERENCE_EMBEDDING_RUN_H
#define LIMINAL_INFERENCE_EMBEDDING_RUN_H

#include <stdatomic.h>

#include "inference/adaptation/api_private.h"
#include "inference/adaptation/openai_request.h"
#include "inference/adaptation/turn_line.h"

/* Lives in the exchange's arena, with all that it points to: until the answer is given. */
struct embedding_run {
    struct turn_job job; /* first, so that a job is its run */

    /* the route's; texts are copied by embedding_run_start */
    struct text model; /* as the request calls it */
    struct prompt_input *inputs;
    size_t input_count;
    const char *input_name; /* of the field, for faults */
    const char *first_name; /* of the field of the first one; NULL: it is no other */
    /* The answer's body, when all is embedded. `run` is the whole of what the route allocated. */
    void (*append_answer)(struct buffer *out, const struct embedding_run *run);

    /* filled while it runs */
    float *vectors;            /* per input, one after the other */
    size_t embedded;           /* inputs so far */
    size_t tokens;             /* of them */
    struct model_lease *lease; /* a share of its own */
    struct http_stream *to_client;
    struct request_note *note;
    atomic_bool client_gone;
};

/* Answers in time, also when it fails. */
void embedding_run_start(struct embedding_run *run, struct http_exchange *exchange,
                         const struct api *api, struct model_lease *lease);

static inline const float *embedding_run_vector(const struct embedding_run *run, size_t input,
                                                uint32_t width)
{
    return run->vectors + input * width;
}

#endif
