/* openai_embeddings.c - POST /v1/embeddings: one vector per input. */
#include "inference/adaptation/embedding_run.h"
#include "model/model.h"
#include "platform/platform.h"

struct embeddings {
    struct embedding_run run; /* first */
    bool base64;
};

static void append_base64(struct buffer *out, const unsigned char *bytes, size_t length)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t count = length - i < 3 ? length - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (count > 1) bits |= (uint32_t)bytes[i + 1] << 8;
        if (count > 2) bits |= bytes[i + 2];
        char group[4] = {DIGITS[bits >> 18], DIGITS[bits >> 12 & 63],
                         count > 1 ? DIGITS[bits >> 6 & 63] : '=',
                         count > 2 ? DIGITS[bits & 63] : '='};
        buffer_append(out, group, sizeof group);
    }
}

/* base64 is of the floats as they lie in memory: little-endian, as clients decode them. */
static void append_vector(struct buffer *out, const float *vector, uint32_t width, bool base64)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "base64 vectors are little-endian");
    if (base64) {
        buffer_append_char(out, '"');
        append_base64(out, (const unsigned char *)vector, width * sizeof *vector);
        buffer_append_char(out, '"');
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        buffer_printf(out, i ? ",%.9g" : "[%.9g", (double)vector[i]);
    buffer_append_char(out, ']');
}

static void append_answer(struct buffer *out, const struct embedding_run *run)
{
    const struct embeddings *embeddings = (const struct embeddings *)run;
    uint32_t width = engine_model(run->lease->engine)->width;
    buffer_append_string(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < run->embedded; i++) {
        buffer_printf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                      i);
        append_vector(out, embedding_run_vector(run, i, width), width, embeddings->base64);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "],\"model\":");
    buffer_append_json_string(out, run->model);
    buffer_printf(out, ",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", run->tokens,
                  run->tokens);
}

static enum status read_request(struct embeddings *embeddings, const json_t *root,
                                const struct model_info *info, struct arena *arena,
                                struct fault *fault)
{
    struct embedding_request request;
    TRY(embedding_request_read(&request, root, arena, fault));
    if (request.dimensions && request.dimensions != info->width)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "dimensions",
                               "dimensions is not supported: vectors of %s have %u", info->name,
                               info->width);
    *embeddings = (struct embeddings){.run = {.model = request.model,
                                              .inputs = request.inputs,
                                              .input_count = request.input_count,
                                              .input_name = "input",
                                              .append_answer = append_answer},
                                      .base64 = request.base64};
    return OK;
}

void openai_embeddings_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                              struct model_lease *lease)
{
    struct fault fault;
    struct embeddings *embeddings = arena_alloc(http_arena(exchange), sizeof *embeddings);
    enum status status = embeddings
                             ? read_request(embeddings, root, engine_model(lease->engine),
                                            http_arena(exchange), &fault)
                             : fault_set(&fault, STATUS_NO_MEMORY, "no memory for the request");
    if (status == OK)
        embedding_run_start(&embeddings->run, exchange, api, lease);
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}
